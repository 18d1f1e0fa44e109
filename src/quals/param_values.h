/*
 * param_values.h
 *		The values of parameters at one moment, to compare with those of another.
 */
#ifndef PLF_PARAM_VALUES_H
#define PLF_PARAM_VALUES_H

#include "nodes/execnodes.h"

/* The parameters of some expressions, prepared for evaluation. */
typedef struct PlfParams PlfParams;

/* Their values at one moment. */
typedef struct PlfParamValues PlfParamValues;

/* The parameters in "exprs".  Lives in the current context. */
extern PlfParams *plf_params_create(List *exprs, PlanState *parent);

/*
 * The values as they are now, copied into the current context.  No error of a parameter
 * is raised: its value is unknown.
 */
extern PlfParamValues *plf_param_values_take(const PlfParams *params,
											 ExprContext *econtext);

/*
 * True when every parameter has the same value in both, which were taken of the same
 * parameters.  The result of a subquery that had not run, and an unknown value, are the
 * same as nothing.
 */
extern bool plf_param_values_same(const PlfParamValues *a, const PlfParamValues *b);

#endif /* PLF_PARAM_VALUES_H */
