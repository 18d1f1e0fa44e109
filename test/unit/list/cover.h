/*
 * cover.h
 *		Counts what the schedules cover.
 */
#ifndef LIST_COVER_H
#define LIST_COVER_H

#include "schedule.h"

/* With so many schedules every kind has to occur. */
#define COVER_LEAST 100000

/* A message of DEBUG2: a reader goes from one state to another. */
extern void cover_debug(const char *line);

extern void cover_schedule(const Schedule *schedule);
extern void cover_show(void);
extern bool cover_is_complete(void);

#endif /* LIST_COVER_H */
