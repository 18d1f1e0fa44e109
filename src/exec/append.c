/*
 * append.c
 *		Scans under an Append that run at the same time.
 *
 * An Append asks each of its scans for a row.  A scan whose page has not arrived is
 * pending.  When no scan has a row, the Append waits for the descriptors of its pending
 * scans, and asks the scan whose descriptor became readable.
 *
 * One descriptor represents all transfers of the backend, and all of them go on whichever
 * scan is asked.  So one descriptor is registered for all pending scans of an Append.
 * Before the Append waits, choose() looks at all of them, and the descriptor is
 * registered for a scan whose page has arrived.  A page that another Append of the plan
 * waits for does not wake this one.
 */
#include "postgres.h"

#include "executor/execAsync.h"
#include "executor/executor.h"
#include "storage/latch.h"

#include "compat.h"
#include "http/transfer.h"
#include "plan/lookup_path.h"
#include "plan/plan_info.h"
#include "exec/append.h"
#include "exec/node.h"

static bool others_wait(AsyncRequest *areq);
static void produce(AsyncRequest *areq);
static AsyncRequest *choose(AppendState *requestor);
static int next_pending(AppendState *requestor, int i);

/*
 * False when the plan above may stop early: then the rows of one scan may be enough, and
 * the requests of the others would be wasted.
 */
bool
plf_is_foreign_path_async_capable(ForeignPath *path)
{
	const PlfPlanInfo *info = path->path.parent->fdw_private;

	return IS_SIMPLE_REL(path->path.parent) && info->options->async_capable &&
		   !info->early_stop && plf_lookups_of_path(path) == NIL;
}

/*
 * Lets the pending scans go first when the next row of this scan is on another page: a
 * page of theirs that has arrived is taken, which makes room for their next request.
 */
void
plf_foreign_async_request(AsyncRequest *areq)
{
	if (plf_node_is_between_pages((ForeignScanState *) areq->requestee) &&
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

/*
 * Asks a scan for a row if that row has arrived.  The row comes from the whole node,
 * which checks the local conditions.
 */
static void
produce(AsyncRequest *areq)
{
	ForeignScanState *node = (ForeignScanState *) areq->requestee;

	if (plf_node_is_ready(node))
		ExecAsyncRequestDone(areq, areq->requestee->ExecProcNodeReal(areq->requestee));
	else
		ExecAsyncRequestPending(areq);
}

/*
 * Core calls this for each pending scan, one after the other, before the Append waits.
 * The first call registers the descriptor for all of them.
 */
void
plf_foreign_async_configure_wait(AsyncRequest *areq)
{
	AppendState *requestor = (AppendState *) areq->requestor;
	AsyncRequest *chosen;

	Assert(areq->callback_pending);
	if (next_pending(requestor, -1) != areq->request_index)
		return;

	plf_transfers_watch();
	chosen = choose(requestor);
	if (chosen != NULL)
		plf_transfers_wake();
	AddWaitEventToSet(requestor->as_eventset, WL_SOCKET_READABLE, plf_transfers_wait_fd(),
					  NULL, chosen != NULL ? chosen : areq);
}

/*
 * A pending scan whose next row has arrived; NULL when there is none.  Of several scans
 * the one that was chosen longest ago is taken.  If one scan were chosen whenever it has
 * a page, the others would each wait with a page that nobody takes and with no request
 * under way.
 */
static AsyncRequest *
choose(AppendState *requestor)
{
	ForeignScanState *chosen = NULL;
	int chosen_index = -1;
	int i = -1;

	while ((i = next_pending(requestor, i)) >= 0)
	{
		ForeignScanState *node =
			(ForeignScanState *) requestor->as_asyncrequests[i]->requestee;

		if (plf_node_is_ready(node) &&
			(chosen == NULL || plf_node_last_chosen(node) < plf_node_last_chosen(chosen)))
		{
			chosen = node;
			chosen_index = i;
		}
	}
	if (chosen == NULL)
		return NULL;
	plf_node_note_chosen(chosen);
	return requestor->as_asyncrequests[chosen_index];
}

/* The index of the next pending scan of this wrapper after the index "i"; -1: none. */
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
