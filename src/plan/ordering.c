/*
 * ordering.c
 *		Path keys that the API's sort_by can deliver.
 *
 * Only the leading path key matters: core adds an Incremental Sort for the others.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "optimizer/paths.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "plan/ordering.h"

static bool is_column_of_class(const PlfColumn *column, RelOptInfo *rel,
							   EquivalenceClass *class);

bool
plf_ordering_of_pathkey(PathKey *pathkey, RelOptInfo *rel, const PlfTable *table,
						PlfOrdering *ordering)
{
	if (pathkey->pk_eclass->ec_has_volatile)
		return false;
	for (int i = 0; i < table->ncolumns; i++)
	{
		const PlfColumn *column = &table->columns[i];
		const PlfFieldInfo *key = plf_sort_key_of(column);

		if (key == NULL || pathkey->pk_opfamily != plf_sort_opfamily(key) ||
			!is_column_of_class(column, rel, pathkey->pk_eclass))
			continue;
		ordering->attnum = column->attnum;
		ordering->descending = plf_pathkey_is_descending(pathkey);
		ordering->nulls_first = pathkey->pk_nulls_first;
		return true;
	}
	return false;
}

List *
plf_useful_pathkeys(PlannerInfo *root, RelOptInfo *rel, const PlfTable *table)
{
	List *pathkeys = NIL;
	PlfOrdering ordering;
	int i = -1;

	if (root->query_pathkeys != NIL &&
		plf_ordering_of_pathkey(linitial(root->query_pathkeys), rel, table, &ordering))
		pathkeys = list_make1(linitial(root->query_pathkeys));

	while ((i = bms_next_member(rel->eclass_indexes, i)) >= 0)
	{
		EquivalenceClass *class = list_nth(root->eq_classes, i);

		if (!eclass_useful_for_merging(root, class, rel))
			continue;
		for (int c = 0; c < table->ncolumns; c++)
		{
			const PlfColumn *column = &table->columns[c];
			const PlfFieldInfo *key = plf_sort_key_of(column);

			if (key != NULL &&
				list_member_oid(class->ec_opfamilies, plf_sort_opfamily(key)) &&
				is_column_of_class(column, rel, class))
				pathkeys = list_append_unique_ptr(
					pathkeys,
					plf_make_ascending_pathkey(root, class, plf_sort_opfamily(key)));
		}
	}
	return pathkeys;
}

Oid
plf_sort_opfamily(const PlfFieldInfo *key)
{
	return lookup_type_cache(key->type, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
}

static bool
is_column_of_class(const PlfColumn *column, RelOptInfo *rel, EquivalenceClass *class)
{
	Var *var = makeVar(rel->relid, column->attnum, column->type, column->typmod,
					   get_typcollation(column->type), 0);

	return find_ec_member_matching_expr(class, (Expr *) var, rel->relids) != NULL;
}
