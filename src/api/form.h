/*
 * form.h
 *		Fields as application/x-www-form-urlencoded, which is also what a query is.
 *
 * Server-free: no postgres.h, memory is malloc'd.
 */
#ifndef PLF_FORM_H
#define PLF_FORM_H

/* A field; neither may be NULL. */
typedef struct PlfFormField
{
	const char *name;  /* of letters, digits and underscores */
	const char *value; /* may be a secret */
} PlfFormField;

/* The fields one after the other, encoded; NULL for lack of memory. */
extern char *plf_form_encode(const PlfFormField *fields, int count);

/*
 * The value of the first field of that name in a form, up to a "#" or its end,
 * decoded; NULL when there is none, when it holds a NUL or is not well encoded, or for
 * lack of memory.
 */
extern char *plf_form_value(const char *form, const char *name);

#endif /* PLF_FORM_H */
