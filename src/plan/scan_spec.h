/*
 * scan_spec.h
 *		What a scan asks of the API.  The planner makes a scan spec, EXPLAIN shows it, and
 *		a node executes it.  It is a part of a plan, and has no secret in it.
 */
#ifndef PLF_SCAN_SPEC_H
#define PLF_SCAN_SPEC_H

#include "access/attnum.h"
#include "api/request.h"
#include "nodes/bitmapset.h"
#include "nodes/plannodes.h"

/* Where the links whose sort key is NULL are wanted. */
typedef enum PlfNulls
{
	PLF_NULLS_FIRST,
	PLF_NULLS_LAST,
	PLF_NULLS_OUT, /* not at all: a condition excludes them */
	PLF_NULLS_ONLY /* only they are wanted */
} PlfNulls;

typedef struct PlfScanSpec
{
	/*
	 * Conditions on the status alone, of Expr.  They are evaluated at every (re)scan,
	 * because they may have parameters and stable functions in them.
	 */
	List *status_clauses;
	AttrNumber status_attnum; /* the status column; 0 without such conditions */
	List *literals;           /* unknown literals, of String */

	/* The order on which the plan above relies. */
	AttrNumber sort_attnum; /* of the column that is the sort key; 0: no order */
	bool descending;
	PlfNulls nulls;

	/* Bounds of the sort key, as in PlfKeyRange; NIL: none. */
	List *lower;
	List *upper;
	List *range_clauses; /* their RestrictInfos; set while planning only */

	/*
	 * OFFSET and LIMIT, if this node applies them in place of a Limit node.  NULL when
	 * the query does not have the clause.  An expression whose value is NULL counts as no
	 * clause.
	 */
	bool has_window;
	Expr *offset;
	Expr *limit;

	/* Uuids and arrays of uuids, of Expr: the ids to look up.  NIL: no lookup. */
	List *lookups;
	int lookup_most; /* with more ids than this, the list is read instead */

	bool early_stop; /* the plan above may stop before the last row */
	int64
		row_hint; /* the plan above takes at most so many of the rows, before the local
				   * conditions; 0: unknown.  Decides the size of the first page alone */
	bool replay;  /* rows are kept for a replay, whatever the executor's flags say */
	Bitmapset *columns; /* attribute numbers of the columns to decode */
} PlfScanSpec;

/*
 * A scan spec as the fdw_private and the fdw_exprs of a ForeignScan.  Expressions are in
 * fdw_exprs alone, where the planner finishes them.
 */
extern List *plf_scan_spec_private(const PlfScanSpec *spec);
extern List *plf_scan_spec_exprs(const PlfScanSpec *spec);

/* The scan spec of a plan that does not count, in the current context. */
extern PlfScanSpec *plf_scan_spec_from_plan(const ForeignScan *plan);

/* Whether a plan that does not count looks up ids. */
extern bool plf_plan_looks_up(const ForeignScan *plan);

#endif /* PLF_SCAN_SPEC_H */
