/*
 * scan_spec.h
 *		What a scan asks of the API: made by the planner, shown by EXPLAIN,
 *		executed by the reader.  It holds no secret, and travels in a plan.
 */
#ifndef PLF_SCAN_SPEC_H
#define PLF_SCAN_SPEC_H

#include "access/attnum.h"
#include "api/request.h"
#include "nodes/bitmapset.h"
#include "nodes/plannodes.h"

/* What becomes of links whose sort key is NULL. */
typedef enum PlfNulls
{
	PLF_NULLS_FIRST,
	PLF_NULLS_LAST,
	PLF_NULLS_OUT, /* "key IS NOT NULL" holds for every row wanted */
	PLF_NULLS_ONLY /* "key IS NULL" does */
} PlfNulls;

typedef struct PlfScanSpec
{
	/*
	 * Conditions on status alone; evaluated at every (re)scan, since they may
	 * hold parameters and stable functions.
	 */
	List *status_clauses;
	AttrNumber status_attnum; /* 0 without such conditions */
	List *literals;           /* as quals/status_literals.h has them */

	/* The order that the plan above relies on. */
	AttrNumber sort_attnum; /* of the column that is the sort key; 0: no order */
	bool descending;
	PlfNulls nulls;

	/* Bounds of the sort key, as plan/key_range.h has them; NIL without. */
	List *lower;
	List *upper;
	List *range_clauses; /* RestrictInfos they come from; while planning */

	/*
	 * LIMIT and OFFSET, where this node does their work; as in core, a NULL
	 * value is none.  NULL without a clause.
	 */
	bool has_window;
	Expr *offset;
	Expr *limit;

	/* Ids, and arrays of them, whose links are looked up; of Expr.  NIL: none. */
	List *lookups;
	int lookup_most; /* more ids than that leave the list to be read */

	bool early_stop;    /* the consumer may not take every row */
	int64 row_hint;     /* rows the plan above will take at most, when
						 * it takes them as they come; 0: unknown.
						 * Sizes the first page, nothing else. */
	bool replay;        /* rows are kept for a rescan, whatever the
						 * executor's flags say */
	Bitmapset *columns; /* attribute numbers that must be decoded */
} PlfScanSpec;

/*
 * Into and out of a ForeignScan's fdw_private and fdw_exprs.  Expressions are
 * in the latter alone, where the planner finishes them.
 */
extern List *plf_scan_spec_private(const PlfScanSpec *spec);
extern List *plf_scan_spec_exprs(const PlfScanSpec *spec);
/* Whether the plan of a scan has ids to look up. */
extern bool plf_plan_looks_up(const ForeignScan *plan);

extern PlfScanSpec *plf_scan_spec_from_plan(const ForeignScan *plan);

#endif /* PLF_SCAN_SPEC_H */
