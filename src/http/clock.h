/*
 * clock.h
 *		The time for waits and timeouts: monotonic, in microseconds.
 */
#ifndef PLF_CLOCK_H
#define PLF_CLOCK_H

#include <time.h>

/* A time that is never reached. */
#define PLF_NEVER PG_INT64_MAX

static inline int64
plf_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#endif /* PLF_CLOCK_H */
