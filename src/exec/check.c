/*
 * check.c
 *		payment_links_check(): who asks, where, does it work, how many links.
 *
 * One request, and what went wrong is a row rather than an error: whatever the
 * API, the network or the user mapping has to do with.  A server that does not
 * exist or may not be used is an error, and so is a query cancel.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_foreign_server.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "http/client.h"
#include "pages/credential.h"
#include "http/failure.h"
#include "api/page.h"
#include "api/request.h"
#include "catalog/option.h"
#include "catalog/server.h"

/* Bytes of an answer that tell an HTML page. */
#define BODY_START 64

/* The columns of the result, in order. */
enum
{
	CHECK_HOST,
	CHECK_MAPPING,
	CHECK_OK,
	CHECK_LINKS,
	CHECK_ELAPSED,
	CHECK_SQLSTATE,
	CHECK_MESSAGE,
	CHECK_HINT,
	CHECK_TRACE_ID,
	CHECK_COLUMNS
};

PG_FUNCTION_INFO_V1(payment_links_check);

static bool ask(MemoryContext context, const PlfOptions *options,
				const PlfCredential *credential, int64 *links, PlfFailure *failure);
static bool read_total(PlfTransfer *transfer, const PlfFailureSite *site, int64 *links,
					   PlfFailure *failure);
static Interval *interval_since(instr_time start);
static void set_text(Datum *values, bool *nulls, int column, const char *text);

Datum
payment_links_check(PG_FUNCTION_ARGS)
{
	ForeignServer *server = plf_server_get(NameStr(*PG_GETARG_NAME(0)));
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_check", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PlfOptions *options = plf_options_get(server->serverid, InvalidOid);
	PlfCredential credential = {0};
	PlfFailure failure = {0};
	int64 links = 0;
	Datum values[CHECK_COLUMNS] = {0};
	bool nulls[CHECK_COLUMNS] = {false};
	instr_time start;
	TupleDesc desc;
	HeapTuple tuple;
	bool ok;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	INSTR_TIME_SET_CURRENT(start);
	ok = plf_credential_get(GetUserId(), options, NULL, &credential, &failure) &&
		 (ask(context, options, &credential, &links, &failure) ||
		  (failure.unauthorized && plf_mapping_is_renewed(credential.mapping) &&
		   plf_credential_get(GetUserId(), options, credential.access_token, &credential,
							  &failure) &&
		   ask(context, options, &credential, &links, &failure)));

	set_text(values, nulls, CHECK_HOST, options->host);
	set_text(values, nulls, CHECK_MAPPING, credential.role);
	values[CHECK_OK] = BoolGetDatum(ok);
	values[CHECK_LINKS] = Int64GetDatum(links);
	nulls[CHECK_LINKS] = !ok;
	values[CHECK_ELAPSED] = IntervalPGetDatum(interval_since(start));
	set_text(values, nulls, CHECK_SQLSTATE,
			 ok ? NULL : unpack_sql_state(failure.sqlstate));
	set_text(values, nulls, CHECK_MESSAGE,
			 ok || failure.detail == NULL
				 ? failure.message
				 : psprintf("%s: %s", failure.message, failure.detail));
	set_text(values, nulls, CHECK_HINT, failure.hint);
	set_text(values, nulls, CHECK_TRACE_ID, failure.trace_id);

	MemoryContextSwitchTo(old);
	tuple = heap_form_tuple(BlessTupleDesc(desc), values, nulls);
	MemoryContextDelete(context);
	PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}

/* Sends the one request, without retries; false with *failure filled. */
static bool
ask(MemoryContext context, const PlfOptions *options, const PlfCredential *credential,
	int64 *links, PlfFailure *failure)
{
	const PlfListRequest request = {.filtered = false, .page = 1, .per_page = 1};
	PlfFailureSite site = {
		.options = options, .credential = credential, .page = request.page};
	PlfEndpoint endpoint = {0};
	char path[PLF_REQUEST_SIZE];
	PlfClient *client;
	PlfTransfer *transfer;
	bool ok;

	plf_endpoint_set(&endpoint, options, credential);
	endpoint.retry.max_retries = 0;
	client = plf_client_create(context, &endpoint);

	plf_list_request_spell(&request, path);
	transfer = plf_client_get(client, path);
	plf_client_wait(client, transfer);
	ok = read_total(transfer, &site, links, failure);
	plf_client_close(client);
	return ok;
}

static bool
read_total(PlfTransfer *transfer, const PlfFailureSite *site, int64 *links,
		   PlfFailure *failure)
{
	PlfResponse *response = plf_transfer_response(transfer);
	PlfPageError error;
	PlfPage *page;
	char start[BODY_START] = "";
	char *body;
	size_t length;
	size_t start_length;

	if (plf_failure_from_response(response, site, failure))
	{
		if (response->outcome == PLF_OUTCOME_ANSWER && response->status == 401)
			plf_credential_refused(site->credential);
		return false;
	}
	plf_credential_accepted(site->credential);

	body = plf_transfer_take_body(transfer, &length);
	start_length = Min(length, sizeof(start));
	if (start_length > 0)
		memcpy(start, body, start_length);
	page = plf_page_parse(body, length, PLF_SHAPE_LIST, &error);
	if (page == NULL)
	{
		plf_failure_from_page(&error, response, start, start_length, site, failure);
		return false;
	}
	*links = plf_page_meta(page)->total_count;
	plf_page_free(page);
	return true;
}

static Interval *
interval_since(instr_time start)
{
	Interval *interval = palloc0(sizeof(Interval));
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	interval->time = (TimeOffset) INSTR_TIME_GET_MICROSEC(now);
	return interval;
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	if (text != NULL)
		values[column] = CStringGetTextDatum(text);
}
