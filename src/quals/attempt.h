/*
 * attempt.h
 *		Evaluates expressions before any row is read, without raising their errors.
 *
 * PostgreSQL's executor evaluates a condition only for the rows that reach the condition.
 * An error that such an evaluation raises ahead of the rows may be one that the executor
 * never meets, so the error is dropped, and the condition is not pushed down.
 */
#ifndef PLF_ATTEMPT_H
#define PLF_ATTEMPT_H

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

/* Whether evaluating an expression may raise an error. */
typedef enum PlfRisk
{
	PLF_RISK_NONE,
	PLF_RISK_FAR_VALUES, /* for values that hardly any query has: dates out of range, and
						  * constant patterns that are not valid */
	PLF_RISK_SOME
} PlfRisk;

/* Expressions that are evaluated together. */
typedef struct PlfAttempt
{
	PlfRisk risk;    /* the largest risk of any of them, parameters left out */
	bool has_extern; /* they have parameters of the statement.  A PL/pgSQL variable is
					  * fetched when it is evaluated, and that is an error if the type
					  * of a record's field has changed */

	/* Ids of their PARAM_EXEC parameters, which may be the results of subqueries. */
	Bitmapset *params;  /* those that the executor evaluates whatever the others are */
	Bitmapset *guarded; /* those that it may not get to: behind AND, OR, CASE, coalesce */
} PlfAttempt;

/* Looks at the expressions; the sets are palloc'd. */
extern PlfAttempt plf_attempt_of(List *exprs);

/*
 * The conditions in the order in which the executor evaluates those of one node, the
 * cheapest first.  A false condition ends the executor's evaluation, so that the
 * conditions after it raise nothing; evaluated in the same order ahead of the rows, they
 * raise nothing either.
 */
extern List *plf_in_execution_order(PlannerInfo *root, List *conditions);

/*
 * Calls evaluate(arg), which evaluates the expressions of "attempt", and returns true.
 * Returns false when an error was raised: the error is dropped, and the caller makes the
 * ExprStates anew with plf_attempt_renew().  Cancellation, shutdown and lack of resources
 * are always raised.
 *
 * Expressions that may raise an error are evaluated in a subtransaction; the subqueries
 * among "params" are run in "econtext" before that.  While a subquery among "guarded" has
 * not run, nothing is evaluated and the result is false: a subquery cannot run in the
 * subtransaction, and its error before that could not be dropped.
 */
extern bool plf_attempt(const PlfAttempt *attempt, ExprContext *econtext,
						void (*evaluate)(void *arg), void *arg);

/*
 * When planning: whether an expression holds the result of a subquery that runs once.
 * "outer_params" are the parameters that are values of an outer query's row.
 */
extern bool plf_names_subquery(Node *node, Bitmapset *outer_params);

/*
 * Resets the context "states", calls make(arg) in it to make ExprStates, and returns an
 * ExprContext in which to evaluate them.  To be called before the first evaluation, with
 * "econtext" NULL, and after each evaluation that raised an error, with the ExprContext
 * that this function returned last and now frees.  "parent" is the node's state, or NULL
 * when planning.
 */
extern ExprContext *plf_attempt_renew(ExprContext *econtext, PlanState *parent,
									  MemoryContext states, void (*make)(void *arg),
									  void *arg);

#endif /* PLF_ATTEMPT_H */
