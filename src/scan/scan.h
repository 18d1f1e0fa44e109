/*
 * scan.h
 *		A node that scans, and what EXPLAIN needs of it.
 */
#ifndef PLF_SCAN_H
#define PLF_SCAN_H

#include "catalog/field.h"
#include "catalog/option.h"
#include "foreign/fdwapi.h"
#include "quals/attempt.h"
#include "quals/param_values.h"
#include "plan/scan_spec.h"
#include "quals/status_filter.h"
#include "scan/delivery.h"
#include "scan/lookup.h"
#include "pages/source.h"

/* What is pushed down, with the parameters as they are. */
typedef struct PlfPushed
{
	PlfStatusVerdict verdict; /* of the conditions on status */
	PlfBounds bounds_kind;
	const char *bounds; /* values of the range's bounds, to compare */
	int64 skip;         /* rows left out at the beginning; */
	int64 take;         /* rows wanted after them, -1: all */
	bool is_void;       /* the bounds exclude each other */
} PlfPushed;

/* Everything is wanted. */
#define PLF_NOTHING_PUSHED \
	((PlfPushed){ \
		{PLF_STATUS_ALL, PLF_REST_ALL, false}, PLF_BOUNDS_KNOWN, "", 0, -1, false})

/* A scan node at work; node->fdw_state. */
typedef struct PlfScan
{
	MemoryContext context;
	MemoryContext row_context; /* of the row delivered last */
	ExprContext *econtext;     /* what is pushed down is evaluated in it; the
								* scan's own, which it alone resets */
	PlanState *parent;
	const PlfScanSpec *spec;
	const PlfOptions *options;
	const PlfTable *table;
	PlfStatusFilter *filter; /* NULL without conditions on status */
	PlfRange *range;         /* NULL without a range */
	ExprState *offset;       /* NULL without; likewise */
	ExprState *limit;
	Oid userid; /* who the scan runs as */

	List *lookup_values; /* of ExprState, as spec->lookups; in "lookup_context" */
	MemoryContext lookup_context;
	PlfAttempt lookup_attempt;
	PlfLookup *lookup; /* NULL without lookups by id */
	bool looking_up;   /* and not reading the list instead */
	PlfRow *row;
	PlfSource *source; /* NULL until something is asked */
	PlfReader *reader;
	PlfDelivery *delivery;
	MemoryContext run_context; /* of the reader and the delivery */
	PlfPushed pushed;          /* what the reader was started with; "bounds" is
								* in "run_context" */
	PlfParamValues *params;    /* of the conditions on status; NULL without a window */
	bool chosen_here;          /* rows were left out by them, in next_wanted_row() */
	int64 skipped;             /* rows left out of the window, by whomever */
	int64 taken;
	bool clipped; /* by the reader so far */
	bool started;
	bool at_end;
	List *literals;  /* the spec's, until they are told of: once a scan,
					  * however often it is rescanned */
	bool filtered;   /* the reader: by status */
	bool whole_list; /* the reader: no part left out by its sort key */
	bool rescanned;  /* since the last row */
	int64 turn;      /* append.c's: when it was chosen last */

	bool replayable;
	Tuplestorestate *replay; /* rows delivered, before local conditions */
	TupleTableSlot *replay_slot;
	int64 links; /* of readers that are gone */
} PlfScan;

extern void plf_scan_begin(ForeignScanState *node, int eflags);
extern TupleTableSlot *plf_scan_iterate(ForeignScanState *node);
extern void plf_scan_rescan(ForeignScanState *node);
extern void plf_scan_end(ForeignScanState *node);

/* Prepares the evaluation of what "spec" pushes down; in the current context. */
extern void plf_pushed_init(PlfScan *scan, PlanState *parent);

/*
 * Evaluates what is pushed down, but the ids, with the parameters as they are now; in
 * the scan's ExprContext.
 */
extern PlfPushed plf_pushed_evaluate(PlfScan *scan);

/*
 * Evaluates the ids and adds them to the lookup.  False when they are too many or
 * evaluating them raised an error.
 */
extern bool plf_pushed_ids(PlfScan *scan);

/*
 * What is asked of the list for that.  False, with *why, when no link is
 * wanted.
 */
extern bool plf_scan_reading(const PlfScan *scan, const PlfPushed *pushed,
							 PlfReading *what, const char **why);

/*
 * The statuses to ask for, by the verdict on the conditions; false when no link
 * can qualify.  "exact" says that places in the list are relied on, so that every
 * link in it has to satisfy the conditions; else they are checked on each.
 */
extern bool plf_reading_statuses(const PlfStatusVerdict *verdict, bool exact,
								 PlfReading *what);

/* Asks for the list in the order of a column that is a sort key. */
extern void plf_reading_sort_by(const PlfColumn *column, bool descending,
								PlfReading *what);

/*
 * Sends what the next row of a scan that is no count takes, and returns whether it is
 * there, so that the next iteration has something to begin with.
 */
extern bool plf_scan_is_ready(ForeignScanState *node);

/* Whether its next row is on another page than the last one. */
extern bool plf_scan_is_between_pages(ForeignScanState *node);

/* Links received, by readers that are gone too. */
extern int64 plf_scan_links(const PlfScan *scan);

#endif /* PLF_SCAN_H */
