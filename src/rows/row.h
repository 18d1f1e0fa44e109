/*
 * row.h
 *		Decodes links into rows, and reads the id, status and sort key of a link.
 */
#ifndef PLF_ROW_H
#define PLF_ROW_H

#include "api/page.h"
#include "api/request.h"
#include "catalog/field.h"
#include "nodes/bitmapset.h"
#include "utils/rel.h"

typedef struct PlfRow PlfRow;

/* A link in a page.  The page must stay in memory as long as the PlfLink is used. */
typedef struct PlfLink
{
	PlfPage *page;
	int index;         /* within the page, from 0 */
	int64 page_number; /* number of the page, for messages, from 1; 0: the link was asked
						* for by id */
} PlfLink;

/* Whether a link has a value of the sort key. */
typedef enum PlfKeyKind
{
	PLF_KEY_PRESENT,
	PLF_KEY_ABSENT, /* no: the field is null or missing */
	PLF_KEY_ZERO    /* no: the field is the instant 0001-01-01T00:00:00Z */
} PlfKeyKind;

/*
 * Makes a decoder for the columns of "relation" whose attribute numbers are in "columns".
 * Every other column reads as NULL.  The decoder lives in the current context and refers
 * to "table", which describes the relation.
 */
extern PlfRow *plf_row_create(Relation relation, const PlfTable *table,
							  const Bitmapset *columns);

/*
 * Decodes a link into "values" and "isnull", which have an element for each attribute of
 * the relation.  Values passed by reference are allocated in the current context.  A
 * field that its column cannot hold raises the error of the column's type, with column,
 * link id and page in CONTEXT.  A NULL in a NOT NULL column raises 23502.
 */
extern void plf_row_decode(PlfRow *row, const PlfLink *link, Datum *values, bool *isnull);

/*
 * Whether the link has a value of the sort key "key", a row of the field table.  No
 * column of the foreign table is needed for that.
 */
extern PlfKeyKind plf_link_key_kind(const PlfLink *link, const PlfFieldInfo *key);

/* The link's id and status; not NUL-terminated, owned by the page. */
extern PlfField plf_link_id(const PlfLink *link);
extern PlfField plf_link_status(const PlfLink *link);

#endif /* PLF_ROW_H */
