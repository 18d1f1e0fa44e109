/*
 * mux.c
 *		One descriptor for many sockets and a timer; see mux.h.
 */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/timerfd.h>
#else
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>
#endif

#include "http/mux.h"

/* Events taken from the kernel at once.  Further events keep the descriptor readable. */
#define BATCH 64

#ifdef __linux__

bool
plf_mux_open(PlfMux *mux)
{
	struct epoll_event event = {.events = EPOLLIN};

	mux->timer_fd = -1;
	mux->fd = epoll_create1(EPOLL_CLOEXEC);
	if (mux->fd < 0)
		return false;

	mux->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	event.data.fd = mux->timer_fd;
	if (mux->timer_fd < 0 || epoll_ctl(mux->fd, EPOLL_CTL_ADD, mux->timer_fd, &event) < 0)
	{
		int saved_errno = errno;

		plf_mux_close(mux);
		errno = saved_errno;
		return false;
	}
	return true;
}

bool
plf_mux_watch(PlfMux *mux, int fd, int wanted)
{
	struct epoll_event event = {0};

	if (wanted == 0)
		return epoll_ctl(mux->fd, EPOLL_CTL_DEL, fd, &event) == 0 || errno == ENOENT ||
			   errno == EBADF;

	if (wanted & PLF_MUX_READ)
		event.events |= EPOLLIN;
	if (wanted & PLF_MUX_WRITE)
		event.events |= EPOLLOUT;
	event.data.fd = fd;

	/*
	 * A descriptor that was watched before may be another socket by now, which epoll does
	 * not know.
	 */
	return epoll_ctl(mux->fd, EPOLL_CTL_MOD, fd, &event) == 0 ||
		   (errno == ENOENT && epoll_ctl(mux->fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

bool
plf_mux_timer(PlfMux *mux, int64_t us)
{
	struct itimerspec when = {{0, 0}, {0, 0}};

	if (us >= 0)
	{
		when.it_value.tv_sec = us / 1000000;
		when.it_value.tv_nsec = us % 1000000 * 1000;

		/* Zero would stop the timer. */
		if (us == 0)
			when.it_value.tv_nsec = 1;
	}
	return timerfd_settime(mux->timer_fd, 0, &when, NULL) == 0;
}

int
plf_mux_poll(PlfMux *mux, PlfMuxEvent *events, int max)
{
	struct epoll_event ready[BATCH];
	int count;
	int i;

	count = epoll_wait(mux->fd, ready, max < BATCH ? max : BATCH, 0);
	for (i = 0; i < count; i++)
	{
		uint32_t bits = ready[i].events;

		events[i].fd = ready[i].data.fd;
		events[i].ready = 0;
		if (bits & (EPOLLIN | EPOLLERR | EPOLLHUP))
			events[i].ready |= PLF_MUX_READ;
		if (bits & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			events[i].ready |= PLF_MUX_WRITE;

		if (events[i].fd == mux->timer_fd)
		{
			uint64_t expirations;

			/* The timer stays readable until it is read. */
			if (read(mux->timer_fd, &expirations, sizeof(expirations)) < 0)
				events[i].ready = 0;
			events[i].fd = -1;
		}
	}
	return count < 0 ? 0 : count;
}

#else /* kqueue */

/* The identifier of the timer among the kqueue's timers. */
#define TIMER_IDENT 1

bool
plf_mux_open(PlfMux *mux)
{
	mux->timer_fd = -1;
	mux->fd = kqueue();
	return mux->fd >= 0;
}

/* Adds or deletes one filter.  Deleting a filter that does not exist is no failure. */
static bool
filter_set(PlfMux *mux, int fd, int filter, bool wanted)
{
	struct kevent change;

	EV_SET(&change, fd, filter, wanted ? EV_ADD : EV_DELETE, 0, 0, 0);
	return kevent(mux->fd, &change, 1, NULL, 0, NULL) >= 0 ||
		   (!wanted && (errno == ENOENT || errno == EBADF));
}

bool
plf_mux_watch(PlfMux *mux, int fd, int wanted)
{
	bool reads = filter_set(mux, fd, EVFILT_READ, (wanted & PLF_MUX_READ) != 0);
	bool writes = filter_set(mux, fd, EVFILT_WRITE, (wanted & PLF_MUX_WRITE) != 0);

	return reads && writes;
}

bool
plf_mux_timer(PlfMux *mux, int64_t us)
{
	struct kevent change;

	/* All kqueues take milliseconds, so the time is rounded up to milliseconds. */
	EV_SET(&change, TIMER_IDENT, EVFILT_TIMER, us < 0 ? EV_DELETE : EV_ADD | EV_ONESHOT,
		   0, us < 0 ? 0 : (us + 999) / 1000, 0);
	return kevent(mux->fd, &change, 1, NULL, 0, NULL) >= 0 || (us < 0 && errno == ENOENT);
}

int
plf_mux_poll(PlfMux *mux, PlfMuxEvent *events, int max)
{
	struct kevent ready[BATCH];
	struct timespec at_once = {0, 0};
	int count;
	int i;

	count = kevent(mux->fd, NULL, 0, ready, max < BATCH ? max : BATCH, &at_once);
	for (i = 0; i < count; i++)
	{
		if (ready[i].filter == EVFILT_TIMER)
		{
			events[i].fd = -1;
			events[i].ready = PLF_MUX_READ;
		}
		else
		{
			events[i].fd = (int) ready[i].ident;
			events[i].ready = ready[i].filter == EVFILT_WRITE ? PLF_MUX_WRITE
															  : PLF_MUX_READ;
		}
	}
	return count < 0 ? 0 : count;
}

#endif

int
plf_mux_lacks(const PlfMux *mux, int wanted)
{
	int fds[PLF_MUX_SPARE];
	int count = 0;
	int error = 0;

	while (count < wanted && error == 0)
	{
		fds[count] = dup(mux->fd);
		if (fds[count] < 0)
			error = errno;
		else
			count++;
	}
	while (count > 0)
		close(fds[--count]);
	return error == EMFILE || error == ENFILE ? error : 0;
}

void
plf_mux_close(PlfMux *mux)
{
	if (mux->timer_fd >= 0)
		close(mux->timer_fd);
	if (mux->fd >= 0)
		close(mux->fd);
	mux->fd = mux->timer_fd = -1;
}
