/*
 * by_totals.h
 *		Counts the links of some statuses by the API's own totals.
 */
#ifndef PLF_BY_TOTALS_H
#define PLF_BY_TOTALS_H

#include "count/count_state.h"

/*
 * Adds to "totals" all totals that the selections take.  "verdicts" are on the node's
 * selections, in their order.
 */
extern void plf_count_plan_totals(const PlfCountState *state,
								  const PlfStatusVerdict *verdicts, PlfTotals *totals);

/*
 * Counts by asking for totals.  False when totals do not show the count: a condition
 * raised an error ahead of the links, a link has an undocumented status that matters, the
 * list changed between two answers, or an answer contradicts itself.
 */
extern bool plf_count_by_totals(PlfCountState *state, PlfCountRun *run);

/* The links of a selection, after plf_count_by_totals() returned true. */
extern int64 plf_count_of_totals(const PlfCountRun *run, int selection);

#endif /* PLF_BY_TOTALS_H */
