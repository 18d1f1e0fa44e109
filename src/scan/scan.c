/*
 * scan.c
 *		A node that scans: begins, reads, replays and ends.
 *
 * Nothing is asked of the API before the first row is wanted: LIMIT 0, EXPLAIN
 * and the probes of reporting tools cost no request.
 */
#include "postgres.h"

#include "access/table.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "scan/scan.h"
#include "quals/status_notice.h"

static void prepare(ForeignScanState *node);
static void start_lookup(ForeignScanState *node);
static MemoryContext begin_row(ForeignScanState *node);
static bool next_kept_row(ForeignScanState *node, TupleTableSlot *slot);
static bool next_row(ForeignScanState *node, TupleTableSlot *slot);
static bool has_read_all(const PlfScan *scan);
static bool next_wanted_row(ForeignScanState *node, TupleTableSlot *slot);
static void start(ForeignScanState *node);
static void stop(PlfScan *scan);

void
plf_scan_begin(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState *estate = node->ss.ps.state;
	Relation relation = node->ss.ss_currentRelation;
	MemoryContext context;
	MemoryContext old;
	PlfScan *scan;
	Oid userid = plf_check_as_user(plan, estate);

	context = AllocSetContextCreate(estate->es_query_cxt, "payment links scan",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	scan = palloc0(sizeof(PlfScan));
	node->fdw_state = scan;
	scan->context = context;
	scan->row_context = AllocSetContextCreate(context, "payment links row",
											  ALLOCSET_DEFAULT_SIZES);
	scan->spec = plf_scan_spec_from_plan(plan);
	scan->literals = scan->spec->literals;
	scan->options = plf_options_get(plan->fs_server, RelationGetRelid(relation));
	scan->table = plf_table_describe(relation);
	scan->userid = OidIsValid(userid) ? userid : GetUserId();
	scan->replayable = scan->spec->replay ||
					   (eflags &
						(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK)) != 0;
	if (scan->spec->status_clauses != NIL)
		scan->filter = plf_status_filter_init(
			scan->spec->status_clauses, &node->ss.ps,
			&scan->table->columns[scan->spec->status_attnum - 1],
			RelationGetDescr(relation));
	if (scan->filter != NULL && scan->spec->has_window)
		scan->params = plf_param_values_create(scan->spec->status_clauses, &node->ss.ps);
	if (scan->spec->lower != NIL || scan->spec->upper != NIL)
		scan->range = plf_range_create(
			scan->spec->lower, scan->spec->upper, scan->spec->descending, &node->ss.ps,
			relation, scan->table, scan->spec->sort_attnum, RelationGetDescr(relation),
			scan->spec->sort_attnum);
	plf_pushed_init(scan, &node->ss.ps);
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
	{
		scan->row = plf_row_create(relation, scan->table, scan->spec->columns);
		if (scan->spec->lookups != NIL)
			scan->lookup = plf_lookup_create(scan->options, scan->row,
											 RelationGetDescr(relation),
											 plf_statement_of(estate));
	}
	MemoryContextSwitchTo(old);
}

TupleTableSlot *
plf_scan_iterate(ForeignScanState *node)
{
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	MemoryContext old;
	bool found;

	old = begin_row(node);
	prepare(node);
	found = next_kept_row(node, slot);
	MemoryContextSwitchTo(old);
	return found ? slot : ExecClearTuple(slot);
}

/* Frees the last row and lets the next one be made in its memory. */
static MemoryContext
begin_row(ForeignScanState *node)
{
	PlfScan *scan = node->fdw_state;

	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	MemoryContextReset(scan->row_context);
	return MemoryContextSwitchTo(scan->row_context);
}

/* The next row: of the ids looked up, of those kept for a rescan, or a new one. */
static bool
next_kept_row(ForeignScanState *node, TupleTableSlot *slot)
{
	PlfScan *scan = node->fdw_state;

	if (scan->lookup != NULL && scan->looking_up)
		return plf_lookup_next(scan->lookup, &scan->source, scan->context, scan->userid,
							   slot);
	if (scan->replay != NULL && !tuplestore_ateof(scan->replay) &&
		plf_tuplestore_get(scan->replay, scan->run_context, scan->replay_slot))
	{
		plf_slot_show(slot, scan->replay_slot);
		return true;
	}
	if (scan->at_end || !next_wanted_row(node, slot))
		return false;
	if (scan->replay != NULL)
		tuplestore_puttupleslot(scan->replay, slot);
	return true;
}

bool
plf_scan_is_ready(ForeignScanState *node)
{
	PlfScan *scan = node->fdw_state;
	MemoryContext old;
	bool ready;

	/* The callbacks of an Append run in the query's memory. */
	old = begin_row(node);
	prepare(node);
	/* A store without rows is not at its end either, before it is read. */
	ready = scan->at_end || scan->reader == NULL ||
			(scan->replay != NULL && tuplestore_tuple_count(scan->replay) > 0 &&
			 !tuplestore_ateof(scan->replay)) ||
			plf_delivery_is_ready(scan->delivery);
	MemoryContextSwitchTo(old);
	return ready;
}

bool
plf_scan_is_between_pages(ForeignScanState *node)
{
	PlfScan *scan = node->fdw_state;

	return scan->reader != NULL && !scan->at_end &&
		   plf_reader_is_between_pages(scan->reader);
}

/*
 * Looks at the parameters, where that is due; nothing is sent yet.  What is evaluated
 * here lives until the next time it is due.
 */
static void
prepare(ForeignScanState *node)
{
	PlfScan *scan = node->fdw_state;
	bool due = scan->rescanned || !scan->started;

	if (due)
		ResetExprContext(scan->econtext);
	if (scan->lookup != NULL)
	{
		if (due)
			start_lookup(node);
		if (scan->looking_up)
			return;
	}
	if (scan->rescanned)
	{
		PlfPushed pushed = plf_pushed_evaluate(scan);
		bool same_params = scan->params == NULL ||
						   plf_param_values_same(scan->params, scan->econtext);

		scan->rescanned = false;
		if (scan->replay != NULL && (same_params || !scan->chosen_here) &&
			plf_same_verdict(&pushed.verdict, &scan->pushed.verdict) &&
			pushed.bounds_kind == scan->pushed.bounds_kind &&
			strcmp(pushed.bounds, scan->pushed.bounds) == 0 &&
			pushed.skip == scan->pushed.skip && pushed.take == scan->pushed.take)
			tuplestore_rescan(scan->replay);
		else
			stop(scan);
	}
	if (!scan->started)
		start(node);
}

/*
 * Takes the ids of this (re)scan.  The list is read instead, and the conditions find the
 * links, where the ids are too many or evaluating them raised an error.
 */
static void
start_lookup(ForeignScanState *node)
{
	PlfScan *scan = node->fdw_state;
	PlfPushed pushed = plf_pushed_evaluate(scan);
	PlfReading what;
	const char *why;

	plf_lookup_start(scan->lookup, scan->spec->lookup_most);
	scan->looking_up = true;

	/* No status that could satisfy the conditions: no id need be asked for. */
	if (plf_scan_reading(scan, &pushed, &what, &why) && !plf_pushed_ids(scan))
		scan->looking_up = false;
	if (scan->looking_up)
	{
		scan->started = true;
		scan->rescanned = false;
	}
	else if (!scan->rescanned || scan->reader == NULL)
		scan->started = scan->rescanned = false;
}

static bool
next_row(ForeignScanState *node, TupleTableSlot *slot)
{
	PlfScan *scan = node->fdw_state;
	bool first = plf_reader_links(scan->reader) == 0;
	bool found = plf_delivery_next(scan->delivery, slot);

	if (first && plf_reader_world(scan->reader) == PLF_WORLD_CLOSED)
	{
		plf_notice_absent(scan->options, scan->literals);
		scan->literals = NIL;
	}
	if (!found)
	{
		scan->at_end = true;
		if (has_read_all(scan))
		{
			plf_notice_absent(scan->options, plf_delivery_unseen(scan->delivery));
			scan->literals = NIL;
		}
	}
	return found;
}

/*
 * Whether every link of the list has come by, at the end of a reading that made no
 * status check or found undocumented statuses: a status that none had is absent.
 */
static bool
has_read_all(const PlfScan *scan)
{
	PlfWorld world = plf_reader_world(scan->reader);

	return world != PLF_WORLD_CLOSED && scan->whole_list &&
		   (world == PLF_WORLD_OPEN || !scan->filtered) &&
		   !plf_reader_is_clipped(scan->reader);
}

/*
 * The next row of the window, where there is one.  As a rule the reader has
 * left out what lies outside; where it could not, that is done here, after
 * the conditions, since this node stands where a Limit node would.
 */
static bool
next_wanted_row(ForeignScanState *node, TupleTableSlot *slot)
{
	PlfScan *scan = node->fdw_state;

	while (scan->pushed.take < 0 || scan->taken < scan->pushed.take)
	{
		if (!next_row(node, slot))
			return false;
		if (!scan->spec->has_window)
			return true;
		if (plf_reader_is_clipped(scan->reader))
		{
			scan->clipped = true;
			scan->skipped = scan->pushed.skip;
			scan->taken++;
			return true;
		}
		/* It no longer does: without an order, what it had left out comes again. */
		if (scan->clipped && scan->spec->sort_attnum == 0)
			scan->skipped = 0;
		scan->clipped = false;
		scan->chosen_here = scan->filter != NULL;
		if (scan->filter == NULL || plf_status_filter_holds(scan->filter, slot))
		{
			if (scan->skipped == scan->pushed.skip)
			{
				scan->taken++;
				return true;
			}
			scan->skipped++;
		}
		begin_row(node);
	}
	scan->at_end = true;
	return false;
}

/* Evaluates what is pushed down and prepares the reading; sends nothing yet. */
static void
start(ForeignScanState *node)
{
	PlfScan *scan = node->fdw_state;
	PlfReading what;
	const char *why;
	MemoryContext old;

	scan->started = true;
	scan->skipped = 0;
	scan->taken = 0;
	scan->clipped = false;
	scan->chosen_here = false;
	scan->pushed = plf_pushed_evaluate(scan);
	if (scan->params != NULL)
		plf_param_values_same(scan->params, scan->econtext);
	scan->at_end = !plf_scan_reading(scan, &scan->pushed, &what, &why);
	if (scan->at_end)
		return;
	scan->filtered = what.filtered;
	scan->whole_list = what.range == NULL && what.nulls != PLF_NULLS_OUT &&
					   what.nulls != PLF_NULLS_ONLY;

	if (scan->source == NULL)
		scan->source = plf_source_open(scan->context, scan->userid, scan->options,
									   plf_statement_of(node->ss.ps.state));
	scan->run_context = AllocSetContextCreate(scan->context, "payment links run",
											  ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scan->run_context);
	scan->pushed.bounds = pstrdup(scan->pushed.bounds);
	scan->reader = plf_reader_create(plf_source_pages(scan->source), scan->options,
									 &what);
	scan->delivery = plf_delivery_create(scan->reader, scan->row, scan->spec, scan->table,
										 RelationGetDescr(node->ss.ss_currentRelation),
										 scan->literals);
	if (scan->replayable)
	{
		scan->replay = tuplestore_begin_heap(false, false, work_mem);
		tuplestore_set_eflags(scan->replay, EXEC_FLAG_REWIND);
		scan->replay_slot = MakeSingleTupleTableSlot(
			CreateTupleDescCopy(RelationGetDescr(node->ss.ss_currentRelation)),
			&TTSOpsMinimalTuple);
	}
	MemoryContextSwitchTo(old);
}

/* Forgets what was read; the next row starts anew. */
static void
stop(PlfScan *scan)
{
	if (scan->reader != NULL)
	{
		scan->links += plf_reader_links(scan->reader);
		plf_delivery_free(scan->delivery);
		plf_reader_free(scan->reader);
		if (scan->replay != NULL)
		{
			ExecDropSingleTupleTableSlot(scan->replay_slot);
			tuplestore_end(scan->replay);
		}
		MemoryContextDelete(scan->run_context);
	}
	scan->reader = NULL;
	scan->delivery = NULL;
	scan->replay = NULL;
	scan->run_context = NULL;
	scan->started = false;
	scan->at_end = false;
}

/*
 * Whether the values of parameters have changed is seen when the next row is
 * wanted: chgParam says too much, and too little.
 */
void
plf_scan_rescan(ForeignScanState *node)
{
	PlfScan *scan = node->fdw_state;

	if (scan->started)
		scan->rescanned = true;
}

void
plf_scan_end(ForeignScanState *node)
{
	PlfScan *scan = node->fdw_state;

	if (scan == NULL)
		return;
	stop(scan);
	MemoryContextDelete(scan->context);
	node->fdw_state = NULL;
}

int64
plf_scan_links(const PlfScan *scan)
{
	return scan->links + (scan->reader != NULL ? plf_reader_links(scan->reader) : 0) +
		   (scan->lookup != NULL ? plf_lookup_links(scan->lookup) : 0);
}
