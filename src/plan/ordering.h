/*
 * ordering.h
 *		Path keys that the API's sort_by can deliver.
 */
#ifndef PLF_ORDERING_H
#define PLF_ORDERING_H

#include "catalog/field.h"
#include "nodes/pathnodes.h"

typedef struct PlfOrdering
{
	PlfSortKey key;
	AttrNumber attnum;
	bool descending;
	bool nulls_first;
} PlfOrdering;

/* The sort key of a column, PLF_SORT_NONE when the API cannot sort by it. */
extern PlfSortKey plf_sort_key_of(const PlfColumn *column);

/* The btree operator family of a key's order. */
extern Oid plf_sort_opfamily(PlfSortKey key);

/*
 * Whether the API can deliver the relation in the order of "pathkey"; if so
 * *ordering says how.
 */
extern bool plf_ordering_of_pathkey(PathKey *pathkey, RelOptInfo *rel,
									const PlfTable *table, PlfOrdering *ordering);

/*
 * The single path keys worth a path: the leading one of the query, and those
 * that a merge join could use.
 */
extern List *plf_useful_pathkeys(PlannerInfo *root, RelOptInfo *rel,
								 const PlfTable *table);

#endif /* PLF_ORDERING_H */
