/*
 * plan_info.c
 *		What several of the planner's callbacks ask of the conditions on a table.
 */
#include "postgres.h"

#include "plan/plan_info.h"

bool
plf_is_not_null_test(const Expr *clause, int varno, AttrNumber attnum)
{
	const NullTest *test = (const NullTest *) clause;
	const Expr *arg;

	if (!IsA(clause, NullTest) || test->nulltesttype != IS_NOT_NULL || test->argisrow)
		return false;
	arg = test->arg;
	while (IsA(arg, RelabelType))
		arg = ((const RelabelType *) arg)->arg;
	return IsA(arg, Var) && ((const Var *) arg)->varno == varno &&
		   ((const Var *) arg)->varattno == attnum;
}

bool
plf_all_pushed(const RelOptInfo *baserel)
{
	const PlfPlanInfo *info = baserel->fdw_private;

	return list_length(info->status_clauses) == list_length(baserel->baserestrictinfo);
}
