/*
 * schedule.c
 *		A list, a query about it, and when the list changes.
 */
#include <stdio.h>
#include <string.h>

#include "schedule.h"

static void choose_maker(Random *random, Maker *first, Maker *later, int *count);
static void choose_settings(Schedule *schedule);
static void place_changes(Schedule *schedule, const Maker *maker);
static int requests_of(const Schedule *schedule);
static void show(const Schedule *schedule);

void
schedule_make(Schedule *schedule, uint64_t seed, uint64_t number)
{
	Random *random = &schedule->random;
	History *history = &schedule->history;
	Maker first;
	Maker later;
	int count;

	*random = random_of(seed, number);
	choose_maker(random, &first, &later, &count);
	history_start(history, random, &first, BY_NOTHING, count);
	query_make(&schedule->query, random, history);
	history->column = schedule->query.key;
	history_watch(history, schedule->query.statuses,
				  !query_checks_statuses(&schedule->query) && random_chance(random, 30));
	choose_settings(schedule);
	place_changes(schedule, &later);
}

/* The configurations of test/drift/run.py. */
static void
choose_maker(Random *random, Maker *first, Maker *later, int *count)
{
	*first = *later = (Maker){.never = 30, .documented = 100, .restated = 17};
	*count = random_chance(random, 5) ? random_below(random, 2)
									  : random_between(random, 0, 40);
	if (random_chance(random, 10))
		first->dateless = later->dateless = RANDOM_OF(random, 50, 100);
	switch (random_below(random, 10))
	{
		case 0: /* all expire */
			first->never = later->never = 0;
			break;
		case 1: /* none expires */
			first->never = later->never = 100;
			break;
		case 2: /* some expire later */
			first->never = 100;
			*count = random_between(random, 1, 10);
			break;
		case 3: /* some never expire later */
			first->never = 0;
			later->never = 70;
			*count = random_between(random, 1, 10);
			break;
		case 4: /* undocumented statuses */
			first->documented = later->documented = 83;
			break;
		case 5: /* undocumented statuses later */
		case 6:
			later->documented = 50;
			later->restated = 70;
			break;
	}
}

static void
choose_settings(Schedule *schedule)
{
	Random *random = &schedule->random;
	Api *api = &schedule->api;

	schedule->settings.page_size = random_between(random, 1, MAX_PAGE_SIZE);
	schedule->settings.concurrency = RANDOM_OF(random, 1, 1, 2, 2, 2, 3, 4, 5, 6, 7, 8,
											   8);
	schedule->settings.error_on_drift = random_chance(random, 6);
	schedule->settings.prepares = random_chance(random, 20);

	api->history = &schedule->history;
	api->random = random;
	api->listing.newest_first = random_chance(random, 60);
	api->listing.highest_id_first = random_chance(random, 30);
	api->listing.null_block = RANDOM_OF(random, BLOCK_LOWEST, BLOCK_LOWEST, BLOCK_LOWEST,
										BLOCK_FIRST, BLOCK_FIRST, BLOCK_LAST, BLOCK_LAST,
										BLOCK_AMONG, BLOCK_BOTH);
	api->pace = RANDOM_OF(random, PACE_EVEN, PACE_ANY, PACE_ANY, PACE_SLOW_REQUESTS,
						  PACE_SLOW_ANSWERS);
	api->past_end = RANDOM_OF(random, PAST_END_REFUSED, PAST_END_REFUSED, PAST_END_EMPTY,
							  PAST_END_LAST);
	api->failing = random_chance(random, 2) ? random_between(random, 1, 12) : 0;
}

/* Makes the states of the list, each for a request of its own. */
static void
place_changes(Schedule *schedule, const Maker *maker)
{
	Random *random = &schedule->random;
	Api *api = &schedule->api;
	bool are_many = random_chance(random, 8);
	int wanted = are_many ? RANDOM_OF(random, 6, 8, 9, 10, 15, 20)
						  : RANDOM_OF(random, 0, 1, 1, 1, 2, 2, 3, 4, 6);
	int requests = requests_of(schedule);
	int first = random_chance(random, 10) ? 1 : 2;
	int places = requests > wanted ? requests : wanted;
	int left = wanted;

	api->nchanges = 0;
	for (int i = 0; i < places && left > 0; i++)
	{
		/* Each choice of that many places is as likely as any other. */
		if (random_below(random, places - i) >= left)
			continue;
		left--;
		if (!history_go_on(&schedule->history, maker))
			return;
		api->changes[api->nchanges++] = first + i;
	}
}

/* About how many requests the query takes. */
static int
requests_of(const Schedule *schedule)
{
	const ModelQuery *query = &schedule->query;
	int links = 0;
	int steps = 0;

	if (query->counts)
		return 5;
	for (int i = 0; i < schedule->history.nlinks; i++)
		links += query->others != OTHERS_NONE ||
				 status_in(query->statuses, schedule->history.states[0][i]);
	if (query->limit >= 0 && query->limit < links)
		links = query->limit;
	for (int i = 0; i < query->nsteps; i++)
		steps += query->steps[i] == TAKE_ALL ? 100 : query->steps[i];
	if (query->nsteps > 0 && steps < links)
		links = steps;
	return links / schedule->settings.page_size + 2;
}

void
schedule_run(Schedule *schedule, bool verbose)
{
	schedule->api.verbose = verbose;
	if (verbose)
		show(schedule);
	api_start(&schedule->api);
	consumer_run(&schedule->query, &schedule->settings, &schedule->api,
				 &schedule->outcome);
	if (verbose && schedule->outcome.is_error)
		printf("# error %s: %s\n", schedule->outcome.raised.sqlstate,
			   schedule->outcome.raised.message);
	else if (verbose && schedule->query.counts)
		printf("# %d links\n", (int) schedule->outcome.number);
}

static void
show(const Schedule *schedule)
{
	static const char *const blocks[] = {"lowest", "first", "last", "among the others",
										 "at both ends"};
	static const char *const past_ends[] = {"refused", "empty", "the last page instead"};
	const Settings *settings = &schedule->settings;
	const Api *api = &schedule->api;
	char text[1000];

	query_show(&schedule->query, text, sizeof(text));
	printf("# %s\n", text);
	printf("# page_size %d, concurrency %d%s%s; links that never expire: %s; a page past "
		   "the end: %s\n",
		   settings->page_size, settings->concurrency,
		   settings->error_on_drift ? ", on_drift error" : "",
		   settings->prepares ? ", under an Append" : "", blocks[api->listing.null_block],
		   past_ends[api->past_end]);
	printf(
		"# links by number, status, amount, expiration date (0: never), creation; those "
		"of the first state are marked:\n");
	for (int i = 0; i < schedule->history.nlinks; i++)
	{
		const ModelLink *link = &schedule->history.links[i];
		int status = schedule->history.states[0][i];

		printf("#   %s%3d %-10s %5d %5d %5d %s%s\n", status == ABSENT ? " " : "*", i,
			   status == ABSENT ? "" : status_name(status), link->amount, link->expires,
			   link->created, link->id, link->reusable ? " reusable" : "");
	}
	for (int i = 0; i < api->nchanges; i++)
		printf("#   state %d comes before the API reads its request %d\n", i + 1,
			   api->changes[i]);
}
