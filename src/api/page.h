/*
 * page.h
 *		One answer of the API, from bytes to links, their fields and the
 *		paging metadata.
 *
 * Only page.c knows the JSON parser; everybody else sees a link as fields of
 * (kind, text, length).  Server-free: no postgres.h, memory is malloc'd.
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
	PLF_FIELD_MISSING, /* a step of the path does not exist, or its
						* parent is no object */
	PLF_FIELD_NULL,
	PLF_FIELD_STRING,
	PLF_FIELD_NUMBER,
	PLF_FIELD_TRUE,
	PLF_FIELD_FALSE,
	PLF_FIELD_ARRAY,
	PLF_FIELD_OBJECT
} PlfFieldKind;

/* Whether a field's text is wanted decoded or as it stands in the body. */
typedef enum PlfFieldForm
{
	PLF_FORM_VALUE, /* strings decoded to UTF-8 (may hold NUL
					 * bytes); everything else as in RAW */
	PLF_FORM_RAW    /* the value's own JSON text, byte for byte,
					 * quotes and escapes of strings included */
} PlfFieldForm;

/* "text" points into the page and lives as long as it; not NUL-terminated. */
typedef struct PlfField
{
	PlfFieldKind kind;
	const char *text; /* NULL when MISSING */
	size_t length;
} PlfField;

/* A path into a link: "amount.value" is the steps amount, value. */
#define PLF_PATH_MAX_STEPS 16
typedef struct PlfPath
{
	int count;                             /* 0: the whole link */
	const char *steps[PLF_PATH_MAX_STEPS]; /* NUL-terminated UTF-8, owned by
											* the caller */
} PlfPath;

/*
 * No list has more links, or pages.  Counts are added and multiplied: JSON's integers are
 * exact up to here.
 */
#define PLF_MAX_COUNT (INT64_C(1) << 53)

/* "meta" of a list; -1 for what the answer did not have. */
typedef struct PlfMeta
{
	int64_t current_page;
	int64_t total_pages;
	int64_t total_count;
	int64_t per_page;
} PlfMeta;

typedef enum PlfPageShape
{
	PLF_SHAPE_LIST,  /* {"payment_links": [...], "meta": {...}}, with the keys of the
					  * resource */
	PLF_SHAPE_LINK,  /* a link, bare or as {"payment_link": {...}}, likewise */
	PLF_SHAPE_OBJECT /* any object; its members are had as a link's */
} PlfPageShape;

typedef enum PlfPageErrorKind
{
	PLF_PAGE_OK,
	PLF_PAGE_NOT_JSON,    /* malformed, duplicate keys, too deep, ... */
	PLF_PAGE_WRONG_SHAPE, /* JSON, but not what is documented */
	PLF_PAGE_NO_ID,       /* a link without a string "id" */
	PLF_PAGE_TOO_LARGE,   /* more values than any page has */
	PLF_PAGE_NO_MEMORY
} PlfPageErrorKind;

typedef struct PlfPageError
{
	PlfPageErrorKind kind;
	char detail[200]; /* a phrase for people, ASCII, e.g. "line 3:
					   * '}' expected" or "\"meta\" is missing" */
} PlfPageError;

/*
 * Parses "body" (malloc'd, "length" bytes, not NUL-terminated).  The page takes
 * the body over in every case: it is freed with the page, or at once when NULL
 * is returned and *error says why.  "wire" has the keys of the resource, and outlives
 * the page; NULL for PLF_SHAPE_OBJECT.
 *
 * Of a list it checks: both keys are there, every link is an object with a string id,
 * total_count is an integer from 0 to 2^53, and each of the other counts is such an
 * integer, null or absent.
 */
extern PlfPage *plf_page_parse(char *body, size_t length, PlfPageShape shape,
							   const PlfWire *wire, PlfPageError *error);
extern void plf_page_free(PlfPage *page); /* NULL is allowed */

extern int plf_page_links(const PlfPage *page);
extern const PlfMeta *plf_page_meta(const PlfPage *page);

/* The field at "path" of link "link" (from 0). */
extern PlfField plf_page_field(PlfPage *page, int link, const PlfPath *path,
							   PlfFieldForm form);

/* The id and the status of link "link"; not for PLF_SHAPE_OBJECT. */
extern PlfField plf_page_id(PlfPage *page, int link);
extern PlfField plf_page_status(PlfPage *page, int link);

/*
 * The elements of an array field, in order.  Returns the number of elements
 * and stores at most "max" of them; -1 when the field is no array.
 */
extern int plf_page_elements(PlfPage *page, int link, const PlfPath *path,
							 PlfFieldForm form, PlfField *elements, int max);

/* Of its body, in bytes. */
extern size_t plf_page_length(const PlfPage *page);

/* Bytes the page takes at most, body and parsed form; reads the body to tell. */
extern size_t plf_page_bytes(const PlfPage *page);

#endif /* PLF_PAGE_H */
