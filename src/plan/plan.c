/*
 * plan.c
 *		From the planner's relation to a scan spec: what can be asked of the API, what it
 *		costs, and what is left to the executor.
 *
 * The planner asks the API nothing: a query may be planned several times, or never run.
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/rel.h"

#include "compat.h"
#include "catalog/field.h"
#include "catalog/option.h"
#include "quals/attempt.h"
#include "plan/count_spec.h"
#include "plan/key_range.h"
#include "plan/lookup_path.h"
#include "plan/ordering.h"
#include "plan/plan.h"
#include "plan/plan_info.h"
#include "plan/scan_spec.h"
#include "quals/status_filter.h"
#include "quals/status_literals.h"

/*
 * The fdw_private of a path that reads a range in no promised order begins with this
 * String.  The sort key's column and the direction follow.
 */
#define RANGE_MARK "range"

/* How many links a table is assumed to have before it is analyzed. */
#define DEFAULT_LINKS 10000

/*
 * The share of links without a sort key that is assumed before the table is analyzed.  In
 * some accounts every link has an expiration date, in others none has.
 */
#define KEYLESS_SHARE 0.5

static double status_selectivity(PlannerInfo *root, RelOptInfo *baserel,
								 const PlfPlanInfo *info, Relation relation);
static Path *scan_path(PlannerInfo *root, RelOptInfo *baserel, List *pathkeys,
					   const PlfKeyRange *range, List *private);
static bool is_marked(const ForeignPath *path, const char *mark);
static void set_range(PlfScanSpec *spec, PlannerInfo *root, RelOptInfo *baserel,
					  const PlfPlanInfo *info, const ForeignPath *path);
static void set_order(PlfScanSpec *spec, RelOptInfo *baserel, const PlfPlanInfo *info,
					  List *pathkeys);
static void set_demand(PlfScanSpec *spec, PlannerInfo *root, RelOptInfo *baserel,
					   const PlfPlanInfo *info, List *pathkeys);
static Bitmapset *needed_columns(RelOptInfo *baserel, const PlfPlanInfo *info,
								 const PathTarget *target);

void
plf_get_foreign_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid)
{
	PlfPlanInfo *info = palloc0(sizeof(PlfPlanInfo));
	Relation relation = table_open(foreigntableid, NoLock);
	const PlfColumn *status;
	List *other_clauses = NIL;
	ListCell *lc;
	double selectivity;

	info->options = plf_options_get(GetForeignServerIdByRelId(foreigntableid),
									foreigntableid);
	info->early_stop = root->tuple_fraction > 0 || root->limit_tuples > 0;
	info->table = plf_table_describe(relation);
	info->outer_params = plf_outer_params(root);
	status = plf_status_column(info->table);
	foreach(lc, baserel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		CHECK_FOR_INTERRUPTS();
		if (status != NULL && !rinfo->pseudoconstant &&
			plf_status_clause_is_pushable(rinfo->clause, baserel->relid, status))
		{
			info->status_clauses = lappend(info->status_clauses, rinfo);
			info->status_exprs = lappend(info->status_exprs, rinfo->clause);
		}
		else
		{
			Expr *implied = status == NULL || rinfo->pseudoconstant
								? NULL
								: plf_status_clause_implied(rinfo->clause, baserel->relid,
															status, info->outer_params);

			if (implied != NULL)
				info->status_exprs = lappend(info->status_exprs, implied);
			other_clauses = lappend(other_clauses, rinfo);
		}
	}

	if (status != NULL)
		info->literals = plf_status_literals(root, baserel, status);

	/* -1: never analyzed */
	info->analyzed = baserel->tuples >= 0 && relation->rd_rel->reltuples >= 0;
	if (!info->analyzed)
		baserel->tuples = DEFAULT_LINKS;
	selectivity = status_selectivity(root, baserel, info, relation);
	info->fetched = clamp_row_est(baserel->tuples * selectivity);
	baserel->rows = clamp_row_est(
		info->fetched *
		clauselist_selectivity(root, other_clauses, baserel->relid, JOIN_INNER, NULL));
	baserel->fdw_private = info;
	table_close(relation, NoLock);
}

/*
 * The share of the links that satisfy the conditions on the status.  Without statistics
 * the five documented statuses are assumed to be equally frequent, which is a better
 * guess than the planner's default for an unknown column.
 */
static double
status_selectivity(PlannerInfo *root, RelOptInfo *baserel, const PlfPlanInfo *info,
				   Relation relation)
{
	PlfStatusVerdict verdict;

	if (info->status_exprs == NIL)
		return 1.0;
	if (relation->rd_rel->reltuples >= 0)
		return clauselist_selectivity(root, info->status_exprs, baserel->relid,
									  JOIN_INNER, NULL);
	if (!plf_status_clauses_are_constant(info->status_exprs))
		return 1.0 / PLF_STATUS_COUNT;

	verdict = plf_status_filter_evaluate(plf_status_filter_init(
		copyObject(info->status_exprs), NULL, plf_status_column(info->table),
		RelationGetDescr(relation)));
	return (double) pg_popcount32(verdict.statuses) / PLF_STATUS_COUNT;
}

void
plf_get_foreign_paths(PlannerInfo *root, RelOptInfo *baserel,
					  Oid foreigntableid pg_attribute_unused())
{
	PlfPlanInfo *info = baserel->fdw_private;
	Path *as_they_come = scan_path(root, baserel, NIL, NULL, NIL);
	Cost total_cost = as_they_come->total_cost;
	bool is_needed = true;
	ListCell *lc;

	plf_add_lookup_paths(root, baserel);
	if (!info->options->sort_pushdown)
	{
		add_path(baserel, as_they_come);
		return;
	}
	foreach(lc, plf_useful_pathkeys(root, baserel, info->table))
	{
		PlfOrdering ordering;
		PlfKeyRange range;
		bool has_range;

		plf_ordering_of_pathkey(lfirst(lc), baserel, info->table, &ordering);
		has_range = plf_key_range_of(root, baserel,
									 &info->table->columns[ordering.attnum - 1], &range);
		add_path(baserel, scan_path(root, baserel, list_make1(lfirst(lc)),
									has_range ? &range : NULL, NIL));
	}
	for (int i = 0; i < info->table->ncolumns; i++)
	{
		PlfKeyRange range;
		Path *path;

		if (!plf_key_range_of(root, baserel, &info->table->columns[i], &range))
			continue;

		/*
		 * In the direction in which the range is at the list's beginning, if there is
		 * such a direction.
		 */
		path = scan_path(
			root, baserel, NIL, &range,
			list_make3(makeString(RANGE_MARK), makeInteger(i),
					   makeInteger(range.upper == NIL && range.lower != NIL)));
		is_needed &= path->total_cost > total_cost;
		add_path(baserel, path);
	}

	/*
	 * The plain path is offered only if its total cost is below that of every range's
	 * path.  LIMIT 1 must not choose a full read because it starts cheaper: if no link
	 * qualifies, it reads everything.
	 */
	if (is_needed)
		add_path(baserel, as_they_come);
}

/*
 * Makes a path.  Its cost depends on the pages: the first page is in the startup cost,
 * because no row comes before that page.  The API sorts for nothing, but the bounds of a
 * range, or the links without a sort key, may have to be searched for.
 */
static Path *
scan_path(PlannerInfo *root, RelOptInfo *baserel, List *pathkeys,
		  const PlfKeyRange *range, List *private)
{
	PlfPlanInfo *info = baserel->fdw_private;
	PlfOptions *options = info->options;
	double links = info->fetched;
	double pages = Max(ceil(links / options->page_size), 1);
	double searched = 0;
	Cost startup;
	Cost run;

	if (range != NULL)
	{
		bool bounded = range->lower != NIL || range->upper != NIL;

		if (range->nulls_only)
			searched = 1;
		else if ((range->lower != NIL && range->upper != NIL) || !range->column->not_null)
			searched = ceil(log2(pages));
		links = clamp_row_est(
			links * (bounded || info->analyzed
						 ? clauselist_selectivity(root, range->clauses, baserel->relid,
												  JOIN_INNER, NULL)
						 : KEYLESS_SHARE));
		pages = Max(ceil(links / options->page_size), 1);
	}
	startup = options->startup_cost + (1 + searched) * options->page_cost +
			  baserel->baserestrictcost.startup + baserel->reltarget->cost.startup;
	run = (pages - 1) * options->page_cost +
		  links * (options->tuple_cost + cpu_tuple_cost +
				   baserel->baserestrictcost.per_tuple) +
		  baserel->rows * baserel->reltarget->cost.per_tuple;

	if (pathkeys != NIL)
		startup += cpu_operator_cost * links;
	return (Path *) plf_foreignscan_path(root, baserel, baserel->rows, startup,
										 startup + run, pathkeys, baserel->lateral_relids,
										 private);
}

ForeignScan *
plf_get_foreign_plan(PlannerInfo *root, RelOptInfo *baserel,
					 Oid foreigntableid pg_attribute_unused(), ForeignPath *best_path,
					 List *tlist, List *scan_clauses, Plan *outer_plan)
{
	PlfPlanInfo *info = baserel->fdw_private;
	PlfScanSpec spec = {0};

	if (IS_UPPER_REL(baserel))
		return plf_count_plan(root, best_path, tlist, outer_plan);

	if (info->status_exprs != NIL)
	{
		spec.status_clauses = plf_in_execution_order(root, info->status_exprs);
		spec.status_attnum = plf_status_column(info->table)->attnum;
	}
	spec.literals = info->literals;
	set_order(&spec, baserel, info, best_path->path.pathkeys);
	set_range(&spec, root, baserel, info, best_path);
	set_demand(&spec, root, baserel, info, best_path->path.pathkeys);
	spec.lookups = plf_lookups_of_path(best_path);
	spec.lookup_most = plf_lookup_most(baserel);
	if (is_marked(best_path, PLF_WINDOW_MARK))
	{
		spec.has_window = true;
		spec.offset = lsecond(best_path->fdw_private);
		spec.limit = lthird(best_path->fdw_private);

		/*
		 * The node applies the LIMIT itself, so the plan above does not stop because of
		 * the LIMIT.
		 */
		spec.early_stop = root->tuple_fraction > 0 && root->limit_tuples < 0 &&
						  spec.limit == NULL;
		spec.row_hint = 0;
	}
	spec.columns = needed_columns(baserel, info, best_path->path.pathtarget);
	if (spec.sort_attnum > 0)
		spec.columns = bms_add_member(spec.columns, spec.sort_attnum);

	/*
	 * The executor's flags do not announce every rescan: they are not set below a node
	 * that is rescanned with a new parameter.
	 */
	spec.replay = root->parent_root != NULL || root->hasLateralRTEs ||
				  bms_membership(root->all_baserels) == BMS_MULTIPLE;

	/*
	 * The executor checks the pushed conditions, too, in case the API does not apply
	 * them.
	 */
	return make_foreignscan(tlist, extract_actual_clauses(scan_clauses, false),
							baserel->relid, plf_scan_spec_exprs(&spec),
							plf_scan_spec_private(&spec), NIL, NIL, outer_plan);
}

static void
set_order(PlfScanSpec *spec, RelOptInfo *baserel, const PlfPlanInfo *info, List *pathkeys)
{
	PlfOrdering ordering;
	ListCell *lc;

	if (pathkeys == NIL ||
		!plf_ordering_of_pathkey(linitial(pathkeys), baserel, info->table, &ordering))
		return;
	spec->sort_attnum = ordering.attnum;
	spec->descending = ordering.descending;
	spec->nulls = ordering.nulls_first ? PLF_NULLS_FIRST : PLF_NULLS_LAST;
	foreach(lc, baserel->baserestrictinfo)
		if (plf_is_not_null_test(lfirst_node(RestrictInfo, lc)->clause, baserel->relid,
								 ordering.attnum))
			spec->nulls = PLF_NULLS_OUT;
}

/* Whether the fdw_private of a path begins with that String. */
static bool
is_marked(const ForeignPath *path, const char *mark)
{
	return path->fdw_private != NIL &&
		   strcmp(strVal(linitial(path->fdw_private)), mark) == 0;
}

/* Sets the bounds of the sort key. */
static void
set_range(PlfScanSpec *spec, PlannerInfo *root, RelOptInfo *baserel,
		  const PlfPlanInfo *info, const ForeignPath *path)
{
	PlfKeyRange range;

	if (is_marked(path, RANGE_MARK))
	{
		const PlfColumn *column =
			&info->table->columns[intVal(lsecond(path->fdw_private))];

		spec->sort_attnum = column->attnum;
		spec->descending = intVal(lthird(path->fdw_private));
	}
	if (spec->sort_attnum == 0 ||
		!plf_key_range_of(root, baserel, &info->table->columns[spec->sort_attnum - 1],
						  &range))
		return;
	spec->lower = range.lower;
	spec->upper = range.upper;
	spec->range_clauses = range.clauses;
	spec->nulls = range.nulls_only ? PLF_NULLS_ONLY : PLF_NULLS_OUT;
}

/*
 * Sets how much of the list the plan above takes.  The planner sets limit_tuples also
 * where a filter or a sort is between the scan and the LIMIT, which then says nothing of
 * the scan.
 */
static void
set_demand(PlfScanSpec *spec, PlannerInfo *root, RelOptInfo *baserel,
		   const PlfPlanInfo *info, List *pathkeys)
{
	ListCell *lc;

	spec->early_stop = root->tuple_fraction > 0 || root->limit_tuples > 0;
	if (root->limit_tuples <= 0 || root->limit_tuples > INT_MAX ||
		bms_membership(root->all_baserels) != BMS_SINGLETON ||
		!pathkeys_contained_in(root->sort_pathkeys, pathkeys))
		return;
	foreach(lc, baserel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (!list_member_ptr(info->status_clauses, rinfo) &&
			!list_member_ptr(spec->range_clauses, rinfo) &&
			!(spec->nulls == PLF_NULLS_OUT &&
			  plf_is_not_null_test(rinfo->clause, baserel->relid, spec->sort_attnum)))
			return;
	}
	spec->row_hint = (int64) root->limit_tuples;
}

/*
 * The attributes that the query needs; all of them for a whole row.  The plan's target
 * list cannot be used: core may put all columns into it to save a projection.
 */
static Bitmapset *
needed_columns(RelOptInfo *baserel, const PlfPlanInfo *info, const PathTarget *target)
{
	Bitmapset *attributes = NULL;
	Bitmapset *columns = NULL;
	ListCell *lc;
	int member = -1;

	pull_varattnos((Node *) baserel->reltarget->exprs, baserel->relid, &attributes);
	pull_varattnos((Node *) target->exprs, baserel->relid, &attributes);
	foreach(lc, baserel->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, baserel->relid,
					   &attributes);
	while ((member = bms_next_member(attributes, member)) >= 0)
	{
		int attnum = member + FirstLowInvalidHeapAttributeNumber;

		if (attnum > 0)
			columns = bms_add_member(columns, attnum);
		else if (attnum == InvalidAttrNumber)
			for (int i = 0; i < info->table->ncolumns; i++)
				if (info->table->columns[i].attnum > 0)
					columns = bms_add_member(columns, i + 1);
	}
	return columns;
}
