/*
 * status_filter.h
 *		Conditions on status: for which documented values they hold, and what
 *		they say of values that the documentation does not have yet.
 */
#ifndef PLF_STATUS_FILTER_H
#define PLF_STATUS_FILTER_H

#include "api/request.h"
#include "catalog/field.h"
#include "nodes/execnodes.h"
#include "quals/status_shape.h"

typedef struct PlfStatusVerdict
{
	PlfStatusSet statuses; /* documented values for which it holds */
	PlfRest rest;
	bool failed; /* evaluating raised an error: nothing is known, and
				  * the rows have to decide */
} PlfStatusVerdict;

static inline bool
plf_same_verdict(const PlfStatusVerdict *a, const PlfStatusVerdict *b)
{
	return a->statuses == b->statuses && a->rest == b->rest && a->failed == b->failed;
}

typedef struct PlfStatusFilter PlfStatusFilter;

/*
 * Whether a condition of relation "varno" may be judged by evaluating it for each
 * documented status: its only column is status, it is not volatile, has no
 * subplan, and what it applies to the status cannot raise an error.
 */
extern bool plf_status_clause_is_pushable(Expr *clause, int varno,
										  const PlfColumn *status);

/*
 * What a condition on several columns says of the status alone: a pushable
 * condition that holds wherever "clause" does, or NULL when it says nothing.
 */
extern Expr *plf_status_clause_implied(Expr *clause, int varno, const PlfColumn *status);

/*
 * Prepares the conjunction of "clauses" for evaluation.  "parent" is the scan's
 * plan state, or NULL when planning (then the clauses must hold no parameters).
 * Lives in the current context, and evaluates in an ExprContext of its own, which the
 * filter alone resets.
 */
extern PlfStatusFilter *plf_status_filter_init(List *clauses, PlanState *parent,
											   const PlfColumn *status, TupleDesc desc);

/* Evaluates it with the parameters as they are now; raises nothing for their values. */
extern PlfStatusVerdict plf_status_filter_evaluate(PlfStatusFilter *filter);

/* Whether the conditions hold for a row; "slot" has its status. */
extern bool plf_status_filter_holds(PlfStatusFilter *filter, TupleTableSlot *slot);

/*
 * A documented status as a value of the column's base type, for conditions to judge;
 * no domain and no length is looked at.
 */
extern Datum plf_status_datum(const PlfColumn *status, const char *name);

/* Whether its verdict is the same whenever it is evaluated. */
extern bool plf_status_clauses_are_constant(List *clauses);

#endif /* PLF_STATUS_FILTER_H */
