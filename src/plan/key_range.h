/*
 * key_range.h
 *		Conditions on a sort key as bounds on the sorted list.
 */
#ifndef PLF_KEY_RANGE_H
#define PLF_KEY_RANGE_H

#include "catalog/field.h"
#include "nodes/pathnodes.h"

/*
 * Bounds of a sort key.  Each is a condition "key operator value", with the
 * operator that the query used or another member of its family; a link lies in
 * the range when all of them hold.  The links whose key is NULL are a range of
 * their own.
 */
typedef struct PlfKeyRange
{
	const PlfColumn *column;
	List *lower;     /* conditions that hold from some key on */
	List *upper;     /* conditions that hold up to some key */
	bool nulls_only; /* "key IS NULL" is one too */
	bool nulls_out;  /* "key IS NOT NULL" is */
	List *clauses;   /* the RestrictInfos they come from */
} PlfKeyRange;

/*
 * The ids of the PARAM_EXEC parameters that hold values of an outer query's row.  With
 * each such row a bound has another value, and a range would be read anew; without it,
 * the list is read once and replayed, and the condition checked here.  To be called
 * before the query's paths are made: later the planner does not know these parameters any
 * more.
 */
extern Bitmapset *plf_outer_params(PlannerInfo *root);

/*
 * The range that the conditions on a column describe; false when there is none.
 * Conditions on a value of an outer query's row are left out.
 */
extern bool plf_key_range_of(PlannerInfo *root, RelOptInfo *baserel,
							 const PlfColumn *column, PlfKeyRange *range);

#endif /* PLF_KEY_RANGE_H */
