/*
 * source.c
 *		The API as a source of pages: credential, client and the judgement of answers.
 *
 * list/ asks for pages through the page table; each node opens one source.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "api/error_words.h"
#include "http/client.h"
#include "http/response_failure.h"
#include "pages/answer.h"
#include "pages/credential.h"
#include "pages/source.h"

/*
 * The most bytes that pages in memory may take.  There are few pages at a time, but those
 * of a search are kept, and a hostile server makes each as large as it can.  As long as
 * the bodies together have fewer than UNWEIGHED_BODY_BYTES, the sum is not computed: with
 * all that is noted about their values, pages may be twenty times as large as their
 * bodies.
 */
#define UNWEIGHED_BODY_BYTES ((size_t) 2 * 1024 * 1024)
#define MAX_HELD_BYTES       ((size_t) 96 * 1024 * 1024)

/* "requests" is enlarged for so many requests at a time. */
#define MORE_REQUESTS 16

/*
 * A request that has a ticket.  The ticket's number is the index of the request, from 1.
 */
typedef struct Asked
{
	PlfTransfer *transfer;  /* NULL: the element is free */
	PlfListRequest request; /* page 0: a request for one link */
} Asked;

struct PlfSource
{
	PlfPageSource public;
	MemoryContext context;
	const PlfOptions *options;
	const PlfWire *wire;     /* the resource that is asked for */
	PlfStatement *statement; /* or NULL */
	PlfCredential credential;
	PlfClient *client;
	bool accepted;   /* the API has accepted the credential */
	bool renewed;    /* the token was renewed, which is done once at most */
	Asked *requests; /* those that have a ticket, and free elements */
	int nrequests;
	int64 asked; /* how many requests were sent, retries not counted */
	int64 pages;
	int64 repairs;
	char *refusal; /* what the API said when it refused a page after the first one */
	struct Holder *holders;
	struct Holder *free_holders;
	MemoryContextCallback callback;
};

/* A held page, in the source's list of all of them. */
typedef struct Holder
{
	PlfHeldPage public;
	struct Holder *all_next;  /* every holder ever made */
	struct Holder *free_next; /* the next holder without a page */
} Holder;

static PlfPageSource make_public(PlfSource *source);
static PlfTicket public_request(void *arg, const PlfListRequest *request);
static PlfAnswer public_receive(void *arg, PlfTicket ticket);
static void public_cancel(void *arg, PlfTicket ticket);
static void public_release(void *arg, PlfHeldPage *page);
static void public_expect(void *arg, int64_t further);
static void public_raise(void *arg, int64_t page, int sqlstate, const char *message,
						 const char *detail, const char *hint);
static bool is_answered(void *arg, PlfTicket ticket);
static bool has_page(void *arg, PlfTicket ticket);
static bool wait_for_page(void *arg, PlfTicket ticket);
static bool wait_page_or_refusal(void *arg, PlfTicket ticket);
static void note_repair(void *arg);
static void free_pages(void *arg);
static PlfFailureSite site_of(const PlfSource *source, int64 page);
static PlfTicket issue(PlfSource *source, PlfTransfer *transfer,
					   const PlfListRequest *request);
static Asked *asked_for(const PlfSource *source, PlfTicket ticket);
static PlfTransfer *redeem(PlfSource *source, PlfTicket ticket, PlfListRequest *request);
static void await(PlfSource *source, PlfTransfer *transfer);
static void note_refusal(PlfSource *source, const PlfResponse *response);
static void set_refusal(PlfSource *source, const char *words);
static bool is_no_link(PlfSource *source, const PlfResponse *response);
static void require_list(PlfSource *source);
static Holder *receive(PlfSource *source, PlfTransfer *transfer, PlfPageShape shape,
					   int64 page);
static void check_held(PlfSource *source, int64 page);
static Holder *get_holder(PlfSource *source);

PlfSource *
plf_source_open(MemoryContext context, Oid userid, const PlfOptions *options,
				const PlfWire *wire, PlfStatement *statement)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	PlfSource *source = palloc0(sizeof(PlfSource));
	PlfFailure failure = {0};
	PlfEndpoint endpoint = {0};

	source->context = context;
	source->options = options;
	source->wire = wire;
	source->public = make_public(source);
	source->statement = statement;
	source->callback.func = free_pages;
	source->callback.arg = source;
	MemoryContextRegisterResetCallback(context, &source->callback);

	if (!plf_credential_get(userid, options, &source->credential, &failure))
		plf_failure_raise(&failure);
	plf_endpoint_set(&endpoint, options, &source->credential);
	source->client = plf_client_create(context, &endpoint);
	MemoryContextSwitchTo(old);
	return source;
}

const PlfPageSource *
plf_source_pages(PlfSource *source)
{
	return &source->public;
}

static PlfPageSource
make_public(PlfSource *source)
{
	return (PlfPageSource){.arg = source,
						   .wire = source->wire,
						   .request = public_request,
						   .is_answered = is_answered,
						   .has_page = has_page,
						   .wait = wait_for_page,
						   .wait_page_or_refusal = wait_page_or_refusal,
						   .receive = public_receive,
						   .cancel = public_cancel,
						   .release = public_release,
						   .expect = public_expect,
						   .note_repair = note_repair,
						   .raise = public_raise};
}

static PlfTicket
public_request(void *arg, const PlfListRequest *request)
{
	return plf_source_request(arg, request);
}

static PlfAnswer
public_receive(void *arg, PlfTicket ticket)
{
	return plf_source_receive(arg, ticket);
}

static void
public_cancel(void *arg, PlfTicket ticket)
{
	plf_source_cancel(arg, ticket);
}

static void
public_release(void *arg, PlfHeldPage *page)
{
	plf_source_release(arg, page);
}

static void
public_expect(void *arg, int64_t further)
{
	plf_source_expect(arg, further);
}

static void
public_raise(void *arg, int64_t page, int sqlstate, const char *message,
			 const char *detail, const char *hint)
{
	plf_source_raise(arg, page, sqlstate, message, detail, hint);
}

/* Frees the pages, which are malloc'd.  Called when the context goes, however it ends. */
static void
free_pages(void *arg)
{
	PlfSource *source = arg;

	for (Holder *holder = source->holders; holder != NULL; holder = holder->all_next)
	{
		plf_page_free(holder->public.page);
		holder->public.page = NULL;
	}
	source->holders = NULL;
}

static PlfFailureSite
site_of(const PlfSource *source, int64 page)
{
	return (PlfFailureSite){.options = source->options,
							.mapping = source->credential.mapping,
							.secrets = source->credential.secrets,
							.wire = source->wire,
							.page = page};
}

PlfTicket
plf_source_request(PlfSource *source, const PlfListRequest *request)
{
	char path[PLF_REQUEST_SIZE];

	plf_source_expect(source, 1);
	source->asked++;
	plf_list_request_spell(source->wire, request, path);
	return issue(source, plf_client_get(source->client, path), request);
}

PlfTicket
plf_source_request_link(PlfSource *source, const char *id)
{
	const PlfListRequest none = {.page = 0};
	char path[PLF_REQUEST_SIZE];

	plf_source_expect(source, 1);
	source->asked++;
	plf_item_request_spell(source->wire, id, path);
	return issue(source, plf_client_get(source->client, path), &none);
}

void
plf_source_expect(PlfSource *source, int64 further)
{
	int64 limit = source->options->max_requests;

	if (limit > 0 && source->asked + further > limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the scan would take at least " INT64_FORMAT
						" requests, more than max_requests allows",
						source->asked + further),
				 errdetail("The option \"max_requests\" is " INT64_FORMAT ".", limit),
				 errhint("Add conditions or a LIMIT, or raise the option.")));
}

/* A ticket for a transfer. */
static PlfTicket
issue(PlfSource *source, PlfTransfer *transfer, const PlfListRequest *request)
{
	int place = 0;

	while (place < source->nrequests && source->requests[place].transfer != NULL)
		place++;
	if (place == source->nrequests)
	{
		int more = source->nrequests + MORE_REQUESTS;

		source->requests = source->requests == NULL
							   ? MemoryContextAllocZero(source->context,
														more * sizeof(Asked))
							   : repalloc(source->requests, more * sizeof(Asked));
		for (int i = place; i < more; i++)
			source->requests[i].transfer = NULL;
		source->nrequests = more;
	}
	source->requests[place] = (Asked){transfer, *request};
	return (PlfTicket){place + 1};
}

static Asked *
asked_for(const PlfSource *source, PlfTicket ticket)
{
	Asked *asked = &source->requests[ticket.number - 1];

	Assert(ticket.number >= 1 && ticket.number <= (uint32) source->nrequests &&
		   asked->transfer != NULL);
	return asked;
}

/* Takes a ticket back; its transfer is the caller's. */
static PlfTransfer *
redeem(PlfSource *source, PlfTicket ticket, PlfListRequest *request)
{
	Asked *asked = asked_for(source, ticket);
	PlfTransfer *transfer = asked->transfer;

	*request = asked->request;
	asked->transfer = NULL;
	return transfer;
}

void
plf_source_cancel(PlfSource *source, PlfTicket ticket)
{
	PlfListRequest request;

	plf_transfer_release(redeem(source, ticket, &request));
}

static bool
is_answered(void *arg, PlfTicket ticket)
{
	return plf_transfer_drive(asked_for(arg, ticket)->transfer);
}

static bool
has_page(void *arg, PlfTicket ticket)
{
	PlfTransfer *transfer = asked_for(arg, ticket)->transfer;

	return plf_transfer_done(transfer) && plf_transfer_response(transfer)->status == 200;
}

static bool
wait_for_page(void *arg, PlfTicket ticket)
{
	PlfSource *source = arg;
	PlfTransfer *transfer = asked_for(source, ticket)->transfer;

	await(source, transfer);
	return plf_answer_is_ok(plf_transfer_response(transfer));
}

static bool
wait_page_or_refusal(void *arg, PlfTicket ticket)
{
	const Asked *asked = asked_for(arg, ticket);

	return wait_for_page(arg, ticket) ||
		   plf_answer_is_refusal(plf_transfer_response(asked->transfer),
								 asked->request.page);
}

/*
 * Waits for an answer.  If the API refused the token and the token can be renewed, that
 * is done once; this request is sent again, and so are others that went out with the old
 * token, even if the mapping has no refresh token any more.
 */
static void
await(PlfSource *source, PlfTransfer *transfer)
{
	plf_transfer_wait(transfer);
	while (plf_answer_is_unauthorized(plf_transfer_response(transfer)) &&
		   (plf_transfer_is_outdated(transfer) ||
			(plf_mapping_is_renewed(source->credential.mapping) && !source->renewed)))
	{
		if (!plf_transfer_is_outdated(transfer))
		{
			MemoryContext old = MemoryContextSwitchTo(source->context);
			PlfFailure failure = {0};

			source->renewed = true;
			if (!plf_credential_renew(source->options, &source->credential, &failure))
				plf_failure_raise(&failure);
			plf_client_set_token(source->client, source->credential.access_token,
								 source->credential.staging_token);
			MemoryContextSwitchTo(old);
		}
		plf_transfer_again(transfer);
		plf_transfer_wait(transfer);
	}
}

PlfAnswer
plf_source_receive(PlfSource *source, PlfTicket ticket)
{
	PlfListRequest request;
	PlfTransfer *transfer = redeem(source, ticket, &request);
	Holder *holder;
	const PlfMeta *meta;
	const char *message;
	char *detail;

	await(source, transfer);
	if (plf_answer_is_refusal(plf_transfer_response(transfer), request.page))
	{
		note_refusal(source, plf_transfer_response(transfer));
		plf_transfer_release(transfer);
		return (PlfAnswer){NULL, source->refusal};
	}
	holder = receive(source, transfer, PLF_SHAPE_LIST, request.page);
	meta = plf_page_meta(holder->public.page);
	if (plf_answer_is_last_page(&request, meta))
	{
		set_refusal(source,
					psprintf(" It sent page " INT64_FORMAT ", the last one, instead.",
							 meta->current_page));
		plf_source_release(source, &holder->public);
		return (PlfAnswer){NULL, source->refusal};
	}
	if (plf_answer_differs(source->wire, &request, meta, &message, &detail))
		plf_source_raise(source, request.page, ERRCODE_PROTOCOL_VIOLATION, message,
						 detail, NULL);
	if (source->statement != NULL)
		plf_statement_note_list(source->statement, source->credential.mapping->umid);

	holder->public.request = request;
	holder->public.first = (request.page - 1) * request.per_page;
	holder->public.count = plf_page_links(holder->public.page);
	holder->public.total = meta->total_count;
	return (PlfAnswer){&holder->public, ""};
}

PlfHeldPage *
plf_source_receive_link(PlfSource *source, PlfTicket ticket)
{
	PlfListRequest request;
	PlfTransfer *transfer = redeem(source, ticket, &request);
	Holder *holder;

	await(source, transfer);
	if (is_no_link(source, plf_transfer_response(transfer)))
	{
		plf_transfer_release(transfer);
		require_list(source);
		return NULL;
	}
	holder = receive(source, transfer, PLF_SHAPE_LINK, 0);
	holder->public.request = request;
	holder->public.first = 0;
	holder->public.count = 1;
	holder->public.total = 1;
	return &holder->public;
}

/* Whether the API itself says that what was asked for is not there. */
static bool
is_no_link(PlfSource *source, const PlfResponse *response)
{
	bool no_memory = false;
	bool is_of_api = response->outcome == PLF_OUTCOME_ANSWER && response->status == 404 &&
					 response->body != NULL &&
					 plf_error_is_of_api(response->body, response->length, &no_memory);

	if (no_memory)
		plf_source_raise(source, 0, ERRCODE_OUT_OF_MEMORY, "out of memory", NULL, NULL);
	return is_of_api;
}

/*
 * Raises the API's answer when it does not have the list.  Without the list (payment
 * links are not enabled, or base_url has a wrong prefix) the API knows no id either.
 */
static void
require_list(PlfSource *source)
{
	const PlfListRequest request = {.page = 1, .per_page = 1};

	Assert(source->statement != NULL);
	if (plf_statement_has_list(source->statement, source->credential.mapping->umid))
		return;
	plf_source_release(
		source, plf_source_receive(source, plf_source_request(source, &request)).page);
}

/*
 * Judges an answer, parses it and returns the page in a holder.  The transfer is
 * released.
 */
static Holder *
receive(PlfSource *source, PlfTransfer *transfer, PlfPageShape shape, int64 page)
{
	PlfFailureSite site = site_of(source, page);
	PlfFailure failure = {0};
	PlfPageError error;
	PlfResponse *response = plf_transfer_response(transfer);
	Holder *holder;
	char *body;
	size_t length;
	char start[64] = "";
	size_t start_length;

	site.is_lookup = shape == PLF_SHAPE_LINK;
	if (plf_failure_from_response(response, &site, &failure))
	{
		if (plf_answer_is_unauthorized(response))
			plf_credential_refused(&source->credential);
		plf_failure_raise(&failure);
	}
	if (!source->accepted)
		plf_credential_accepted(&source->credential);
	source->accepted = true;

	holder = get_holder(source);
	body = plf_transfer_take_body(transfer, &length);
	start_length = Min(length, sizeof(start));
	if (start_length > 0)
		memcpy(start, body, start_length);
	holder->public.page = plf_page_parse(body, length, shape, source->wire, &error);
	if (holder->public.page == NULL)
	{
		plf_failure_from_page(&error, response, start, start_length, &site, &failure);
		plf_failure_raise(&failure);
	}
	plf_transfer_release(transfer);
	source->pages++;
	check_held(source, page);
	return holder;
}

static void
check_held(PlfSource *source, int64 page)
{
	size_t bytes = 0;

	for (Holder *holder = source->holders; holder != NULL; holder = holder->all_next)
		if (holder->public.page != NULL)
			bytes += plf_page_length(holder->public.page);
	if (bytes <= UNWEIGHED_BODY_BYTES)
		return;
	bytes = 0;
	for (Holder *holder = source->holders; holder != NULL; holder = holder->all_next)
		if (holder->public.page != NULL)
			bytes += plf_page_bytes(holder->public.page);
	if (bytes > MAX_HELD_BYTES)
		plf_source_raise(source, page, ERRCODE_PROTOCOL_VIOLATION,
						 "answer of the payment links API is too large",
						 "The pages in memory would take more than 96 MiB.",
						 "A smaller \"page_size\" makes the answers smaller.");
}

static void
note_refusal(PlfSource *source, const PlfResponse *response)
{
	PlfFailureSite site = site_of(source, 0);

	set_refusal(source, plf_refusal_words(response, &site));
}

static void
set_refusal(PlfSource *source, const char *words)
{
	if (source->refusal != NULL)
		pfree(source->refusal);
	source->refusal = MemoryContextStrdup(source->context, words);
}

static void
note_repair(void *arg)
{
	((PlfSource *) arg)->repairs++;
}

static Holder *
get_holder(PlfSource *source)
{
	Holder *holder = source->free_holders;

	if (holder != NULL)
	{
		source->free_holders = holder->free_next;
		return holder;
	}
	holder = MemoryContextAllocZero(source->context, sizeof(Holder));
	holder->all_next = source->holders;
	source->holders = holder;
	return holder;
}

void
plf_source_release(PlfSource *source, PlfHeldPage *held)
{
	Holder *holder = (Holder *) held;

	plf_page_free(held->page);
	held->page = NULL;
	holder->free_next = source->free_holders;
	source->free_holders = holder;
}

void
plf_source_raise(PlfSource *source, int64 page, int sqlstate, const char *message,
				 const char *detail, const char *hint)
{
	PlfFailureSite site = site_of(source, page);
	PlfFailure failure = {0};

	plf_failure_set(&failure, &site, sqlstate, message, detail, hint);
	plf_failure_raise(&failure);
}

PlfSourceStats
plf_source_stats(const PlfSource *source)
{
	PlfSourceStats stats;

	stats.client = *plf_client_stats(source->client);
	stats.pages = source->pages;
	stats.repairs = source->repairs;
	return stats;
}
