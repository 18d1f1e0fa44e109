/*
 * range.h
 *		Where a link lies with respect to the bounds of a sort key.
 */
#ifndef PLF_RANGE_H
#define PLF_RANGE_H

#include "catalog/field.h"
#include "nodes/execnodes.h"
#include "read/row.h"
#include "utils/rel.h"

typedef struct PlfRange PlfRange;

/* Along the list, in the direction in which it is read. */
typedef enum PlfPlace
{
	PLF_PLACE_BEFORE,
	PLF_PLACE_IN,
	PLF_PLACE_AFTER,
	PLF_PLACE_NULL				/* without a key: in no range */
} PlfPlace;

/*
 * The range between bounds as plan/key_range.h has them, in a list sorted
 * ascending or descending.  "key" is the column of the table; the bounds refer to it as
 * the attribute "place" of "desc".  Lives in the current context, and evaluates in an
 * ExprContext of its own, which the range alone resets.
 */
extern PlfRange *plf_range_create(List *lower, List *upper, bool descending,
								  PlanState *parent, Relation relation,
								  const PlfTable *table, AttrNumber key,
								  TupleDesc desc, AttrNumber place);

/*
 * The values of the bounds as they are now, as text to compare with those of
 * another time; palloc'd.  NULL when one of them is NULL, so that no link can
 * lie in the range.
 */
extern char *plf_range_values(PlfRange *range);

/*
 * Whether no key can lie in the range, as far as the bounds are of the key's own type.
 * No bound may be NULL.
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

#endif							/* PLF_RANGE_H */
