/*
 * by_reading.h
 *		Counts links by reading them.
 */
#ifndef PLF_BY_READING_H
#define PLF_BY_READING_H

#include "count/count_state.h"

/* Reads the list and counts its links by status, those of the range if there is one. */
extern void plf_count_by_reading(PlfCountState *state, PlfCountRun *run);

/* Counts the links of a reader by status, those of the range if there is one. */
extern void plf_count_links(PlfCountState *state, PlfCountRun *run, PlfReader *reader);

#endif /* PLF_BY_READING_H */
