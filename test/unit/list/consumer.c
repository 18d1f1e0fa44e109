/*
 * consumer.c
 *		Takes the links of a reading as the executor does.
 */
#include "postgres.h"

#include "list/reader.h"
#include "utils/memutils.h"

#include "consumer.h"
#include "rows.h"
#include "source.h"

typedef struct Run
{
	const ModelQuery *query;
	const Settings *settings;
	Api *api;
	Outcome *outcome;

	ModelSource source;
	PlfOptions options;
	PlfRange range;
	PlfReading what;
	PlfReader *reader;
	MemoryContext row_context; /* of one link: reset before the next */
	bool at_end;               /* of the reader */

	/* As src/exec/delivery.c has them. */
	bool started;
	bool has_previous;
	Row previous;
	bool sorted_here;
	Row kept[MAX_LINKS]; /* rows that are sorted here, or held back */
	int nkept;
	int next_kept;

	/* As src/exec/scan.c has them. */
	int skipped;
	int taken;
	bool clipped;
} Run;

static void run(void *arg);
static bool make_reading(Run *run);
static void set_statuses(Run *run);
static void take_links(Run *run);
static bool next_wanted(Run *run, Row *row);
static bool next_row(Run *run, Row *row);
static bool next_kept(Run *run, Row *row);
static bool next_link(Run *run, Row *row);
static void prepare(Run *run);
static void sort_here(Run *run, Row *row);
static void keep(Run *run, const Row *row, int at);
static bool verify_order(Run *run, const Row *row);
static int compare(const Run *run, const Row *one, const Row *other);
static void count_range(Run *run);
static int64 count_links(Run *run);
static void note(Run *run);

void
consumer_run(const ModelQuery *query, const Settings *settings, Api *api,
			 Outcome *outcome)
{
	static Run whole;

	memset(&whole, 0, sizeof(whole));
	memset(outcome, 0, offsetof(Outcome, rows));
	outcome->nrows = 0;
	memset(&outcome->number, 0, sizeof(*outcome) - offsetof(Outcome, number));
	whole.query = query;
	whole.settings = settings;
	whole.api = api;
	whole.outcome = outcome;
	whole.range.query = query;
	whole.options.page_size = settings->page_size;
	whole.options.concurrency = settings->concurrency;
	whole.options.on_drift = settings->error_on_drift ? PLF_ON_DRIFT_ERROR
													  : PLF_ON_DRIFT_REPAIR;
	outcome->is_error = !server_try(run, &whole, &outcome->raised);
	outcome->repairs = whole.source.repairs;
	outcome->early_repairs = whole.source.early_repairs;
}

static void
run(void *arg)
{
	Run *run = arg;

	if (!make_reading(run))
		return;
	run->row_context = AllocSetContextCreate(CurrentMemoryContext, "row",
											 ALLOCSET_DEFAULT_SIZES);
	source_start(&run->source, run->api);
	run->reader = plf_reader_create(&run->source.functions, &run->options, &run->what);
	if (run->query->counts)
		count_range(run);
	else
		take_links(run);
	note(run);
	plf_reader_free(run->reader);
	MemoryContextDelete(run->row_context);
	if (run->source.held > 0)
		run->outcome->leak = "pages";
	else if (run->api->under_way > 0)
		run->outcome->leak = "requests";
	else if (server_blocks() > 0)
		run->outcome->leak = "memory";
}

/* As plan.c and wanted.c make it; false when no link can belong into the answer. */
static bool
make_reading(Run *run)
{
	const ModelQuery *query = run->query;
	PlfReading *what = &run->what;

	set_statuses(run);
	if (query->limit == 0 ||
		(what->filtered && what->statuses == PLF_STATUS_NONE && !what->check_statuses))
		return false;
	what->sort_key = model_field(query->key);
	what->descending = query->descending;
	what->nullable = query->key == BY_DATE;
	what->nulls = query->counts                ? PLF_NULLS_OUT
				  : query->test == KEY_IS_NULL ? PLF_NULLS_ONLY
				  : query->test != KEY_ANY     ? PLF_NULLS_OUT
				  : query->nulls_first         ? PLF_NULLS_FIRST
											   : PLF_NULLS_LAST;
	if (query->test == KEY_IN_RANGE || query->counts)
		what->range = &run->range;
	what->take = -1;
	if (query->is_window && !query->failed)
	{
		what->skip = query->offset;
		what->take = query->limit;
	}
	if (query->is_window)
		what->early_stop = query->failed && query->limit >= 0;
	else
	{
		what->early_stop = query->limit >= 0 || (query->nsteps > 0 && query->is_told);
		if (query->limit >= 0 && !query->reusable)
			what->row_hint = query->limit + query->offset;
	}
	return true;
}

/* As plf_reading_statuses() does. */
static void
set_statuses(Run *run)
{
	const ModelQuery *query = run->query;

	run->what.statuses = query->statuses;
	run->what.check_statuses = query_checks_statuses(query);
	run->what.filtered = !query->failed &&
						 (query->others == OTHERS_NONE || run->what.check_statuses);
}

/* What a Limit node or a cursor above the scan takes. */
static void
take_links(Run *run)
{
	const ModelQuery *query = run->query;
	Outcome *outcome = run->outcome;
	int offset = query->is_window ? 0 : query->offset;
	int step = 0;
	int in_step = 0;
	Row row;

	for (;;)
	{
		if (query->limit >= 0 && outcome->nrows >= query->limit)
			return;
		while (step < query->nsteps && in_step == query->steps[step])
		{
			step++;
			in_step = 0;
			api_pass(run->api, random_below(run->api->random, 4));
		}
		if (query->nsteps > 0 && step == query->nsteps)
			return;
		if (!next_wanted(run, &row))
			return;
		/* The scan's own conditions. */
		if (!query->is_window &&
			!query_holds(query, &run->api->history->links[row.link], row.status))
			continue;
		if (offset > 0)
		{
			offset--;
			continue;
		}
		if (outcome->nrows == MAX_LINKS)
			server_raise(ERRCODE_INTERNAL_ERROR, "more links than there ever were", NULL);
		outcome->rows[outcome->nrows++] = row;
		in_step++;
		api_say_row(run->api, row.link, row.status);
	}
}

/* scan.c's next_wanted_row() */
static bool
next_wanted(Run *run, Row *row)
{
	const ModelQuery *query = run->query;
	bool has_status_condition = query->statuses != PLF_STATUS_ALL ||
								query->others != OTHERS_ALL;

	if (!query->is_window)
		return next_row(run, row);
	while (query->limit < 0 || run->taken < query->limit)
	{
		if (!next_row(run, row))
			return false;
		if (plf_reader_is_clipped(run->reader))
		{
			run->clipped = true;
			run->skipped = query->offset;
			run->taken++;
			return true;
		}
		if (run->clipped && query->key == BY_NOTHING)
			run->skipped = 0;
		run->clipped = false;
		if (!has_status_condition || query_status_holds(query, row->status))
		{
			if (run->skipped == query->offset)
			{
				run->taken++;
				return true;
			}
			run->skipped++;
		}
	}
	return false;
}

/* delivery.c's plf_delivery_next() */
static bool
next_row(Run *run, Row *row)
{
	if (run->sorted_here)
		return next_kept(run, row);
	while (!run->at_end)
	{
		if (!next_link(run, row))
		{
			run->at_end = true;
			break;
		}
		if (run->what.sort_key == NULL)
			return true;
		if (!run->started && plf_reader_order(run->reader) == PLF_ORDER_SORTED_HERE)
		{
			sort_here(run, row);
			return next_kept(run, row);
		}
		run->started = true;
		if (!link_has_key(&run->api->history->links[row->link], run->query->key) &&
			plf_reader_order(run->reader) == PLF_ORDER_NULLS_HELD_BACK)
		{
			keep(run, row, run->nkept);
			continue;
		}
		if (verify_order(run, row))
			return true;
	}
	return next_kept(run, row);
}

static bool
next_kept(Run *run, Row *row)
{
	if (run->next_kept == run->nkept)
		return false;
	*row = run->kept[run->next_kept++];
	return true;
}

static bool
next_link(Run *run, Row *row)
{
	PlfLink link;
	MemoryContext old = MemoryContextSwitchTo(run->row_context);
	bool found;

	MemoryContextReset(run->row_context);
	if (run->settings->prepares)
		prepare(run);
	api_pass(run->api, random_below(run->api->random, 3));
	found = plf_reader_next(run->reader, &link);
	MemoryContextSwitchTo(old);
	if (!found)
		return false;
	run->source.links++;
	row->link = (int) (model_link(&link) - run->api->history->links);
	row->status = link.page->links[link.index].status;
	return true;
}

/* An Append asks again and again, or waits no longer. */
static void
prepare(Run *run)
{
	int patience = random_below(run->api->random, 30);

	while (!plf_reader_prepare(run->reader) && patience-- > 0)
		plf_reader_is_between_pages(run->reader);
}

static void
sort_here(Run *run, Row *row)
{
	run->sorted_here = true;
	do
	{
		int at = run->nkept;

		while (at > 0 && compare(run, &run->kept[at - 1], row) > 0)
			at--;
		keep(run, row, at);
	} while (next_link(run, row));
	run->at_end = true;
}

/* Puts a row among those that are kept. */
static void
keep(Run *run, const Row *row, int at)
{
	if (run->nkept == MAX_LINKS)
		server_raise(ERRCODE_INTERNAL_ERROR, "more links than there ever were", NULL);
	memmove(&run->kept[at + 1], &run->kept[at], sizeof(Row) * (run->nkept - at));
	run->kept[at] = *row;
	run->nkept++;
}

static bool
verify_order(Run *run, const Row *row)
{
	if (run->has_previous && compare(run, &run->previous, row) > 0)
	{
		if (plf_reader_leave_out(run->reader))
		{
			run->outcome->left_out++;
			return false;
		}
		server_raise(ERRCODE_FDW_ERROR,
					 "the links are not in the order that was asked for", NULL);
	}
	plf_reader_caught_up(run->reader);
	run->previous = *row;
	run->has_previous = true;
	return true;
}

/* In the order that the scan promises. */
static int
compare(const Run *run, const Row *one, const Row *other)
{
	const ModelLink *links = run->api->history->links;
	ModelQuery order = *run->query;

	order.nulls_first = run->what.nulls == PLF_NULLS_FIRST;
	return query_compare(&order, &links[one->link], &links[other->link]);
}

/* count_pages.c's plf_count_range() */
static void
count_range(Run *run)
{
	bool nulls_only = run->query->test == KEY_IS_NULL;
	Outcome *outcome = run->outcome;
	MemoryContext old;

	if (run->query->failed)
	{
		plf_reader_free(run->reader);
		if (run->query->test != KEY_IN_RANGE)
			run->what.range = NULL;
		if (nulls_only)
			run->what.nulls = PLF_NULLS_ONLY;
		run->reader = plf_reader_create(&run->source.functions, &run->options,
										&run->what);
		outcome->number = count_links(run);
		return;
	}
	old = MemoryContextSwitchTo(run->row_context);
	outcome->number = plf_reader_range_size(run->reader);
	MemoryContextSwitchTo(old);
	if (outcome->number < 0 && nulls_only &&
		plf_reader_order(run->reader) != PLF_ORDER_SORTED_HERE)
	{
		plf_reader_free(run->reader);
		run->what.range = NULL;
		run->what.nulls = PLF_NULLS_ONLY;
		run->reader = plf_reader_create(&run->source.functions, &run->options,
										&run->what);
	}
	if (outcome->number < 0)
		outcome->number = count_links(run);
	else if (nulls_only)
		outcome->number = plf_reader_total(run->reader) - outcome->number;
}

static int64
count_links(Run *run)
{
	int64 count = 0;
	Row row;

	while (next_link(run, &row))
		count += query_holds(run->query, &run->api->history->links[row.link], row.status);
	return count;
}

/* What the reader tells of itself at the end. */
static void
note(Run *run)
{
	Outcome *outcome = run->outcome;

	outcome->is_clipped = plf_reader_is_clipped(run->reader);
	outcome->is_unsorted = plf_reader_order(run->reader) == PLF_ORDER_SORTED_HERE;
	outcome->is_scattered = plf_reader_order(run->reader) == PLF_ORDER_NULLS_HELD_BACK;
	outcome->is_open = plf_reader_statuses(run->reader) == PLF_STATUSES_OTHERS;
	outcome->is_checked = run->what.check_statuses;
}
