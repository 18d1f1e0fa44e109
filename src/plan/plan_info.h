/*
 * plan_info.h
 *		What the planner's callbacks know of a table, and pass on to each other.
 */
#ifndef PLF_PLAN_INFO_H
#define PLF_PLAN_INFO_H

#include "catalog/field.h"
#include "catalog/option.h"
#include "nodes/pathnodes.h"

/* Marks a window in a path's fdw_private; OFFSET and LIMIT follow. */
#define PLF_WINDOW_MARK "window"

/* What the planner's callbacks know of a table; baserel->fdw_private. */
typedef struct PlfPlanInfo
{
	bool early_stop; /* the plan above may not take every row */
	bool analyzed;   /* statistics tell how many links there are */
	PlfOptions *options;
	PlfTable *table;
	List *status_clauses;    /* RestrictInfos on status alone */
	List *status_exprs;      /* they, and what others imply of the status */
	List *literals;          /* as quals/status_literals.h has them */
	Bitmapset *outer_params; /* PARAM_EXEC parameters with values of an outer query row */
	double fetched;          /* links that the API will send */
} PlfPlanInfo;

/* Whether a condition is "column IS NOT NULL". */
extern bool plf_is_not_null_test(const Expr *clause, int varno, AttrNumber attnum);

/* Whether the API can apply every condition on the relation exactly. */
extern bool plf_all_pushed(const RelOptInfo *baserel);

#endif /* PLF_PLAN_INFO_H */
