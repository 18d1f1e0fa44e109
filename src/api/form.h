/*
 * form.h
 *		Fields as application/x-www-form-urlencoded, the form of a query, too.
 *
 * Server-free: no postgres.h, memory is malloc'd.
 */
#ifndef PLF_FORM_H
#define PLF_FORM_H

/* A field; neither member may be NULL. */
typedef struct PlfFormField
{
	const char *name;  /* letters, digits and underscores */
	const char *value; /* may be a secret */
} PlfFormField;

/* Returns the fields, encoded and joined by "&"; NULL for lack of memory. */
extern char *plf_form_encode(const PlfFormField *fields, int count);

/*
 * Returns the decoded value of the first field of that name.  The form ends at a "#" or
 * at its NUL.  Returns NULL when there is no such field, when its value is not well
 * encoded or holds a NUL, and for lack of memory.
 */
extern char *plf_form_value(const char *form, const char *name);

#endif /* PLF_FORM_H */
