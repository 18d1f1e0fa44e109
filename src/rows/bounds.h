/*
 * bounds.h
 *		Where a link lies with respect to the bounds of a sort key.
 */
#ifndef PLF_BOUNDS_H
#define PLF_BOUNDS_H

#include "catalog/field.h"
#include "nodes/execnodes.h"
#include "rows/row.h"
#include "utils/rel.h"

typedef struct PlfRange PlfRange;

/* Along the list, in the direction in which it is read. */
typedef enum PlfPlace
{
	PLF_PLACE_BEFORE,
	PLF_PLACE_IN,
	PLF_PLACE_AFTER,
	PLF_PLACE_NULL /* without a key: in no range */
} PlfPlace;

/*
 * The range between bounds as plan/key_range.h has them, in a list sorted
 * ascending or descending.  "key" is the column of the table; the bounds refer to it as
 * the attribute "place" of "desc".  Lives in the current context, and evaluates in an
 * ExprContext of its own, which the range alone resets.
 */
extern PlfRange *plf_range_create(List *lower, List *upper, bool descending,
								  PlanState *parent, Relation relation,
								  const PlfTable *table, AttrNumber key, TupleDesc desc,
								  AttrNumber place);

/* What is known of the values of the bounds. */
typedef enum PlfBounds
{
	PLF_BOUNDS_KNOWN,
	PLF_BOUNDS_NULL,  /* one of them is NULL: no link can lie in the range */
	PLF_BOUNDS_FAILED /* evaluating one raised an error: the range cannot be
					   * searched for, and the rows have to decide */
} PlfBounds;

/*
 * Evaluates the bounds with the parameters as they are now.  *text is their values, to
 * compare with those of another time; palloc'd, and empty unless they are known.
 */
extern PlfBounds plf_range_evaluate(PlfRange *range, char **text);

/*
 * Whether no key can lie in the range, as far as the bounds are of the key's own type.
 * The bounds must be known.
 */
extern bool plf_range_is_void(PlfRange *range);

/* Whether the bounds are constants, so that EXPLAIN can look at them. */
extern bool plf_range_is_constant(const PlfRange *range);

extern PlfPlace plf_range_place(PlfRange *range, const PlfLink *link);

/*
 * Whether the keys of a page's "count" links, those without one left out, are in
 * the list's order.
 */
extern bool plf_range_is_sorted(PlfRange *range, PlfPage *page, int count);

/*
 * Whether no key of a page's links lies, in the list's order, behind one of a
 * later page.
 */
extern bool plf_range_is_ascending(PlfRange *range, PlfPage *earlier, int earlier_count,
								   PlfPage *later, int later_count);

/* Whether the range may begin after the list does, in the direction of reading. */
extern bool plf_range_has_begin(const PlfRange *range);

/* Whether the range ends before the list does, in the direction of reading. */
extern bool plf_range_has_end(const PlfRange *range);

#endif /* PLF_BOUNDS_H */
