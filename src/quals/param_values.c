/*
 * param_values.c
 *		Tells whether parameters have the values that they had before.
 *
 * scan.c asks at a rescan, where rows that are kept were chosen by them.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "quals/param_values.h"

typedef struct ParamValue
{
	Param *param;
	ExprState *state;
	bool by_value;
	int16 length;
	Datum value;
	bool isnull;
	bool known; /* "value" and "isnull" are set */
} ParamValue;

struct PlfParamValues
{
	MemoryContext context; /* of the values */
	int count;
	ParamValue *values;
};

static bool find_params(Node *node, List **params);
static bool is_computed(const Param *param, ExprContext *econtext);

PlfParamValues *
plf_param_values_create(List *exprs, PlanState *parent)
{
	PlfParamValues *values = palloc0(sizeof(PlfParamValues));
	List *params = NIL;

	find_params((Node *) exprs, &params);
	values->context = AllocSetContextCreate(
		CurrentMemoryContext, "payment links parameters", ALLOCSET_SMALL_SIZES);
	values->count = list_length(params);
	values->values = palloc0(sizeof(ParamValue) * Max(values->count, 1));
	for (int i = 0; i < values->count; i++)
	{
		ParamValue *value = &values->values[i];

		value->param = list_nth(params, i);
		value->state = ExecInitExpr((Expr *) value->param, parent);
		get_typlenbyval(value->param->paramtype, &value->length, &value->by_value);
	}
	return values;
}

/* Each occurrence: to look for earlier ones of a parameter would take quadratic time. */
static bool
find_params(Node *node, List **params)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		*params = lappend(*params, node);
	return expression_tree_walker(node, find_params, params);
}

bool
plf_param_values_same(PlfParamValues *values, ExprContext *econtext)
{
	bool same = true;
	Datum *now = palloc(sizeof(Datum) * Max(values->count, 1));
	bool *isnull = palloc(sizeof(bool) * Max(values->count, 1));
	MemoryContext old;

	for (int i = 0; i < values->count; i++)
	{
		ParamValue *value = &values->values[i];

		if (!is_computed(value->param, econtext))
		{
			same = value->known = false;
			continue;
		}
		now[i] = ExecEvalExprSwitchContext(value->state, econtext, &isnull[i]);
		if (!value->known || isnull[i] != value->isnull ||
			(!isnull[i] &&
			 !datum_image_eq(now[i], value->value, value->by_value, value->length)))
			same = false;
		value->known = true;
	}
	if (same)
		return true;

	MemoryContextReset(values->context);
	old = MemoryContextSwitchTo(values->context);
	for (int i = 0; i < values->count; i++)
	{
		ParamValue *value = &values->values[i];

		if (!value->known)
			continue;
		value->isnull = isnull[i];
		value->value = isnull[i] ? (Datum) 0
								 : datumCopy(now[i], value->by_value, value->length);
	}
	MemoryContextSwitchTo(old);
	return false;
}

/* False for the result of a subquery that has not run yet; it is not run for this. */
static bool
is_computed(const Param *param, ExprContext *econtext)
{
	return param->paramkind != PARAM_EXEC ||
		   econtext->ecxt_param_exec_vals[param->paramid].execPlan == NULL;
}
