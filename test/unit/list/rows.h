/*
 * rows.h
 *		Stand-ins for src/rows/ over the links of the model: keys, and where they lie with
 *		respect to a range.
 */
#ifndef LIST_ROWS_H
#define LIST_ROWS_H

#include "query.h"
#include "rows/bounds.h"
#include "rows/row.h"

struct PlfRange
{
	const ModelQuery *query;
};

/* The row of the field table, as far as src/list/ looks at one; NULL without a key. */
extern const PlfFieldInfo *model_field(ModelKey key);

/* The link of the model that the reader has handed out. */
extern const ModelLink *model_link(const PlfLink *link);

#endif /* LIST_ROWS_H */
