/*
 * status_filter.c
 *		Conditions on status, evaluated by PostgreSQL's own executor for each documented
 *		status.  Whether they hold for other statuses is read from their structure by
 *		status_shape.c.
 *
 * The planner asks which conditions are pushable; nodes evaluate them when they start.
 */
#include "postgres.h"

#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "quals/attempt.h"
#include "quals/safe_function.h"
#include "quals/status_filter.h"
#include "quals/status_shape.h"

struct PlfStatusFilter
{
	List *clauses; /* of Expr */
	PlanState *parent;
	PlfAttempt attempt;
	const PlfWire *wire; /* has the documented statuses */
	bool not_null;
	ExprContext *econtext;       /* the filter's own */
	MemoryContext state_context; /* of the two that follow */
	ExprState *qual;
	PlfStatusShape *shape;
	MemoryContext context; /* in which the filter lives */
	ExprContext
		*row_econtext; /* for plf_status_filter_holds(); NULL until it is called */
	ExprState *row_qual;
	TupleTableSlot *slot;           /* a row that has nothing but a status */
	AttrNumber attnum;              /* of the status in "slot" */
	Datum values[PLF_STATUS_COUNT]; /* the documented statuses */
};

/* An evaluation of the conditions for every documented status, under way. */
typedef struct Evaluation
{
	PlfStatusFilter *filter;
	const PlfStatusVerdict *beside; /* the verdict on the conditions that come before */
	PlfStatusVerdict verdict;
} Evaluation;

/* What the walker over a condition needs: the column that is the status. */
typedef struct PushableContext
{
	int varno;
	AttrNumber attnum;
	bool is_enum;
} PushableContext;

static bool is_unpushable(Node *node, PushableContext *context);
static void renew_states(PlfStatusFilter *filter);
static void make_states(void *arg);
static void evaluate_statuses(void *arg);

bool
plf_status_clause_is_pushable(Expr *clause, int varno, const PlfColumn *status)
{
	PushableContext context;

	context.varno = varno;
	context.attnum = status->attnum;
	context.is_enum = type_is_enum(status->base_type);
	return plf_has_column((Node *) clause) &&
		   !contain_volatile_functions((Node *) clause) &&
		   !contain_subplans((Node *) clause) &&
		   !is_unpushable((Node *) clause, &context);
}

Expr *
plf_status_clause_implied(Expr *clause, int varno, const PlfColumn *status,
						  Bitmapset *outer_params)
{
	BoolExpr *expr = (BoolExpr *) clause;
	List *arguments = NIL;
	ListCell *lc;

	if (plf_status_clause_is_pushable(clause, varno, status))
		return clause;
	if (!IsA(clause, BoolExpr) || expr->boolop == NOT_EXPR)
		return NULL;
	foreach(lc, expr->args)
	{
		Expr *implied = plf_status_clause_implied(lfirst(lc), varno, status,
												  outer_params);

		/* A condition that is left out here may keep a subquery from running. */
		if (expr->boolop == AND_EXPR &&
			plf_names_subquery((Node *) implied, outer_params))
			implied = NULL;
		if (implied != NULL)
			arguments = lappend(arguments, implied);
		else if (expr->boolop == OR_EXPR)
			return NULL;
	}
	if (arguments == NIL)
		return NULL;
	return expr->boolop == OR_EXPR ? make_orclause(arguments)
								   : make_ands_explicit(arguments);
}

/*
 * True when a part of a condition must not be evaluated ahead of the rows.  A part
 * without a column may be anything, because plf_attempt() drops its errors.  A part that
 * is applied to the status is evaluated for all documented statuses, even if the list has
 * no link with some of them.  So such a part must be one that cannot raise an error.
 */
static bool
is_unpushable(Node *node, PushableContext *context)
{
	if (node == NULL || !plf_has_column(node))
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		{
			Var *var = (Var *) node;

			return var->varno != context->varno || var->varlevelsup != 0 ||
				   var->varattno != context->attnum;
		}
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			set_opfuncid((OpExpr *) node);
			if (!plf_function_is_safe(((OpExpr *) node)->opfuncid))
				return true;
			break;
		case T_ScalarArrayOpExpr:
			set_sa_opfuncid((ScalarArrayOpExpr *) node);
			if (!plf_function_is_safe(((ScalarArrayOpExpr *) node)->opfuncid))
				return true;
			break;
		case T_FuncExpr:
			if (!plf_function_is_safe(((FuncExpr *) node)->funcid))
				return true;
			break;
		case T_CoerceViaIO:
			/* An enum's label as text. */
			if (!context->is_enum || ((CoerceViaIO *) node)->resulttype != TEXTOID)
				return true;
			break;
		case T_List:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_RelabelType:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CoalesceExpr:
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, is_unpushable, context);
}

PlfStatusFilter *
plf_status_filter_init(List *clauses, PlanState *parent, const PlfColumn *status,
					   TupleDesc desc)
{
	PlfStatusFilter *filter = palloc0(sizeof(PlfStatusFilter));

	fix_opfuncids((Node *) clauses);
	filter->clauses = clauses;
	filter->parent = parent;
	filter->attempt = plf_attempt_of(clauses);
	filter->wire = status->wire;
	filter->not_null = status->not_null;
	filter->state_context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw conditions", ALLOCSET_SMALL_SIZES);
	filter->context = CurrentMemoryContext;
	renew_states(filter);
	filter->attnum = status->attnum;
	filter->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc), &TTSOpsVirtual);
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		filter->values[i] = plf_status_datum(status, status->wire->statuses[i]);
	return filter;
}

/* Prepares the evaluation, also after one that raised an error. */
static void
renew_states(PlfStatusFilter *filter)
{
	filter->econtext = plf_attempt_renew(filter->econtext, filter->parent,
										 filter->state_context, make_states, filter);
}

static void
make_states(void *arg)
{
	PlfStatusFilter *filter = arg;

	filter->qual = ExecInitQual(filter->clauses, filter->parent);
	filter->shape = plf_status_shape_create(filter->clauses, filter->parent, filter->wire,
											filter->not_null);
}

Datum
plf_status_datum(const PlfColumn *status, const char *name)
{
	Oid label;

	if (!type_is_enum(status->base_type))
		return CStringGetTextDatum(name);
	label = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
							ObjectIdGetDatum(status->base_type), CStringGetDatum(name));
	/* plf_table_describe() has refused an enum without the label. */
	if (!OidIsValid(label))
		elog(ERROR, "enum %s lacks the label \"%s\"", format_type_be(status->base_type),
			 name);
	return ObjectIdGetDatum(label);
}

PlfStatusVerdict
plf_status_filter_evaluate(PlfStatusFilter *filter)
{
	static const PlfStatusVerdict every_link = {PLF_STATUS_ALL, PLF_OTHERS_ALL};

	return plf_status_filter_evaluate_beside(filter, &every_link);
}

PlfStatusVerdict
plf_status_filter_evaluate_beside(PlfStatusFilter *filter, const PlfStatusVerdict *beside)
{
	Evaluation evaluation = {filter, beside, {PLF_STATUS_NONE, PLF_OTHERS_NONE}};
	MemoryContext old;
	bool succeeded;

	if (beside->others == PLF_OTHERS_UNKNOWN ||
		(beside->statuses == PLF_STATUS_NONE && beside->others == PLF_OTHERS_NONE))
		return *beside;
	ResetExprContext(filter->econtext);
	old = MemoryContextSwitchTo(filter->econtext->ecxt_per_tuple_memory);
	succeeded = plf_attempt(&filter->attempt, filter->econtext, evaluate_statuses,
							&evaluation);
	MemoryContextSwitchTo(old);
	if (succeeded)
		return evaluation.verdict;
	renew_states(filter);
	return (PlfStatusVerdict){PLF_STATUS_ALL, PLF_OTHERS_UNKNOWN};
}

static void
evaluate_statuses(void *arg)
{
	Evaluation *evaluation = arg;
	PlfStatusFilter *filter = evaluation->filter;
	ExprContext *econtext = filter->econtext;
	TupleTableSlot *slot = filter->slot;

	for (int i = 0; i < PLF_STATUS_COUNT; i++)
	{
		if (!(evaluation->beside->statuses & ((PlfStatusSet) 1 << i)))
			continue;
		ExecClearTuple(slot);
		memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
		slot->tts_values[filter->attnum - 1] = filter->values[i];
		slot->tts_isnull[filter->attnum - 1] = false;
		ExecStoreVirtualTuple(slot);
		econtext->ecxt_scantuple = slot;
		CHECK_FOR_INTERRUPTS();
		if (ExecQual(filter->qual, econtext))
			evaluation->verdict.statuses |= (PlfStatusSet) 1 << i;
	}
	if (evaluation->beside->others == PLF_OTHERS_NONE)
		return;
	evaluation->verdict.others = plf_status_shape_others(filter->shape, econtext);
	if (evaluation->verdict.others == PLF_OTHERS_ALL)
		evaluation->verdict.others = evaluation->beside->others;
}

bool
plf_status_filter_holds(PlfStatusFilter *filter, TupleTableSlot *slot)
{
	if (filter->row_econtext == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(filter->context);

		/* Not "qual": a row may run a subquery, whose result outlives "qual". */
		filter->row_qual = ExecInitQual(filter->clauses, filter->parent);
		filter->row_econtext = CreateExprContext(filter->parent->state);
		MemoryContextSwitchTo(old);
	}
	filter->row_econtext->ecxt_scantuple = slot;
	return ExecQualAndReset(filter->row_qual, filter->row_econtext);
}

/*
 * True for a value that is not known when planning: a parameter, or an expression of a
 * subquery that an outer join may set to NULL.  The executor does not know the planner's
 * node for such an expression, even where the join has been reduced since.
 */
static bool
is_variable(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) || IsA(node, PlaceHolderVar))
		return true;
	return expression_tree_walker(node, is_variable, context);
}

bool
plf_status_clauses_are_constant(List *clauses)
{
	return !is_variable((Node *) clauses, NULL) &&
		   !contain_mutable_functions((Node *) clauses);
}
