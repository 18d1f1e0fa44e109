/*
 * node.c
 *		The executor's callbacks: each goes to the node that scans or to the node that
 *		counts.
 */
#include "postgres.h"

#include "commands/explain.h"

#include "compat.h"
#include "plan/count_spec.h"
#include "scan/explain.h"
#include "scan/scan.h"
#include "count/count.h"
#include "exec/node.h"

static bool
counts(const ForeignScanState *node)
{
	return plf_plan_counts((const ForeignScan *) node->ss.ps.plan);
}

void
plf_begin_foreign_scan(ForeignScanState *node, int eflags)
{
	if (counts(node))
		plf_count_begin(node, eflags);
	else
		plf_scan_begin(node, eflags);
}

TupleTableSlot *
plf_iterate_foreign_scan(ForeignScanState *node)
{
	return counts(node) ? plf_count_iterate(node) : plf_scan_iterate(node);
}

void
plf_rescan_foreign_scan(ForeignScanState *node)
{
	if (counts(node))
		plf_count_rescan(node);
	else
		plf_scan_rescan(node);
}

void
plf_end_foreign_scan(ForeignScanState *node)
{
	if (counts(node))
		plf_count_end(node);
	else
		plf_scan_end(node);
}

void
plf_explain_foreign_scan(ForeignScanState *node, ExplainState *es)
{
	if (counts(node))
		plf_count_explain(node, es);
	else
		plf_scan_explain(node, es);
}
