/*
 * mux.h
 *		One descriptor that becomes readable when any of many sockets is ready
 *		or a timer is due, so that PostgreSQL can wait for them all as for one.
 *
 * epoll and timerfd on Linux, kqueue elsewhere.  Server-free: no postgres.h; no
 * memory is allocated.  Functions return false with errno set on failure.
 */
#ifndef PLF_MUX_H
#define PLF_MUX_H

#include <stdbool.h>
#include <stdint.h>

#define PLF_MUX_READ  0x1
#define PLF_MUX_WRITE 0x2

/* The descriptors a mux itself takes. */
#define PLF_MUX_FDS 2

/* Descriptors without which a resolver or a TLS library makes no connection. */
#define PLF_MUX_SPARE 4

typedef struct PlfMux
{
	int fd;       /* wait for this to be readable */
	int timer_fd; /* inside fd; -1 where none is needed */
} PlfMux;

typedef struct PlfMuxEvent
{
	int fd;    /* -1: the timer, which has now gone off */
	int ready; /* PLF_MUX_...; both after a socket error */
} PlfMuxEvent;

extern bool plf_mux_open(PlfMux *mux);
extern void plf_mux_close(PlfMux *mux);

/*
 * Watches a socket for "wanted" (PLF_MUX_..., 0: no longer), in place of what it
 * was watched for.  To forget a socket that is closed already is no failure.
 */
extern bool plf_mux_watch(PlfMux *mux, int fd, int wanted);

/* Sets the timer to go off once, in "us" microseconds; below 0: never. */
extern bool plf_mux_timer(PlfMux *mux, int64_t us);

/* What is ready now, at most "max" events.  Never blocks. */
extern int plf_mux_poll(PlfMux *mux, PlfMuxEvent *events, int max);

/*
 * EMFILE or ENFILE where fewer than "wanted" descriptors (PLF_MUX_SPARE at most) can be
 * had, else 0.
 */
extern int plf_mux_lacks(const PlfMux *mux, int wanted);

#endif /* PLF_MUX_H */
