/*
 * bounds.h
 *		A range of a sort key: its bounds, and on which side of the range a link is.
 */
#ifndef PLF_BOUNDS_H
#define PLF_BOUNDS_H

#include "catalog/field.h"
#include "nodes/execnodes.h"
#include "rows/row.h"
#include "utils/rel.h"

typedef struct PlfRange PlfRange;

/*
 * The side of a range or of a span on which a link is, along the list in the direction of
 * reading.
 */
typedef enum PlfSide
{
	PLF_SIDE_BEFORE,
	PLF_SIDE_IN,
	PLF_SIDE_AFTER,
	PLF_SIDE_NULL /* the link has no key, so it is in no range */
} PlfSide;

/*
 * Makes the range between bounds as plan/key_range.h has them, in a list sorted ascending
 * or descending.  "key" is the number of the sort key's column in the table.  The bounds
 * refer to that column as attribute "place" of "desc".  The range lives in the current
 * context, and evaluates the bounds in an ExprContext of its own, which only the range
 * resets.
 */
extern PlfRange *plf_range_create(List *lower, List *upper, bool descending,
								  PlanState *parent, Relation relation,
								  const PlfTable *table, AttrNumber key, TupleDesc desc,
								  AttrNumber place);

/* What became of the evaluation of the bounds. */
typedef enum PlfBounds
{
	PLF_BOUNDS_KNOWN,
	PLF_BOUNDS_NULL,  /* a bound is NULL: no link can be in the range */
	PLF_BOUNDS_FAILED /* a bound raised an error: the range cannot be searched for, and
					   * the executor evaluates the conditions on each row */
} PlfBounds;

/*
 * Evaluates the bounds with the current values of the parameters; an error that they
 * raise is dropped.  *image is the bytes of the bounds' values as hexadecimal digits, and
 * "" unless the result is PLF_BOUNDS_KNOWN; palloc'd in the current context.
 */
extern PlfBounds plf_range_evaluate(PlfRange *range, char **image);

/*
 * True when the bounds exclude each other, so that no key can be in the range.  Looks
 * only at bounds whose value has the type of the key.  The last evaluation must have
 * returned PLF_BOUNDS_KNOWN, or the bounds be constants.
 */
extern bool plf_range_is_void(PlfRange *range);

/* True when the bounds are constants, which EXPLAIN may evaluate. */
extern bool plf_range_is_constant(const PlfRange *range);

/* The side of the range on which a link is. */
extern PlfSide plf_range_side(PlfRange *range, const PlfLink *link);

/* True when the keys of a page are in the list's order.  Skips links without a key. */
extern bool plf_range_is_sorted(PlfRange *range, PlfPage *page, int count);

/*
 * True when the last key of the page "earlier" is not behind the first key of the page
 * "later", in the list's order; also when one of the pages has no key.
 */
extern bool plf_range_is_ascending(PlfRange *range, PlfPage *earlier, int earlier_count,
								   PlfPage *later, int later_count);

/* True when the range has a bound at its beginning, in the direction of reading. */
extern bool plf_range_has_begin(const PlfRange *range);

/* True when the range has a bound at its end, in the direction of reading. */
extern bool plf_range_has_end(const PlfRange *range);

#endif /* PLF_BOUNDS_H */
