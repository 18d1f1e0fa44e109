/*
 * by_distance.h
 *		Counts the links of a range of a sort key.
 */
#ifndef PLF_BY_DISTANCE_H
#define PLF_BY_DISTANCE_H

#include "count/count_state.h"

/*
 * Sets *reading to the reading that searches for the range, and returns NULL. When no
 * link can lie in the range, returns the reason: a phrase for EXPLAIN. "verdict" is NULL
 * when the verdict on the conditions is not known yet; then *reading has no statuses.
 */
extern const char *plf_count_range_reading(const PlfCountState *state,
										   const PlfStatusVerdict *verdict,
										   PlfReading *reading);

/*
 * Counts the links of the range by the distance of its ends in the list.  Reads them
 * instead when a column may refuse a value, when a condition raised an error ahead of the
 * links, and when a link has an undocumented status.
 */
extern void plf_count_by_distance(PlfCountState *state, PlfCountRun *run);

#endif /* PLF_BY_DISTANCE_H */
