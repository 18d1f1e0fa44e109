/*
 * attempt.h
 *		Evaluates what is pushed down ahead of the rows, without raising an error
 *		that the executor, row by row, would perhaps not raise.
 */
#ifndef PLF_ATTEMPT_H
#define PLF_ATTEMPT_H

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

/* Whether evaluating an expression may raise an error, whatever the row. */
typedef enum PlfRisk
{
	PLF_RISK_NONE,
	PLF_RISK_FAR_VALUES, /* only of values that hardly anybody writes:
						  * dates out of range, constant patterns */
	PLF_RISK_SOME
} PlfRisk;

/* What is known of expressions that are evaluated together. */
typedef struct PlfAttempt
{
	PlfRisk risk;
	Bitmapset *params; /* PARAM_EXEC parameters that they hold */
} PlfAttempt;

extern PlfAttempt plf_attempt_of(List *exprs);

/*
 * Conditions in the order in which the executor evaluates those of a node, the cheapest
 * first: what one of them keeps from being evaluated must not raise here either.
 */
extern List *plf_in_execution_order(PlannerInfo *root, List *conditions);

/*
 * Calls evaluate(arg), which evaluates those expressions.  False when that raised an
 * error; the error is dropped, and ExprStates that took part must be made anew.
 * Cancellation, shutdown and lack of resources are raised all the same.
 *
 * Where the expressions cannot raise, this is a plain call.  Else it runs in a
 * subtransaction; "econtext" serves to compute subqueries before.
 */
extern bool plf_attempt(const PlfAttempt *attempt, ExprContext *econtext,
						void (*evaluate)(void *arg), void *arg);

/*
 * Calls make(arg) in the memory "states", to make ExprStates, and returns an ExprContext
 * to evaluate them in.  Called at first, with a NULL "econtext", and again after an error
 * has ended an evaluation half-way.  "parent" is the node's state, or NULL when planning.
 */
extern ExprContext *plf_attempt_renew(ExprContext *econtext, PlanState *parent,
									  MemoryContext states, void (*make)(void *arg),
									  void *arg);

#endif /* PLF_ATTEMPT_H */
