/*
 * append.c
 *		Scans under an Append that run at the same time.
 *
 * An Append asks each of its scans for a row.  A scan whose page is not there yet is
 * pending.  When the Append has no row left it waits for its pending scans, and asks the
 * one whose descriptor became readable.
 *
 * All transfers of a backend go on whichever scan is asked, and all of them stand behind
 * one descriptor.  So one registration serves all pending scans of an Append: before
 * the Append waits, all of them are looked at, and a scan whose page is there is the one
 * that is asked.  What another Append is waiting for, above or below in the plan, wakes
 * nobody here.
 */
#include "postgres.h"

#include "executor/execAsync.h"
#include "executor/executor.h"
#include "storage/latch.h"

#include "compat.h"
#include "http/client.h"
#include "plan/lookup_path.h"
#include "plan/plan.h"
#include "exec/append.h"
#include "scan/scan.h"

static bool others_wait(AsyncRequest *areq);
static void produce(AsyncRequest *areq);
static AsyncRequest *choose(AppendState *requestor);
static int next_pending(AppendState *requestor, int i);

/*
 * Not where the plan above may stop early: all members would then be asked for what one
 * of them can give.
 */
bool
plf_is_foreign_path_async_capable(ForeignPath *path)
{
	const PlfPlanInfo *info = path->path.parent->fdw_private;

	return IS_SIMPLE_REL(path->path.parent) && info->options->async_capable &&
		   !info->early_stop && plf_lookups_of_path(path) == NIL;
}

/*
 * Where the next row is on another page, the other scans come first: a page that they
 * were sent meanwhile makes room for a request of theirs.
 */
void
plf_foreign_async_request(AsyncRequest *areq)
{
	if (plf_scan_is_between_pages((ForeignScanState *) areq->requestee) &&
		others_wait(areq))
		ExecAsyncRequestPending(areq);
	else
		produce(areq);
}

static bool
others_wait(AsyncRequest *areq)
{
	AppendState *requestor = (AppendState *) areq->requestor;
	int i = -1;

	while ((i = bms_next_member(requestor->as_asyncplans, i)) >= 0)
		if (requestor->as_asyncrequests[i]->callback_pending)
			return true;
	return false;
}

void
plf_foreign_async_notify(AsyncRequest *areq)
{
	produce(areq);
}

/* By the whole node, which applies the conditions that are checked here. */
static void
produce(AsyncRequest *areq)
{
	ForeignScanState *node = (ForeignScanState *) areq->requestee;

	if (plf_scan_is_ready(node))
		ExecAsyncRequestDone(areq, areq->requestee->ExecProcNodeReal(areq->requestee));
	else
		ExecAsyncRequestPending(areq);
}

/*
 * Called for each pending scan, one after the other, before the Append waits.  The first
 * call does it for all of them.
 */
void
plf_foreign_async_configure_wait(AsyncRequest *areq)
{
	AppendState *requestor = (AppendState *) areq->requestor;
	AsyncRequest *chosen;

	Assert(areq->callback_pending);
	if (next_pending(requestor, -1) != areq->request_index)
		return;

	plf_clients_watch();
	chosen = choose(requestor);
	if (chosen != NULL)
		plf_clients_wake();
	AddWaitEventToSet(requestor->as_eventset, WL_SOCKET_READABLE, plf_clients_wait_fd(),
					  NULL, chosen != NULL ? chosen : areq);
}

/*
 * A pending scan whose next row is there, or NULL.  Of several it is the one that was
 * chosen longest ago: a scan that got the next page whenever it has it would leave the
 * others with a page each that nobody takes, and with no request under way.
 */
static AsyncRequest *
choose(AppendState *requestor)
{
	static int64 turn = 0;
	PlfScan *chosen = NULL;
	int chosen_index = -1;
	int i = -1;

	while ((i = next_pending(requestor, i)) >= 0)
	{
		ForeignScanState *node =
			(ForeignScanState *) requestor->as_asyncrequests[i]->requestee;
		PlfScan *scan = node->fdw_state;

		if (plf_scan_is_ready(node) && (chosen == NULL || scan->turn < chosen->turn))
		{
			chosen = scan;
			chosen_index = i;
		}
	}
	if (chosen == NULL)
		return NULL;
	chosen->turn = ++turn;
	return requestor->as_asyncrequests[chosen_index];
}

/* The next scan of ours, after that place, that is pending; -1: none. */
static int
next_pending(AppendState *requestor, int i)
{
	while ((i = bms_next_member(requestor->as_asyncplans, i)) >= 0)
	{
		AsyncRequest *areq = requestor->as_asyncrequests[i];

		if (areq->callback_pending && ((ForeignScanState *) areq->requestee)
											  ->fdwroutine->ForeignAsyncConfigureWait ==
										  plf_foreign_async_configure_wait)
			return i;
	}
	return -1;
}
