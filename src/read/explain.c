/*
 * explain.c
 *		What EXPLAIN shows of a scan: what will be asked of the API, and, with
 *		ANALYZE, what that took.  Makes no request.
 */
#include "postgres.h"

#include "commands/explain.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "utils/ruleutils.h"

#include "compat.h"
#include "read/scan.h"

static void explain_request(ForeignScanState *node, ExplainState *es);
static void explain_check(bool certain, ExplainState *es);
static char *show_statuses(ForeignScanState *node, ExplainState *es);

void
plf_explain_foreign_scan(ForeignScanState *node, ExplainState *es)
{
	PlfScan    *scan = node->fdw_state;
	PlfSourceStats stats = {0};

	ExplainPropertyText("API Host", scan->options->host, es);
	explain_request(node, es);
	if (!es->analyze)
		return;

	if (scan->source != NULL)
		stats = plf_source_stats(scan->source);
	ExplainPropertyInteger("API Requests", NULL, stats.client.requests, es);
	ExplainPropertyInteger("API Retries", NULL, stats.client.retries, es);
	ExplainPropertyInteger("API Pages", NULL, stats.pages, es);
	ExplainPropertyInteger("API Rows", NULL,
						   scan->links + (scan->reader != NULL ? plf_reader_links(scan->reader) : 0),
						   es);
	ExplainPropertyInteger("API Bytes", NULL, stats.client.bytes, es);
	ExplainPropertyFloat("API Wait", "ms", stats.client.wait_us / 1000.0, 3, es);
}

/* The first request; what is known only at run time as its expression. */
static void
explain_request(ForeignScanState *node, ExplainState *es)
{
	PlfScan    *scan = node->fdw_state;
	bool		constant = plf_status_clauses_are_constant(scan->spec->status_clauses);
	PlfStatusVerdict verdict = {PLF_STATUS_ALL, PLF_REST_ALL};
	PlfReading	what;
	PlfListRequest request = {.page = 1};
	char		text[PLF_REQUEST_SIZE];

	if (constant && scan->filter != NULL)
		verdict = plf_status_filter_evaluate(scan->filter, node->ss.ps.ps_ExprContext);
	if (!plf_scan_reading(scan, &verdict, &what))
	{
		ExplainPropertyText("API Request", "none (no status satisfies the conditions)", es);
		return;
	}
	request.filtered = what.filtered && what.statuses != PLF_STATUS_NONE;
	request.statuses = what.statuses;
	request.sort_key = what.sort_key;
	request.descending = what.descending;
	request.per_page = scan->options->page_size;
	if (what.row_hint > 0 && what.row_hint < request.per_page)
		request.per_page = (int) what.row_hint;
	plf_list_request_show(&request, text);

	if (constant)
	{
		ExplainPropertyText("API Request", psprintf("GET %s", text), es);
		if (what.check_world)
			explain_check(true, es);
	}
	else
	{
		/* The expression stands where its statuses will. */
		const char *query = strchr(text, '?');

		ExplainPropertyText("API Request",
							psprintf("GET %.*s?status[]=%s&%s", (int) (query - text), text,
									 show_statuses(node, es), query + 1),
							es);
		explain_check(false, es);
	}
}

/* The two counts that tell whether a link has an undocumented status. */
static void
explain_check(bool certain, ExplainState *es)
{
	PlfListRequest request = {.page = 1, .per_page = 1};
	char		all[PLF_REQUEST_SIZE];
	char		documented[PLF_REQUEST_SIZE];

	plf_list_request_show(&request, all);
	request.filtered = true;
	request.statuses = PLF_STATUS_ALL;
	plf_list_request_show(&request, documented);
	ExplainPropertyText("API Status Check",
						psprintf("GET %s, GET %s%s", all, documented,
								 certain ? "" : " (where the condition may hold for other statuses)"),
						es);
}

static char *
show_statuses(ForeignScanState *node, ExplainState *es)
{
	PlfScan    *scan = node->fdw_state;
	List	   *context = set_deparse_context_plan(es->deparse_cxt,
												   node->ss.ps.plan, NIL);

	return psprintf("{%s}",
					deparse_expression((Node *) make_ands_explicit(list_copy(scan->spec->status_clauses)),
									   context, false, false));
}
