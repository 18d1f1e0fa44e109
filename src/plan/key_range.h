/*
 * key_range.h
 *		Conditions on a sort key as bounds on the sorted list.
 */
#ifndef PLF_KEY_RANGE_H
#define PLF_KEY_RANGE_H

#include "catalog/field.h"
#include "nodes/pathnodes.h"

/*
 * The range of a sort key.  A bound is a condition "key operator value", whose operator
 * is the query's or another member of the same family.  A link lies in the range when all
 * bounds hold.  The links whose key is NULL are a range, too.
 */
typedef struct PlfKeyRange
{
	const PlfColumn *column;
	List *lower;     /* bounds that hold from some key on, of OpExpr */
	List *upper;     /* bounds that hold up to some key, of OpExpr */
	bool nulls_only; /* "key IS NULL" is a condition of the query */
	bool nulls_out;  /* "key IS NOT NULL" is a condition of the query */
	List *clauses;   /* all these conditions, as RestrictInfos of the query */
} PlfKeyRange;

/*
 * The ids of the PARAM_EXEC parameters that have values of an outer query's row.  A
 * condition with such a value does not become a bound, because the range would be read
 * again for each outer row.  Without the bound the list is read once, kept and replayed,
 * and the executor checks the condition.  To be called before the query's paths are made:
 * after that, core does not know any more where a parameter comes from.
 */
extern Bitmapset *plf_outer_params(PlannerInfo *root);

/*
 * Sets *range to the range that the conditions on a column make; false when they make
 * none. Conditions with a value of an outer query's row are left out.
 */
extern bool plf_key_range_of(PlannerInfo *root, RelOptInfo *baserel,
							 const PlfColumn *column, PlfKeyRange *range);

#endif /* PLF_KEY_RANGE_H */
