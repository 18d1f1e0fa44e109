/*
 * scan.h
 *		A node that reads the list.
 *
 * The functions that take "scan" as a void pointer are the node's operations for
 * exec/node.c; a PlfScan is what they take.
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

/* A scan node.  Begin sets all that follows, up to "source". */
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
	bool keeps_rows; /* for a rescan */

	PlfSource *source; /* NULL until something is asked */
	PlfScanRun *run;   /* NULL before the first row is wanted */
	bool rescanned;    /* since the last row: whether the run serves again is found out
						* when the next row is wanted */
	List *literals;    /* the spec's, until a NOTICE tells of them: once a scan, however
						* often it is rescanned */
	int64 links;       /* that runs before this one received */
} PlfScan;

/* Sends nothing: LIMIT 0, EXPLAIN and the probes of reporting tools cost no request. */
extern void *plf_scan_begin(ForeignScanState *node, int eflags);

/* The next row, in "slot", which is empty; false at the end. */
extern bool plf_scan_next(void *scan, TupleTableSlot *slot);

extern void plf_scan_rescan(void *scan);
extern void plf_scan_explain(void *scan, ForeignScanState *node, struct ExplainState *es);
extern void plf_scan_end(void *scan);

/*
 * Sends what the next row takes, and returns whether it is there, so that the next call
 * of plf_scan_next() has something to begin with.  The row delivered last is freed.
 */
extern bool plf_scan_is_ready(void *scan);

/* Whether the next row is on another page than the last one. */
extern bool plf_scan_is_between_pages(const void *scan);

/*
 * Evaluates what is wanted with the parameters as they are now; false when no link can be
 * wanted.
 */
extern bool plf_scan_may_find(PlfScan *scan);

/* The source of the scan's pages, opened when this is the first call. */
extern PlfSource *plf_scan_source(PlfScan *scan);

/* Links received so far, by runs that are gone, too. */
extern int64 plf_scan_links(const PlfScan *scan);

#endif /* PLF_SCAN_H */
