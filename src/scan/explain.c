/*
 * explain.c
 *		What EXPLAIN shows of a node: the first request, and, with ANALYZE, the requests
 *		that the node has made.  EXPLAIN itself makes none.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/ruleutils.h"

#include "compat.h"
#include "scan/explain.h"

/* The node that is explained, and the output. */
typedef struct Explained
{
	const PlfScanSpec *spec;
	const PlfTable *table;
	ForeignScanState *node;
	ExplainState *es;
} Explained;

static void explain_request(const Explained *explained, const PlfReading *reading,
							int largest_page);
static void explain_range(const Explained *explained, const PlfReading *reading);
static void explain_window(const Explained *explained);
static void explain_check(const PlfWire *wire, bool certain, ExplainState *es);
static Node *external_params(Node *node, void *context);

void
plf_explain_host(const PlfOptions *options, ExplainState *es)
{
	ExplainPropertyText("API Host", options->host, es);
}

void
plf_explain_nothing(const char *why, ExplainState *es)
{
	ExplainPropertyText("API Request", psprintf("none (%s)", why), es);
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
	ExplainPropertyFloat("API Wait", "ms", (double) stats.client.wait_us / 1000, 3, es);
	if (stats.repairs > 0)
		ExplainPropertyInteger("API Drift Repairs", NULL, stats.repairs, es);
}

void
plf_explain_list(const PlfScanSpec *spec, const PlfTable *table,
				 const PlfOptions *options, PlfWantedState *wanted,
				 ForeignScanState *node, ExplainState *es)
{
	Explained explained = {spec, table, node, es};
	bool statuses_known = plf_status_clauses_are_constant(spec->status_clauses);
	PlfWanted constant = plf_wanted_constant(wanted);
	PlfReading reading;
	const char *why_nothing = plf_wanted_reading(wanted, &constant, &reading);

	if (why_nothing != NULL)
	{
		plf_explain_nothing(why_nothing, es);
		return;
	}
	explain_request(&explained, &reading, options->page_size);
	explain_range(&explained, &reading);
	if (spec->has_window)
		explain_window(&explained);
	if (reading.check_statuses || !statuses_known)
		explain_check(&table->resource->wire, statuses_known, es);
}

/* The first request; an expression is in the place of a value that is not known yet. */
static void
explain_request(const Explained *explained, const PlfReading *reading, int largest_page)
{
	const PlfScanSpec *spec = explained->spec;
	const PlfWire *wire = &explained->table->resource->wire;
	PlfSizes sizes = plf_reading_sizes(reading, largest_page);
	PlfListRequest request = plf_reading_request(reading, sizes.first_page,
												 sizes.first_size);
	char text[PLF_REQUEST_SIZE];
	const char *paging;
	StringInfoData shown;

	request.filtered = reading->filtered && reading->statuses != PLF_STATUS_NONE;
	plf_list_request_show(wire, &request, text);
	paging = strstr(text, "page=");
	initStringInfo(&shown);
	appendStringInfo(&shown, "GET %.*s", (int) (paging - text), text);
	if (!plf_status_clauses_are_constant(spec->status_clauses))
		appendStringInfo(
			&shown, "%s={%s}&", wire->status_parameter,
			plf_explain_conditions(explained->node, explained->es, spec->status_clauses));
	if (plf_wanted_window_is_constant(spec))
		appendStringInfoString(&shown, paging);
	else
		appendStringInfo(&shown, "page={by OFFSET}&per_page={by LIMIT}");
	ExplainPropertyText("API Request", shown.data, explained->es);
}

/* The bounds of the sort key, or whether the sort key is to be NULL. */
static void
explain_range(const Explained *explained, const PlfReading *reading)
{
	const PlfScanSpec *spec = explained->spec;
	const char *range = NULL;

	if (spec->lower != NIL || spec->upper != NIL)
		range = plf_explain_conditions(explained->node, explained->es,
									   list_concat_copy(spec->lower, spec->upper));
	else if (reading->nullable &&
			 (spec->nulls == PLF_NULLS_ONLY || spec->nulls == PLF_NULLS_OUT))
		range = psprintf(
			"%s IS %sNULL",
			quote_identifier(explained->table->columns[spec->sort_attnum - 1].name),
			spec->nulls == PLF_NULLS_ONLY ? "" : "NOT ");
	if (range != NULL)
		ExplainPropertyText("API Range", range, explained->es);
}

static void
explain_window(const Explained *explained)
{
	const PlfScanSpec *spec = explained->spec;
	StringInfoData shown;

	initStringInfo(&shown);
	if (spec->limit != NULL)
		appendStringInfo(
			&shown, "LIMIT %s",
			plf_explain_expression(explained->node, explained->es, (Node *) spec->limit));
	if (spec->offset != NULL)
		appendStringInfo(&shown, "%sOFFSET %s", shown.len > 0 ? " " : "",
						 plf_explain_expression(explained->node, explained->es,
												(Node *) spec->offset));
	ExplainPropertyText("API Window", shown.data, explained->es);
}

/*
 * Shows the two requests of the status check.  They are sent in any case ("certain"), or
 * only if the verdict on the conditions needs them.
 */
static void
explain_check(const PlfWire *wire, bool certain, ExplainState *es)
{
	PlfListRequest request = {.page = 1, .per_page = 1};
	char all[PLF_REQUEST_SIZE];
	char documented[PLF_REQUEST_SIZE];

	plf_list_request_show(wire, &request, all);
	request.filtered = true;
	request.statuses = PLF_STATUS_ALL;
	plf_list_request_show(wire, &request, documented);
	ExplainPropertyText(
		"API Status Check",
		psprintf("GET %s, GET %s%s", all, documented,
				 certain ? "" : " (where the condition may hold for other statuses)"),
		es);
}

void
plf_explain_lookup(const PlfScanSpec *spec, const PlfTable *table, PlfWantedState *wanted,
				   ForeignScanState *node, ExplainState *es)
{
	PlfWanted constant = plf_wanted_constant(wanted);
	PlfReading reading;
	const char *why_nothing = plf_wanted_reading(wanted, &constant, &reading);
	StringInfoData shown;
	ListCell *lc;

	if (why_nothing != NULL)
	{
		plf_explain_nothing(why_nothing, es);
		return;
	}
	initStringInfo(&shown);
	foreach(lc, spec->lookups)
		appendStringInfo(&shown, "%s%s", shown.len > 0 ? ", " : "",
						 plf_explain_expression(node, es, lfirst(lc)));
	ExplainPropertyText("API Request",
						psprintf("GET %s", table->resource->wire.item_path), es);
	if (list_length(spec->lookups) == 1 && exprType(linitial(spec->lookups)) == UUIDOID)
		ExplainPropertyText("API Lookup", psprintf("id = %s", shown.data), es);
	else
		ExplainPropertyText(
			"API Lookup",
			psprintf("each id of %s, at most %d", shown.data, spec->lookup_most), es);
}

char *
plf_explain_conditions(ForeignScanState *node, ExplainState *es, const List *conditions)
{
	return plf_explain_expression(node, es,
								  (Node *) make_ands_explicit(list_copy(conditions)));
}

/*
 * Core spells an executor parameter by the node that sets the parameter, and raises an
 * error without that node.  EXPLAIN tells a wrapper nothing of the nodes above its own.
 * So an executor parameter is shown like a parameter of the statement: as $ and its
 * number.
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
