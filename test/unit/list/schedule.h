/*
 * schedule.h
 *		A list, a query about it, and when the list changes; all of it from a seed and a
 *		number.
 */
#ifndef LIST_SCHEDULE_H
#define LIST_SCHEDULE_H

#include "api.h"
#include "consumer.h"
#include "query.h"

typedef struct Schedule
{
	Random random;
	History history;
	ModelQuery query;
	Settings settings;
	Api api;
	Outcome outcome;
} Schedule;

extern void schedule_make(Schedule *schedule, uint64_t seed, uint64_t number);

/* Runs the query; with "verbose" everything that happens is printed. */
extern void schedule_run(Schedule *schedule, bool verbose);

/* Whether the outcome is as promised; if not, what is wrong is in "problem". */
extern bool schedule_judge(const Schedule *schedule, char *problem, size_t size);

/*
 * Whether the lengths that the reader was told distinguish the states in which it read
 * the list: see judge.c.
 */
extern bool schedule_is_visible(const Schedule *schedule);

/*
 * Whether a link came on two pages of a list that was read as a whole, and as if it did
 * not change.
 */
extern bool schedule_came_twice(const Schedule *schedule);

/* The states between the first request that the API read and the last one. */
extern Span schedule_span(const Schedule *schedule);

#endif /* LIST_SCHEDULE_H */
