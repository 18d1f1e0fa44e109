/*
 * page.h
 *		One answer of the API, from bytes to links, their fields and the paging metadata.
 *		A "link" is an item of any resource.
 *
 * Only page.c uses the JSON parser; all other files see a link as fields of (kind, text,
 * length).
 *
 * Server-free: no postgres.h, memory is malloc'd.
 */
#ifndef PLF_PAGE_H
#define PLF_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/wire.h"

typedef struct PlfPage PlfPage;

typedef enum PlfFieldKind
{
	PLF_FIELD_MISSING, /* a step of the path is no member of the value before it */
	PLF_FIELD_NULL,
	PLF_FIELD_STRING,
	PLF_FIELD_NUMBER,
	PLF_FIELD_TRUE,
	PLF_FIELD_FALSE,
	PLF_FIELD_ARRAY,
	PLF_FIELD_OBJECT
} PlfFieldKind;

/* In which form the text of a field is wanted. */
typedef enum PlfFieldForm
{
	PLF_FORM_VALUE, /* a string decoded to UTF-8, which may hold NUL bytes; any other
					 * value as in RAW */
	PLF_FORM_RAW    /* the JSON text, byte for byte, a string with quotes and escapes */
} PlfFieldForm;

/* A field of a link.  The text lives as long as the page. */
typedef struct PlfField
{
	PlfFieldKind kind;
	const char *text; /* not NUL-terminated; NULL when MISSING */
	size_t length;    /* in bytes */
} PlfField;

/* A path from a link to a field: "amount.value" has the steps amount and value. */
#define PLF_PATH_MAX_STEPS 16
typedef struct PlfPath
{
	int count;                             /* 0: the link itself */
	const char *steps[PLF_PATH_MAX_STEPS]; /* NUL-terminated UTF-8, owned by the caller */
} PlfPath;

/*
 * The largest total_count that is accepted.  JSON's integers are exact up to here, and
 * sums and products of such counts with page sizes do not overflow.
 */
#define PLF_MAX_COUNT (INT64_C(1) << 53)

/* The paging metadata of a list; -1 for a count that the answer does not have. */
typedef struct PlfMeta
{
	int64_t current_page;
	int64_t total_pages;
	int64_t total_count;
	int64_t per_page;
} PlfMeta;

typedef enum PlfPageShape
{
	PLF_SHAPE_LIST,  /* {"payment_links": [...], "meta": {...}}, with the resource's keys
					  */
	PLF_SHAPE_LINK,  /* {"payment_link": {...}} with the resource's key, or a link itself
					  */
	PLF_SHAPE_OBJECT /* any object, which is read as one link */
} PlfPageShape;

typedef enum PlfPageErrorKind
{
	PLF_PAGE_OK,
	PLF_PAGE_NOT_JSON,    /* malformed, a key twice, too deep, ... */
	PLF_PAGE_WRONG_SHAPE, /* JSON of another shape than the documented one */
	PLF_PAGE_NO_ID,       /* a link has no id, or one that is no string */
	PLF_PAGE_TOO_LARGE,   /* more values than any page has */
	PLF_PAGE_NO_MEMORY
} PlfPageErrorKind;

typedef struct PlfPageError
{
	PlfPageErrorKind kind;
	char detail[200]; /* a phrase in ASCII, as "line 3: '}' expected" */
} PlfPageError;

/*
 * Parses "body" (malloc'd, "length" bytes, not NUL-terminated).  Returns NULL, with
 * *error, for a body that is refused.  The body is freed with the page, or at once if
 * there is no page.  "wire" has the keys of the resource and outlives the page; it is
 * NULL for PLF_SHAPE_OBJECT.
 *
 * A list is accepted if both keys are there, every link is an object with a string id,
 * total_count is an integer from 0 to PLF_MAX_COUNT, and each other count is such an
 * integer, null or missing.
 */
extern PlfPage *plf_page_parse(char *body, size_t length, PlfPageShape shape,
							   const PlfWire *wire, PlfPageError *error);
extern void plf_page_free(PlfPage *page); /* NULL is allowed */

/* Returns the number of links on the page. */
extern int plf_page_links(const PlfPage *page);

/* Returns the paging metadata; all counts are -1 unless the page is of a list. */
extern const PlfMeta *plf_page_meta(const PlfPage *page);

/* Returns a field of link number "link", from 0. */
extern PlfField plf_page_field(PlfPage *page, int link, const PlfPath *path,
							   PlfFieldForm form);

/* Return the id and the status of link number "link"; not for PLF_SHAPE_OBJECT. */
extern PlfField plf_page_id(PlfPage *page, int link);
extern PlfField plf_page_status(PlfPage *page, int link);

/*
 * Stores the first "max" elements of a field that is an array.  Returns the number of all
 * its elements; -1 when the field is no array.
 */
extern int plf_page_elements(PlfPage *page, int link, const PlfPath *path,
							 PlfFieldForm form, PlfField *elements, int max);

/* Returns the length of the body, in bytes. */
extern size_t plf_page_length(const PlfPage *page);

/* Returns the bytes that the page has allocated, its body included. */
extern size_t plf_page_bytes(const PlfPage *page);

#endif /* PLF_PAGE_H */
