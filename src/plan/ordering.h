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
	AttrNumber attnum; /* of the column that is the sort key */
	bool descending;
	bool nulls_first;
} PlfOrdering;

/* The btree operator family of the order in which the API sorts by a key. */
extern Oid plf_sort_opfamily(const PlfFieldInfo *key);

/*
 * Whether the API can deliver the relation in the order of "pathkey"; if so, sets
 * *ordering.
 */
extern bool plf_ordering_of_pathkey(PathKey *pathkey, RelOptInfo *rel,
									const PlfTable *table, PlfOrdering *ordering);

/*
 * The path keys for each of which a sorted path is worth while: the leading one of the
 * query, and those that a merge join could use.
 */
extern List *plf_useful_pathkeys(PlannerInfo *root, RelOptInfo *rel,
								 const PlfTable *table);

#endif /* PLF_ORDERING_H */
