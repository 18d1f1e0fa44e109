/*
 * lookup_scan.c
 *		A node that asks for links by their ids.
 *
 * Where the ids are too many, or evaluating them raises an error, the node reads the list
 * as scan.c does, and the executor's conditions pick the rows.
 */
#include "postgres.h"

#include "commands/explain.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "utils/memutils.h"

#include "compat.h"
#include "quals/attempt.h"
#include "scan/explain.h"
#include "scan/lookup.h"
#include "scan/lookup_scan.h"
#include "scan/scan.h"

/* How the rows of this (re)scan are found. */
typedef enum RowsFrom
{
	ROWS_UNDECIDED, /* the ids have not been evaluated yet */
	ROWS_BY_ID,
	ROWS_OF_LIST
} RowsFrom;

typedef struct LookupScan
{
	PlfScan *list; /* reads the list; its source serves the lookups, too */
	PlfLookup *lookup;
	MemoryContext row_context; /* of the row delivered last: reset before the next */
	RowsFrom rows_from;

	PlanState *parent;
	PlfAttempt attempt; /* of the expressions that give the ids */
	ExprContext
		*econtext; /* in which these expressions, and nothing else, are evaluated */
	MemoryContext state_context; /* of "states" */
	List *states;                /* of ExprState, as spec->lookups */
} LookupScan;

/* An evaluation of the ids under way. */
typedef struct IdEvaluation
{
	LookupScan *scan;
	bool few; /* no more ids came so far than may be looked up */
} IdEvaluation;

static void renew_states(LookupScan *scan);
static void make_states(void *arg);
static RowsFrom decide(LookupScan *scan);
static bool take_ids(LookupScan *scan);
static void add_ids(void *arg);
static bool next_by_id(LookupScan *scan, TupleTableSlot *slot);

void *
plf_lookup_scan_begin(ForeignScanState *node, int eflags)
{
	PlfScan *list = plf_scan_begin(node, eflags);
	MemoryContext old = MemoryContextSwitchTo(list->context);
	LookupScan *scan = palloc0(sizeof(LookupScan));

	scan->list = list;
	scan->parent = &node->ss.ps;
	scan->row_context = AllocSetContextCreate(list->context, "payment_links_fdw row",
											  ALLOCSET_DEFAULT_SIZES);
	scan->attempt = plf_attempt_of(list->spec->lookups);
	scan->state_context = AllocSetContextCreate(list->context, "payment_links_fdw ids",
												ALLOCSET_SMALL_SIZES);
	renew_states(scan);
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
		scan->lookup = plf_lookup_create(&list->table->resource->wire, list->row,
										 list->desc, list->options->concurrency);
	MemoryContextSwitchTo(old);
	return scan;
}

/* Prepares the evaluation of the ids, also after one that raised an error. */
static void
renew_states(LookupScan *scan)
{
	scan->econtext = plf_attempt_renew(scan->econtext, scan->parent, scan->state_context,
									   make_states, scan);
}

static void
make_states(void *arg)
{
	LookupScan *scan = arg;

	scan->states = ExecInitExprList(scan->list->spec->lookups, scan->parent);
}

bool
plf_lookup_scan_next(void *state, TupleTableSlot *slot)
{
	LookupScan *scan = state;
	MemoryContext old;
	bool found;

	MemoryContextReset(scan->row_context);
	old = MemoryContextSwitchTo(scan->row_context);
	if (scan->rows_from == ROWS_UNDECIDED)
		scan->rows_from = decide(scan);
	found = scan->rows_from == ROWS_BY_ID ? next_by_id(scan, slot)
										  : plf_scan_next(scan->list, slot);
	MemoryContextSwitchTo(old);
	return found;
}

/* Evaluates the ids of this (re)scan and decides how its rows are found. */
static RowsFrom
decide(LookupScan *scan)
{
	plf_lookup_start(scan->lookup, scan->list->spec->lookup_most);

	/* If no status satisfies the conditions, there are no rows: no id is asked for. */
	if (!plf_scan_may_find(scan->list) || take_ids(scan))
		return ROWS_BY_ID;
	plf_scan_rescan(scan->list);
	return ROWS_OF_LIST;
}

/* Adds the ids to the lookup; false when they are too many or raised an error. */
static bool
take_ids(LookupScan *scan)
{
	IdEvaluation evaluation = {scan, true};

	ResetExprContext(scan->econtext);
	if (plf_attempt(&scan->attempt, scan->econtext, add_ids, &evaluation))
		return evaluation.few;
	renew_states(scan);
	return false;
}

/* Evaluates the ids, until they are too many. */
static void
add_ids(void *arg)
{
	IdEvaluation *evaluation = arg;
	LookupScan *scan = evaluation->scan;
	ListCell *lc;
	ListCell *lc_state;

	forboth(lc, scan->list->spec->lookups, lc_state, scan->states)
	{
		bool isnull;
		Datum value = ExecEvalExprSwitchContext(lfirst(lc_state), scan->econtext,
												&isnull);

		if (!isnull && !plf_lookup_add(scan->lookup, value, exprType(lfirst(lc))))
		{
			evaluation->few = false;
			return;
		}
	}
}

static bool
next_by_id(LookupScan *scan, TupleTableSlot *slot)
{
	PlfLookupStep step;

	while ((step = plf_lookup_next(scan->lookup, slot)) == PLF_LOOKUP_ASK)
		plf_lookup_ask(scan->lookup, plf_scan_source(scan->list));
	return step == PLF_LOOKUP_ROW;
}

void
plf_lookup_scan_rescan(void *state)
{
	((LookupScan *) state)->rows_from = ROWS_UNDECIDED;
}

void
plf_lookup_scan_explain(void *state, ForeignScanState *node, ExplainState *es)
{
	LookupScan *scan = state;
	PlfScan *list = scan->list;

	plf_explain_host(list->options, es);
	plf_explain_lookup(list->spec, list->table, list->wanted, node, es);
	if (es->analyze)
		plf_explain_source(list->source,
						   plf_scan_links(list) + plf_lookup_links(scan->lookup), es);
}

void
plf_lookup_scan_end(void *state)
{
	plf_scan_end(((LookupScan *) state)->list);
}
