/*
 * scan.c
 *		A node that reads the list: begins, reads, replays and ends.
 *
 * What is wanted is evaluated when the first row is asked for, and again after each
 * rescan.  Each set of values makes a run.  A run that keeps its rows serves the next
 * rescan, too, if the values that chose them are the same.
 */
#include "postgres.h"

#include "commands/explain.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "quals/status_notice.h"
#include "scan/delivery.h"
#include "scan/explain.h"
#include "scan/scan.h"

/* How far OFFSET and LIMIT have been applied. */
typedef struct Window
{
	int64 skipped;       /* rows left out at the beginning, by the reader or here */
	int64 taken;         /* rows delivered */
	bool reader_clipped; /* the reader applied both, as of the last row */
	bool checked;        /* rows were left out here, by evaluating conditions on them */
} Window;

struct PlfScanRun
{
	MemoryContext context;   /* of everything here */
	const PlfWanted *wanted; /* the values by which its rows are chosen */
	PlfReading reading;
	PlfReader *reader;     /* NULL when no link can be wanted */
	PlfDelivery *delivery; /* of the reader's links; NULL without a reader */
	bool at_end; /* no further row comes from the reader, or the window is full */
	Window window;
	Tuplestorestate *kept; /* the rows delivered, before local conditions; NULL when the
							* scan does not keep rows */
	TupleTableSlot *kept_row; /* the last one read from "kept" */
};

static bool may_replay(const PlfScanRun *run, const PlfWanted *now);
static void prepare(PlfScan *scan);
static void start(PlfScan *scan, MemoryContext context, const PlfWanted *wanted);
static void stop(PlfScan *scan);
static bool next_kept_row(PlfScanRun *run, TupleTableSlot *slot);
static bool next_wanted_row(PlfScan *scan, TupleTableSlot *slot);
static bool next_row(PlfScan *scan, TupleTableSlot *slot);
static void notice_absent(PlfScan *scan);
static bool has_read_all(const PlfScanRun *run);

void *
plf_scan_begin(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState *estate = node->ss.ps.state;
	Relation relation = node->ss.ss_currentRelation;
	Oid userid = plf_check_as_user(plan, estate);
	MemoryContext context = AllocSetContextCreate(
		estate->es_query_cxt, "payment_links_fdw scan", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PlfScan *scan = palloc0(sizeof(PlfScan));

	scan->context = context;
	scan->row_context = AllocSetContextCreate(context, "payment_links_fdw row",
											  ALLOCSET_DEFAULT_SIZES);
	scan->spec = plf_scan_spec_from_plan(plan);
	scan->literals = scan->spec->literals;
	scan->options = plf_options_get(plan->fs_server, RelationGetRelid(relation));
	scan->table = plf_table_describe(relation);
	scan->desc = RelationGetDescr(relation);
	scan->userid = OidIsValid(userid) ? userid : GetUserId();
	scan->keeps_rows = scan->spec->replay ||
					   (eflags &
						(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK)) != 0;
	scan->wanted = plf_wanted_init(scan->spec, scan->table, relation, &node->ss.ps);
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
	{
		scan->row = plf_row_create(relation, scan->table, scan->spec->columns);
		scan->statement = plf_statement_of(estate);
	}
	MemoryContextSwitchTo(old);
	return scan;
}

/*
 * True when the rows that a run keeps are those that a rescan wants.  Only this function
 * decides that.  "run->wanted" has all values by which the rows were chosen.
 */
static bool
may_replay(const PlfScanRun *run, const PlfWanted *now)
{
	return run->kept != NULL && plf_wanted_same(run->wanted, now, run->window.checked);
}

/*
 * Makes sure that there is a run for the values that are wanted now.  Sends no request.
 * The node's chgParam does not show whether these values have changed: it names
 * parameters that choose no rows, and does not name each one that does.
 */
static void
prepare(PlfScan *scan)
{
	MemoryContext context;
	MemoryContext old;
	const PlfWanted *wanted;

	if (scan->run != NULL && !scan->rescanned)
		return;
	context = AllocSetContextCreate(scan->context, "payment_links_fdw run",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	wanted = plf_wanted_evaluate(scan->wanted);
	if (scan->run != NULL && may_replay(scan->run, wanted))
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		tuplestore_rescan(scan->run->kept);
	}
	else
	{
		stop(scan);
		start(scan, context, wanted);
		MemoryContextSwitchTo(old);
	}
	scan->rescanned = false;
}

/* Begins a run in "context", which is the current context. */
static void
start(PlfScan *scan, MemoryContext context, const PlfWanted *wanted)
{
	PlfScanRun *run = palloc0(sizeof(PlfScanRun));

	run->context = context;
	run->wanted = wanted;
	run->at_end = plf_wanted_reading(scan->wanted, wanted, &run->reading) != NULL;
	if (!run->at_end)
	{
		run->reader = plf_reader_create(plf_source_pages(plf_scan_source(scan)),
										scan->options, &run->reading);
		run->delivery = plf_delivery_create(run->reader, scan->row, scan->spec,
											scan->table, scan->desc, scan->literals);
	}
	if (!run->at_end && scan->keeps_rows)
	{
		run->kept = tuplestore_begin_heap(false, false, work_mem);
		tuplestore_set_eflags(run->kept, EXEC_FLAG_REWIND);
		run->kept_row = MakeSingleTupleTableSlot(CreateTupleDescCopy(scan->desc),
												 &TTSOpsMinimalTuple);
	}
	scan->run = run;
}

/* Ends the run, if there is one.  The next row begins another run. */
static void
stop(PlfScan *scan)
{
	PlfScanRun *run = scan->run;

	if (run == NULL)
		return;
	scan->run = NULL;
	if (run->reader != NULL)
	{
		scan->links += plf_reader_links(run->reader);
		plf_delivery_free(run->delivery);
		plf_reader_free(run->reader);
	}
	if (run->kept != NULL)
	{
		ExecDropSingleTupleTableSlot(run->kept_row);
		tuplestore_end(run->kept);
	}
	MemoryContextDelete(run->context);
}

PlfSource *
plf_scan_source(PlfScan *scan)
{
	if (scan->source == NULL)
		scan->source = plf_source_open(scan->context, scan->userid, scan->options,
									   &scan->table->resource->wire, scan->statement);
	return scan->source;
}

bool
plf_scan_may_find(PlfScan *scan)
{
	PlfReading reading;

	return plf_wanted_reading(scan->wanted, plf_wanted_evaluate(scan->wanted),
							  &reading) == NULL;
}

bool
plf_scan_next(void *state, TupleTableSlot *slot)
{
	PlfScan *scan = state;
	MemoryContext old;
	bool found;

	MemoryContextReset(scan->row_context);
	old = MemoryContextSwitchTo(scan->row_context);
	prepare(scan);
	found = next_kept_row(scan->run, slot);
	if (!found && !scan->run->at_end && next_wanted_row(scan, slot))
	{
		found = true;
		if (scan->run->kept != NULL)
			tuplestore_puttupleslot(scan->run->kept, slot);
	}
	MemoryContextSwitchTo(old);
	return found;
}

/* The next one of the rows that were kept before a rescan. */
static bool
next_kept_row(PlfScanRun *run, TupleTableSlot *slot)
{
	if (run->kept == NULL || tuplestore_ateof(run->kept) ||
		!plf_tuplestore_get(run->kept, run->context, run->kept_row))
		return false;
	plf_slot_show(slot, run->kept_row);
	return true;
}

/*
 * The next row within OFFSET and LIMIT, if the node applies them.  As a rule the reader
 * leaves out the rows outside of the window.  If the reader cannot, this function leaves
 * them out, after it has evaluated the conditions, as the Limit node would that this node
 * replaces.
 */
static bool
next_wanted_row(PlfScan *scan, TupleTableSlot *slot)
{
	PlfScanRun *run = scan->run;
	Window *window = &run->window;

	while (run->wanted->take < 0 || window->taken < run->wanted->take)
	{
		if (!next_row(scan, slot))
			return false;
		if (!scan->spec->has_window)
			return true;
		if (plf_reader_is_clipped(run->reader))
		{
			window->reader_clipped = true;
			window->skipped = run->wanted->skip;
			window->taken++;
			return true;
		}
		/*
		 * The reader applied OFFSET until now, and does not any more.  Without an order
		 * the reader begins again, and also brings the links that it had left out.
		 */
		if (window->reader_clipped && scan->spec->sort_attnum == 0)
			window->skipped = 0;
		window->reader_clipped = false;
		window->checked = true;
		if (plf_wanted_holds(scan->wanted, slot))
		{
			if (window->skipped == run->wanted->skip)
			{
				window->taken++;
				return true;
			}
			window->skipped++;
		}
		ExecClearTuple(slot);
		MemoryContextReset(scan->row_context);
	}
	run->at_end = true;
	return false;
}

/* The next row that the reader brings. */
static bool
next_row(PlfScan *scan, TupleTableSlot *slot)
{
	PlfScanRun *run = scan->run;
	bool found = plf_delivery_next(run->delivery, slot);

	run->at_end = !found;
	if (scan->literals != NIL)
		notice_absent(scan);
	return found;
}

/*
 * Raises the NOTICE about unknown literals as soon as it is known that no link has such a
 * status: the status check found that all statuses are documented, or all links were read
 * and none has it.
 */
static void
notice_absent(PlfScan *scan)
{
	PlfScanRun *run = scan->run;

	if (plf_reader_statuses(run->reader) == PLF_STATUSES_DOCUMENTED)
		plf_notice_absent(scan->options, &scan->table->resource->wire, scan->literals);
	else if (run->at_end && has_read_all(run))
		plf_notice_absent(scan->options, &scan->table->resource->wire,
						  plf_delivery_unseen(run->delivery));
	else
		return;
	scan->literals = NIL;
}

/*
 * True at the end of a run that has read every link of the list.  If a status check was
 * made, it found other statuses.
 */
static bool
has_read_all(const PlfScanRun *run)
{
	const PlfReading *reading = &run->reading;
	bool whole_list = reading->range == NULL && reading->nulls != PLF_NULLS_OUT &&
					  reading->nulls != PLF_NULLS_ONLY;

	return whole_list && !plf_reader_is_clipped(run->reader) &&
		   (plf_reader_statuses(run->reader) == PLF_STATUSES_OTHERS ||
			!reading->filtered);
}

bool
plf_scan_is_ready(void *state)
{
	PlfScan *scan = state;
	MemoryContext old;
	PlfScanRun *run;
	bool ready;

	/* An Append calls this function in the query's memory. */
	MemoryContextReset(scan->row_context);
	old = MemoryContextSwitchTo(scan->row_context);
	prepare(scan);
	run = scan->run;
	/* The end of an empty tuplestore shows only after a read. */
	ready = run->at_end ||
			(run->kept != NULL && tuplestore_tuple_count(run->kept) > 0 &&
			 !tuplestore_ateof(run->kept)) ||
			plf_delivery_is_ready(run->delivery);
	MemoryContextSwitchTo(old);
	return ready;
}

bool
plf_scan_is_between_pages(const void *state)
{
	const PlfScanRun *run = ((const PlfScan *) state)->run;

	return run != NULL && !run->at_end && plf_reader_is_between_pages(run->reader);
}

void
plf_scan_rescan(void *state)
{
	((PlfScan *) state)->rescanned = true;
}

void
plf_scan_explain(void *state, ForeignScanState *node, ExplainState *es)
{
	PlfScan *scan = state;

	plf_explain_host(scan->options, es);
	plf_explain_list(scan->spec, scan->table, scan->options, scan->wanted, node, es);
	if (es->analyze)
		plf_explain_source(scan->source, plf_scan_links(scan), es);
}

void
plf_scan_end(void *state)
{
	PlfScan *scan = state;

	stop(scan);
	MemoryContextDelete(scan->context);
}

int64
plf_scan_links(const PlfScan *scan)
{
	return scan->links + (scan->run != NULL && scan->run->reader != NULL
							  ? plf_reader_links(scan->run->reader)
							  : 0);
}
