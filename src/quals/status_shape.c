/*
 * status_shape.c
 *		Whether a condition on status holds for statuses that are not documented.
 *
 * The condition cannot be evaluated for them, because nobody knows them.  But a
 * comparison with documented statuses has the same result for all others, and AND, OR and
 * NOT keep that property.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "api/request.h"
#include "quals/status_shape.h"

/*
 * The truth values that a condition may have for links of other statuses, as a set.  A
 * set of one member says that the condition has this value for all such links.  A link
 * without a status counts as one of these links.
 */
typedef unsigned Truths;

#define MAY_BE_FALSE (1u << 0)
#define MAY_BE_NULL  (1u << 1)
#define MAY_BE_TRUE  (1u << 2)
#define MAY_BE_ANY   (MAY_BE_FALSE | MAY_BE_NULL | MAY_BE_TRUE)

typedef enum ClauseKind
{
	CLAUSE_AND,
	CLAUSE_OR,
	CLAUSE_NOT,
	CLAUSE_CONSTANT,  /* no column in it */
	CLAUSE_EQUAL,     /* status = value */
	CLAUSE_DIFFERENT, /* status <> value */
	CLAUSE_DISTINCT,  /* status IS DISTINCT FROM value */
	CLAUSE_ANY,       /* status = ANY (array) */
	CLAUSE_NOT_ALL,   /* status <> ALL (array) */
	CLAUSE_IS_NULL,
	CLAUSE_IS_NOT_NULL,
	CLAUSE_OTHER
} ClauseKind;

typedef struct Clause
{
	ClauseKind kind;
	List *arguments;  /* of Clause, for AND, OR, NOT */
	ExprState *value; /* what status is compared with */
	Oid value_output; /* output function of the type of "value", or of the elements of an
					   * array */
} Clause;

struct PlfStatusShape
{
	Clause root;
	const PlfWire *wire; /* has the documented statuses */
	bool not_null;       /* no row has a NULL status */
};

static Clause *analyze_clause(Node *node, PlanState *parent);
static Clause *analyze_comparison(Oid function, Expr *left, Expr *right, bool is_array,
								  PlanState *parent);
static Truths clause_truths(const Clause *clause, const PlfStatusShape *shape,
							ExprContext *econtext);
static Truths comparison_truths(const Clause *clause, const PlfStatusShape *shape,
								ExprContext *econtext);
static bool is_documented(Datum value, const Clause *clause, const PlfWire *wire);

PlfStatusShape *
plf_status_shape_create(List *clauses, PlanState *parent, const PlfWire *wire,
						bool not_null)
{
	PlfStatusShape *shape = palloc0(sizeof(PlfStatusShape));
	ListCell *lc;

	shape->wire = wire;
	shape->not_null = not_null;
	shape->root.kind = CLAUSE_AND;
	foreach(lc, clauses)
		shape->root.arguments = lappend(shape->root.arguments,
										analyze_clause(lfirst(lc), parent));
	return shape;
}

PlfOthers
plf_status_shape_others(const PlfStatusShape *shape, ExprContext *econtext)
{
	Truths truths = clause_truths(&shape->root, shape, econtext);

	if (truths == MAY_BE_TRUE)
		return PLF_OTHERS_ALL;
	return (truths & MAY_BE_TRUE) ? PLF_OTHERS_SOME : PLF_OTHERS_NONE;
}

static Clause *
make_clause(ClauseKind kind)
{
	Clause *clause = palloc0(sizeof(Clause));

	clause->kind = kind;
	return clause;
}

static Clause *
analyze_clause(Node *node, PlanState *parent)
{
	Clause *clause;
	ListCell *lc;

	if (!plf_has_column(node))
	{
		clause = make_clause(CLAUSE_CONSTANT);
		clause->value = ExecInitExpr((Expr *) node, parent);
		return clause;
	}
	switch (nodeTag(node))
	{
		case T_BoolExpr:
		{
			BoolExpr *expr = (BoolExpr *) node;

			clause = make_clause(expr->boolop == AND_EXPR  ? CLAUSE_AND
								 : expr->boolop == OR_EXPR ? CLAUSE_OR
														   : CLAUSE_NOT);
			foreach(lc, expr->args)
				clause->arguments = lappend(clause->arguments,
											analyze_clause(lfirst(lc), parent));
			return clause;
		}
		case T_OpExpr:
		case T_DistinctExpr:
		{
			OpExpr *expr = (OpExpr *) node;
			Oid function = expr->opfuncid;

			if (list_length(expr->args) != 2 ||
				(OidIsValid(expr->inputcollid) &&
				 !get_collation_isdeterministic(expr->inputcollid)))
				return make_clause(CLAUSE_OTHER);
			clause = analyze_comparison(function, linitial(expr->args),
										lsecond(expr->args), false, parent);
			if (IsA(node, DistinctExpr) && clause->kind != CLAUSE_OTHER)
				clause->kind = CLAUSE_DISTINCT;
			return clause;
		}
		case T_ScalarArrayOpExpr:
		{
			ScalarArrayOpExpr *expr = (ScalarArrayOpExpr *) node;

			if (OidIsValid(expr->inputcollid) &&
				!get_collation_isdeterministic(expr->inputcollid))
				return make_clause(CLAUSE_OTHER);
			clause = analyze_comparison(expr->opfuncid, linitial(expr->args),
										lsecond(expr->args), true, parent);

			/* "= ALL" and "<> ANY" are left to the rows: hardly any query has them. */
			if (clause->kind == (expr->useOr ? CLAUSE_NOT_ALL : CLAUSE_ANY))
				clause->kind = CLAUSE_OTHER;
			return clause;
		}
		case T_NullTest:
		{
			NullTest *test = (NullTest *) node;

			if (!plf_is_status((Node *) test->arg))
				return make_clause(CLAUSE_OTHER);
			return make_clause(test->nulltesttype == IS_NULL ? CLAUSE_IS_NULL
															 : CLAUSE_IS_NOT_NULL);
		}
		default:
			return make_clause(CLAUSE_OTHER);
	}
}

static Clause *
analyze_comparison(Oid function, Expr *left, Expr *right, bool is_array,
				   PlanState *parent)
{
	bool equal = function == F_TEXTEQ || function == F_ENUM_EQ;
	bool different = function == F_TEXTNE || function == F_ENUM_NE;
	Clause *clause;
	Oid type;
	bool is_varlena;

	if (!plf_is_status((Node *) left) && !is_array)
	{
		Expr *swap = left;

		left = right;
		right = swap;
	}
	if ((!equal && !different) || !plf_is_status((Node *) left) ||
		plf_has_column((Node *) right))
		return make_clause(CLAUSE_OTHER);

	clause = make_clause(is_array ? (equal ? CLAUSE_ANY : CLAUSE_NOT_ALL)
								  : (equal ? CLAUSE_EQUAL : CLAUSE_DIFFERENT));
	clause->value = ExecInitExpr(right, parent);
	type = exprType((Node *) right);
	getTypeOutputInfo(getBaseType(is_array ? get_base_element_type(type) : type),
					  &clause->value_output, &is_varlena);
	return clause;
}

bool
plf_is_status(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node != NULL && IsA(node, Var);
}

static Truths
negate(Truths truths)
{
	Truths result = truths & MAY_BE_NULL;

	if (truths & MAY_BE_TRUE)
		result |= MAY_BE_FALSE;
	if (truths & MAY_BE_FALSE)
		result |= MAY_BE_TRUE;
	return result;
}

/* The truth values of a AND b.  Where false < null < true, AND is the smaller value. */
static Truths
conjoin(Truths left, Truths right)
{
	Truths result = 0;

	for (Truths a = MAY_BE_FALSE; a <= MAY_BE_TRUE; a <<= 1)
		for (Truths b = MAY_BE_FALSE; b <= MAY_BE_TRUE; b <<= 1)
			if ((left & a) && (right & b))
				result |= Min(a, b);
	return result;
}

static Truths
clause_truths(const Clause *clause, const PlfStatusShape *shape, ExprContext *econtext)
{
	Truths result;
	ListCell *lc;

	switch (clause->kind)
	{
		/* Arguments after a decision are not evaluated, as in the executor. */
		case CLAUSE_AND:
			result = MAY_BE_TRUE;
			foreach(lc, clause->arguments)
			{
				result = conjoin(result, clause_truths(lfirst(lc), shape, econtext));
				if (result == MAY_BE_FALSE)
					break;
			}
			return result;
		case CLAUSE_OR:
			/* a OR b is NOT (NOT a AND NOT b) */
			result = MAY_BE_TRUE;
			foreach(lc, clause->arguments)
			{
				result = conjoin(result,
								 negate(clause_truths(lfirst(lc), shape, econtext)));
				if (result == MAY_BE_FALSE)
					break;
			}
			return negate(result);
		case CLAUSE_NOT:
			return negate(clause_truths(linitial(clause->arguments), shape, econtext));
		case CLAUSE_CONSTANT:
		{
			bool isnull;
			Datum value = ExecEvalExpr(clause->value, econtext, &isnull);

			return isnull                ? MAY_BE_NULL
				   : DatumGetBool(value) ? MAY_BE_TRUE
										 : MAY_BE_FALSE;
		}
		case CLAUSE_IS_NULL:
			return MAY_BE_FALSE | (shape->not_null ? 0 : MAY_BE_TRUE);
		case CLAUSE_IS_NOT_NULL:
			return MAY_BE_TRUE | (shape->not_null ? 0 : MAY_BE_FALSE);
		case CLAUSE_OTHER:
			return MAY_BE_ANY;
		default:
			return comparison_truths(clause, shape, econtext);
	}
}

static Truths
comparison_truths(const Clause *clause, const PlfStatusShape *shape,
				  ExprContext *econtext)
{
	bool is_array = clause->kind == CLAUSE_ANY || clause->kind == CLAUSE_NOT_ALL;
	bool negated = clause->kind != CLAUSE_EQUAL && clause->kind != CLAUSE_ANY;
	bool has_null = false;
	bool isnull;
	Datum value = ExecEvalExpr(clause->value, econtext, &isnull);

	if (isnull)
		return clause->kind != CLAUSE_DISTINCT
				   ? MAY_BE_NULL
				   : MAY_BE_TRUE | (shape->not_null ? 0 : MAY_BE_FALSE);
	if (is_array)
	{
		ArrayType *array = DatumGetArrayTypeP(value);
		ArrayIterator iterator = array_create_iterator(array, 0, NULL);
		Datum element;
		bool all_documented = true;
		bool is_empty = true;

		while (all_documented && array_iterate(iterator, &element, &isnull))
		{
			CHECK_FOR_INTERRUPTS();
			is_empty = false;
			if (isnull)
				has_null = true;
			else
				all_documented = is_documented(element, clause, shape->wire);
		}
		array_free_iterator(iterator);
		/* Nothing is a member of an empty array, neither a status nor NULL. */
		if (is_empty)
			return negated ? MAY_BE_TRUE : MAY_BE_FALSE;
		if (!all_documented)
			return MAY_BE_ANY;
	}
	else if (!is_documented(value, clause, shape->wire))
		return MAY_BE_ANY;
	if (has_null)
		return MAY_BE_NULL;
	if (clause->kind == CLAUSE_DISTINCT)
		return MAY_BE_TRUE;
	return (negated ? MAY_BE_TRUE : MAY_BE_FALSE) | (shape->not_null ? 0 : MAY_BE_NULL);
}

static bool
is_documented(Datum value, const Clause *clause, const PlfWire *wire)
{
	char *text = OidOutputFunctionCall(clause->value_output, value);
	bool documented = plf_status_lookup(wire, text, strlen(text)) >= 0;

	pfree(text);
	return documented;
}

static bool
has_column_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return true;
	return expression_tree_walker(node, has_column_walker, context);
}

bool
plf_has_column(Node *node)
{
	return has_column_walker(node, NULL);
}

char *
plf_status_text(Datum value, Oid type)
{
	Oid output;
	bool is_varlena;

	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}
