/*
 * node.c
 *		The executor's callbacks.
 *
 * A node reads the list, looks up ids, or counts.  Begin picks the operations of the node
 * by its plan, and the other callbacks call them.
 */
#include "postgres.h"

#include "commands/explain.h"

#include "compat.h"
#include "count/count.h"
#include "count/explain_count.h"
#include "exec/node.h"
#include "plan/count_spec.h"
#include "plan/scan_spec.h"
#include "scan/lookup_scan.h"
#include "scan/scan.h"

/* The operations of a kind of node.  "state" is what begin() returned. */
typedef struct NodeOperations
{
	void *(*begin)(ForeignScanState *node, int eflags);
	bool (*next)(void *state, TupleTableSlot *slot);
	void (*rescan)(void *state);
	void (*explain)(void *state, ForeignScanState *node, ExplainState *es);
	void (*end)(void *state);

	/* NULL where an Append cannot run the node at the same time as others. */
	bool (*is_ready)(void *state);
	bool (*is_between_pages)(const void *state);
} NodeOperations;

static const NodeOperations list_node = {
	.begin = plf_scan_begin,
	.next = plf_scan_next,
	.rescan = plf_scan_rescan,
	.explain = plf_scan_explain,
	.end = plf_scan_end,
	.is_ready = plf_scan_is_ready,
	.is_between_pages = plf_scan_is_between_pages,
};

static const NodeOperations lookup_node = {
	.begin = plf_lookup_scan_begin,
	.next = plf_lookup_scan_next,
	.rescan = plf_lookup_scan_rescan,
	.explain = plf_lookup_scan_explain,
	.end = plf_lookup_scan_end,
};

static const NodeOperations count_node = {
	.begin = plf_count_begin,
	.next = plf_count_next,
	.rescan = plf_count_rescan,
	.explain = plf_count_explain,
	.end = plf_count_end,
};

/* What "fdw_state" is. */
typedef struct FdwNode
{
	const NodeOperations *operations;
	void *state;
	int64
		last_chosen; /* number of the last time that an Append chose the node; 0: never */
} FdwNode;

static const NodeOperations *
operations_of(const ForeignScan *plan)
{
	if (plf_plan_counts(plan))
		return &count_node;
	return plf_plan_looks_up(plan) ? &lookup_node : &list_node;
}

void
plf_begin_foreign_scan(ForeignScanState *node, int eflags)
{
	FdwNode *ours = palloc0(sizeof(FdwNode));

	ours->operations = operations_of((ForeignScan *) node->ss.ps.plan);
	ours->state = ours->operations->begin(node, eflags);
	node->fdw_state = ours;
}

TupleTableSlot *
plf_iterate_foreign_scan(ForeignScanState *node)
{
	FdwNode *ours = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (!ours->operations->next(ours->state, slot))
		ExecClearTuple(slot);
	return slot;
}

void
plf_rescan_foreign_scan(ForeignScanState *node)
{
	FdwNode *ours = node->fdw_state;

	ours->operations->rescan(ours->state);
}

void
plf_explain_foreign_scan(ForeignScanState *node, ExplainState *es)
{
	FdwNode *ours = node->fdw_state;

	ours->operations->explain(ours->state, node, es);
}

void
plf_end_foreign_scan(ForeignScanState *node)
{
	FdwNode *ours = node->fdw_state;

	if (ours == NULL)
		return;
	node->fdw_state = NULL;
	ours->operations->end(ours->state);
}

bool
plf_node_is_ready(ForeignScanState *node)
{
	FdwNode *ours = node->fdw_state;

	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	return ours->operations->is_ready(ours->state);
}

bool
plf_node_is_between_pages(ForeignScanState *node)
{
	FdwNode *ours = node->fdw_state;

	return ours->operations->is_between_pages(ours->state);
}

void
plf_node_note_chosen(ForeignScanState *node)
{
	static int64 choices = 0;

	((FdwNode *) node->fdw_state)->last_chosen = ++choices;
}

int64
plf_node_last_chosen(const ForeignScanState *node)
{
	return ((const FdwNode *) node->fdw_state)->last_chosen;
}
