/*
 * status_filter.h
 *		Conditions on status: for which of the documented statuses they hold, and whether
 *		they hold for other statuses.
 */
#ifndef PLF_STATUS_FILTER_H
#define PLF_STATUS_FILTER_H

#include "api/request.h"
#include "catalog/field.h"
#include "nodes/execnodes.h"
#include "quals/status_shape.h"

/* For which statuses a condition holds. */
typedef struct PlfStatusVerdict
{
	PlfStatusSet
		statuses; /* the documented statuses; all of them when "others" is UNKNOWN */
	PlfOthers others;
} PlfStatusVerdict;

/* True when the two verdicts are the same. */
static inline bool
plf_same_verdict(const PlfStatusVerdict *a, const PlfStatusVerdict *b)
{
	return a->statuses == b->statuses && a->others == b->others;
}

/* A conjunction of conditions, prepared for evaluation. */
typedef struct PlfStatusFilter PlfStatusFilter;

/*
 * True when a condition on relation "varno" may be evaluated for each documented status
 * ahead of the rows: the status is its only column, it is not volatile, it has no
 * subplan, and what it applies to the status cannot raise an error.
 */
extern bool plf_status_clause_is_pushable(Expr *clause, int varno,
										  const PlfColumn *status);

/*
 * The part of a condition on several columns that concerns the status alone: a pushable
 * condition that holds for every row for which "clause" holds.  NULL when there is none.
 * "outer_params" are the parameters that are values of an outer query's row.
 */
extern Expr *plf_status_clause_implied(Expr *clause, int varno, const PlfColumn *status,
									   Bitmapset *outer_params);

/*
 * Prepares the conjunction of "clauses", pushable conditions, for evaluation.  "parent"
 * is the node's state, or NULL when planning; the clauses then have no parameters.
 * "status" says which attribute of "desc" the status is.  Lives in the current context,
 * and has an ExprContext of its own, which nobody else resets.
 */
extern PlfStatusFilter *plf_status_filter_init(List *clauses, PlanState *parent,
											   const PlfColumn *status, TupleDesc desc);

/*
 * Evaluates the conditions with the parameters as they are now.  An error that their
 * values raise is dropped: the verdict is then UNKNOWN.
 */
extern PlfStatusVerdict plf_status_filter_evaluate(PlfStatusFilter *filter);

/*
 * Evaluates the conditions together with others, on which "beside" is the verdict.  As in
 * the executor, the conditions are not evaluated for statuses for which the others do not
 * hold, nor are their subqueries run where the others hold for no link.
 */
extern PlfStatusVerdict plf_status_filter_evaluate_beside(PlfStatusFilter *filter,
														  const PlfStatusVerdict *beside);

/*
 * True when the conditions hold for the row whose status is in "slot".  May raise an
 * error.
 */
extern bool plf_status_filter_holds(PlfStatusFilter *filter, TupleTableSlot *slot);

/*
 * The documented status "name" as a value of the column's base type, to evaluate
 * conditions on it.  A domain's constraints and the column's length are not applied.
 */
extern Datum plf_status_datum(const PlfColumn *status, const char *name);

/* True when the verdict on the conditions is the same whenever they are evaluated. */
extern bool plf_status_clauses_are_constant(List *clauses);

#endif /* PLF_STATUS_FILTER_H */
