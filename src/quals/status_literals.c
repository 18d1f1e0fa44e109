/*
 * status_literals.c
 *		Finds unknown literals: what a query compares with the status, though it is not a
 *		documented status.
 *
 * plan.c asks for them once a table, and the plan carries them.  When a node finds out
 * that no link has such a status, status_notice.c says so.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "quals/status_literals.h"
#include "quals/status_shape.h"

/* What the walker over expressions needs. */
typedef struct Search
{
	int varno; /* the column */
	AttrNumber attnum;
	const PlfWire *wire; /* has the documented statuses */
	List *found;         /* of String */
} Search;

static void name_as_query(PlannerInfo *root, Search *search);
static bool find_literals(Node *node, Search *search);
static void find_in_case(CaseExpr *expr, Search *search);
static bool is_equality(Oid function);
static Node *stripped(Node *node);
static bool is_column(Node *node, const Search *search);
static void add_constant(Node *node, Search *search);
static void add_literal(Datum value, Oid type, Search *search);

List *
plf_status_literals(PlannerInfo *root, RelOptInfo *baserel, const PlfColumn *status)
{
	Search search = {(int) baserel->relid, status->attnum, status->wire, NIL};
	ListCell *lc;

	/*
	 * The conditions of a partition, or of another child table, name the child's own
	 * column.
	 */
	foreach(lc, baserel->baserestrictinfo)
		(void) find_literals((Node *) lfirst_node(RestrictInfo, lc)->clause, &search);
	name_as_query(root, &search);
	if (search.varno > 0)
		(void) query_tree_walker(root->parse, find_literals, &search,
								 QTW_IGNORE_RANGE_TABLE | QTW_IGNORE_CTE_SUBQUERIES);
	return search.found;
}

/*
 * Sets the column to the one that the query names: the parent's column if the table is a
 * child. varno is 0 when the query cannot name any.
 */
static void
name_as_query(PlannerInfo *root, Search *search)
{
	while (root->append_rel_array != NULL &&
		   root->append_rel_array[search->varno] != NULL)
	{
		AppendRelInfo *info = root->append_rel_array[search->varno];
		AttrNumber attnum = 0;
		ListCell *lc;

		foreach(lc, info->translated_vars)
			if (is_column(lfirst(lc), search))
				attnum = foreach_current_index(lc) + 1;
		search->varno = attnum > 0 ? (int) info->parent_relid : 0;
		search->attnum = attnum;
		if (attnum == 0)
			return;
	}
}

static bool
find_literals(Node *node, Search *search)
{
	if (node == NULL || list_length(search->found) == PLF_MAX_LITERALS)
		return false;
	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		{
			OpExpr *expr = (OpExpr *) node;

			set_opfuncid(expr);
			if (list_length(expr->args) != 2 || !is_equality(expr->opfuncid))
				break;
			if (is_column(linitial(expr->args), search))
				add_constant(lsecond(expr->args), search);
			else if (is_column(lsecond(expr->args), search))
				add_constant(linitial(expr->args), search);
			break;
		}
		case T_ScalarArrayOpExpr:
		{
			ScalarArrayOpExpr *expr = (ScalarArrayOpExpr *) node;

			set_sa_opfuncid(expr);
			if (is_equality(expr->opfuncid) && is_column(linitial(expr->args), search))
				add_constant(lsecond(expr->args), search);
			break;
		}
		case T_CaseExpr:
			find_in_case((CaseExpr *) node, search);
			break;
		case T_Query:
			/* A subquery has columns of its own. */
			return false;
		default:
			break;
	}
	return expression_tree_walker(node, find_literals, search);
}

/* "CASE status WHEN 'open' ..." */
static void
find_in_case(CaseExpr *expr, Search *search)
{
	ListCell *lc;

	if (!is_column((Node *) expr->arg, search))
		return;
	foreach(lc, expr->args)
	{
		OpExpr *test = (OpExpr *) lfirst_node(CaseWhen, lc)->expr;

		if (!IsA(test, OpExpr) || list_length(test->args) != 2)
			continue;
		set_opfuncid(test);
		if (is_equality(test->opfuncid) &&
			IsA(stripped(linitial(test->args)), CaseTestExpr))
			add_constant(lsecond(test->args), search);
	}
}

static bool
is_equality(Oid function)
{
	return function == F_TEXTEQ || function == F_TEXTNE || function == F_ENUM_EQ ||
		   function == F_ENUM_NE;
}

/*
 * The node below all changes of type that keep the text, such as that of an enum's label.
 */
static Node *
stripped(Node *node)
{
	for (;;)
	{
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CoerceViaIO) && ((CoerceViaIO *) node)->resulttype == TEXTOID)
			node = (Node *) ((CoerceViaIO *) node)->arg;
		else
			return node;
	}
}

static bool
is_column(Node *node, const Search *search)
{
	Var *var;

	if (node == NULL)
		return false;
	var = (Var *) stripped(node);
	return IsA(var, Var) && (int) var->varno == search->varno &&
		   var->varattno == search->attnum && var->varlevelsup == 0;
}

/* The values of a constant, or of an array of constants. */
static void
add_constant(Node *node, Search *search)
{
	Const *literal = (Const *) node;
	Oid element;
	ArrayIterator iterator;
	Datum value;
	bool isnull;

	if (!IsA(node, Const) || literal->constisnull)
		return;
	element = get_element_type(literal->consttype);
	if (!OidIsValid(element))
	{
		add_literal(literal->constvalue, literal->consttype, search);
		return;
	}
	iterator = array_create_iterator(DatumGetArrayTypeP(literal->constvalue), 0, NULL);
	while (list_length(search->found) < PLF_MAX_LITERALS &&
		   array_iterate(iterator, &value, &isnull))
	{
		CHECK_FOR_INTERRUPTS();
		if (!isnull)
			add_literal(value, element, search);
	}
	array_free_iterator(iterator);
}

static void
add_literal(Datum value, Oid type, Search *search)
{
	char *text = plf_status_text(value, type);
	bool known = plf_status_lookup(search->wire, text, strlen(text)) >= 0 ||
				 list_length(search->found) == PLF_MAX_LITERALS;
	ListCell *lc;

	foreach(lc, search->found)
		known |= strcmp(strVal(lfirst(lc)), text) == 0;
	if (known)
		pfree(text);
	else
		search->found = lappend(search->found, makeString(text));
}
