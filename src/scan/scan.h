/*
 * scan.h
 *		A node that reads the list.
 *
 * The functions that take a void pointer are the node's operations, which exec/node.c
 * calls.  The pointer is to a PlfScan.
 */
#ifndef PLF_SCAN_H
#define PLF_SCAN_H

#include "catalog/field.h"
#include "catalog/option.h"
#include "foreign/fdwapi.h"
#include "pages/source.h"
#include "plan/scan_spec.h"
#include "rows/row.h"
#include "scan/wanted.h"

/* One reading of the list.  A rescan that wants other rows begins another. */
typedef struct PlfScanRun PlfScanRun;

/* A node that reads the list.  plf_scan_begin() sets the members before "source". */
typedef struct PlfScan
{
	MemoryContext context;     /* of everything here; deleted when the node ends */
	MemoryContext row_context; /* of the row delivered last: reset before the next */
	const PlfScanSpec *spec;
	const PlfOptions *options;
	const PlfTable *table;
	TupleDesc desc;          /* of the table */
	Oid userid;              /* who the scan runs as */
	PlfStatement *statement; /* NULL when the node is only explained */
	PlfRow *row;             /* decodes links; NULL when the node is only explained */
	PlfWantedState *wanted;
	bool keeps_rows; /* a rescan may want the same rows again */

	PlfSource *source; /* NULL until something is asked */
	PlfScanRun *run;   /* NULL before the first row is wanted */
	bool rescanned;    /* the node was rescanned after the last row: the next row is the
						* first of a run, which may be the same run again */
	List *literals; /* the spec's unknown literals; NIL after the NOTICE, which is raised
					 * once a scan */
	int64 links;    /* how many links the runs before this one received */
} PlfScan;

/*
 * Returns a PlfScan, in a context of its own.  Sends no request: LIMIT 0, EXPLAIN and
 * reporting tools that only look at the columns cost none.
 */
extern void *plf_scan_begin(ForeignScanState *node, int eflags);

/* The next row, in "slot", which was empty; false, and "slot" empty, at the end. */
extern bool plf_scan_next(void *scan, TupleTableSlot *slot);

extern void plf_scan_rescan(void *scan);
extern void plf_scan_explain(void *scan, ForeignScanState *node, struct ExplainState *es);
extern void plf_scan_end(void *scan);

/*
 * Sends the requests that the next row takes, and returns whether plf_scan_next() has
 * something to begin with: the page of the next link has arrived, or there is no further
 * link.  The row delivered last is freed.
 */
extern bool plf_scan_is_ready(void *scan);

/* Whether the next row is on another page than the last one. */
extern bool plf_scan_is_between_pages(const void *scan);

/* Whether any link can be wanted with the parameters as they are now. */
extern bool plf_scan_may_find(PlfScan *scan);

/* The source of the scan's pages, opened when this is the first call. */
extern PlfSource *plf_scan_source(PlfScan *scan);

/* Links received so far, by all runs. */
extern int64 plf_scan_links(const PlfScan *scan);

#endif /* PLF_SCAN_H */
