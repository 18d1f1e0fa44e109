/*
 * param_values.c
 *		The values of parameters at one moment, to compare with those of another.
 *
 * scan/wanted.c takes them at each (re)scan whose rows are chosen by conditions that
 * hold parameters.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "quals/attempt.h"
#include "quals/param_values.h"

typedef struct ParamInfo
{
	Param *param;
	ExprState *state;
	bool by_value; /* the type's */
	int16 length;  /* the type's */
} ParamInfo;

struct PlfParams
{
	int count;
	ParamInfo *infos;
	PlfAttempt attempt; /* at their evaluation */
};

typedef struct ParamValue
{
	bool known; /* "isnull" and "value" are set */
	bool isnull;
	Datum value;
} ParamValue;

struct PlfParamValues
{
	const PlfParams *params;
	ParamValue values[FLEXIBLE_ARRAY_MEMBER]; /* by index of the parameter */
};

/* What take() needs. */
typedef struct Taking
{
	PlfParamValues *values;
	ExprContext *econtext;
	MemoryContext context; /* for copies of the values */
} Taking;

static bool find_params(Node *node, List **params);
static void take(void *arg);
static bool is_computed(const Param *param, ExprContext *econtext);
static bool is_same(const ParamInfo *info, const ParamValue *a, const ParamValue *b);

PlfParams *
plf_params_create(List *exprs, PlanState *parent)
{
	PlfParams *params = palloc0(sizeof(PlfParams));
	List *found = NIL;

	find_params((Node *) exprs, &found);
	params->count = list_length(found);
	params->infos = palloc0(sizeof(ParamInfo) * Max(params->count, 1));
	for (int i = 0; i < params->count; i++)
	{
		ParamInfo *info = &params->infos[i];

		info->param = list_nth(found, i);
		info->state = ExecInitExpr((Expr *) info->param, parent);
		get_typlenbyval(info->param->paramtype, &info->length, &info->by_value);
		if (info->param->paramkind == PARAM_EXTERN)
			params->attempt.has_extern = true;
	}
	return params;
}

/*
 * Finds each occurrence of a parameter: to leave out those found before would take
 * quadratic time.
 */
static bool
find_params(Node *node, List **params)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		*params = lappend(*params, node);
	return expression_tree_walker(node, find_params, params);
}

PlfParamValues *
plf_param_values_take(const PlfParams *params, ExprContext *econtext)
{
	PlfParamValues *result = palloc0(offsetof(PlfParamValues, values) +
									 sizeof(ParamValue) * params->count);
	Taking taking = {result, econtext, CurrentMemoryContext};

	result->params = params;

	/* After an error the values that were not taken are unknown.  The ExprStates hold
	 * nothing but a parameter, so an error leaves none half evaluated. */
	(void) plf_attempt(&params->attempt, econtext, take, &taking);
	return result;
}

static void
take(void *arg)
{
	const Taking *taking = arg;
	const PlfParams *params = taking->values->params;

	for (int i = 0; i < params->count; i++)
	{
		const ParamInfo *info = &params->infos[i];
		ParamValue *value = &taking->values->values[i];
		MemoryContext old;
		Datum now;
		bool isnull;

		if (!is_computed(info->param, taking->econtext))
			continue;
		now = ExecEvalExprSwitchContext(info->state, taking->econtext, &isnull);
		old = MemoryContextSwitchTo(taking->context);
		value->value = isnull ? (Datum) 0 : datumCopy(now, info->by_value, info->length);
		MemoryContextSwitchTo(old);
		value->isnull = isnull;
		value->known = true;
	}
}

/* False for the result of a subquery that has not run yet.  The subquery is not run. */
static bool
is_computed(const Param *param, ExprContext *econtext)
{
	return param->paramkind != PARAM_EXEC ||
		   econtext->ecxt_param_exec_vals[param->paramid].execPlan == NULL;
}

bool
plf_param_values_same(const PlfParamValues *a, const PlfParamValues *b)
{
	Assert(a->params == b->params);
	for (int i = 0; i < a->params->count; i++)
		if (!is_same(&a->params->infos[i], &a->values[i], &b->values[i]))
			return false;
	return true;
}

static bool
is_same(const ParamInfo *info, const ParamValue *a, const ParamValue *b)
{
	if (!a->known || !b->known || a->isnull != b->isnull)
		return false;
	return a->isnull || datum_image_eq(a->value, b->value, info->by_value, info->length);
}
