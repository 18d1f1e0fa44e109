/*
 * judge.c
 *		Whether the outcome of a schedule is as promised: what the method judge() of
 *		test/drift/run.py says.
 */
#include <stdio.h>
#include <string.h>

#include "schedule.h"

#define MAX_REPAIRS 8 /* a scan is allowed; then it may fail */

/* How two listings differ. */
typedef enum Comparison
{
	SAME_LINKS,
	OTHER_LINKS, /* as many */
	OTHER_LENGTH
} Comparison;

static Comparison compare(const Schedule *schedule, int one, int other);
static bool reads_all(const ModelQuery *query);
static bool judge_error(const Schedule *schedule, char *problem, size_t size);
static bool judge_costs(const Schedule *schedule, char *problem, size_t size);
static int most_rows(const Schedule *schedule);
static bool has_noticed(const Schedule *schedule);
static bool is_count(const PlfListRequest *request);
static void excuse_unseen(const Schedule *schedule, Span *span);
static bool judge_rows(const Schedule *schedule, int most, char *problem, size_t size);
static bool is_on_trust(const Schedule *schedule);
static bool is_scattered(const Schedule *schedule);
static int changes_of(const Schedule *schedule);

bool
schedule_judge(const Schedule *schedule, char *problem, size_t size)
{
	const Outcome *outcome = &schedule->outcome;

	*problem = '\0';
	if (!judge_costs(schedule, problem, size))
		return false;
	if (outcome->is_error)
		return judge_error(schedule, problem, size) &&
			   judge_rows(schedule, outcome->nrows, problem, size);
	if (outcome->leak != NULL)
		snprintf(problem, size, "%s are not given back", outcome->leak);
	else if (has_noticed(schedule) && schedule->settings.error_on_drift)
		snprintf(problem, size,
				 "no error, although the length of the list changed between requests");
	else if (has_noticed(schedule) && outcome->repairs == 0)
		snprintf(problem, size,
				 "no repair, although the length of the list changed between requests");
	else if (schedule_came_twice(schedule))
		snprintf(problem, size, "links came twice, and the list is not read again");
	else if (!schedule->query.counts)
		return judge_rows(schedule, most_rows(schedule), problem, size);
	else
	{
		Span span = schedule_span(schedule);

		return is_on_trust(schedule) || !schedule_is_visible(schedule) ||
			   guarantee_number(&schedule->query, outcome->number, &span, problem, size);
	}
	return false;
}

/*
 * "most" is how many links there may be, -1: all.  The rows before an error are those of
 * a cursor that took no more.
 */
static bool
judge_rows(const Schedule *schedule, int most, char *problem, size_t size)
{
	const ModelQuery *query = &schedule->query;
	const Outcome *outcome = &schedule->outcome;
	Span span = schedule_span(schedule);

	if (query->counts)
		return true;
	if (is_on_trust(schedule) || !schedule_is_visible(schedule))
		return guarantee_rows(query, outcome->rows, outcome->nrows, &span, problem, size);
	return guarantee_links(query, outcome->rows, outcome->nrows, &span, most, problem,
						   size);
}

static int
changes_of(const Schedule *schedule)
{
	const Api *api = &schedule->api;

	return api->nlog == 0 ? 0 : api->log[api->nlog - 1].state - api->log[0].state;
}

Span
schedule_span(const Schedule *schedule)
{
	const ModelQuery *query = &schedule->query;
	const Api *api = &schedule->api;
	Span span = {.history = &schedule->history};

	if (api->nlog > 0)
	{
		span.first = api->log[0].state;
		span.last = api->log[api->nlog - 1].state;
	}
	if (query->statuses != PLF_STATUS_ALL || query->others == OTHERS_SOME)
		excuse_unseen(schedule, &span);
	return span;
}

/*
 * Links whose status became undocumented, or ceased to be, while the status check and
 * the page that goes with it were answered: nothing tells them from links whose new
 * status is not asked for.
 */
static void
excuse_unseen(const Schedule *schedule, Span *span)
{
	const Api *api = &schedule->api;
	const History *history = &schedule->history;

	for (int at = 0; at < api->nlog; at++)
	{
		int first = api->log[at < 2 ? 0 : at - 2].state;
		int last = api->log[at + 2 < api->nlog ? at + 2 : api->nlog - 1].state;

		if (!is_count(&api->log[at].request) || first == last)
			continue;
		for (int i = 0; i < history->nlinks; i++)
		{
			bool was_documented = false;
			bool was_undocumented = false;

			for (int state = first; state <= last; state++)
			{
				int status = history->states[state][i];

				was_documented |= status < PLF_STATUS_COUNT;
				was_undocumented |= status == UNDOCUMENTED;
			}
			if (history->states[first][i] != ABSENT && was_documented && was_undocumented)
				span->excused[i] = true;
		}
	}
}

/* One of the two requests of the status check, or any for all documented statuses. */
static bool
is_count(const PlfListRequest *request)
{
	if (request->filtered)
		return request->statuses == PLF_STATUS_ALL;
	return request->sort_by == NULL && request->page == 1 && request->per_page == 1;
}

/*
 * Two states of one length whose links differ cannot be told apart by numbered pages.  A
 * reader that read the list in both must nevertheless miss nothing if an answer that it
 * took was read in between, when the length was another one: for this a page waits for
 * the requests that were sent before it.
 */
bool
schedule_is_visible(const Schedule *schedule)
{
	const Api *api = &schedule->api;

	if (!schedule->history.is_balanced)
		return true;
	for (int first = 0; first < api->nlog; first++)
	{
		for (int next = first + 1; next < api->nlog; next++)
		{
			Comparison comparison = compare(schedule, first, next);

			if (comparison == OTHER_LENGTH && api->log[next].is_taken)
				break;
			if (comparison == OTHER_LINKS)
				return false;
		}
	}
	return true;
}

/* Compares the listings that two requests were read in. */
static Comparison
compare(const Schedule *schedule, int one, int other)
{
	const LogEntry *log = schedule->api.log;
	const PlfListRequest *request = &log[one].request;
	const History *history = &schedule->history;
	const uint8_t *state = history->states[log[one].state];
	const uint8_t *other_state = history->states[log[other].state];
	int difference = 0;
	bool differ = false;

	if (log[one].state == log[other].state)
		return SAME_LINKS;
	for (int i = 0; i < history->nlinks; i++)
	{
		bool is_in = request->filtered ? status_in(request->statuses, state[i])
									   : state[i] != ABSENT;
		bool is_in_other = request->filtered
							   ? status_in(request->statuses, other_state[i])
							   : other_state[i] != ABSENT;

		difference += is_in_other - is_in;
		differ |= is_in_other != is_in;
	}
	return difference != 0 ? OTHER_LENGTH : differ ? OTHER_LINKS : SAME_LINKS;
}

bool
schedule_came_twice(const Schedule *schedule)
{
	const Api *api = &schedule->api;
	bool came[MAX_LINKS] = {false};

	if (!schedule->history.is_balanced || schedule->outcome.is_error ||
		schedule->outcome.repairs > 0 || !reads_all(&schedule->query))
		return false;
	for (int i = 0; i < api->nlog; i++)
	{
		const PlfListRequest *request = &api->log[i].request;
		int first = (int) (request->page - 1) * request->per_page;
		int links[MAX_LINKS];
		int length = history_list((History *) &schedule->history, api->log[i].state,
								  &api->listing, request, links);

		for (int at = first; at < first + request->per_page && at < length; at++)
		{
			if (came[links[at]])
				return true;
			came[links[at]] = true;
		}
	}
	return false;
}

static bool
judge_error(const Schedule *schedule, char *problem, size_t size)
{
	const Raised *raised = &schedule->outcome.raised;
	int changes = changes_of(schedule);

	if (strcmp(raised->sqlstate, "40001") == 0)
	{
		if (changes == 0)
			snprintf(problem, size, "40001 although nothing changed: %s",
					 raised->message);
		else if (!schedule->settings.error_on_drift && changes < MAX_REPAIRS &&
				 schedule_is_visible(schedule))
			snprintf(problem, size, "40001 after %d changes: %s", changes,
					 raised->message);
		else
			return true;
		return false;
	}
	if (strcmp(raised->sqlstate, "HV000") == 0 &&
		(strcmp(raised->message, API_FAILURE) == 0 || is_scattered(schedule) ||
		 (!schedule_is_visible(schedule) && schedule->query.key != BY_NOTHING)))
		return true;
	snprintf(problem, size, "SQLSTATE %s: %s", raised->sqlstate, raised->message);
	return false;
}

/*
 * That links without a key are in one block is an assumption, which a list that is read
 * to its end, and does not change, is checked for.  Where they are not, and the list is
 * read in another way, links may be missing.  In the middle of the list nobody looks for
 * them, or counts them, or counts places.
 */
static bool
is_on_trust(const Schedule *schedule)
{
	const ModelQuery *query = &schedule->query;

	if (!is_scattered(schedule))
		return false;
	if (query->limit >= 0 || query->nsteps > 0 || schedule->outcome.is_error ||
		changes_of(schedule) > 0)
		return true;
	return schedule->api.listing.null_block == BLOCK_AMONG &&
		   (query->test == KEY_IS_NULL || query->counts || query->offset > 0);
}

/* Whether links without a key are not in one block. */
static bool
is_scattered(const Schedule *schedule)
{
	return schedule->query.key == BY_DATE &&
		   (schedule->api.listing.null_block == BLOCK_AMONG ||
			schedule->api.listing.null_block == BLOCK_BOTH);
}

/* Repairs, and what is under way or in memory at a time. */
static bool
judge_costs(const Schedule *schedule, char *problem, size_t size)
{
	const Outcome *outcome = &schedule->outcome;
	int most = schedule->settings.concurrency + 1;

	if (outcome->repairs > MAX_REPAIRS)
		snprintf(problem, size, "%d repairs", outcome->repairs);
	else if (outcome->repairs > 0 && changes_of(schedule) == 0)
		snprintf(problem, size, "%d repairs although nothing changed", outcome->repairs);
	else if (schedule->api.most_under_way > (most > 3 ? most : 3))
		snprintf(problem, size, "%d requests under way", schedule->api.most_under_way);
	else
		return true;
	return false;
}

/* How many rows there may be; -1: all. */
static int
most_rows(const Schedule *schedule)
{
	const ModelQuery *query = &schedule->query;
	int most = query->limit >= 0 ? query->limit : schedule->outcome.nrows + 1;
	int steps = 0;

	for (int i = 0; i < query->nsteps; i++)
	{
		if (query->steps[i] == TAKE_ALL)
			return query->limit;
		steps += query->steps[i];
	}
	return query->nsteps == 0 ? query->limit : steps < most ? steps : most;
}

/* Whether every page of the listing has to be read. */
static bool
reads_all(const ModelQuery *query)
{
	return query->test == KEY_ANY && !query->reusable && !query->counts &&
		   query->limit < 0 && query->offset == 0 && query->nsteps == 0;
}

/*
 * Whether pages of one listing, all of which have to be read, told of different lengths.
 */
static bool
has_noticed(const Schedule *schedule)
{
	const ModelQuery *query = &schedule->query;
	const Api *api = &schedule->api;
	const PlfListRequest *first = &api->log[0].request;
	bool differ = false;

	if (!reads_all(query))
		return false;
	for (int i = 0; i < api->nlog; i++)
	{
		const PlfListRequest *request = &api->log[i].request;
		const uint8_t *state = schedule->history.states[api->log[i].state];
		const uint8_t *before = schedule->history.states[api->log[0].state];
		int change = 0;

		if (request->filtered != first->filtered ||
			request->statuses != first->statuses || request->sort_by != first->sort_by ||
			request->descending != first->descending)
			return false;
		for (int link = 0; link < schedule->history.nlinks; link++)
		{
			if (request->filtered)
				change += status_in(request->statuses, state[link]) -
						  status_in(request->statuses, before[link]);
			else
				change += (state[link] != ABSENT) - (before[link] != ABSENT);
		}
		differ |= change != 0;
	}
	return differ;
}
