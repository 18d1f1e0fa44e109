/*
 * lookup_path.c
 *		Paths that look up ids, and the conditions on the id that allow them.
 *
 * The executor checks all conditions again on the links that a lookup finds.  A lookup
 * may therefore find too many links, but must find every link that satisfies the
 * conditions.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "optimizer/appendinfo.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/uuid.h"

#include "compat.h"
#include "plan/lookup_path.h"
#include "plan/plan_info.h"
#include "quals/attempt.h"

/* The fdw_private of a path that looks up ids begins with this String. */
#define LOOKUP_MARK "lookup"

static const PlfColumn *id_column(const PlfTable *table);
static List *looked_up(PlannerInfo *root, Expr *clause, RelOptInfo *baserel,
					   const PlfColumn *id);
static List *looked_up_if_all(PlannerInfo *root, List *clauses, RelOptInfo *baserel,
							  const PlfColumn *id);
static Expr *compared_with_id(PlannerInfo *root, Expr *clause, RelOptInfo *baserel,
							  const PlfColumn *id);
static bool is_array(Expr *value);
static bool is_known(Expr *value);
static double count_ids(PlannerInfo *root, Expr *value);
static bool is_id(Expr *expr, RelOptInfo *baserel, const PlfColumn *id);
static void add_lookup_path(PlannerInfo *root, RelOptInfo *baserel, List *values,
							Relids required_outer);
static List *join_clauses_on_id(PlannerInfo *root, RelOptInfo *baserel,
								const PlfColumn *id);
static bool is_id_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *class,
						 EquivalenceMember *member, void *arg);

void
plf_add_lookup_paths(PlannerInfo *root, RelOptInfo *baserel)
{
	PlfPlanInfo *info = baserel->fdw_private;
	const PlfColumn *id = id_column(info->table);
	ListCell *lc;

	if (id == NULL)
		return;
	foreach(lc, baserel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		List *values = rinfo->pseudoconstant
						   ? NIL
						   : looked_up(root, rinfo->clause, baserel, id);

		if (values != NIL)
			add_lookup_path(root, baserel, values, baserel->lateral_relids);
	}
	foreach(lc, join_clauses_on_id(root, baserel, id))
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		List *values = looked_up(root, rinfo->clause, baserel, id);
		Relids required_outer;

		if (values == NIL)
			continue;
		required_outer = bms_union(rinfo->clause_relids, baserel->lateral_relids);
		required_outer = bms_del_member(required_outer, baserel->relid);
		if (!bms_is_empty(required_outer))
			add_lookup_path(root, baserel, values, required_outer);
	}
}

static const PlfColumn *
id_column(const PlfTable *table)
{
	for (int i = 0; i < table->ncolumns; i++)
		if (table->columns[i].role == PLF_ROLE_ID && table->columns[i].natural)
			return &table->columns[i];
	return NULL;
}

/*
 * The values to look up for a condition, of Expr: uuids and arrays of uuids.  Where the
 * condition holds, the id is one of them.  NIL when the condition does not limit the id.
 */
static List *
looked_up(PlannerInfo *root, Expr *clause, RelOptInfo *baserel, const PlfColumn *id)
{
	Expr *value;

	if (is_orclause(clause))
		return looked_up_if_all(root, ((BoolExpr *) clause)->args, baserel, id);
	value = compared_with_id(root, clause, baserel, id);
	return value != NULL ? list_make1(value) : NIL;
}

/*
 * The values to look up for all arms of an OR; NIL when one arm does not limit the id.
 * An arm that is an AND has the values of its first condition that limits the id.  If a
 * value raises an error, perhaps in an arm that the executor would not evaluate, the list
 * is read.
 */
static List *
looked_up_if_all(PlannerInfo *root, List *clauses, RelOptInfo *baserel,
				 const PlfColumn *id)
{
	const PlfPlanInfo *info = baserel->fdw_private;
	List *values = NIL;
	ListCell *lc;

	foreach(lc, clauses)
	{
		Expr *arm = lfirst(lc);
		List *of_arm = NIL;

		if (!is_andclause(arm))
			of_arm = looked_up(root, arm, baserel, id);
		else
		{
			ListCell *part;

			foreach(part, ((BoolExpr *) arm)->args)
				if (of_arm == NIL)
					of_arm = looked_up(root, lfirst(part), baserel, id);

			/* Another condition of the arm may keep a subquery from running. */
			if (plf_names_subquery((Node *) of_arm, info->outer_params))
				return NIL;
		}
		if (of_arm == NIL)
			return NIL;
		values = list_concat_unique(values, of_arm);
		if (list_length(values) > PLF_MAX_LOOKUPS)
			return NIL;
	}
	return values;
}

/* The value of "id = value" or "id = ANY (value)"; NULL for another condition. */
static Expr *
compared_with_id(PlannerInfo *root, Expr *clause, RelOptInfo *baserel,
				 const PlfColumn *id)
{
	Expr *value = NULL;

	if (IsA(clause, OpExpr))
	{
		OpExpr *expr = (OpExpr *) clause;

		set_opfuncid(expr);
		if (expr->opfuncid != F_UUID_EQ || list_length(expr->args) != 2)
			return NULL;
		if (is_id(linitial(expr->args), baserel, id))
			value = lsecond(expr->args);
		else if (is_id(lsecond(expr->args), baserel, id))
			value = linitial(expr->args);
	}
	else if (IsA(clause, ScalarArrayOpExpr))
	{
		ScalarArrayOpExpr *expr = (ScalarArrayOpExpr *) clause;

		set_sa_opfuncid(expr);
		if (expr->opfuncid == F_UUID_EQ && expr->useOr &&
			is_id(linitial(expr->args), baserel, id))
			value = lsecond(expr->args);
	}
	if (value == NULL ||
		bms_is_member(baserel->relid, pull_varnos(root, (Node *) value)) ||
		contain_volatile_functions((Node *) value) || contain_subplans((Node *) value))
		return NULL;
	return value;
}

static bool
is_id(Expr *expr, RelOptInfo *baserel, const PlfColumn *id)
{
	while (IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	return IsA(expr, Var) && ((Var *) expr)->varno == (int) baserel->relid &&
		   ((Var *) expr)->varattno == id->attnum;
}

int
plf_lookup_most(const RelOptInfo *baserel)
{
	const PlfPlanInfo *info = baserel->fdw_private;
	double pages = ceil(info->fetched / info->options->page_size);

	return (int) Max(Min(pages, PLF_MAX_LOOKUPS), 1);
}

static bool
is_array(Expr *value)
{
	return OidIsValid(get_base_element_type(exprType((Node *) value)));
}

/* True when the plan tells how many ids a value has. */
static bool
is_known(Expr *value)
{
	Node *node = strip_implicit_coercions((Node *) value);

	return !is_array((Expr *) node) || IsA(node, Const) || IsA(node, ArrayExpr);
}

/* How many different ids a value has; an estimate if the plan does not tell. */
static double
count_ids(PlannerInfo *root pg_attribute_unused(), Expr *value)
{
	pg_uuid_t ids[PLF_MAX_LOOKUPS];
	int count = 0;
	ArrayIterator iterator;
	Datum element;
	bool isnull;

	if (!is_array(value))
		return 1;
	if (!IsA(value, Const) || ((Const *) value)->constisnull)
		return plf_array_length(root, (Node *) value);
	iterator = array_create_iterator(DatumGetArrayTypeP(((Const *) value)->constvalue), 0,
									 NULL);
	while (array_iterate(iterator, &element, &isnull))
	{
		int i = 0;

		CHECK_FOR_INTERRUPTS();
		if (isnull)
			continue;
		while (i < count &&
			   memcmp(&ids[i], DatumGetUUIDP(element), sizeof(pg_uuid_t)) != 0)
			i++;
		if (i == PLF_MAX_LOOKUPS)
			return plf_array_length(root, (Node *) value);
		if (i == count)
			ids[count++] = *DatumGetUUIDP(element);
	}
	array_free_iterator(iterator);
	return count;
}

/* Adds a path that sends a request for each id, each of which costs as much as a page. */
static void
add_lookup_path(PlannerInfo *root, RelOptInfo *baserel, List *values,
				Relids required_outer)
{
	PlfPlanInfo *info = baserel->fdw_private;
	PlfOptions *options = info->options;
	double ids = 0;
	double known_ids = 0;
	double rows;
	double requests;
	Cost startup = options->page_cost;
	ListCell *lc;

	foreach(lc, values)
	{
		double of_value = count_ids(root, lfirst(lc));

		ids += of_value;
		if (is_known(lfirst(lc)))
			known_ids += of_value;
	}
	ids = Max(ids, 1);
	rows = clamp_row_est(Min(ids, baserel->rows));
	requests = Min(ids, plf_lookup_most(baserel));

	/*
	 * Arrays of unknown length do not prevent the path: when they turn out to be long,
	 * the node reads the list instead.
	 */
	if (known_ids > requests)
		return;
	if (!bms_is_empty(required_outer))
		get_baserel_parampathinfo(root, baserel, required_outer)->ppi_rows = rows;
	else
		startup += options->startup_cost;
	add_path(baserel,
			 (Path *) plf_foreignscan_path(
				 root, baserel, rows, startup,
				 startup + (requests - 1) * options->page_cost +
					 ids * (options->tuple_cost + cpu_tuple_cost),
				 NIL, required_outer, list_make2(makeString(LOOKUP_MARK), values)));
}

List *
plf_lookups_of_path(const ForeignPath *path)
{
	if (path->fdw_private == NIL ||
		strcmp(strVal(linitial(path->fdw_private)), LOOKUP_MARK) != 0)
		return NIL;
	return lsecond(path->fdw_private);
}

/*
 * In a join of partitions, the values to look up refer to the parent of the other table's
 * partition until they are translated.  Core translates the expressions of all other
 * paths by itself.
 */
List *
plf_reparameterize_foreign_path(PlannerInfo *root, List *fdw_private,
								RelOptInfo *child_rel)
{
	if (fdw_private == NIL || strcmp(strVal(linitial(fdw_private)), LOOKUP_MARK) != 0)
		return fdw_private;
	return list_make2(linitial(fdw_private),
					  plf_translate_to_child(root, lsecond(fdw_private), child_rel));
}

/* Conditions of joins that compare the id with expressions on other tables. */
static List *
join_clauses_on_id(PlannerInfo *root, RelOptInfo *baserel, const PlfColumn *id)
{
	List *clauses = NIL;
	ListCell *lc;

	foreach(lc, baserel->joininfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (join_clause_is_movable_to(rinfo, baserel))
			clauses = lappend(clauses, rinfo);
	}
	if (baserel->has_eclass_joins)
		clauses = list_concat(clauses, generate_implied_equalities_for_column(
										   root, baserel, is_id_member, (void *) id,
										   baserel->lateral_referencers));
	return clauses;
}

static bool
is_id_member(PlannerInfo *root pg_attribute_unused(), RelOptInfo *rel,
			 EquivalenceClass *class pg_attribute_unused(), EquivalenceMember *member,
			 void *arg)
{
	return is_id(member->em_expr, rel, arg);
}
