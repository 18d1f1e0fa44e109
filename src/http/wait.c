/*
 * wait.c
 *		Waits for the sockets of all tries, their timer and the latch together.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "compat.h"
#include "http/tries.h"
#include "http/wait.h"

static WaitEventSet *wait_set_create(void);
static void no_descriptor(void) pg_attribute_noreturn();

void
plf_network_wait(long ms)
{
	static WaitEventSet *set = NULL;
	static uint32 wait_event = 0;
	WaitEvent event;

	/* The set is kept: WaitLatchOrSocket() would make a descriptor for each wait. */
	if (set == NULL)
		set = wait_set_create();
	if (wait_event == 0)
		wait_event = PLF_WAIT_EVENT_NEW();

	/* This costs nothing as long as the latch is the same. */
	ModifyWaitEvent(set, 0, WL_LATCH_SET, MyLatch);
	if (WaitEventSetWait(set, ms, &event, 1, wait_event) > 0 &&
		(event.events & WL_LATCH_SET) != 0)
		ResetLatch(MyLatch);
}

static WaitEventSet *
wait_set_create(void)
{
	WaitEventSet *set;

	/* The server would report its own function call, as an internal error. */
	if (!AcquireExternalFD())
		no_descriptor();
	ReleaseExternalFD();
	errno = plf_tries_lack_descriptor();
	if (errno != 0)
		no_descriptor();
	set = PLF_WAIT_EVENT_SET_NEW(3);
	PG_TRY();
	{
		AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
		/* A single-user server has no postmaster whose end could be seen. */
		if (IsUnderPostmaster)
			AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
		AddWaitEventToSet(set, WL_SOCKET_READABLE, plf_tries_fd(), NULL, NULL);
	}
	PG_CATCH();
	{
		FreeWaitEventSet(set);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return set;
}

static void
no_descriptor(void)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					errmsg("no file descriptor is left to wait for HTTP requests: %m")));
}
