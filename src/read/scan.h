/*
 * scan.h
 *		The executor's callbacks, and what EXPLAIN needs of them.
 */
#ifndef PLF_SCAN_H
#define PLF_SCAN_H

#include "catalog/field.h"
#include "catalog/option.h"
#include "foreign/fdwapi.h"
#include "plan/scan_spec.h"
#include "plan/status_filter.h"
#include "read/delivery.h"
#include "read/source.h"

/* A scan node at work; node->fdw_state. */
typedef struct PlfScan
{
	MemoryContext context;
	const PlfScanSpec *spec;
	const PlfOptions *options;
	const PlfTable *table;
	PlfStatusFilter *filter;	/* NULL without conditions on status */
	Oid			userid;			/* who the scan runs as */

	PlfRow	   *row;
	PlfSource  *source;			/* NULL until something is asked */
	PlfReader  *reader;
	PlfDelivery *delivery;
	MemoryContext run_context;	/* of the reader and the delivery */
	PlfStatusVerdict verdict;	/* what the reader was started with */
	bool		started;
	bool		at_end;
	bool		rescanned;		/* since the last row */

	bool		replayable;
	Tuplestorestate *replay;	/* rows delivered, before local conditions */
	TupleTableSlot *replay_slot;
	int64		links;			/* of readers that are gone */
} PlfScan;

extern void plf_begin_foreign_scan(ForeignScanState *node, int eflags);
extern TupleTableSlot *plf_iterate_foreign_scan(ForeignScanState *node);
extern void plf_rescan_foreign_scan(ForeignScanState *node);
extern void plf_end_foreign_scan(ForeignScanState *node);
extern void plf_explain_foreign_scan(ForeignScanState *node,
									 struct ExplainState *es);

/*
 * What is asked of the list, given the verdict on the conditions on status.
 * False when no link can qualify.
 */
extern bool plf_scan_reading(const PlfScan *scan, const PlfStatusVerdict *verdict,
							 PlfReading *what);

#endif							/* PLF_SCAN_H */
