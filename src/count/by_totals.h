/*
 * by_totals.h
 *		Counts the links of some statuses by the API's own totals.
 */
#ifndef PLF_BY_TOTALS_H
#define PLF_BY_TOTALS_H

#include "count/count_state.h"

/*
 * Adds to "totals" those that tell what is to be counted, for these verdicts on the
 * node's selections.
 */
extern void plf_count_plan_totals(const PlfCountState *state,
								  const PlfStatusVerdict *verdicts, PlfTotals *totals);

/*
 * Counts by asking for totals.  False when they do not tell: a condition could not be
 * evaluated ahead of the links, a link has an undocumented status that matters, or the
 * list changed between two answers.
 */
extern bool plf_count_by_totals(PlfCountState *state, PlfCountRun *run);

/* The links of a selection, after plf_count_by_totals() returned true. */
extern int64 plf_count_of_totals(const PlfCountRun *run, int selection);

#endif /* PLF_BY_TOTALS_H */
