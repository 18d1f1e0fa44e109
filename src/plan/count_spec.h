/*
 * count_spec.h
 *		Counts that the API's total_count answers: made by the planner, shown by
 *		EXPLAIN, executed by count/count.c.
 */
#ifndef PLF_COUNT_SPEC_H
#define PLF_COUNT_SPEC_H

#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

typedef enum PlfCountKind
{
	PLF_COUNT_STATUS,  /* the group's status, or only there for
						* conditions to refer to */
	PLF_COUNT_KEY,     /* a sort key, for bounds to refer to */
	PLF_COUNT_LINKS,   /* how many links */
	PLF_COUNT_NOTHING, /* count(NULL): 0 */
	PLF_COUNT_SUM      /* sum of a constant: "factor" times as many,
						* NULL for none */
} PlfCountKind;

/* A column of the scan tuple. */
typedef struct PlfCountColumn
{
	PlfCountKind kind;
	int filter; /* place of its FILTER in "filters", -1: none */
	int factor;
} PlfCountColumn;

typedef struct PlfCountSpec
{
	List *conditions;         /* on status; of Expr */
	List *filters;            /* FILTER conditions, on status too; of Expr */
	List *literals;           /* as quals/status_literals.h has them */
	bool grouped;             /* a row for each status, else one row */
	AttrNumber status_attnum; /* in the table; 0: nothing refers to it */

	/* A count over a range of a sort key, without groups and filters. */
	AttrNumber key_attnum; /* in the table; 0: no range */
	AttrNumber key_place;  /* in the scan tuple */
	List *lower;           /* as plan/key_range.h has them */
	List *upper;
	bool nulls_only; /* the links without a key instead */
	int ncolumns;
	PlfCountColumn *columns; /* the status, if at all, comes first */
} PlfCountSpec;

/*
 * Offers "output_rel" a path that counts, if its target and HAVING consist of
 * counts and statuses.  Called for the GROUP_AGG and DISTINCT stages of a query
 * over the table "baserel" alone.
 */
extern void plf_count_offer_path(PlannerInfo *root, RelOptInfo *baserel,
								 RelOptInfo *output_rel, PathTarget *target, Node *having,
								 bool grouped);

/* The plan of such a path. */
extern ForeignScan *plf_count_plan(PlannerInfo *root, ForeignPath *path, List *tlist,
								   Plan *outer_plan);

/* Whether a plan counts; else it scans. */
extern bool plf_plan_counts(const ForeignScan *plan);

extern PlfCountSpec *plf_count_spec_from_plan(const ForeignScan *plan);

#endif /* PLF_COUNT_SPEC_H */
