/*
 * by_distance.h
 *		Counts the links of a range of a sort key.
 */
#ifndef PLF_BY_DISTANCE_H
#define PLF_BY_DISTANCE_H

#include "count/count_state.h"

/*
 * Sets *reading to what is asked of the list for the range, and returns NULL; without the
 * statuses if "verdict" is NULL.  When no link can lie in the range, returns why: a
 * phrase for EXPLAIN.
 */
extern const char *plf_count_range_reading(const PlfCountState *state,
										   const PlfStatusVerdict *verdict,
										   PlfReading *reading);

/*
 * Counts the links of the range by the distance of its ends; reads them where the ends do
 * not tell.
 */
extern void plf_count_by_distance(PlfCountState *state, PlfCountRun *run);

#endif /* PLF_BY_DISTANCE_H */
