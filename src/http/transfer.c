/*
 * transfer.c
 *		Transfers: which try is made when, and what is kept of its answer.
 *
 * tries.c makes the tries.  This file spaces them out (retries, and the gate that a
 * refusal closes for a whole client), waits for them and collects their answers.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "http/clock.h"
#include "http/transfer.h"
#include "http/tries.h"
#include "http/wait.h"

typedef enum TransferState
{
	TRANSFER_WAITING, /* its next try starts when it is due */
	TRANSFER_RUNNING, /* libcurl performs its try */
	TRANSFER_DONE     /* its response is final */
} TransferState;

struct PlfTransfer
{
	PlfTry try;              /* the first member: see of_try() */
	dlist_node node;         /* in the channel's transfers */
	dlist_node waiting_node; /* in "waiting", when WAITING */
	PlfChannel *channel;
	TransferState state;
	bool awaited;     /* plf_transfer_drive() reported it as not done */
	int64 due;        /* when WAITING: monotonic time, us */
	char *url;        /* its own; the try reads it */
	const char *path; /* the end of url, for people */
	char *form;       /* malloc'd, wiped when it is freed; what is posted, NULL: GET */
};

/* The transfers that are WAITING, of every client of this backend. */
static dlist_head waiting = DLIST_STATIC_INIT(waiting);

/*
 * True when an awaited transfer has ended since plf_transfers_watch(), or after
 * plf_transfers_wake().  Every call lets all transfers go on, so the socket of a transfer
 * that has ended does not become readable for it any more.
 */
static bool woken = false;

static PlfTransfer *transfer_create(PlfChannel *channel, const char *path_and_query);
static PlfTransfer *of_try(PlfTry *try);
static void drive(bool blocking);
static bool start_due(int64 now);
static void transfer_start_try(PlfTransfer *transfer);
static void try_over(PlfTransfer *transfer);
static bool goes_again(PlfTransfer *transfer);
static void close_gate(PlfChannel *channel, int64 until);
static void try_log(const PlfTransfer *transfer);
static void transfer_wait(PlfTransfer *transfer, int64 due);
static void transfer_finish(PlfTransfer *transfer);
static void transfer_end(PlfTransfer *transfer);

PlfTransfer *
plf_transfer_start(PlfChannel *channel, const char *path_and_query,
				   const PlfFormField *fields, int count)
{
	PlfTransfer *transfer = transfer_create(channel, path_and_query);

	if (fields != NULL)
	{
		transfer->form = plf_form_encode(fields, count);
		if (transfer->form == NULL)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		transfer->try.form = transfer->form;
	}
	transfer_wait(transfer, plf_now_us());

	/* The transfer is due now, so it starts now. */
	drive(false);
	return transfer;
}

static PlfTransfer *
transfer_create(PlfChannel *channel, const char *path_and_query)
{
	const PlfEndpoint *endpoint = &channel->target.endpoint;
	PlfTransfer *transfer = MemoryContextAllocZero(channel->context, sizeof(PlfTransfer));
	size_t length = strlen(endpoint->api_url);

	transfer->channel = channel;
	transfer->url = MemoryContextAlloc(channel->context,
									   length + strlen(path_and_query) + 1);
	strcpy(transfer->url, endpoint->api_url);
	transfer->path = strcpy(transfer->url + length, path_and_query);
	transfer->try.target = &channel->target;
	transfer->try.url = transfer->url;
	plf_receiver_init(&transfer->try.receiver, endpoint->max_body_bytes,
					  &channel->bodies_bytes);
	transfer->state = TRANSFER_DONE;
	dlist_push_tail(&channel->transfers, &transfer->node);
	return transfer;
}

/* The transfer that a try belongs to. */
static PlfTransfer *
of_try(PlfTry *try)
{
	StaticAssertStmt(offsetof(PlfTransfer, try) == 0, "the try comes first");
	return (PlfTransfer *) try;
}

void
plf_transfer_again(PlfTransfer *transfer)
{
	Assert(transfer->state == TRANSFER_DONE);
	transfer->try.receiver.response.tries = 0;
	transfer_wait(transfer, plf_now_us());
	drive(false);
}

bool
plf_transfer_is_outdated(const PlfTransfer *transfer)
{
	return transfer->try.token < transfer->channel->target.token;
}

void
plf_transfer_wait(PlfTransfer *transfer)
{
	while (!plf_transfer_wait_for(transfer, -1))
		;
}

bool
plf_transfer_wait_for(PlfTransfer *transfer, int ms)
{
	int64 end = ms < 0 ? PLF_NEVER : plf_now_us() + (int64) ms * 1000;

	drive(true);
	while (!plf_transfer_done(transfer))
	{
		int64 start = plf_now_us();

		if (start >= end)
			return false;
		plf_network_wait(end != PLF_NEVER ? (long) ((end - start) / 1000 + 1) : -1);
		transfer->channel->stats.wait_us += plf_now_us() - start;
		CHECK_FOR_INTERRUPTS();
		drive(true);
	}
	return true;
}

bool
plf_transfer_drive(PlfTransfer *transfer)
{
	if (!plf_transfer_done(transfer))
		drive(false);
	transfer->awaited = !plf_transfer_done(transfer);
	return !transfer->awaited;
}

void
plf_transfers_watch(void)
{
	woken = false;
}

void
plf_transfers_wake(void)
{
	woken = true;
}

int
plf_transfers_wait_fd(void)
{
	if (woken)
		plf_tries_arm(plf_now_us());
	return plf_tries_fd();
}

/*
 * Does everything that can be done now, for every client.  If writing the log raises an
 * error, the next call does what is left.  "blocking" says that the caller waits for one
 * transfer, and is not to be woken for others.
 */
static void
drive(bool blocking)
{
	int64 now = plf_now_us();
	int64 due = PLF_NEVER;
	bool all_started = start_due(now);
	PlfTry *over;
	dlist_iter iter;

	plf_tries_drive();
	while ((over = plf_tries_next()) != NULL)
	{
		PlfTransfer *transfer = of_try(over);

		try_over(transfer);
		try_log(transfer);
	}

	/* The tries that are over made room. */
	if (!all_started)
		start_due(now);

	/*
	 * Other transfers that are due wait until a try is over, whose socket wakes the
	 * backend.
	 */
	dlist_foreach(iter, &waiting)
	{
		PlfTransfer *transfer = dlist_container(PlfTransfer, waiting_node, iter.cur);

		if (transfer->due > now)
			due = Min(due, transfer->due);
	}
	plf_tries_arm(woken && !blocking ? now : due);
}

/*
 * Starts the next try of each transfer that is due, in the order in which they began to
 * wait.  Returns false when there is no room for all of them.
 */
static bool
start_due(int64 now)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &waiting)
	{
		PlfTransfer *transfer = dlist_container(PlfTransfer, waiting_node, iter.cur);

		if (transfer->due > now)
			continue;
		if (!plf_tries_have_room())
			return false;
		transfer_start_try(transfer);
	}
	return true;
}

static void
transfer_start_try(PlfTransfer *transfer)
{
	PlfReceiver *receiver = &transfer->try.receiver;
	PlfClientStats *stats = &transfer->channel->stats;

	dlist_delete(&transfer->waiting_node);
	transfer->state = TRANSFER_RUNNING;
	plf_receiver_restart(receiver);
	if (!plf_try_start(&transfer->try))
	{
		transfer_finish(transfer);
		return;
	}
	receiver->response.tries++;
	stats->requests++;
	if (receiver->response.tries > 1)
		stats->retries++;
}

/* Decides what follows a try that is over: another one, or the end. */
static void
try_over(PlfTransfer *transfer)
{
	PlfChannel *channel = transfer->channel;
	const PlfRetryPolicy *policy = &channel->target.endpoint.retry;
	PlfResponse *response = &transfer->try.receiver.response;
	int64_t wait_ms;
	PlfVerdict verdict;

	channel->stats.bytes += transfer->try.bytes;
	if (response->outcome != PLF_OUTCOME_ANSWER)
		plf_receiver_drop_body(&transfer->try.receiver);
	if (goes_again(transfer))
		return;

	verdict = plf_retry_verdict(policy, response->outcome, response->status,
								response->tries, response->retry_after_s,
								pg_prng_double(&pg_global_prng_state), &wait_ms);
	response->wait_too_long = verdict == PLF_VERDICT_WAIT_TOO_LONG;

	/*
	 * The API would ask the other requests of this client to wait, too.  To hold them
	 * back spares a refusal for each.  If the wait is too long for this request, it is
	 * too long for the others as well: they go on, and fail as this one does.
	 */
	if ((response->status == 429 || response->status == 503) &&
		response->retry_after_s <= policy->max_wait_ms / 1000)
		close_gate(channel, plf_now_us() + response->retry_after_s * 1000000);

	/* One microsecond more, because drive() arms the timer only for what is due later. */
	if (verdict == PLF_VERDICT_RETRY)
		transfer_wait(transfer, plf_now_us() + wait_ms * 1000 + 1);
	else
		transfer_finish(transfer);
}

/*
 * Sends a request again, on a new connection, if a kept connection had died before the
 * request was sent.  Returns false when the request is not sent again.  The server
 * refused nothing, so this is no retry. libcurl tries other kept connections itself, but
 * gives up when five of them have died.  A POST may have been received before the
 * connection ended, so it is never sent twice here.
 */
static bool
goes_again(PlfTransfer *transfer)
{
	PlfTry *try = &transfer->try;
	PlfClientStats *stats = &transfer->channel->stats;

	if (!try->died_idle || try->fresh || try->form != NULL)
		return false;
	try->fresh = true;
	stats->requests--;
	if (try->receiver.response.tries-- > 1)
		stats->retries--;
	transfer_wait(transfer, plf_now_us() + 1);
	return true;
}

/* Lets no try of the channel start before "until". */
static void
close_gate(PlfChannel *channel, int64 until)
{
	dlist_iter iter;

	channel->gate = Max(channel->gate, until);
	dlist_foreach(iter, &channel->transfers)
	{
		PlfTransfer *transfer = dlist_container(PlfTransfer, node, iter.cur);

		transfer->due = Max(transfer->due, channel->gate);
	}
}

static void
try_log(const PlfTransfer *transfer)
{
	static const char *const names[] = {[PLF_OUTCOME_ANSWER] = "answer",
										[PLF_OUTCOME_RESOLVE] = "name not resolved",
										[PLF_OUTCOME_CONNECT] = "not connected",
										[PLF_OUTCOME_TLS] = "no TLS connection",
										[PLF_OUTCOME_PROXY] = "refused by the proxy",
										[PLF_OUTCOME_TIMEOUT] = "timeout",
										[PLF_OUTCOME_DROPPED] = "connection lost",
										[PLF_OUTCOME_TOO_LARGE] = "answer too large",
										[PLF_OUTCOME_NOT_HTTP] = "not HTTP",
										[PLF_OUTCOME_NO_MEMORY] = "out of memory",
										[PLF_OUTCOME_NO_DESCRIPTOR] = "no descriptor"};
	const PlfResponse *response = &transfer->try.receiver.response;
	char status[16];

	snprintf(status, sizeof(status), "%d", response->status);
	ereport(
		DEBUG1,
		(errmsg_internal(
			"payment_links_fdw: %s %s -> %s, " INT64_FORMAT " bytes, " INT64_FORMAT " ms",
			transfer->form != NULL ? "POST" : "GET",
			transfer->form != NULL ? transfer->url : transfer->path,
			response->outcome == PLF_OUTCOME_ANSWER ? status : names[response->outcome],
			transfer->try.bytes, transfer->try.us / 1000)));
}

/* Lets the next try start at "due", or when the channel's gate opens if that is later. */
static void
transfer_wait(PlfTransfer *transfer, int64 due)
{
	transfer->state = TRANSFER_WAITING;
	transfer->due = Max(due, transfer->channel->gate);
	dlist_push_tail(&waiting, &transfer->waiting_node);
}

/* The response is final. */
static void
transfer_finish(PlfTransfer *transfer)
{
	plf_try_end(&transfer->try);
	woken |= transfer->awaited && transfer->state != TRANSFER_DONE;
	transfer->awaited = false;
	transfer->state = TRANSFER_DONE;
}

bool
plf_transfer_done(const PlfTransfer *transfer)
{
	return transfer->state == TRANSFER_DONE;
}

PlfResponse *
plf_transfer_response(PlfTransfer *transfer)
{
	Assert(transfer->state == TRANSFER_DONE);
	return &transfer->try.receiver.response;
}

char *
plf_transfer_take_body(PlfTransfer *transfer, size_t *length)
{
	Assert(transfer->state == TRANSFER_DONE);
	return plf_receiver_take_body(&transfer->try.receiver, length);
}

void
plf_transfer_release(PlfTransfer *transfer)
{
	transfer_end(transfer);
	dlist_delete(&transfer->node);
	pfree(transfer->url);
	pfree(transfer);
}

void
plf_transfers_end(PlfChannel *channel)
{
	dlist_iter iter;

	dlist_foreach(iter, &channel->transfers)
		transfer_end(dlist_container(PlfTransfer, node, iter.cur));
}

/* Frees all that a transfer holds outside of its memory context. */
static void
transfer_end(PlfTransfer *transfer)
{
	if (transfer->state == TRANSFER_WAITING)
		dlist_delete(&transfer->waiting_node);
	transfer->awaited = false;
	transfer_finish(transfer);
	plf_receiver_drop_body(&transfer->try.receiver);
	if (transfer->form != NULL)
		explicit_bzero(transfer->form, strlen(transfer->form));
	free(transfer->form);
	transfer->form = NULL;
}
