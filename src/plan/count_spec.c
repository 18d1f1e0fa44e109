/*
 * count_spec.c
 *		Recognises queries that a node can answer by counting; puts the count spec into a
 *		plan, and reads it back.
 *
 * upper.c asks for a path when a query has one of the shapes that may be counted.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "quals/attempt.h"
#include "plan/count_spec.h"
#include "plan/key_range.h"
#include "plan/ordering.h"
#include "plan/plan_info.h"
#include "quals/status_filter.h"

/* The fdw_private of a path is a list, whose members have these indexes. */
enum
{
	PATH_SCAN_TLIST,
	PATH_HAVING,
	PATH_EXPRS, /* becomes the plan's fdw_exprs */
	PATH_PLACES /* becomes the plan's fdw_private */
};

/* The fdw_private of a plan is a list, whose members have these indexes. */
enum
{
	COUNT_MARK,       /* a String, which a scan spec does not begin with */
	COUNT_CONDITIONS, /* how many; fdw_exprs begins with them */
	COUNT_GROUPED,
	COUNT_STATUS_ATTNUM,
	COUNT_KEY_ATTNUM,
	COUNT_KEY_PLACE,
	COUNT_NULLS_ONLY,
	COUNT_LOWER, /* how many; next in fdw_exprs */
	COUNT_UPPER, /* how many; next, and after them the FILTER conditions */
	COUNT_KINDS, /* this and the next two: lists of an integer for each column */
	COUNT_FILTERS,
	COUNT_FACTORS,
	COUNT_LITERALS,
	COUNT_PLACES
};

/* A count spec that is being made. */
typedef struct CountBuild
{
	RelOptInfo *baserel;
	const PlfColumn *status;
	const PlfTable *table;
	bool grouped;
	List *filters;
	List *scan_tlist;
	List *kinds;
	List *filter_places;
	List *factors;
} CountBuild;

static bool find_range(PlannerInfo *root, RelOptInfo *baserel, PlfKeyRange *range);
static bool refers_to_status(Node *node, const CountBuild *build);
static bool add_node(Node *node, CountBuild *build);
static bool add_aggregate(Aggref *aggregate, CountBuild *build);
static void add_column(CountBuild *build, Expr *expr, PlfCountKind kind, int filter,
					   int factor);
static bool is_never_null(Expr *expr, const CountBuild *build);
static int ints_at(const List *list, int place, int index);

void
plf_count_offer_path(PlannerInfo *root, RelOptInfo *baserel, RelOptInfo *output_rel,
					 PathTarget *target, Node *having, bool grouped)
{
	PlfPlanInfo *info = baserel->fdw_private;
	PlfOptions *options = info->options;
	CountBuild build = {0};
	PlfKeyRange range = {0};
	List *places;
	List *exprs;
	Cost cost;
	double rows;
	bool with_status;

	if (!options->count_pushdown ||
		(!plf_all_pushed(baserel) &&
		 (grouped || !options->sort_pushdown || !find_range(root, baserel, &range))))
		return;
	build.baserel = baserel;
	build.table = info->table;
	build.status = plf_status_column(info->table);
	build.grouped = grouped;
	if (grouped && build.status == NULL)
		return;

	/* The scan tuple has the status also where only conditions refer to the status. */
	with_status = info->status_exprs != NIL ||
				  refers_to_status((Node *) target->exprs, &build) ||
				  refers_to_status(having, &build);
	if (with_status)
		add_column(&build,
				   (Expr *) makeVar(baserel->relid, build.status->attnum,
									build.status->type, build.status->typmod,
									get_typcollation(build.status->type), 0),
				   PLF_COUNT_STATUS, -1, 0);
	if (range.column != NULL)
		add_column(&build,
				   (Expr *) makeVar(baserel->relid, range.column->attnum,
									range.column->type, range.column->typmod,
									get_typcollation(range.column->type), 0),
				   PLF_COUNT_KEY, -1, 0);
	if (!add_node((Node *) target->exprs, &build) || !add_node(having, &build) ||
		build.scan_tlist == NIL || (range.column != NULL && build.filters != NIL))
		return;

	/*
	 * The requests for totals are sent together, so they cost as much as a page.  The
	 * search for the ends of a range is given the same cost: it never costs more than
	 * reading the range.
	 */
	rows = grouped ? PLF_STATUS_COUNT : 1;
	cost = options->startup_cost + options->page_cost;
	exprs = list_concat(plf_in_execution_order(root, info->status_exprs), range.lower);
	exprs = list_concat(list_concat(exprs, range.upper), build.filters);
	places = list_make5(makeString("count"), makeInteger(list_length(info->status_exprs)),
						makeInteger(grouped),
						makeInteger(with_status ? build.status->attnum : 0),
						makeInteger(range.column != NULL ? range.column->attnum : 0));
	places = lappend(places, makeInteger(with_status ? 2 : 1));
	places = lappend(places, makeInteger(range.nulls_only));
	places = lappend(places, makeInteger(list_length(range.lower)));
	places = lappend(places, makeInteger(list_length(range.upper)));
	places = lappend(places, build.kinds);
	places = lappend(places, build.filter_places);
	places = lappend(places, build.factors);
	places = lappend(places, info->literals);
	add_path(
		output_rel,
		(Path *) plf_foreign_upper_path(
			root, output_rel, target, rows, cost, cost + rows * options->tuple_cost, NIL,
			list_make4(build.scan_tlist, plf_in_execution_order(root, (List *) having),
					   exprs, places)));
}

/*
 * Finds a sort key whose range, together with the conditions on the status, is equivalent
 * to all conditions.  "key IS NOT NULL" alone is a range, too.  False when there is no
 * such key.
 */
static bool
find_range(PlannerInfo *root, RelOptInfo *baserel, PlfKeyRange *range)
{
	PlfPlanInfo *info = baserel->fdw_private;

	for (int i = 0; i < info->table->ncolumns; i++)
	{
		const PlfColumn *column = &info->table->columns[i];
		bool complete = true;
		bool never_null; /* the key of a link in the range */
		ListCell *lc;

		if (plf_sort_key_of(column) == NULL)
			continue;
		plf_key_range_of(root, baserel, column, range);
		/* The executor evaluates bounds beside "key IS NULL" for links without a key. */
		if (range->nulls_only &&
			(range->nulls_out || range->lower != NIL || range->upper != NIL))
			continue;
		never_null = !range->nulls_only &&
					 (column->not_null || range->lower != NIL || range->upper != NIL);
		foreach(lc, baserel->baserestrictinfo)
		{
			RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

			if (!list_member_ptr(info->status_clauses, rinfo) &&
				!list_member_ptr(range->clauses, rinfo) &&
				(!never_null ||
				 !plf_is_not_null_test(rinfo->clause, baserel->relid, column->attnum)))
				complete = false;
		}
		if (complete)
			return true;
	}
	return false;
}

static bool
refers_to_status(Node *node, const CountBuild *build)
{
	Bitmapset *attributes = NULL;

	if (build->status == NULL)
		return false;
	pull_varattnos(node, build->baserel->relid, &attributes);
	return bms_is_member(build->status->attnum - FirstLowInvalidHeapAttributeNumber,
						 attributes);
}

/*
 * Adds the columns of the scan tuple that an expression needs; false when it needs more
 * than counts and statuses.
 */
static bool
add_node(Node *node, CountBuild *build)
{
	List *parts;
	ListCell *lc;

	parts = pull_var_clause(node, PVC_INCLUDE_AGGREGATES | PVC_INCLUDE_WINDOWFUNCS |
									  PVC_INCLUDE_PLACEHOLDERS);
	foreach(lc, parts)
	{
		Node *part = lfirst(lc);

		if (IsA(part, Aggref))
		{
			if (!add_aggregate((Aggref *) part, build))
				return false;
		}
		else if (!IsA(part, Var) || !build->grouped ||
				 ((Var *) part)->varno != (int) build->baserel->relid ||
				 ((Var *) part)->varattno != build->status->attnum)
			return false;
	}
	return true;
}

static bool
add_aggregate(Aggref *aggregate, CountBuild *build)
{
	PlfCountKind kind = PLF_COUNT_LINKS;
	int factor = 1;
	int filter = -1;
	Expr *argument = NULL;

	if (tlist_member((Expr *) aggregate, build->scan_tlist) != NULL)
		return true;
	if (aggregate->aggdistinct != NIL || aggregate->aggorder != NIL ||
		aggregate->aggsplit != AGGSPLIT_SIMPLE || aggregate->agglevelsup != 0 ||
		aggregate->aggkind != AGGKIND_NORMAL)
		return false;
	if (list_length(aggregate->args) == 1)
		argument = linitial_node(TargetEntry, aggregate->args)->expr;

	switch (aggregate->aggfnoid)
	{
		case F_COUNT_:
			break;
		case F_COUNT_ANY:
			if (IsA(argument, Const) && ((Const *) argument)->constisnull)
				kind = PLF_COUNT_NOTHING;
			else if (!is_never_null(argument, build))
				return false;
			break;
		case F_SUM_INT4:
			if (!IsA(argument, Const) || ((Const *) argument)->constisnull)
				return false;
			kind = PLF_COUNT_SUM;
			factor = DatumGetInt32(((Const *) argument)->constvalue);
			break;
		default:
			return false;
	}
	if (aggregate->aggfilter != NULL)
	{
		if (build->status == NULL ||
			!plf_status_clause_is_pushable(aggregate->aggfilter, build->baserel->relid,
										   build->status))
			return false;
		filter = list_length(build->filters);
		build->filters = lappend(build->filters, aggregate->aggfilter);
	}
	add_column(build, (Expr *) aggregate, kind, filter, factor);
	return true;
}

static void
add_column(CountBuild *build, Expr *expr, PlfCountKind kind, int filter, int factor)
{
	build->scan_tlist = lappend(
		build->scan_tlist,
		makeTargetEntry(expr, list_length(build->scan_tlist) + 1, NULL, false));
	build->kinds = lappend_int(build->kinds, kind);
	build->filter_places = lappend_int(build->filter_places, filter);
	build->factors = lappend_int(build->factors, factor);
}

static bool
is_never_null(Expr *expr, const CountBuild *build)
{
	if (IsA(expr, Const))
		return true;
	if (!IsA(expr, Var) || ((Var *) expr)->varno != (int) build->baserel->relid ||
		((Var *) expr)->varattno <= 0)
		return false;
	return build->table->columns[((Var *) expr)->varattno - 1].never_null;
}

ForeignScan *
plf_count_plan(PlannerInfo *root pg_attribute_unused(), ForeignPath *path, List *tlist,
			   Plan *outer_plan)
{
	return make_foreignscan(tlist, list_nth(path->fdw_private, PATH_HAVING), 0,
							copyObject(list_nth(path->fdw_private, PATH_EXPRS)),
							list_nth(path->fdw_private, PATH_PLACES),
							list_nth(path->fdw_private, PATH_SCAN_TLIST), NIL,
							outer_plan);
}

bool
plf_plan_counts(const ForeignScan *plan)
{
	return IsA(linitial(plan->fdw_private), String);
}

PlfCountSpec *
plf_count_spec_from_plan(const ForeignScan *plan)
{
	PlfCountSpec *spec = palloc0(sizeof(PlfCountSpec));
	const List *private = plan->fdw_private;
	int next = intVal(list_nth(private, COUNT_CONDITIONS));

	Assert(list_length(private) == COUNT_PLACES);
	spec->conditions = list_truncate(list_copy(plan->fdw_exprs), next);
	for (int i = intVal(list_nth(private, COUNT_LOWER)); i > 0; i--)
		spec->lower = lappend(spec->lower, list_nth(plan->fdw_exprs, next++));
	for (int i = intVal(list_nth(private, COUNT_UPPER)); i > 0; i--)
		spec->upper = lappend(spec->upper, list_nth(plan->fdw_exprs, next++));
	spec->filters = list_copy_tail(plan->fdw_exprs, next);
	spec->literals = list_nth(private, COUNT_LITERALS);
	spec->key_attnum = intVal(list_nth(private, COUNT_KEY_ATTNUM));
	spec->key_place = intVal(list_nth(private, COUNT_KEY_PLACE));
	spec->nulls_only = intVal(list_nth(private, COUNT_NULLS_ONLY));
	spec->grouped = intVal(list_nth(private, COUNT_GROUPED));
	spec->status_attnum = intVal(list_nth(private, COUNT_STATUS_ATTNUM));
	spec->ncolumns = list_length(list_nth(private, COUNT_KINDS));
	spec->columns = palloc(sizeof(PlfCountColumn) * spec->ncolumns);
	for (int i = 0; i < spec->ncolumns; i++)
	{
		spec->columns[i].kind = ints_at(private, COUNT_KINDS, i);
		spec->columns[i].filter = ints_at(private, COUNT_FILTERS, i);
		spec->columns[i].factor = ints_at(private, COUNT_FACTORS, i);
	}
	return spec;
}

static int
ints_at(const List *list, int place, int index)
{
	return list_nth_int(list_nth(list, place), index);
}
