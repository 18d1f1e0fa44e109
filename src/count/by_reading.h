/*
 * by_reading.h
 *		Counts links by reading them.
 */
#ifndef PLF_BY_READING_H
#define PLF_BY_READING_H

#include "count/count_state.h"

/* Reads the list in no order, and counts the links by status. */
extern void plf_count_by_reading(PlfCountState *state, PlfCountRun *run);

/*
 * Counts, by status, the links that "reader" brings and that are in the range, if there
 * is one.
 */
extern void plf_count_links(PlfCountState *state, PlfCountRun *run, PlfReader *reader);

#endif /* PLF_BY_READING_H */
