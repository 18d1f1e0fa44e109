/*
 * key_range.c
 *		Conditions on a sort key as bounds on the sorted list.
 *
 * The API has no range filter, but a sorted list whose pages are numbered can be
 * searched like an index.  What an operator means is looked up in the key's default btree
 * family, so operators between types (timestamptz < date) make bounds, too.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "plan/key_range.h"
#include "plan/ordering.h"
#include "plan/plan_info.h"

static bool names_param(Node *node, Bitmapset *params);
static bool is_null_test(const Expr *clause, NullTestType type, RelOptInfo *baserel,
						 const PlfColumn *column);
static bool add_bounds(PlannerInfo *root, RelOptInfo *baserel, Expr *clause,
					   PlfKeyRange *range);
static bool is_column(Node *node, RelOptInfo *baserel, const PlfColumn *column);
static bool add_bound(List **bounds, const OpExpr *clause, Expr *key, Expr *value,
					  Oid opfamily, int strategy);

bool
plf_key_range_of(PlannerInfo *root, RelOptInfo *baserel, const PlfColumn *column,
				 PlfKeyRange *range)
{
	const PlfPlanInfo *info = baserel->fdw_private;
	ListCell *lc;

	memset(range, 0, sizeof(*range));
	range->column = column;
	if (plf_sort_key_of(column) == NULL)
		return false;
	foreach(lc, baserel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		CHECK_FOR_INTERRUPTS();
		if (rinfo->pseudoconstant ||
			names_param((Node *) rinfo->clause, info->outer_params))
			continue;
		if (is_null_test(rinfo->clause, IS_NULL, baserel, column))
			range->nulls_only = true;
		else if (is_null_test(rinfo->clause, IS_NOT_NULL, baserel, column))
			range->nulls_out = true;
		else if (!add_bounds(root, baserel, rinfo->clause, range))
			continue;
		range->clauses = lappend(range->clauses, rinfo);
	}
	return range->clauses != NIL;
}

/*
 * True for a NULL test on the sort key that can be pushed.  If links may lack the key,
 * the reader finds out where in the list they are.  By the documentation every link has
 * each of the other keys.  A NULL test on one of those is pushed only where the column is
 * declared NOT NULL, so that a link without the key is never delivered.
 */
static bool
is_null_test(const Expr *clause, NullTestType type, RelOptInfo *baserel,
			 const PlfColumn *column)
{
	const NullTest *test = (const NullTest *) clause;

	return IsA(clause, NullTest) && test->nulltesttype == type && !test->argisrow &&
		   is_column((Node *) test->arg, baserel, column) &&
		   (plf_sort_key_is_nullable(column) || column->not_null) &&
		   !(type == IS_NOT_NULL && column->not_null);
}

static bool
add_bounds(PlannerInfo *root, RelOptInfo *baserel, Expr *clause, PlfKeyRange *range)
{
	OpExpr *expr = (OpExpr *) clause;
	Oid opfamily = plf_sort_opfamily(plf_sort_key_of(range->column));
	Oid operator;
	Expr *key;
	Expr *value;
	int strategy;

	if (!IsA(clause, OpExpr) || list_length(expr->args) != 2)
		return false;
	operator= expr->opno;
	key = linitial(expr->args);
	value = lsecond(expr->args);
	if (!is_column((Node *) key, baserel, range->column))
	{
		key = lsecond(expr->args);
		value = linitial(expr->args);
		operator= get_commutator(operator);
		if (!is_column((Node *) key, baserel, range->column) || !OidIsValid(operator))
			return false;
	}
	strategy = get_op_opfamily_strategy(operator, opfamily);
	if (strategy == 0 ||
		bms_is_member(baserel->relid, pull_varnos(root, (Node *) value)) ||
		contain_volatile_functions((Node *) value) || contain_subplans((Node *) value))
		return false;

	switch (strategy)
	{
		case BTGreaterStrategyNumber:
		case BTGreaterEqualStrategyNumber:
			return add_bound(&range->lower, expr, key, value, opfamily, strategy);
		case BTLessStrategyNumber:
		case BTLessEqualStrategyNumber:
			return add_bound(&range->upper, expr, key, value, opfamily, strategy);
		default:
			return add_bound(&range->lower, expr, key, value, opfamily,
							 BTGreaterEqualStrategyNumber) &&
				   add_bound(&range->upper, expr, key, value, opfamily,
							 BTLessEqualStrategyNumber);
	}
}

Bitmapset *
plf_outer_params(PlannerInfo *root)
{
	Bitmapset *params = NULL;

	for (PlannerInfo *outer = root->parent_root; outer != NULL;
		 outer = outer->parent_root)
	{
		ListCell *lc;

		foreach(lc, outer->plan_params)
			params = bms_add_member(params, ((PlannerParamItem *) lfirst(lc))->paramId);
	}
	return params;
}

static bool
names_param(Node *node, Bitmapset *params)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXEC &&
			   bms_is_member(((Param *) node)->paramid, params);
	return expression_tree_walker(node, names_param, params);
}

static bool
is_column(Node *node, RelOptInfo *baserel, const PlfColumn *column)
{
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return IsA(node, Var) && ((Var *) node)->varno == (int) baserel->relid &&
		   ((Var *) node)->varattno == column->attnum;
}

/*
 * Adds the bound "key operator value" with the operator of the family that has that
 * strategy; false when there is no such operator.
 */
static bool
add_bound(List **bounds, const OpExpr *clause, Expr *key, Expr *value, Oid opfamily,
		  int strategy)
{
	Oid operator= get_opfamily_member(opfamily, exprType((Node *) key),
									  exprType((Node *) value), strategy);
	Expr *bound;

	if (!OidIsValid(operator))
		return false;
	bound = make_opclause(operator, BOOLOID, false, key, value, clause->opcollid,
						  clause->inputcollid);
	set_opfuncid((OpExpr *) bound);
	*bounds = lappend(*bounds, bound);
	return true;
}
