/*
 * async.c
 *		Scans under an Append that run at the same time.
 *
 * An Append asks each of its scans for a row.  One whose page is not there yet says so
 * and is asked again when its descriptor becomes readable.  All transfers of a backend
 * go on whichever scan is asked, retries and their timers too, so a page may be there
 * without the descriptor telling.  That is looked at before it is waited for.
 */
#include "postgres.h"

#include "executor/execAsync.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "storage/latch.h"

#include "compat.h"
#include "plan/lookup_path.h"
#include "plan/plan.h"
#include "read/async.h"
#include "read/scan.h"

static bool others_wait(AsyncRequest *areq);
static void produce(AsyncRequest *areq);

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
	int			i = -1;

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

void
plf_foreign_async_configure_wait(AsyncRequest *areq)
{
	ForeignScanState *node = (ForeignScanState *) areq->requestee;
	AppendState *requestor = (AppendState *) areq->requestor;

	Assert(areq->callback_pending);
	if (!plf_scan_is_ready(node))
	{
		AddWaitEventToSet(requestor->as_eventset, WL_SOCKET_READABLE,
						  plf_scan_wait_fd(node), NULL, areq);
		return;
	}

	/*
	 * There already: what core does around the other callbacks is done here.  Those
	 * which are not there are looked at, but not waited for.
	 */
	plf_scan_wake();
	areq->callback_pending = false;
	produce(areq);
	ExecAsyncResponse(areq);
	if (areq->requestee->instrument)
		InstrUpdateTupleCount(areq->requestee->instrument,
							  TupIsNull(areq->result) ? 0.0 : 1.0);
}
