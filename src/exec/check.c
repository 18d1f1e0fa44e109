/*
 * check.c
 *		payment_links_check(): one row with the role and host of a request, whether the
 *		request succeeded, and how many links there are.
 *
 * Sends one request.  What goes wrong with the API, the network or the user mapping is a
 * row of the result, not an error.  A server that does not exist or may not be used is an
 * error, as is a query cancel.
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
#include "catalog/option.h"
#include "catalog/resource.h"
#include "catalog/resource.h"
#include "catalog/server.h"
#include "http/failure.h"
#include "pages/access.h"

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
	ok = plf_access_check(GetUserId(), options, &PLF_PAYMENT_LINKS->wire, &credential,
						  &links, &failure);

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
