/*
 * transfer.c
 *		Transfers: which try is made when, and what is kept of its answer.
 *
 * tries.c makes the tries.  Here they are spaced out (retries, and the gate that
 * a refusal closes for a whole client), waited for, and collected.
 */
#include "postgres.h"

#include <time.h>

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "compat.h"
#include "http/transfer.h"

/*
 * Largest body, decompressed, and all of a client's bodies together.  A page is at
 * most 100 links, so this leaves each of them 300 kB, and 40 kB where 32 pages (the
 * most that a scan may have) arrive at once: far beyond any basket.
 */
#define MAX_BODY_BYTES   ((size_t) 32 * 1024 * 1024)
#define MAX_BODIES_BYTES ((size_t) 128 * 1024 * 1024)

/* All header lines of one try, interim answers included; servers send some kB. */
#define MAX_HEADER_BYTES ((size_t) 256 * 1024)

#define FIRST_BODY_BYTES ((size_t) 16 * 1024)

/* The transfers that are WAITING, of every client of this backend. */
static dlist_head waiting = DLIST_STATIC_INIT(waiting);

/*
 * True when an awaited transfer has ended since plf_clients_watch(), or after
 * plf_clients_wake().  All transfers go on whichever is looked after, so no socket tells
 * of that one any more.
 */
static bool woken = false;

static void drive(bool blocking);
static bool start_due(int64 now);
static void wait_for_network(long ms);
static WaitEventSet *wait_set_create(void);
static void try_over(PlfTransfer *transfer);
static bool goes_again(PlfTransfer *transfer);
static void try_log(const PlfTransfer *transfer);
static void transfer_wait(PlfTransfer *transfer, int64 due);
static void transfer_finish(PlfTransfer *transfer);
static void body_drop(PlfTransfer *transfer);
static void body_forget(PlfTransfer *transfer);
static bool header_is(const char *line, size_t length, const char *name,
					  const char **value, size_t *value_length);

int64
plf_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static PlfTransfer *
transfer_create(PlfClient *client, const char *path_and_query)
{
	PlfTransfer *transfer;
	size_t length;

	Assert(client->open);
	transfer = MemoryContextAllocZero(client->context, sizeof(PlfTransfer));
	transfer->client = client;
	length = strlen(client->endpoint.api_url);
	transfer->url = MemoryContextAlloc(client->context,
									   length + strlen(path_and_query) + 1);
	strcpy(transfer->url, client->endpoint.api_url);
	transfer->path = strcpy(transfer->url + length, path_and_query);
	dlist_push_tail(&client->transfers, &transfer->node);
	transfer->state = PLF_TRANSFER_DONE;
	return transfer;
}

PlfTransfer *
plf_client_get(PlfClient *client, const char *path_and_query)
{
	PlfTransfer *transfer = transfer_create(client, path_and_query);

	transfer_wait(transfer, plf_now_us());

	/* What is due now starts now. */
	drive(false);
	return transfer;
}

PlfTransfer *
plf_client_post(PlfClient *client, const PlfFormField *fields, int count)
{
	PlfTransfer *transfer = transfer_create(client, "");

	transfer->form = plf_form_encode(fields, count);
	if (transfer->form == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	transfer_wait(transfer, plf_now_us());
	drive(false);
	return transfer;
}

void
plf_transfer_again(PlfTransfer *transfer)
{
	Assert(transfer->state == PLF_TRANSFER_DONE);
	transfer->response.tries = 0;
	transfer_wait(transfer, plf_now_us());
	drive(false);
}

bool
plf_transfer_is_outdated(const PlfTransfer *transfer)
{
	return transfer->token < transfer->client->token;
}

void
plf_client_wait(PlfClient *client, PlfTransfer *transfer)
{
	while (!plf_client_wait_for(client, transfer, -1))
		;
}

bool
plf_client_wait_for(PlfClient *client, PlfTransfer *transfer, int ms)
{
	int64 end = ms < 0 ? PLF_NEVER : plf_now_us() + (int64) ms * 1000;

	drive(true);
	while (!plf_transfer_done(transfer))
	{
		int64 start = plf_now_us();

		if (start >= end)
			return false;
		wait_for_network(end != PLF_NEVER ? (long) ((end - start) / 1000 + 1) : -1);
		client->stats.wait_us += plf_now_us() - start;
		CHECK_FOR_INTERRUPTS();
		drive(true);
	}
	return true;
}

/* Until there is something to do, an interrupt comes, or "ms" are over (-1: never). */
static void
wait_for_network(long ms)
{
	static WaitEventSet *set = NULL;
	static uint32 wait_event = 0;
	WaitEvent event;

	/* WaitLatchOrSocket() would make a descriptor for each wait. */
	if (set == NULL)
		set = wait_set_create();
	if (wait_event == 0)
		wait_event = PLF_WAIT_EVENT_NEW();

	/* No work, as long as the latch is the same. */
	ModifyWaitEvent(set, 0, WL_LATCH_SET, MyLatch);
	if (WaitEventSetWait(set, ms, &event, 1, wait_event) > 0 &&
		(event.events & WL_LATCH_SET) != 0)
		ResetLatch(MyLatch);
}

static void
no_descriptor(void)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					errmsg("no file descriptor is left to wait for HTTP requests: %m")));
}

static WaitEventSet *
wait_set_create(void)
{
	WaitEventSet *set;

	/* The server would say that of its own call, and as an internal error. */
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

void
plf_clients_watch(void)
{
	woken = false;
}

void
plf_clients_wake(void)
{
	woken = true;
}

int
plf_clients_wait_fd(void)
{
	if (woken)
		plf_tries_arm(plf_now_us());
	return plf_tries_fd();
}

bool
plf_transfer_drive(PlfTransfer *transfer)
{
	if (!plf_transfer_done(transfer))
		drive(false);
	transfer->awaited = !plf_transfer_done(transfer);
	return !transfer->awaited;
}

/*
 * Everything that can be done now, for every client.  Should writing the log
 * raise an error, the next call finds what is left.  A caller that blocks for one
 * transfer is not to be woken for others.
 */
static void
drive(bool blocking)
{
	int64 now = plf_now_us();
	int64 due = PLF_NEVER;
	bool all_started = start_due(now);
	PlfTransfer *transfer;
	dlist_iter iter;

	plf_tries_drive();
	while ((transfer = plf_tries_next()) != NULL)
	{
		try_over(transfer);
		try_log(transfer);
	}

	/* Those that are over made room. */
	if (!all_started)
		start_due(now);

	/* The others that are due wait for a try to be over, of which its socket tells. */
	dlist_foreach(iter, &waiting)
	{
		transfer = dlist_container(PlfTransfer, waiting_node, iter.cur);
		if (transfer->due > now)
			due = Min(due, transfer->due);
	}
	plf_tries_arm(woken && !blocking ? now : due);
}

/*
 * Starts the next try of each transfer that is due, in the order in which they began to
 * wait.  False when there is no room for all of them.
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
		dlist_delete(&transfer->waiting_node);
		transfer->state = PLF_TRANSFER_RUNNING;
		body_drop(transfer);
		transfer->header_bytes = 0;
		transfer->response.content_type[0] = '\0';
		transfer->response.trace_id[0] = '\0';
		transfer->response.retry_after_s = 0;
		if (!plf_try_start(transfer))
			transfer_finish(transfer);
	}
	return true;
}

/* What a try that is over leads to: another, or the end. */
static void
try_over(PlfTransfer *transfer)
{
	PlfClient *client = transfer->client;
	const PlfRetryPolicy *policy = &client->endpoint.retry;
	PlfResponse *response = &transfer->response;
	int64_t wait_ms;
	PlfVerdict verdict;

	client->stats.bytes += transfer->bytes;
	if (response->outcome != PLF_OUTCOME_ANSWER)
		body_drop(transfer);
	if (goes_again(transfer))
		return;

	verdict = plf_retry_verdict(policy, response->outcome, response->status,
								response->tries, response->retry_after_s,
								pg_prng_double(&pg_global_prng_state), &wait_ms);
	response->wait_too_long = verdict == PLF_VERDICT_WAIT_TOO_LONG;

	/*
	 * What the API asks of one request it would ask of its neighbours: hold
	 * them back, rather than collect a refusal for each.  A wait that is too
	 * long for one is too long for all; let them find out.
	 */
	if ((response->status == 429 || response->status == 503) &&
		response->retry_after_s <= policy->max_wait_ms / 1000)
	{
		dlist_iter iter;

		client->gate = Max(client->gate,
						   plf_now_us() + response->retry_after_s * 1000000);
		dlist_foreach(iter, &client->transfers)
		{
			PlfTransfer *other = dlist_container(PlfTransfer, node, iter.cur);

			other->due = Max(other->due, client->gate);
		}
	}

	if (verdict == PLF_VERDICT_RETRY)
		transfer_wait(transfer, plf_now_us() + wait_ms * 1000);
	else
		transfer_finish(transfer);
}

/*
 * Sends a request again, on a connection of its own, where a kept one had died.  The
 * server refused nothing, so that is no retry.  libcurl does the same, with other kept
 * connections, but gives up when five of them have died.  What is posted may have been
 * received; such a request is never sent twice here.
 */
static bool
goes_again(PlfTransfer *transfer)
{
	if (!transfer->died_idle || transfer->fresh || transfer->form != NULL)
		return false;
	transfer->fresh = true;
	transfer->client->stats.requests--;
	if (transfer->response.tries-- > 1)
		transfer->client->stats.retries--;
	transfer_wait(transfer, plf_now_us() + 1);
	return true;
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
	const PlfResponse *response = &transfer->response;
	char status[16];

	snprintf(status, sizeof(status), "%d", response->status);
	ereport(
		DEBUG1,
		(errmsg_internal(
			"payment_links_fdw: %s %s -> %s, " INT64_FORMAT " bytes, " INT64_FORMAT " ms",
			transfer->form != NULL ? "POST" : "GET",
			transfer->form != NULL ? transfer->url : transfer->path,
			response->outcome == PLF_OUTCOME_ANSWER ? status : names[response->outcome],
			transfer->bytes, transfer->us / 1000)));
}

/* Lets the next try start at "due", or when the client's gate opens. */
static void
transfer_wait(PlfTransfer *transfer, int64 due)
{
	transfer->state = PLF_TRANSFER_WAITING;
	transfer->due = Max(due, transfer->client->gate);
	dlist_push_tail(&waiting, &transfer->waiting_node);
}

/* The response is final. */
static void
transfer_finish(PlfTransfer *transfer)
{
	plf_try_end(transfer);
	woken |= transfer->awaited && transfer->state != PLF_TRANSFER_DONE;
	transfer->awaited = false;
	transfer->state = PLF_TRANSFER_DONE;
}

void
plf_transfer_end(PlfTransfer *transfer)
{
	if (transfer->state == PLF_TRANSFER_WAITING)
		dlist_delete(&transfer->waiting_node);
	transfer->awaited = false;
	transfer_finish(transfer);
	body_drop(transfer);
	if (transfer->form != NULL)
		explicit_bzero(transfer->form, strlen(transfer->form));
	free(transfer->form);
	transfer->form = NULL;
}

static void
body_drop(PlfTransfer *transfer)
{
	free(transfer->response.body);
	body_forget(transfer);
}

/* The body is freed, or somebody else's. */
static void
body_forget(PlfTransfer *transfer)
{
	transfer->client->body_bytes -= transfer->body_size;
	transfer->response.body = NULL;
	transfer->response.length = 0;
	transfer->body_size = 0;
}

bool
plf_transfer_body(PlfTransfer *transfer, const char *data, size_t length)
{
	PlfClient *client = transfer->client;
	PlfResponse *response = &transfer->response;
	size_t max_bytes = client->endpoint.max_body_bytes > 0
						   ? client->endpoint.max_body_bytes
						   : MAX_BODY_BYTES;

	if (length > max_bytes - response->length)
	{
		transfer->refused = max_bytes == MAX_BODY_BYTES
								? "the body is larger than 32 MiB"
								: "the body is larger than such an answer may be";
		transfer->refused_as = PLF_OUTCOME_TOO_LARGE;
		return false;
	}
	if (response->length + length > transfer->body_size)
	{
		size_t body_size = Max(transfer->body_size, FIRST_BODY_BYTES);
		char *body;

		while (body_size < response->length + length)
			body_size *= 2;
		if (body_size - transfer->body_size > MAX_BODIES_BYTES - client->body_bytes)
		{
			transfer->refused = "the bodies on their way are larger than 128 MiB";
			transfer->refused_as = PLF_OUTCOME_TOO_LARGE;
			return false;
		}
		body = realloc(response->body, body_size);
		if (body == NULL)
		{
			transfer->refused = "there is no memory for the body";
			transfer->refused_as = PLF_OUTCOME_NO_MEMORY;
			return false;
		}
		response->body = body;
		client->body_bytes += body_size - transfer->body_size;
		transfer->body_size = body_size;
	}
	memcpy(response->body + response->length, data, length);
	response->length += length;
	return true;
}

bool
plf_transfer_header(PlfTransfer *transfer, const char *line, size_t length)
{
	PlfResponse *response = &transfer->response;
	const char *value;
	size_t value_length;

	transfer->header_bytes += length;
	if (transfer->header_bytes > MAX_HEADER_BYTES)
	{
		transfer->refused = "the headers are larger than 256 KiB";
		transfer->refused_as = PLF_OUTCOME_TOO_LARGE;
		return false;
	}

	/* A status line: what came before it was an interim answer. */
	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
	{
		response->content_type[0] = response->trace_id[0] = '\0';
		response->retry_after_s = 0;
	}
	else if (header_is(line, length, "Content-Type", &value, &value_length))
		plf_copy_printable(response->content_type, sizeof(response->content_type), value,
						   value_length);
	else if (header_is(line, length, "X-Tyk-Trace-Id", &value, &value_length))
		plf_copy_printable(response->trace_id, sizeof(response->trace_id), value,
						   value_length);
	else if (header_is(line, length, "Retry-After", &value, &value_length))
		response->retry_after_s = plf_retry_after_parse(value, (int) value_length,
														(int64_t) time(NULL));
	return true;
}

/* Whether the line is that header; its value is without white space around. */
static bool
header_is(const char *line, size_t length, const char *name, const char **value,
		  size_t *value_length)
{
	size_t name_length = strlen(name);
	const char *at;
	const char *end = line + length;

	if (length <= name_length || line[name_length] != ':' ||
		pg_strncasecmp(line, name, name_length) != 0)
		return false;
	at = line + name_length + 1;
	while (at < end && (unsigned char) *at <= ' ')
		at++;
	while (at < end && (unsigned char) end[-1] <= ' ')
		end--;
	*value = at;
	*value_length = end - at;
	return true;
}

void
plf_copy_printable(char *out, size_t size, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length && i < size - 1; i++)
		out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	out[i] = '\0';
}

bool
plf_transfer_done(const PlfTransfer *transfer)
{
	return transfer->state == PLF_TRANSFER_DONE;
}

PlfResponse *
plf_transfer_response(PlfTransfer *transfer)
{
	Assert(transfer->state == PLF_TRANSFER_DONE);
	return &transfer->response;
}

char *
plf_transfer_take_body(PlfTransfer *transfer, size_t *length)
{
	char *body = transfer->response.body;

	Assert(transfer->state == PLF_TRANSFER_DONE);
	*length = transfer->response.length;
	body_forget(transfer);
	return body;
}

void
plf_transfer_release(PlfTransfer *transfer)
{
	plf_transfer_end(transfer);
	dlist_delete(&transfer->node);
	pfree(transfer->url);
	pfree(transfer);
}

const PlfClientStats *
plf_client_stats(const PlfClient *client)
{
	return &client->stats;
}
