/*
 * row.h
 *		One link to one slot.
 */
#ifndef PLF_ROW_H
#define PLF_ROW_H

#include "api/page.h"
#include "api/request.h"
#include "catalog/field.h"
#include "nodes/bitmapset.h"
#include "utils/rel.h"

typedef struct PlfRow PlfRow;

/* A link in a page that is held somewhere. */
typedef struct PlfLink
{
	PlfPage *page;
	int index;         /* within the page, from 0 */
	int64 page_number; /* for messages; 0: fetched by id */
} PlfLink;

/* Whether a link has a value of its sort key, and if not, why the key reads as NULL. */
typedef enum PlfKeyKind
{
	PLF_KEY_PRESENT,
	PLF_KEY_ABSENT, /* JSON null, or no such field */
	PLF_KEY_ZERO    /* the instant 0001-01-01T00:00:00Z */
} PlfKeyKind;

/*
 * A decoder for the columns of "relation" whose attribute numbers are in
 * "columns"; all others read as NULL.  It lives in the current context, and
 * keeps "table".
 */
extern PlfRow *plf_row_create(Relation relation, const PlfTable *table,
							  const Bitmapset *columns);

/*
 * Decodes a link into "values" and "isnull", one for each attribute of the
 * relation; what is passed by reference is allocated in the current context.
 * A field that does not fit its column raises the type's own error, with column,
 * link id and page in CONTEXT; 23502 for a NULL in a NOT NULL column.
 */
extern void plf_row_decode(PlfRow *row, const PlfLink *link, Datum *values, bool *isnull);

/*
 * Whether the link has a value of the sort key "key", a row of the field table.  The
 * table's columns do not matter.
 */
extern PlfKeyKind plf_link_key_kind(const PlfLink *link, const PlfFieldInfo *key);

/* The link's "id" and "status"; not NUL-terminated, owned by the page. */
extern PlfField plf_link_id(const PlfLink *link);
extern PlfField plf_link_status(const PlfLink *link);

#endif /* PLF_ROW_H */
