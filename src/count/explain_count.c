/*
 * explain_count.c
 *		What EXPLAIN shows of a node that counts.
 */
#include "postgres.h"

#include "commands/explain.h"
#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "compat.h"
#include "count/by_distance.h"
#include "count/by_totals.h"
#include "count/explain_count.h"
#include "scan/explain.h"

static void explain_range(PlfCountState *state, ForeignScanState *node, ExplainState *es);
static void explain_totals(PlfCountState *state, ForeignScanState *node,
						   ExplainState *es);
static char *unknown_statuses(const PlfWire *wire, const PlfListRequest *request,
							  const List *conditions, ForeignScanState *node,
							  ExplainState *es);

void
plf_count_explain(void *count, ForeignScanState *node, ExplainState *es)
{
	PlfCountState *state = count;

	plf_explain_host(state->options, es);
	if (state->range != NULL)
		explain_range(state, node, es);
	else
		explain_totals(state, node, es);
	if (es->analyze)
		plf_explain_source(state->source, state->links, es);
}

/* The request with which the search for the range begins. */
static void
explain_range(PlfCountState *state, ForeignScanState *node, ExplainState *es)
{
	const PlfCountSpec *spec = state->spec;
	const PlfWire *wire = &state->table->resource->wire;
	bool constant = state->selections[0].constant;
	const PlfStatusVerdict *verdict = constant ? plf_count_verdicts(state) : NULL;
	PlfReading reading;
	const char *why_nothing = plf_count_range_reading(state, verdict, &reading);
	List *bounds = list_concat_copy(spec->lower, spec->upper);

	if (why_nothing == NULL && plf_range_is_constant(state->range) &&
		plf_range_is_void(state->range))
		why_nothing = "the bounds exclude each other";
	if (why_nothing != NULL)
		plf_explain_nothing(why_nothing, es);
	else
	{
		PlfListRequest request = plf_reading_request(&reading, 1,
													 state->options->page_size);
		char text[PLF_REQUEST_SIZE];

		request.filtered = reading.filtered && reading.statuses != PLF_STATUS_NONE;
		plf_list_request_show(wire, &request, text);
		ExplainPropertyText(
			"API Request",
			constant ? psprintf("GET %s", text)
					 : unknown_statuses(wire, &request, spec->conditions, node, es),
			es);
	}
	ExplainPropertyText("API Range",
						spec->nulls_only ? "IS NULL"
						: bounds == NIL  ? "IS NOT NULL"
										 : plf_explain_conditions(node, es, bounds),
						es);
	ExplainPropertyText("API Count",
						state->reads_range ? "the range's links, read"
										   : "distance of the range's ends",
						es);
}

/* The requests for totals, which are known when the conditions are constant. */
static void
explain_totals(PlfCountState *state, ForeignScanState *node, ExplainState *es)
{
	const PlfCountSpec *spec = state->spec;
	const PlfWire *wire = &state->table->resource->wire;
	PlfTotals totals = {0};
	bool constant = true;

	for (int i = 0; i < state->nselections; i++)
		constant &= state->selections[i].constant;
	if (constant)
		plf_count_plan_totals(state, plf_count_verdicts(state), &totals);
	if (!constant)
		ExplainPropertyText(
			"API Request",
			unknown_statuses(wire, &(PlfListRequest){.page = 1, .per_page = 1},
							 list_concat_copy(spec->conditions, spec->filters), node, es),
			es);
	else if (totals.count == 0)
		plf_explain_nothing("no status satisfies the conditions", es);
	else
	{
		StringInfoData shown;

		initStringInfo(&shown);
		for (int i = 0; i < totals.count; i++)
		{
			PlfListRequest request = plf_total_request(totals.totals[i].of);
			char text[PLF_REQUEST_SIZE];

			plf_list_request_show(wire, &request, text);
			appendStringInfo(&shown, "%sGET %s", i > 0 ? ", " : "", text);
		}
		ExplainPropertyText("API Request", shown.data, es);
	}
	ExplainPropertyText("API Count",
						spec->grouped ? "total_count of each status" : "total_count", es);
}

/* The text of a request whose statuses depend on the parameters of conditions. */
static char *
unknown_statuses(const PlfWire *wire, const PlfListRequest *request,
				 const List *conditions, ForeignScanState *node, ExplainState *es)
{
	char text[PLF_REQUEST_SIZE];

	plf_list_request_show(wire, request, text);
	return psprintf("GET %s?%s={%s}&%s", wire->list_path, wire->status_parameter,
					plf_explain_conditions(node, es, conditions), strchr(text, '?') + 1);
}
