/*
 * mux.h
 *		One descriptor that becomes readable when any of many sockets is ready or a timer
 *		is due, so that PostgreSQL can wait for all of them by waiting for one.
 *
 * Made of epoll and timerfd on Linux, of kqueue elsewhere.  Server-free: no
 * postgres.h.  No memory is allocated.  On failure, functions return false with errno
 * set.
 */
#ifndef PLF_MUX_H
#define PLF_MUX_H

#include <stdbool.h>
#include <stdint.h>

#define PLF_MUX_READ  0x1
#define PLF_MUX_WRITE 0x2

/* How many descriptors a mux takes itself. */
#define PLF_MUX_FDS 2

/* How many free descriptors a resolver or a TLS library needs to make a connection. */
#define PLF_MUX_SPARE 4

typedef struct PlfMux
{
	int fd;       /* the descriptor to wait for */
	int timer_fd; /* watched by fd; -1 where the timer needs no descriptor */
} PlfMux;

typedef struct PlfMuxEvent
{
	int fd;    /* -1: the timer has gone off */
	int ready; /* PLF_MUX_...; both after a socket error */
} PlfMuxEvent;

extern bool plf_mux_open(PlfMux *mux);
extern void plf_mux_close(PlfMux *mux);

/*
 * Watches a socket for "wanted" (PLF_MUX_...; 0: for nothing any more), in place of what
 * the socket was watched for before.  With 0, a socket that is closed already is no
 * failure.
 */
extern bool plf_mux_watch(PlfMux *mux, int fd, int wanted);

/* Sets the timer to go off once, in "us" microseconds; below 0: never. */
extern bool plf_mux_timer(PlfMux *mux, int64_t us);

/* Stores what is ready now, at most "max" events, and returns their number.  Never
 * blocks. */
extern int plf_mux_poll(PlfMux *mux, PlfMuxEvent *events, int max);

/*
 * Returns EMFILE or ENFILE when this process can open fewer than "wanted" descriptors
 * (PLF_MUX_SPARE at most), else 0.
 */
extern int plf_mux_lacks(const PlfMux *mux, int wanted);

#endif /* PLF_MUX_H */
