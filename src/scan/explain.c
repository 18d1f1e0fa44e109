/*
 * explain.c
 *		What EXPLAIN shows of a scan: what will be asked of the API, and, with
 *		ANALYZE, what that took.  Makes no request.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "compat.h"
#include "plan/lookup_path.h"
#include "scan/explain.h"
#include "scan/scan.h"

static void explain_request(ForeignScanState *node, ExplainState *es);
static void explain_check(bool certain, ExplainState *es);
static void explain_lookup(ForeignScanState *node, ExplainState *es);
static bool is_constant(const Expr *expr);
static int64 constant_row_count(const Expr *expr, int64 otherwise);
static void explain_window(ForeignScanState *node, ExplainState *es);
static Node *external_params(Node *node, void *context);

void
plf_scan_explain(ForeignScanState *node, ExplainState *es)
{
	PlfScan *scan = node->fdw_state;

	ExplainPropertyText("API Host", scan->options->host, es);
	explain_request(node, es);
	if (es->analyze)
		plf_explain_source(scan->source, plf_scan_links(scan), es);
}

void
plf_explain_source(const PlfSource *source, int64 links, ExplainState *es)
{
	PlfSourceStats stats = {0};

	if (source != NULL)
		stats = plf_source_stats(source);
	ExplainPropertyInteger("API Requests", NULL, stats.client.requests, es);
	ExplainPropertyInteger("API Retries", NULL, stats.client.retries, es);
	ExplainPropertyInteger("API Pages", NULL, stats.pages, es);
	ExplainPropertyInteger("API Rows", NULL, links, es);
	ExplainPropertyInteger("API Bytes", NULL, stats.client.bytes, es);
	ExplainPropertyFloat("API Wait", "ms", stats.client.wait_us / 1000.0, 3, es);
	if (stats.repairs > 0)
		ExplainPropertyInteger("API Drift Repairs", NULL, stats.repairs, es);
}

/* The first request; what is known only at run time as its expression. */
static void
explain_request(ForeignScanState *node, ExplainState *es)
{
	PlfScan *scan = node->fdw_state;
	const PlfScanSpec *spec = scan->spec;
	bool statuses_known = plf_status_clauses_are_constant(spec->status_clauses);
	bool window_known = is_constant(spec->offset) && is_constant(spec->limit);
	PlfPushed pushed = PLF_NOTHING_PUSHED;
	PlfReading what;
	PlfSizes sizes;
	PlfListRequest request;
	const char *why;
	char text[PLF_REQUEST_SIZE];
	char *paging;
	StringInfoData shown;

	if (statuses_known && scan->filter != NULL)
		pushed.verdict = plf_status_filter_evaluate(scan->filter);
	if (window_known)
	{
		pushed.skip = constant_row_count(spec->offset, 0);
		pushed.take = constant_row_count(spec->limit, -1);
	}
	if (scan->range != NULL && plf_range_is_constant(scan->range))
		pushed.is_void = plf_range_is_void(scan->range);
	if (!plf_scan_reading(scan, &pushed, &what, &why))
	{
		ExplainPropertyText("API Request", psprintf("none (%s)", why), es);
		return;
	}
	if (spec->lookups != NIL)
	{
		explain_lookup(node, es);
		return;
	}
	sizes = plf_reading_sizes(&what, scan->options->page_size);
	request = plf_reading_request(&what, sizes.first_page, sizes.first_size);
	request.filtered = what.filtered && what.statuses != PLF_STATUS_NONE;
	plf_list_request_show(&request, text);

	/* Expressions stand where their values will. */
	initStringInfo(&shown);
	paging = strstr(text, "page=");
	appendStringInfo(&shown, "GET %.*s", (int) (paging - text), text);
	if (!statuses_known)
		appendStringInfo(
			&shown, "status[]={%s}&",
			plf_explain_expression(
				node, es, (Node *) make_ands_explicit(list_copy(spec->status_clauses))));
	if (window_known)
		appendStringInfoString(&shown, paging);
	else
		appendStringInfo(&shown, "page={by OFFSET}&per_page={by LIMIT}");
	ExplainPropertyText("API Request", shown.data, es);

	if (spec->lower != NIL || spec->upper != NIL)
		ExplainPropertyText(
			"API Range",
			plf_explain_expression(
				node, es,
				(Node *) make_ands_explicit(list_concat_copy(spec->lower, spec->upper))),
			es);
	else if (what.nullable &&
			 (spec->nulls == PLF_NULLS_ONLY || spec->nulls == PLF_NULLS_OUT))
		ExplainPropertyText(
			"API Range",
			psprintf("%s IS %sNULL",
					 quote_identifier(scan->table->columns[spec->sort_attnum - 1].name),
					 spec->nulls == PLF_NULLS_ONLY ? "" : "NOT "),
			es);
	if (spec->has_window)
		explain_window(node, es);
	if (what.check_world || !statuses_known)
		explain_check(statuses_known, es);
}

static void
explain_lookup(ForeignScanState *node, ExplainState *es)
{
	const PlfScanSpec *spec = ((PlfScan *) node->fdw_state)->spec;
	StringInfoData shown;
	ListCell *lc;

	initStringInfo(&shown);
	foreach(lc, spec->lookups)
		appendStringInfo(&shown, "%s%s", shown.len > 0 ? ", " : "",
						 plf_explain_expression(node, es, lfirst(lc)));
	ExplainPropertyText("API Request", "GET /v2/payment_links/{id}", es);
	if (list_length(spec->lookups) == 1 && exprType(linitial(spec->lookups)) == UUIDOID)
		ExplainPropertyText("API Lookup", psprintf("id = %s", shown.data), es);
	else
		ExplainPropertyText(
			"API Lookup",
			psprintf("each id of %s, at most %d", shown.data, spec->lookup_most), es);
}

static bool
is_constant(const Expr *expr)
{
	return expr == NULL || IsA(expr, Const);
}

/* Of a constant; one that is negative has its error when the scan starts. */
static int64
constant_row_count(const Expr *expr, int64 otherwise)
{
	const Const *value = (const Const *) expr;

	if (expr == NULL || value->constisnull || DatumGetInt64(value->constvalue) < 0)
		return otherwise;
	return DatumGetInt64(value->constvalue);
}

static void
explain_window(ForeignScanState *node, ExplainState *es)
{
	PlfScan *scan = node->fdw_state;
	StringInfoData shown;

	initStringInfo(&shown);
	if (scan->spec->limit != NULL)
		appendStringInfo(&shown, "LIMIT %s",
						 plf_explain_expression(node, es, (Node *) scan->spec->limit));
	if (scan->spec->offset != NULL)
		appendStringInfo(&shown, "%sOFFSET %s", shown.len > 0 ? " " : "",
						 plf_explain_expression(node, es, (Node *) scan->spec->offset));
	ExplainPropertyText("API Window", shown.data, es);
}

/* The two counts that tell whether a link has an undocumented status. */
static void
explain_check(bool certain, ExplainState *es)
{
	PlfListRequest request = {.page = 1, .per_page = 1};
	char all[PLF_REQUEST_SIZE];
	char documented[PLF_REQUEST_SIZE];

	plf_list_request_show(&request, all);
	request.filtered = true;
	request.statuses = PLF_STATUS_ALL;
	plf_list_request_show(&request, documented);
	ExplainPropertyText(
		"API Status Check",
		psprintf("GET %s, GET %s%s", all, documented,
				 certain ? "" : " (where the condition may hold for other statuses)"),
		es);
}

/*
 * EXPLAIN tells a wrapper nothing of the nodes above its own, which would say where
 * the value of an executor parameter comes from: a row of a join, an outer query.
 * Core refuses to spell such a parameter without them.  It spells a parameter of the
 * statement as $ and its number, so an executor parameter is shown as one.
 */
char *
plf_explain_expression(ForeignScanState *node, ExplainState *es, Node *expr)
{
	List *context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, NIL);

	return deparse_expression(external_params(expr, NULL), context, false, false);
}

static Node *
external_params(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
	{
		Param *param = copyObject((Param *) node);

		param->paramkind = PARAM_EXTERN;
		return (Node *) param;
	}
	return expression_tree_mutator(node, external_params, context);
}
