/*
 * count.c
 *		Counts from the API's total_count: one-row requests instead of pages.
 *
 * What is counted is a set of links: those of certain documented statuses, or
 * all, or all but some.  The requests that this takes are sent together.  Where
 * they cannot tell (a link has an undocumented status, or the list moved between
 * them) the links are read and counted here.
 */
#include "postgres.h"

#include "access/table.h"
#include "commands/explain.h"
#include "common/int.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "parser/parsetree.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "quals/status_shape.h"
#include "count/count.h"
#include "count/count_state.h"
#include "scan/explain.h"
#include "list/reader.h"
#include "scan/scan.h"
#include "quals/status_notice.h"
#include "quals/status_value.h"

static void init_units(PlfCountState *state, ForeignScanState *node);
static bool evaluate_units(PlfCountState *state);
static bool any_failed(const PlfCountState *state);
static void make_values(PlfCountState *state);
static void count_links(PlfCountState *state);
static void explain_range(ForeignScanState *node, ExplainState *es);
static void notice_absent(PlfCountState *state);
static List *unread_literals(const PlfCountState *state);
static int64 unit_links(PlfCountState *state, int unit);
static TupleTableSlot *whole_row(PlfCountState *state, ForeignScanState *node);
static TupleTableSlot *next_group(PlfCountState *state, ForeignScanState *node);
static TupleTableSlot *store_row(const PlfCountState *state, TupleTableSlot *slot,
								 const int64 *links, Datum status, bool status_isnull);

void
plf_count_begin(ForeignScanState *node, int eflags pg_attribute_unused())
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState *estate = node->ss.ps.state;
	Oid userid = plf_check_as_user(plan, estate);
	MemoryContext context = AllocSetContextCreate(
		estate->es_query_cxt, "payment links count", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PlfCountState *state = palloc0(sizeof(PlfCountState));

	state->context = context;
	state->spec = plf_count_spec_from_plan(plan);
	state->literals = state->spec->literals;
	state->relid = exec_rt_fetch(plf_scan_rti(plan), estate)->relid;
	state->options = plf_options_get(plan->fs_server, state->relid);
	state->statement = plf_statement_of(estate);
	state->userid = OidIsValid(userid) ? userid : GetUserId();
	state->slot = node->ss.ss_ScanTupleSlot;
	init_units(state, node);
	node->fdw_state = state;
	MemoryContextSwitchTo(old);
}

/* In the scan tuple the status is the first column, whatever it is in the table. */
static void
init_units(PlfCountState *state, ForeignScanState *node)
{
	const PlfCountSpec *spec = state->spec;
	TupleDesc desc = node->ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	PlfColumn in_tuple = {0};
	Relation relation;
	PlfTable *table;
	ListCell *lc;
	int unit = 1;

	relation = table_open(state->relid, NoLock);
	table = plf_table_describe(relation);
	if (spec->status_attnum > 0)
	{
		state->status = &table->columns[spec->status_attnum - 1];
		in_tuple = *state->status;
		in_tuple.attnum = 1;
	}
	if (spec->key_attnum > 0)
	{
		state->range = plf_range_create(
			spec->lower, spec->upper, plf_count_is_descending(spec), &node->ss.ps,
			relation, table, spec->key_attnum, desc, spec->key_place);
		state->must_read = table->columns[spec->key_attnum - 1].constrained ||
						   (state->status != NULL &&
							state->status->may_refuse != PLF_STATUS_NONE);
	}
	table_close(relation, NoLock);
	state->nunits = 1 + list_length(spec->filters);
	state->units = palloc0(sizeof(PlfCountUnit) * state->nunits);
	state->units[0].constant = plf_status_clauses_are_constant(spec->conditions);
	if (spec->conditions != NIL)
		state->units[0].filter = plf_status_filter_init(spec->conditions, &node->ss.ps,
														&in_tuple, desc);
	foreach(lc, spec->filters)
	{
		List *clauses = lappend(list_copy(spec->conditions), lfirst(lc));

		state->units[unit].constant = plf_status_clauses_are_constant(clauses);
		state->units[unit].filter = plf_status_filter_init(clauses, &node->ss.ps,
														   &in_tuple, desc);
		unit++;
	}
}

/*
 * Whether any verdict is another than before.
 *
 * A link that a condition on the status lets into a count must have a status that the
 * column can hold; else the count fails, as reading that link does.  Whether all
 * undocumented statuses are let in or only some makes no difference then: links that
 * have one are read.
 */
static bool
evaluate_units(PlfCountState *state)
{
	bool changed = false;

	for (int i = 0; i < state->nunits; i++)
	{
		PlfStatusVerdict verdict = {PLF_STATUS_ALL, PLF_REST_ALL, false};

		if (state->units[i].filter != NULL)
		{
			verdict = plf_status_filter_evaluate(state->units[i].filter);
			if (verdict.rest == PLF_REST_ALL && state->status->may_refuse_others)
				verdict.rest = PLF_REST_SOME;
		}
		changed |= !plf_same_verdict(&verdict, &state->units[i].verdict);
		state->units[i].verdict = verdict;
	}
	return changed;
}

TupleTableSlot *
plf_count_iterate(ForeignScanState *node)
{
	PlfCountState *state = node->fdw_state;

	if (!state->counted)
		count_links(state);
	if (state->spec->grouped)
		return next_group(state, node);
	if (state->next_group++ > 0)
		return ExecClearTuple(node->ss.ss_ScanTupleSlot);
	return whole_row(state, node);
}

static void
count_links(PlfCountState *state)
{
	bool changed = evaluate_units(state);
	PlfBounds bounds_kind = PLF_BOUNDS_KNOWN;
	char *bounds = NULL;

	if (state->range != NULL)
	{
		bounds_kind = plf_range_evaluate(state->range, &bounds);
		/* Bounds that raised an error have no values to compare. */
		changed |= bounds_kind != state->bounds_kind ||
				   bounds_kind == PLF_BOUNDS_FAILED || state->bounds == NULL ||
				   strcmp(bounds, state->bounds) != 0;
	}
	if (changed || state->run_context == NULL)
	{
		MemoryContext old;
		bool possible = true;

		if (state->run_context != NULL)
			MemoryContextDelete(state->run_context);
		state->run_context = AllocSetContextCreate(
			state->context, "payment links count run", ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(state->run_context);
		state->read = state->read_all = state->closed = false;
		state->tallies = state->null_tally = NULL;
		state->by_status = NULL;
		state->nprobes = 0;
		if (state->range != NULL)
		{
			state->bounds_kind = bounds_kind;
			state->bounds = pstrdup(bounds);
			state->in_range = 0;
			if (bounds_kind == PLF_BOUNDS_FAILED)
				possible = false;
			else if (bounds_kind == PLF_BOUNDS_KNOWN && !plf_range_is_void(state->range))
				plf_count_range(state);
		}
		else if (any_failed(state))
			possible = false;
		else
			plf_probes_plan(state);
		if (state->nprobes > 0)
		{
			plf_probes_run(state);
			possible = plf_probes_agree(state);
			if (!possible && state->spec->grouped)
			{
				/* The list may have moved between the answers. */
				plf_probes_run(state);
				possible = plf_probes_agree(state);
			}
		}
		if (!possible)
			plf_count_by_reading(state);
		else if (state->range == NULL && state->status != NULL)
			make_values(state);
		notice_absent(state);
		MemoryContextSwitchTo(old);
	}
	state->counted = true;
	state->next_group = 0;
	state->next_tally = state->tallies;
}

/* Whether a condition could not be evaluated ahead of the links. */
static bool
any_failed(const PlfCountState *state)
{
	for (int i = 0; i < state->nunits; i++)
		if (state->units[i].verdict.failed)
			return true;
	return false;
}

/*
 * The values of the statuses that some counted link has, or the error of reading such a
 * link.  All of them before the first row: reading would have met each by then.
 */
static void
make_values(PlfCountState *state)
{
	PlfStatusSet wanted = PLF_STATUS_NONE;

	for (int i = 0; i < state->nunits; i++)
	{
		if (i == 0 && state->spec->grouped)
			wanted |= state->units[i].verdict.statuses;
		else if (state->units[i].filter != NULL)
			wanted |= state->units[i].verdict.statuses & state->status->may_refuse;
	}
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		if ((wanted & ((PlfStatusSet) 1 << i)) &&
			plf_probed(state, true, (PlfStatusSet) 1 << i) > 0)
			state->values[i] = plf_status_value(state->status, plf_status_names[i]);
}

/* Tells of literals that no link has, where what was asked for the count shows that. */
static void
notice_absent(PlfCountState *state)
{
	int64 all = plf_probed(state, false, PLF_STATUS_ALL);
	List *absent = NIL;

	if (state->closed ||
		(!state->read && all >= 0 && all == plf_probed(state, true, PLF_STATUS_ALL)))
		absent = state->literals;
	else if (state->read_all && state->status != NULL)
		absent = unread_literals(state);
	if (absent != NIL)
		state->literals = NIL;
	plf_notice_absent(state->options, absent);
}

/* The literals that are the status of no link that was read. */
static List *
unread_literals(const PlfCountState *state)
{
	List *unread = list_copy(state->literals);
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "payment links status", ALLOCSET_SMALL_SIZES);

	for (PlfTally *tally = state->tallies; tally != NULL; tally = tally->next)
	{
		MemoryContext old;
		char *text;
		ListCell *lc;

		CHECK_FOR_INTERRUPTS();
		if (tally->isnull)
			continue;
		old = MemoryContextSwitchTo(context);
		text = plf_status_text(tally->status, state->status->type);
		MemoryContextSwitchTo(old);
		foreach(lc, unread)
			if (strcmp(text, strVal(lfirst(lc))) == 0)
				unread = foreach_delete_current(unread, lc);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	return unread;
}

/* The links for which the conditions, and a FILTER if any, hold. */
static int64
unit_links(PlfCountState *state, int unit)
{
	PlfStatusVerdict *verdict = &state->units[unit].verdict;
	int64 links = 0;

	if (state->range != NULL && !state->read)
		return state->in_range;
	if (state->read)
	{
		for (PlfTally *tally = state->tallies; tally != NULL; tally = tally->next)
		{
			CHECK_FOR_INTERRUPTS();
			if (plf_count_holds(state, unit, tally->status, tally->isnull))
				links += tally->links;
		}
		return links;
	}
	if (verdict->rest == PLF_REST_ALL)
		return Max(plf_probed(state, false, PLF_STATUS_ALL) -
					   plf_probed(state, true, PLF_STATUS_ALL & ~verdict->statuses),
				   0);
	return plf_probed(state, true, verdict->statuses);
}

bool
plf_count_holds(PlfCountState *state, int unit, Datum status, bool isnull)
{
	TupleTableSlot *slot = state->slot;

	if (state->units[unit].filter == NULL)
		return true;
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, state->spec->ncolumns * sizeof(bool));
	slot->tts_values[0] = status;
	slot->tts_isnull[0] = isnull;
	ExecStoreVirtualTuple(slot);
	return plf_status_filter_holds(state->units[unit].filter, slot);
}

/* The only row of a count without groups. */
static TupleTableSlot *
whole_row(PlfCountState *state, ForeignScanState *node)
{
	const PlfCountSpec *spec = state->spec;
	int64 *links = palloc(sizeof(int64) * spec->ncolumns);

	for (int i = 0; i < spec->ncolumns; i++)
		links[i] = unit_links(state, spec->columns[i].filter + 1);
	return store_row(state, node->ss.ss_ScanTupleSlot, links, (Datum) 0, true);
}

/* The next group that has a link, or an empty slot. */
static TupleTableSlot *
next_group(PlfCountState *state, ForeignScanState *node)
{
	const PlfCountSpec *spec = state->spec;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	int64 *links = palloc(sizeof(int64) * spec->ncolumns);
	PlfTally *tally = state->next_tally;

	while (tally != NULL && !plf_count_holds(state, 0, tally->status, tally->isnull))
	{
		CHECK_FOR_INTERRUPTS();
		tally = tally->next;
	}
	if (tally != NULL)
	{
		state->next_tally = tally->next;
		for (int i = 0; i < spec->ncolumns; i++)
			links[i] = plf_count_holds(state, spec->columns[i].filter + 1, tally->status,
									   tally->isnull)
						   ? tally->links
						   : 0;
		return store_row(state, slot, links, tally->status, tally->isnull);
	}

	while (!state->read && state->next_group < PLF_STATUS_COUNT)
	{
		int group = state->next_group++;
		PlfStatusSet status = (PlfStatusSet) 1 << group;
		int64 total;

		if (!(state->units[0].verdict.statuses & status))
			continue;
		total = plf_probed(state, true, status);
		if (total <= 0)
			continue;
		for (int i = 0; i < spec->ncolumns; i++)
			links[i] = state->units[spec->columns[i].filter + 1].verdict.statuses & status
						   ? total
						   : 0;
		return store_row(state, slot, links, state->values[group], false);
	}
	return ExecClearTuple(slot);
}

static TupleTableSlot *
store_row(const PlfCountState *state, TupleTableSlot *slot, const int64 *links,
		  Datum status, bool status_isnull)
{
	ExecClearTuple(slot);
	for (int i = 0; i < state->spec->ncolumns; i++)
	{
		PlfCountColumn *column = &state->spec->columns[i];
		int64 value = 0;

		/* The API may report any number of links. */
		if (column->kind != PLF_COUNT_NOTHING &&
			pg_mul_s64_overflow(links[i], column->factor, &value))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("bigint out of range")));
		slot->tts_isnull[i] = column->kind == PLF_COUNT_STATUS
								  ? status_isnull
								  : column->kind == PLF_COUNT_KEY ||
										(column->kind == PLF_COUNT_SUM && links[i] == 0);
		slot->tts_values[i] = column->kind == PLF_COUNT_STATUS ? status
															   : Int64GetDatum(value);
	}
	return ExecStoreVirtualTuple(slot);
}

/* What changed is seen when the next row is wanted. */
void
plf_count_rescan(ForeignScanState *node)
{
	PlfCountState *state = node->fdw_state;

	state->counted = false;
}

void
plf_count_end(ForeignScanState *node)
{
	PlfCountState *state = node->fdw_state;

	if (state == NULL)
		return;
	MemoryContextDelete(state->context);
	node->fdw_state = NULL;
}

static void
explain_range(ForeignScanState *node, ExplainState *es)
{
	PlfCountState *state = node->fdw_state;
	const PlfCountSpec *spec = state->spec;
	PlfReading what = {0};
	PlfListRequest request;
	char text[PLF_REQUEST_SIZE];
	bool constant = state->units[0].constant;
	List *bounds = list_concat_copy(spec->lower, spec->upper);

	plf_count_range_reading(state, &what);
	if (constant)
		evaluate_units(state);
	if (constant && !plf_reading_statuses(&state->units[0].verdict, true, &what))
		ExplainPropertyText("API Request", "none (no status satisfies the conditions)",
							es);
	else if (plf_count_is_impossible(spec, &what))
		ExplainPropertyText("API Request", "none (the key is never NULL)", es);
	else if (state->range != NULL && plf_range_is_constant(state->range) &&
			 plf_range_is_void(state->range))
		ExplainPropertyText("API Request", "none (the bounds exclude each other)", es);
	else
	{
		request = plf_reading_request(&what, 1, state->options->page_size);
		request.filtered = what.filtered && what.statuses != PLF_STATUS_NONE;
		plf_list_request_show(&request, text);
		ExplainPropertyText(
			"API Request",
			constant ? psprintf("GET %s", text)
					 : psprintf("GET /v2/payment_links?status[]={%s}&%s",
								plf_explain_expression(node, es,
													   (Node *) make_ands_explicit(
														   list_copy(spec->conditions))),
								strchr(text, '?') + 1),
			es);
	}
	ExplainPropertyText(
		"API Range",
		spec->nulls_only ? "IS NULL"
		: bounds == NIL
			? "IS NOT NULL"
			: plf_explain_expression(node, es, (Node *) make_ands_explicit(bounds)),
		es);
	ExplainPropertyText("API Count",
						state->must_read ? "the range's links, read"
										 : "distance of the range's ends",
						es);
	if (es->analyze)
		plf_explain_source(state->source, state->links, es);
}

void
plf_count_explain(ForeignScanState *node, ExplainState *es)
{
	PlfCountState *state = node->fdw_state;
	bool constant = true;
	StringInfoData shown;

	ExplainPropertyText("API Host", state->options->host, es);
	initStringInfo(&shown);
	if (state->range != NULL)
	{
		explain_range(node, es);
		return;
	}
	for (int i = 0; i < state->nunits; i++)
		constant &= state->units[i].constant;
	if (constant && !state->counted)
	{
		evaluate_units(state);
		plf_probes_plan(state);
		for (int i = 0; i < state->nunits; i++)
			memset(&state->units[i].verdict, 0, sizeof(PlfStatusVerdict));
	}
	if (!constant)
	{
		PlfListRequest request = {.page = 1, .per_page = 1};
		char text[PLF_REQUEST_SIZE];
		List *conditions = list_concat_copy(state->spec->conditions,
											state->spec->filters);

		plf_list_request_show(&request, text);
		appendStringInfo(
			&shown, "GET /v2/payment_links?status[]={%s}&%s",
			plf_explain_expression(node, es, (Node *) make_ands_explicit(conditions)),
			strchr(text, '?') + 1);
	}
	else if (state->nprobes == 0)
		appendStringInfoString(&shown, "none (no status satisfies the conditions)");
	else
		for (int i = 0; i < state->nprobes; i++)
		{
			PlfListRequest request = plf_probe_request(&state->probes[i]);
			char text[PLF_REQUEST_SIZE];

			plf_list_request_show(&request, text);
			appendStringInfo(&shown, "%sGET %s", i > 0 ? ", " : "", text);
		}
	ExplainPropertyText("API Request", shown.data, es);
	ExplainPropertyText(
		"API Count", state->spec->grouped ? "total_count of each status" : "total_count",
		es);
	if (es->analyze)
		plf_explain_source(state->source, state->links, es);
}
