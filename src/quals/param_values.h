/*
 * param_values.h
 *		Tells whether parameters have the values that they had before.
 */
#ifndef PLF_PARAM_VALUES_H
#define PLF_PARAM_VALUES_H

#include "nodes/execnodes.h"

typedef struct PlfParamValues PlfParamValues;

/* The parameters in "exprs".  Lives in the current context. */
extern PlfParamValues *plf_param_values_create(List *exprs, PlanState *parent);

/*
 * Takes the values of the parameters as they are now.  True when each is the same as
 * last time.  The result of a subquery that has not run is never the same.
 */
extern bool plf_param_values_same(PlfParamValues *values, ExprContext *econtext);

#endif /* PLF_PARAM_VALUES_H */
