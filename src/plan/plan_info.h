/*
 * plan_info.h
 *		What the planner's callbacks know of a table, and pass on to each other.
 */
#ifndef PLF_PLAN_INFO_H
#define PLF_PLAN_INFO_H

#include "catalog/field.h"
#include "catalog/option.h"
#include "nodes/pathnodes.h"

/* The fdw_private of a path that applies OFFSET and LIMIT begins with this String. */
#define PLF_WINDOW_MARK "window"

/* What the planner's callbacks know of a table; baserel->fdw_private. */
typedef struct PlfPlanInfo
{
	bool early_stop; /* the plan above may stop before the last row */
	bool analyzed;   /* ANALYZE has stored how many links there are */
	PlfOptions *options;
	PlfTable *table;
	List *status_clauses; /* pushable conditions on the status, of RestrictInfo */
	List *status_exprs;   /* these conditions as Expr, and the parts of other conditions
						   * that concern the status alone */
	List *literals;       /* unknown literals, of String */
	Bitmapset
		*outer_params; /* PARAM_EXEC parameters with values of an outer query's row */
	double fetched;    /* estimate of the links that the API sends for status_exprs */
} PlfPlanInfo;

/* Whether a condition is "column IS NOT NULL", for a column of relation "varno". */
extern bool plf_is_not_null_test(const Expr *clause, int varno, AttrNumber attnum);

/* Whether every condition on the relation is a pushable one on the status. */
extern bool plf_all_pushed(const RelOptInfo *baserel);

#endif /* PLF_PLAN_INFO_H */
