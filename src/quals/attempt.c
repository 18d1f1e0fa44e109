/*
 * attempt.c
 *		Evaluates expressions before any row is read, without raising their errors.
 *
 * The executor evaluates a condition only for the rows that reach it: not behind a false
 * AND, a true OR or another branch of CASE, not behind another condition that is false,
 * and not at all where there is no row.  An error of an evaluation ahead of the rows is
 * therefore dropped.  The rows are read without the condition, and the executor decides
 * on each of them.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/nodeSubplan.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

#include "compat.h"
#include "quals/attempt.h"
#include "quals/safe_function.h"

/* What the walker over expressions needs. */
typedef struct Walk
{
	PlfAttempt *attempt;
	bool is_guarded; /* the executor may not get to the node */
} Walk;

static bool look_for_risk(Node *node, Walk *walk);
static bool look_behind_guard(Node *first, List *others, Walk *walk);
static bool look_at_case(CaseExpr *expr, Walk *walk);
static PlfRisk function_risk(Oid function, List *args);
static bool collation_may_raise(Oid collation, List *args);
static MemoryContext use_query_memory(ExprContext *econtext);
static bool has_subquery_to_run(const Bitmapset *params, ExprContext *econtext);
static void end_subtransactions(bool succeeded, bool is_parallel);
static bool may_be_dropped(int sqlstate);

PlfAttempt
plf_attempt_of(List *exprs)
{
	PlfAttempt attempt = {PLF_RISK_NONE, false, NULL, NULL};
	Walk walk = {&attempt, false};

	look_for_risk((Node *) exprs, &walk);
	attempt.guarded = bms_difference(attempt.guarded, attempt.params);
	return attempt;
}

List *
plf_in_execution_order(PlannerInfo *root, List *conditions)
{
	int count = list_length(conditions);
	Node **sorted = palloc(sizeof(Node *) * Max(count, 1));
	Cost *costs = palloc(sizeof(Cost) * Max(count, 1));
	List *result = NIL;

	/* Conditions of the same cost stay in the order of the query, as in core. */
	for (int i = 0; i < count; i++)
	{
		Node *condition = list_nth(conditions, i);
		QualCost cost;
		int place = i;

		cost_qual_eval_node(&cost, condition, root);
		for (; place > 0 && costs[place - 1] > cost.per_tuple; place--)
		{
			sorted[place] = sorted[place - 1];
			costs[place] = costs[place - 1];
		}
		sorted[place] = condition;
		costs[place] = cost.per_tuple;
	}
	for (int i = 0; i < count; i++)
		result = lappend(result, sorted[i]);
	return result;
}

static bool
look_for_risk(Node *node, Walk *walk)
{
	PlfAttempt *attempt = walk->attempt;
	PlfRisk risk = PLF_RISK_NONE;
	bool was_guarded = walk->is_guarded;
	List *args = NIL;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Param:
			if (((Param *) node)->paramkind == PARAM_EXEC)
			{
				Bitmapset **params = walk->is_guarded ? &attempt->guarded
													  : &attempt->params;

				*params = bms_add_member(*params, ((Param *) node)->paramid);
			}
			else if (((Param *) node)->paramkind == PARAM_EXTERN)
				attempt->has_extern = true;
			break;
		case T_BoolExpr:
			if (((BoolExpr *) node)->boolop == NOT_EXPR)
				break;
			args = ((BoolExpr *) node)->args;
			return look_behind_guard(linitial(args), list_copy_tail(args, 1), walk);
		case T_CoalesceExpr:
			args = ((CoalesceExpr *) node)->args;
			return look_behind_guard(linitial(args), list_copy_tail(args, 1), walk);
		case T_CaseExpr:
			return look_at_case((CaseExpr *) node, walk);
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			set_opfuncid((OpExpr *) node);
			args = ((OpExpr *) node)->args;
			risk = function_risk(((OpExpr *) node)->opfuncid, args);
			break;
		case T_ScalarArrayOpExpr:
			set_sa_opfuncid((ScalarArrayOpExpr *) node);
			args = ((ScalarArrayOpExpr *) node)->args;
			risk = function_risk(((ScalarArrayOpExpr *) node)->opfuncid, NIL);
			break;
		case T_FuncExpr:
			args = ((FuncExpr *) node)->args;
			risk = function_risk(((FuncExpr *) node)->funcid, args);
			break;
		case T_CoerceViaIO:
			/* An enum's label as text. */
			if (!type_is_enum(exprType((Node *) ((CoerceViaIO *) node)->arg)) ||
				((CoerceViaIO *) node)->resulttype != TEXTOID)
				risk = PLF_RISK_SOME;
			break;
		case T_ArrayExpr:
			/* The dimensions of inner arrays may differ. */
			if (((ArrayExpr *) node)->multidims)
				risk = PLF_RISK_SOME;
			break;
		case T_Const:
		case T_Var:
		case T_List:
		case T_NullTest:
		case T_BooleanTest:
		case T_RelabelType:
		case T_CaseTestExpr:
		case T_SQLValueFunction:
			break;
		case T_ArrayCoerceExpr:
		case T_CoerceToDomain:
		case T_MinMaxExpr:
		case T_RowExpr:
			risk = PLF_RISK_SOME;
			break;
		default:
			/* Some of these nodes evaluate a part only if another part asks for it. */
			risk = PLF_RISK_SOME;
			walk->is_guarded = true;
			break;
	}
	if (collation_may_raise(exprInputCollation(node), args))
		risk = PLF_RISK_SOME;
	attempt->risk = Max(attempt->risk, risk);
	expression_tree_walker(node, look_for_risk, walk);
	walk->is_guarded = was_guarded;
	return false;
}

/*
 * Walks over "first", which is always evaluated, and then over "others", which the result
 * of "first" may keep from being evaluated.
 */
static bool
look_behind_guard(Node *first, List *others, Walk *walk)
{
	bool was_guarded = walk->is_guarded;

	look_for_risk(first, walk);
	walk->is_guarded = true;
	look_for_risk((Node *) others, walk);
	walk->is_guarded = was_guarded;
	return false;
}

static bool
look_at_case(CaseExpr *expr, Walk *walk)
{
	List *others = list_make1(expr->defresult);
	ListCell *lc;

	foreach(lc, expr->args)
	{
		CaseWhen *when = lfirst_node(CaseWhen, lc);

		if (foreach_current_index(lc) > 0)
			others = lappend(others, when->expr);
		others = lappend(others, when->result);
	}
	look_for_risk((Node *) expr->arg, walk);
	return look_behind_guard((Node *) linitial_node(CaseWhen, expr->args)->expr, others,
							 walk);
}

static PlfRisk
function_risk(Oid function, List *args)
{
	Node *pattern = list_length(args) == 2 ? lsecond(args) : NULL;

	switch (function)
	{
		case F_TEXTLIKE:
		case F_TEXTNLIKE:
		case F_TEXTICLIKE:
		case F_TEXTICNLIKE:
		case F_TEXTREGEXEQ:
		case F_TEXTREGEXNE:
		case F_TEXTICREGEXEQ:
		case F_TEXTICREGEXNE:
			return pattern != NULL && IsA(pattern, Const) ? PLF_RISK_FAR_VALUES
														  : PLF_RISK_SOME;
		case F_NOW:
			return PLF_RISK_NONE;
		case F_TIMESTAMPTZ_PL_INTERVAL:
		case F_TIMESTAMPTZ_MI_INTERVAL:
		case F_TIMESTAMP_PL_INTERVAL:
		case F_TIMESTAMP_MI_INTERVAL:
		case F_DATE_PL_INTERVAL:
		case F_DATE_MI_INTERVAL:
		case F_DATE_PLI:
		case F_DATE_MII:
		case F_TIMESTAMPTZ_DATE:
		case F_TIMESTAMPTZ_TIMESTAMP:
		case F_DATE_TIMESTAMPTZ:
			return PLF_RISK_FAR_VALUES;
		default:
			if (plf_function_is_safe(function))
				return PLF_RISK_NONE;
			return function < FirstNormalObjectId && get_func_leakproof(function)
					   ? PLF_RISK_NONE
					   : PLF_RISK_SOME;
	}
}

/*
 * Whether a function of text may raise an error for its collation.  A function whose
 * arguments have contradicting collations has none, and cannot compare.  Patterns do not
 * support every nondeterministic collation.
 */
static bool
collation_may_raise(Oid collation, List *args)
{
	ListCell *lc;

	foreach(lc, args)
		if (type_is_collatable(exprType(lfirst(lc))))
			return !OidIsValid(collation) || !get_collation_isdeterministic(collation);
	return false;
}

bool
plf_attempt(const PlfAttempt *attempt, ExprContext *econtext, void (*evaluate)(void *arg),
			void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	bool is_parallel = IsInParallelMode();
	bool can_catch = plf_may_begin_subtransaction();
	ErrorData *volatile error = NULL;
	PlfRisk risk = attempt->risk;
	MemoryContext states;

	if (attempt->has_extern && econtext->ecxt_param_list_info != NULL &&
		econtext->ecxt_param_list_info->paramFetch != NULL)
		risk = Max(risk, PLF_RISK_FAR_VALUES);
	if (risk == PLF_RISK_NONE || (risk == PLF_RISK_FAR_VALUES && !can_catch))
	{
		states = use_query_memory(econtext);
		evaluate(arg);
		econtext->ecxt_per_query_memory = states;
		return true;
	}
	if (!can_catch)
		return false;

	if (has_subquery_to_run(attempt->guarded, econtext))
		return false;

	/*
	 * A subquery is run before the subtransaction: what its plan acquires must outlive
	 * that.
	 */
	if (attempt->params != NULL)
	{
		states = use_query_memory(econtext);
		ExecSetParamPlanMulti(attempt->params, econtext);
		econtext->ecxt_per_query_memory = states;
	}

	if (!is_parallel)
		BeginInternalSubTransaction(NULL);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		evaluate(arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	end_subtransactions(error == NULL, is_parallel);
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return true;
	if (!may_be_dropped(error->sqlerrcode))
		ReThrowError(error);
	FreeErrorData(error);
	return false;
}

/*
 * Makes subqueries run in the memory of the query, where their nodes and results stay.
 * Returns the memory of the ExprStates, which "econtext" had before.
 */
static MemoryContext
use_query_memory(ExprContext *econtext)
{
	MemoryContext states = econtext->ecxt_per_query_memory;

	if (econtext->ecxt_estate != NULL)
		econtext->ecxt_per_query_memory = econtext->ecxt_estate->es_query_cxt;
	return states;
}

/* True when one of the parameters is the result of a subquery that has not run yet. */
static bool
has_subquery_to_run(const Bitmapset *params, ExprContext *econtext)
{
	int id = -1;

	while ((id = bms_next_member(params, id)) >= 0)
		if (econtext->ecxt_param_exec_vals[id].execPlan != NULL)
			return true;
	return false;
}

bool
plf_names_subquery(Node *node, Bitmapset *outer_params)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXEC &&
			   !bms_is_member(((Param *) node)->paramid, outer_params);
	return expression_tree_walker(node, plf_names_subquery, outer_params);
}

/*
 * Ends the subtransaction of an evaluation and the one around it.
 *
 * A subtransaction may begin while the transaction commits, for WITH HOLD cursors and
 * deferred triggers.  But core asserts, when a subtransaction is rolled back, that the
 * transaction around it does not commit.  So there are two, and only the inner one is
 * rolled back.
 *
 * In parallel mode there is only one, which is always rolled back: where the statement
 * writes (CREATE TABLE AS), committing a subtransaction begins another command, and core
 * refuses that in parallel mode.  The values that were evaluated survive the rollback.
 */
static void
end_subtransactions(bool succeeded, bool is_parallel)
{
	if (succeeded && !is_parallel)
		ReleaseCurrentSubTransaction();
	else
		RollbackAndReleaseCurrentSubTransaction();
	if (!is_parallel)
		ReleaseCurrentSubTransaction();
}

/* False for an error that concerns the statement or the server, not a value. */
static bool
may_be_dropped(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
		case ERRCODE_TRANSACTION_ROLLBACK:
			return false;
		default:
			return true;
	}
}

ExprContext *
plf_attempt_renew(ExprContext *econtext, PlanState *parent, MemoryContext states,
				  void (*make)(void *arg), void *arg)
{
	int no_jit = 0;
	int *jit_flags = parent != NULL ? &parent->state->es_jit_flags : &no_jit;
	int saved_flags = *jit_flags;
	MemoryContext old;

	if (econtext != NULL)
		FreeExprContext(econtext, false);
	MemoryContextReset(states);

	/*
	 * Compiled code would stay until the statement ends, each time, so nothing is
	 * compiled.
	 */
	*jit_flags = 0;
	old = MemoryContextSwitchTo(states);
	make(arg);
	MemoryContextSwitchTo(old);
	*jit_flags = saved_flags;
	econtext = parent != NULL ? CreateExprContext(parent->state)
							  : CreateStandaloneExprContext();

	/*
	 * The executor hashes a list of constants in this memory, again for each new
	 * ExprState.
	 */
	econtext->ecxt_per_query_memory = states;
	return econtext;
}
