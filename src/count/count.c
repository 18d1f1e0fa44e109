/*
 * count.c
 *		A node that counts: begins, counts, emits the counts as rows and ends.
 *
 * The conditions and bounds are evaluated when the first row is asked for, and again
 * after each rescan.  Each set of values makes a run, which counts the links once.
 */
#include "postgres.h"

#include "access/table.h"
#include "common/int.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parsetree.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "count/by_distance.h"
#include "count/by_reading.h"
#include "count/by_totals.h"
#include "count/count.h"
#include "quals/status_notice.h"
#include "quals/status_shape.h"

static void init_selections(PlfCountState *state, ForeignScanState *node);
static PlfCountRun *evaluate(PlfCountState *state);
static bool serves_again(const PlfCountState *state, const PlfCountRun *run,
						 const PlfCountRun *now);
static void prepare(PlfCountState *state);
static void count_links(PlfCountState *state, PlfCountRun *run);
static void notice_absent(PlfCountState *state, const PlfCountRun *run);
static List *unread_literals(const PlfCountState *state, const PlfCountRun *run);
static bool next_group(PlfCountState *state, TupleTableSlot *slot);
static void store_whole(PlfCountState *state, TupleTableSlot *slot);
static int64 selected_links(PlfCountState *state, int selection);
static void store_read_group(PlfCountState *state, const PlfStatusGroup *group,
							 TupleTableSlot *slot);
static void store_total(PlfCountState *state, int status, int64 total,
						TupleTableSlot *slot);
static void store_row(const PlfCountState *state, TupleTableSlot *slot,
					  const int64 *links, Datum status, bool status_isnull);

void *
plf_count_begin(ForeignScanState *node, int eflags pg_attribute_unused())
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState *estate = node->ss.ps.state;
	Oid userid = plf_check_as_user(plan, estate);
	MemoryContext context = AllocSetContextCreate(
		estate->es_query_cxt, "payment_links_fdw count", ALLOCSET_DEFAULT_SIZES);
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
	init_selections(state, node);
	MemoryContextSwitchTo(old);
	return state;
}

/*
 * Prepares the conditions.  The status is the first column of the scan tuple, wherever it
 * is in the table.
 */
static void
init_selections(PlfCountState *state, ForeignScanState *node)
{
	const PlfCountSpec *spec = state->spec;
	TupleDesc desc = node->ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	PlfColumn in_tuple = {0};
	Relation relation;
	PlfSelection *selection;
	ListCell *lc;

	relation = table_open(state->relid, NoLock);
	state->table = plf_table_describe(relation);
	if (spec->status_attnum > 0)
	{
		state->status = &state->table->columns[spec->status_attnum - 1];
		in_tuple = *state->status;
		in_tuple.attnum = 1;
	}
	if (spec->key_attnum > 0)
	{
		state->range = plf_range_create(
			spec->lower, spec->upper, plf_count_is_descending(spec), &node->ss.ps,
			relation, state->table, spec->key_attnum, desc, spec->key_place);
		state->reads_range = state->table->columns[spec->key_attnum - 1].constrained ||
							 (state->status != NULL &&
							  state->status->may_refuse != PLF_STATUS_NONE);
	}
	table_close(relation, NoLock);
	state->nselections = 1 + list_length(spec->filters);
	selection = state->selections = palloc0(sizeof(PlfSelection) * state->nselections);
	selection->constant = plf_status_clauses_are_constant(spec->conditions);
	if (spec->conditions != NIL)
		selection->filter = plf_status_filter_init(spec->conditions, &node->ss.ps,
												   &in_tuple, desc);
	foreach(lc, spec->filters)
	{
		List *clauses = list_make1(lfirst(lc));

		selection++;
		selection->constant = state->selections[0].constant &&
							  plf_status_clauses_are_constant(clauses);
		selection->filter = plf_status_filter_init(clauses, &node->ss.ps, &in_tuple,
												   desc);
	}
}

bool
plf_count_next(void *count, TupleTableSlot *slot)
{
	PlfCountState *state = count;

	prepare(state);
	if (state->spec->grouped)
		return next_group(state, slot);
	if (state->next_row++ > 0)
		return false;
	store_whole(state, slot);
	return true;
}

/* Makes sure that there is a run for the values that the parameters have now. */
static void
prepare(PlfCountState *state)
{
	PlfCountRun *run;

	if (state->run != NULL && !state->rescanned)
		return;
	run = evaluate(state);
	if (state->run != NULL && serves_again(state, state->run, run))
		MemoryContextDelete(run->context);
	else
	{
		if (state->run != NULL)
			MemoryContextDelete(state->run->context);
		state->run = NULL;
		count_links(state, run);
		state->run = run;
	}
	state->rescanned = false;
	state->next_row = 0;
	state->next_group = state->run->by == PLF_BY_READING
							? plf_status_groups_first(state->run->groups)
							: NULL;
}

/* A run for the values that the conditions and bounds have now, before it counts. */
static PlfCountRun *
evaluate(PlfCountState *state)
{
	MemoryContext context = AllocSetContextCreate(
		state->context, "payment_links_fdw count run", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PlfCountRun *run = palloc0(sizeof(PlfCountRun));

	run->context = context;
	run->verdicts = plf_count_verdicts(state);
	run->bounds = PLF_BOUNDS_KNOWN;
	run->bound_values = "";
	if (state->range != NULL)
	{
		char *values;

		run->bounds = plf_range_evaluate(state->range, &values);
		run->bound_values = values;
	}
	MemoryContextSwitchTo(old);
	return run;
}

/*
 * True when a run counted the links that a rescan wants.  Only this function decides
 * that.  Bounds that raised an error have no values to compare, so the links are counted
 * again.
 */
static bool
serves_again(const PlfCountState *state, const PlfCountRun *run, const PlfCountRun *now)
{
	for (int i = 0; i < state->nselections; i++)
		if (!plf_same_verdict(&run->verdicts[i], &now->verdicts[i]))
			return false;
	return run->bounds == now->bounds && now->bounds != PLF_BOUNDS_FAILED &&
		   strcmp(run->bound_values, now->bound_values) == 0;
}

static void
count_links(PlfCountState *state, PlfCountRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	if (state->range == NULL)
	{
		if (!plf_count_by_totals(state, run))
			plf_count_by_reading(state, run);
	}
	else if (run->bounds == PLF_BOUNDS_FAILED)
		plf_count_by_reading(state, run);
	else if (run->bounds == PLF_BOUNDS_NULL || plf_range_is_void(state->range))
		run->by = PLF_BY_DISTANCE; /* no link lies in the range */
	else
		plf_count_by_distance(state, run);
	notice_absent(state, run);
	MemoryContextSwitchTo(old);
}

/* Raises the NOTICE about unknown literals, if the count shows that no link has them. */
static void
notice_absent(PlfCountState *state, const PlfCountRun *run)
{
	int64 every_link = plf_totals_of(&run->totals, PLF_EVERY_LINK);
	List *absent = NIL;

	if (run->all_documented ||
		(run->by == PLF_BY_TOTALS && every_link >= 0 &&
		 every_link == plf_totals_of(&run->totals, PLF_STATUS_ALL)))
		absent = state->literals;
	else if (run->read_all && state->status != NULL)
		absent = unread_literals(state, run);
	if (absent != NIL)
		state->literals = NIL;
	plf_notice_absent(state->options, &state->table->resource->wire, absent);
}

/* The unknown literals that are the status of no link that was read. */
static List *
unread_literals(const PlfCountState *state, const PlfCountRun *run)
{
	List *unread = list_copy(state->literals);
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw status", ALLOCSET_SMALL_SIZES);

	for (const PlfStatusGroup *group = plf_status_groups_first(run->groups);
		 group != NULL; group = group->next)
	{
		MemoryContext old;
		char *text;
		ListCell *lc;

		CHECK_FOR_INTERRUPTS();
		if (group->isnull)
			continue;
		old = MemoryContextSwitchTo(context);
		text = plf_status_text(group->status, state->status->type);
		MemoryContextSwitchTo(old);
		foreach(lc, unread)
			if (strcmp(text, strVal(lfirst(lc))) == 0)
				unread = foreach_delete_current(unread, lc);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	return unread;
}

/* The only row of a count without groups. */
static void
store_whole(PlfCountState *state, TupleTableSlot *slot)
{
	const PlfCountSpec *spec = state->spec;
	int64 *links = palloc(sizeof(int64) * spec->ncolumns);

	for (int i = 0; i < spec->ncolumns; i++)
		links[i] = selected_links(state, spec->columns[i].filter + 1);
	store_row(state, slot, links, (Datum) 0, true);
}

static int64
selected_links(PlfCountState *state, int selection)
{
	const PlfStatusGroup *group;
	int64 links = 0;

	switch (state->run->by)
	{
		case PLF_BY_TOTALS:
			return plf_count_of_totals(state->run, selection);
		case PLF_BY_DISTANCE:
			return state->run->in_range;
		case PLF_BY_READING:
			break;
	}
	for (group = plf_status_groups_first(state->run->groups); group != NULL;
		 group = group->next)
	{
		CHECK_FOR_INTERRUPTS();
		if (plf_count_holds(state, selection, group->status, group->isnull))
			links += group->links;
	}
	return links;
}

/* The row of the next group that has a link; false when there is none. */
static bool
next_group(PlfCountState *state, TupleTableSlot *slot)
{
	const PlfCountRun *run = state->run;

	while (state->next_group != NULL)
	{
		const PlfStatusGroup *group = state->next_group;

		CHECK_FOR_INTERRUPTS();
		state->next_group = group->next;
		if (plf_count_holds(state, 0, group->status, group->isnull))
		{
			store_read_group(state, group, slot);
			return true;
		}
	}
	while (run->by == PLF_BY_TOTALS && state->next_row < PLF_STATUS_COUNT)
	{
		int status = state->next_row++;
		int64 total = plf_totals_of(&run->totals, run->verdicts[0].statuses &
													  ((PlfStatusSet) 1 << status));

		if (total > 0)
		{
			store_total(state, status, total, slot);
			return true;
		}
	}
	return false;
}

/* The row of a group of links that were read. */
static void
store_read_group(PlfCountState *state, const PlfStatusGroup *group, TupleTableSlot *slot)
{
	const PlfCountSpec *spec = state->spec;
	int64 *links = palloc(sizeof(int64) * spec->ncolumns);

	for (int i = 0; i < spec->ncolumns; i++)
		links[i] = plf_count_holds(state, spec->columns[i].filter + 1, group->status,
								   group->isnull)
					   ? group->links
					   : 0;
	store_row(state, slot, links, group->status, group->isnull);
}

/* The row of a documented status, which "total" links have. */
static void
store_total(PlfCountState *state, int status, int64 total, TupleTableSlot *slot)
{
	const PlfCountSpec *spec = state->spec;
	const PlfCountRun *run = state->run;
	int64 *links = palloc(sizeof(int64) * spec->ncolumns);

	for (int i = 0; i < spec->ncolumns; i++)
	{
		PlfStatusSet statuses = run->verdicts[spec->columns[i].filter + 1].statuses;

		links[i] = (statuses & ((PlfStatusSet) 1 << status)) ? total : 0;
	}
	store_row(state, slot, links, run->values[status], false);
}

static void
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
	ExecStoreVirtualTuple(slot);
}

void
plf_count_rescan(void *count)
{
	((PlfCountState *) count)->rescanned = true;
}

void
plf_count_end(void *count)
{
	MemoryContextDelete(((PlfCountState *) count)->context);
}
