/*
 * count_spec.h
 *		What a node that counts asks of the API.  The planner makes a count spec, EXPLAIN
 *		shows it, and count/count.c executes it.
 */
#ifndef PLF_COUNT_SPEC_H
#define PLF_COUNT_SPEC_H

#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/* What a column of the scan tuple is. */
typedef enum PlfCountKind
{
	PLF_COUNT_STATUS,  /* the status of a group; without groups it has no value, and only
						* conditions refer to it */
	PLF_COUNT_KEY,     /* a sort key; it has no value, and only bounds refer to it */
	PLF_COUNT_LINKS,   /* how many links there are */
	PLF_COUNT_NOTHING, /* count(NULL), which is 0 */
	PLF_COUNT_SUM      /* the sum of a constant: "factor" for each link, NULL if there is
						* no link */
} PlfCountKind;

/* A column of the scan tuple. */
typedef struct PlfCountColumn
{
	PlfCountKind kind;
	int filter; /* index of its FILTER in "filters"; -1: none */
	int factor; /* 1, but for a sum */
} PlfCountColumn;

typedef struct PlfCountSpec
{
	List *conditions;         /* on the status, of Expr */
	List *filters;            /* the FILTER conditions, on the status, of Expr */
	List *literals;           /* unknown literals, of String */
	bool grouped;             /* a row for each status; else one row */
	AttrNumber status_attnum; /* the status column of the table; 0 when nothing refers to
							   * the status */

	/* A range of a sort key; there are no groups and no filters then. */
	AttrNumber key_attnum; /* the key's column of the table; 0: no range */
	AttrNumber key_place;  /* attribute number of the key in the scan tuple */
	List *lower;           /* bounds, as in PlfKeyRange */
	List *upper;
	bool nulls_only; /* the links without a key are counted */

	int ncolumns;            /* of the scan tuple */
	PlfCountColumn *columns; /* the status, if it is one of them, is the first */
} PlfCountSpec;

/*
 * Adds a path that counts to "output_rel", if "target" and "having" consist of counts and
 * statuses.  To be called for the GROUP_AGG and DISTINCT stages of a query over the table
 * "baserel" alone.
 */
extern void plf_count_offer_path(PlannerInfo *root, RelOptInfo *baserel,
								 RelOptInfo *output_rel, PathTarget *target, Node *having,
								 bool grouped);

/* The plan of such a path. */
extern ForeignScan *plf_count_plan(PlannerInfo *root, ForeignPath *path, List *tlist,
								   Plan *outer_plan);

/* Whether a plan counts; else it delivers links. */
extern bool plf_plan_counts(const ForeignScan *plan);

/* The count spec of a plan that counts, in the current context. */
extern PlfCountSpec *plf_count_spec_from_plan(const ForeignScan *plan);

#endif /* PLF_COUNT_SPEC_H */
