/*
 * upper.c
 *		Paths that do the work of nodes above a scan: counts, DISTINCT, OFFSET and LIMIT.
 *
 * Such a path is offered only where every condition on the table is pushed, because no
 * node above checks the conditions again.
 */
#include "postgres.h"

#include <math.h>

#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "plan/count_spec.h"
#include "plan/ordering.h"
#include "plan/plan_info.h"
#include "plan/upper.h"

/* The fdw_private of a sorted relation that is one table. */
typedef struct OrderedInfo
{
	RelOptInfo *baserel;
} OrderedInfo;

static void offer_count(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel,
						GroupPathExtraData *extra);
static void offer_distinct(PlannerInfo *root, RelOptInfo *input_rel,
						   RelOptInfo *output_rel);
static bool is_status_clause(SortGroupClause *clause, Query *parse, RelOptInfo *baserel);
static void offer_ordered(PlannerInfo *root, RelOptInfo *input_rel,
						  RelOptInfo *output_rel);
static void offer_window(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel,
						 FinalPathExtraData *extra);

void
plf_get_foreign_upper_paths(PlannerInfo *root, UpperRelationKind stage,
							RelOptInfo *input_rel, RelOptInfo *output_rel, void *extra)
{
	/*
	 * A stage that this file does not handle has no fdw_private, and the stages after it
	 * have none either.
	 */
	if (input_rel->fdw_private == NULL || output_rel->fdw_private != NULL)
		return;
	if (stage == UPPERREL_GROUP_AGG)
		offer_count(root, input_rel, output_rel, extra);
	else if (stage == UPPERREL_DISTINCT)
		offer_distinct(root, input_rel, output_rel);
	else if (stage == UPPERREL_ORDERED)
		offer_ordered(root, input_rel, output_rel);
	else if (stage == UPPERREL_FINAL)
		offer_window(root, input_rel, output_rel, extra);
}

static void
offer_count(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel,
			GroupPathExtraData *extra)
{
	Query *parse = root->parse;

	/*
	 * Core asks with PARTITIONWISE_AGGREGATE_FULL for every table when that setting is
	 * on, and never with PARTIAL at this stage.  A partition is refused: core groups it
	 * by the partition key, and the API does not count by that key.
	 */
	if (input_rel->reloptkind != RELOPT_BASEREL || parse->groupingSets != NIL ||
		list_length(parse->groupClause) > 1 ||
		(parse->groupClause != NIL &&
		 !is_status_clause(linitial(parse->groupClause), parse, input_rel)))
		return;
	plf_count_offer_path(root, input_rel, output_rel,
						 root->upper_targets[UPPERREL_GROUP_AGG], extra->havingQual,
						 parse->groupClause != NIL);
}

static void
offer_distinct(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel)
{
	Query *parse = root->parse;

	if (input_rel->reloptkind != RELOPT_BASEREL || parse->hasDistinctOn ||
		parse->hasTargetSRFs || list_length(parse->distinctClause) != 1 ||
		!is_status_clause(linitial(parse->distinctClause), parse, input_rel))
		return;
	plf_count_offer_path(root, input_rel, output_rel,
						 root->upper_targets[UPPERREL_DISTINCT], NULL, true);
}

/*
 * True when a clause groups by the status, with a deterministic collation: the statuses
 * of one group are then the same text.
 */
static bool
is_status_clause(SortGroupClause *clause, Query *parse, RelOptInfo *baserel)
{
	const PlfColumn *status = plf_status_column(
		((PlfPlanInfo *) baserel->fdw_private)->table);
	Node *expr = get_sortgroupclause_expr(clause, parse->targetList);

	return status != NULL && IsA(expr, Var) &&
		   ((Var *) expr)->varno == (int) baserel->relid &&
		   ((Var *) expr)->varattno == status->attnum &&
		   (!OidIsValid(((Var *) expr)->varcollid) ||
			get_collation_isdeterministic(((Var *) expr)->varcollid));
}

/*
 * Notes that the sorted relation is one table, for offer_window().  No path is offered:
 * the sorted paths of the table are.
 */
static void
offer_ordered(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel)
{
	PlfPlanInfo *info = input_rel->fdw_private;
	PlfOrdering ordering;
	OrderedInfo *ordered;

	if (input_rel->reloptkind != RELOPT_BASEREL || !info->options->sort_pushdown ||
		list_length(root->sort_pathkeys) != 1 ||
		!plf_ordering_of_pathkey(linitial(root->sort_pathkeys), input_rel, info->table,
								 &ordering))
		return;
	ordered = palloc(sizeof(OrderedInfo));
	ordered->baserel = input_rel;
	output_rel->fdw_private = ordered;
}

static void
offer_window(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel,
			 FinalPathExtraData *extra)
{
	Query *parse = root->parse;
	RelOptInfo *baserel = input_rel;
	PlfPlanInfo *info;
	double rows;
	double pages;
	Cost startup;

	if (IS_UPPER_REL(input_rel))
		baserel = ((OrderedInfo *) input_rel->fdw_private)->baserel;
	else if (root->sort_pathkeys != NIL)
		return;
	if (baserel->reloptkind != RELOPT_BASEREL || parse->commandType != CMD_SELECT ||
		!extra->limit_needed || parse->rowMarks != NIL || parse->hasTargetSRFs ||
		parse->limitOption == LIMIT_OPTION_WITH_TIES ||
		contain_volatile_functions(parse->limitOffset) ||
		contain_volatile_functions(parse->limitCount) || !plf_all_pushed(baserel))
		return;
	info = baserel->fdw_private;

	/*
	 * A LIMIT that is known only at run time is assumed to be a tenth of the rows, as
	 * core assumes.
	 */
	rows = extra->count_est > 0        ? (double) extra->count_est
		   : parse->limitCount != NULL ? ceil(info->fetched / 10)
									   : info->fetched;
	rows = clamp_row_est(Min(rows, info->fetched));
	pages = Max(rows / info->options->page_size, 1);
	startup = info->options->startup_cost + info->options->page_cost;

	add_path(output_rel,
			 (Path *) plf_foreign_upper_path(
				 root, baserel, root->upper_targets[UPPERREL_FINAL], rows, startup,
				 startup + (pages - 1) * info->options->page_cost +
					 rows * info->options->tuple_cost,
				 root->sort_pathkeys,
				 list_make3(makeString(PLF_WINDOW_MARK), parse->limitOffset,
							parse->limitCount)));
}
