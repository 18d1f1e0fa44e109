/*
 * source.c
 *		The model's API as the reader asks it for pages: what src/pages/source.c is for
 *		the API itself.
 */
#include "postgres.h"

#include "server.h"
#include "source.h"

static PlfTicket request_page(void *arg, const PlfListRequest *request);
static bool is_answered(void *arg, PlfTicket ticket);
static bool has_page(void *arg, PlfTicket ticket);
static bool wait_for(void *arg, PlfTicket ticket);
static bool wait_page_or_refusal(void *arg, PlfTicket ticket);
static PlfAnswer receive(void *arg, PlfTicket ticket);
static void cancel(void *arg, PlfTicket ticket);
static void release(void *arg, PlfHeldPage *held);
static void expect(void *arg, int64_t further);
static void note_repair(void *arg);
static void raise_error(void *arg, int64_t page, int sqlstate, const char *message,
						const char *detail, const char *hint);
static Request *request_of(const ModelSource *source, PlfTicket ticket);
static bool brings_page(const ModelSource *source, const Answer *answer);

void
source_start(ModelSource *source, Api *api)
{
	*source = (ModelSource){
		.functions = {.arg = source,
					  .wire = &link_wire,
					  .request = request_page,
					  .is_answered = is_answered,
					  .has_page = has_page,
					  .wait = wait_for,
					  .wait_page_or_refusal = wait_page_or_refusal,
					  .receive = receive,
					  .cancel = cancel,
					  .release = release,
					  .expect = expect,
					  .note_repair = note_repair,
					  .raise = raise_error},
		.api = api,
		.context = CurrentMemoryContext,
	};
}

static PlfTicket
request_page(void *arg, const PlfListRequest *request)
{
	Request *sent = api_send(((ModelSource *) arg)->api, request);

	if (sent == NULL)
		server_raise(ERRCODE_INTERNAL_ERROR, "there is no end of requests", NULL);
	return (PlfTicket){sent->number};
}

/* A ticket that was used up, or never given, fails the schedule. */
static Request *
request_of(const ModelSource *source, PlfTicket ticket)
{
	for (int i = 0; plf_ticket_is_valid(ticket) && i < MAX_UNDER_WAY; i++)
		if (source->api->requests[i].number == (int) ticket.number)
			return &source->api->requests[i];
	server_raise(ERRCODE_INTERNAL_ERROR, "a ticket is not good", NULL);
}

static bool
is_answered(void *arg, PlfTicket ticket)
{
	ModelSource *source = arg;

	api_pass(source->api, random_below(source->api->random, 3));
	return api_is_answered(source->api, request_of(source, ticket));
}

/* A page that is sent instead of one past the end is told from it by receive() alone. */
static bool
brings_page(const ModelSource *source, const Answer *answer)
{
	return !answer->is_failure &&
		   (!answer->is_refused || source->api->past_end == PAST_END_LAST);
}

static bool
has_page(void *arg, PlfTicket ticket)
{
	ModelSource *source = arg;
	Request *request = request_of(source, ticket);

	return api_is_answered(source->api, request) && brings_page(source, &request->answer);
}

static bool
wait_for(void *arg, PlfTicket ticket)
{
	ModelSource *source = arg;

	return brings_page(source, api_wait(source->api, request_of(source, ticket)));
}

static bool
wait_page_or_refusal(void *arg, PlfTicket ticket)
{
	ModelSource *source = arg;

	return !api_wait(source->api, request_of(source, ticket))->is_failure;
}

static PlfAnswer
receive(void *arg, PlfTicket ticket)
{
	ModelSource *source = arg;
	Request *request = request_of(source, ticket);
	const Answer *answer = api_wait(source->api, request);
	PlfHeldPage *held;

	if (answer->is_failure)
		server_raise(ERRCODE_FDW_ERROR, API_FAILURE, NULL);
	if (answer->is_refused)
	{
		api_take(source->api, request);
		return (PlfAnswer){NULL, ""};
	}
	held = MemoryContextAllocZero(source->context, sizeof(PlfHeldPage));
	held->request = request->request;
	held->page = MemoryContextAlloc(source->context, sizeof(PlfPage));
	*held->page = answer->page;
	held->first = (held->request.page - 1) * held->request.per_page;
	held->count = answer->page.count;
	held->total = answer->total;
	source->held++;
	api_take(source->api, request);
	return (PlfAnswer){held, ""};
}

static void
cancel(void *arg, PlfTicket ticket)
{
	ModelSource *source = arg;

	api_drop(source->api, request_of(source, ticket));
}

static void
release(void *arg, PlfHeldPage *held)
{
	((ModelSource *) arg)->held--;
	pfree(held->page);
	pfree(held);
}

/* There is no limit. */
static void
expect(void *arg pg_attribute_unused(), int64_t further pg_attribute_unused())
{
}

static void
note_repair(void *arg)
{
	ModelSource *source = arg;

	source->repairs++;
	source->early_repairs += source->links == 0;
}

static void
raise_error(void *arg pg_attribute_unused(), int64_t page pg_attribute_unused(),
			int sqlstate, const char *message, const char *detail,
			const char *hint pg_attribute_unused())
{
	server_raise(sqlstate, message, detail);
}
