/*
 * api.c
 *		An API whose list changes between its answers.
 */
#include <stdio.h>
#include <string.h>

#include "api.h"

static void choose_times(Api *api, Request *request);
static void read_request(Api *api, Request *request);
static void answer(Api *api, Request *request);
static void say_change(const Api *api);

void
api_start(Api *api)
{
	api->now = 0;
	api->state = api->sent = api->under_way = api->most_under_way = api->nlog = 0;
	api->refused = api->empty = api->out_of_order = 0;
	for (int i = 0; i < MAX_UNDER_WAY; i++)
		api->requests[i].number = 0;
}

Request *
api_send(Api *api, const PlfListRequest *request)
{
	Request *sent = api->requests;

	while (sent < api->requests + MAX_UNDER_WAY && sent->number != 0)
		sent++;
	if (sent == api->requests + MAX_UNDER_WAY || api->sent == MAX_LOG)
		return NULL;
	sent->request = *request;
	sent->number = ++api->sent;
	sent->is_read = false;
	choose_times(api, sent);
	if (++api->under_way > api->most_under_way)
		api->most_under_way = api->under_way;
	if (api->verbose)
	{
		char text[200];

		request_show(request, text, sizeof(text));
		printf("#   %4d  request %d: %s\n", (int) api->now, sent->number, text);
	}
	return sent;
}

static void
choose_times(Api *api, Request *request)
{
	int to_api = 1;
	int back = 1;

	if (api->pace == PACE_ANY)
	{
		to_api = random_between(api->random, 1, 8);
		back = random_between(api->random, 0, 8);
	}
	else if (api->pace == PACE_SLOW_REQUESTS && random_chance(api->random, 20))
		to_api = random_between(api->random, 1, 30);
	else if (api->pace == PACE_SLOW_ANSWERS && random_chance(api->random, 20))
		back = random_between(api->random, 1, 30);
	request->read_at = api->now + to_api;
	request->answered_at = request->read_at + back;
}

void
api_pass(Api *api, int ticks)
{
	int64_t until = api->now + ticks;

	for (;;)
	{
		Request *next = NULL;

		for (int i = 0; i < MAX_UNDER_WAY; i++)
		{
			Request *request = &api->requests[i];

			if (request->number != 0 && !request->is_read && request->read_at <= until &&
				(next == NULL || request->read_at < next->read_at ||
				 (request->read_at == next->read_at && request->number < next->number)))
				next = request;
		}
		if (next == NULL)
			break;
		api->now = next->read_at;
		read_request(api, next);
	}
	api->now = until;
}

static void
read_request(Api *api, Request *request)
{
	/* The state before it was reached by as many changes. */
	while (api->state < api->nchanges && api->changes[api->state] <= api->nlog + 1)
	{
		api->state++;
		if (api->verbose)
			say_change(api);
	}
	request->entry = api->nlog;
	api->log[api->nlog++] = (LogEntry){.request = request->request, .state = api->state};
	request->is_read = true;
	answer(api, request);
	if (api->verbose)
	{
		printf("#   %4d  request %d is read in state %d and %s after %d ticks:",
			   (int) api->now, request->number, api->state,
			   request->answer.is_failure   ? "failed"
			   : request->answer.is_refused ? "refused"
											: "answered",
			   (int) (request->answered_at - api->now));
		for (int i = 0; i < request->answer.page.count; i++)
			printf(" %d",
				   (int) (request->answer.page.links[i].link - api->history->links));
		printf(" of %d\n", (int) request->answer.total);
	}
}

static void
answer(Api *api, Request *request)
{
	const PlfListRequest *asked = &request->request;
	Answer *answer = &request->answer;
	int links[MAX_LINKS];
	int first = (int) (asked->page - 1) * asked->per_page;

	memset(answer, 0, sizeof(*answer));
	if (request->number == api->failing)
	{
		answer->is_failure = true;
		return;
	}
	answer->total = history_list(api->history, api->state, &api->listing, asked, links);
	if (asked->page > 1 && first >= answer->total && api->past_end != PAST_END_EMPTY)
	{
		answer->is_refused = true;
		api->refused++;
		return;
	}
	api->empty += asked->page > 1 && first >= answer->total;
	while (answer->page.count < asked->per_page &&
		   first + answer->page.count < answer->total)
	{
		int link = links[first + answer->page.count];
		int at = answer->page.count++;

		answer->page.links[at].link = &api->history->links[link];
		answer->page.links[at].status = api->history->states[api->state][link];
	}
}

static void
say_change(const Api *api)
{
	const uint8_t *before = api->history->states[api->state - 1];
	const uint8_t *now = api->history->states[api->state];

	printf("#         the list changes to state %d:", api->state);
	for (int i = 0; i < api->history->nlinks; i++)
	{
		if (before[i] == now[i])
			continue;
		printf(" %s%d", now[i] == ABSENT ? "-" : before[i] == ABSENT ? "+" : "", i);
		if (now[i] != ABSENT)
			printf(" %s", status_name(now[i]));
	}
	printf("\n");
}

const Answer *
api_wait(Api *api, Request *request)
{
	if (request->answered_at > api->now || !request->is_read)
		api_pass(api, (int) (request->answered_at - api->now));
	for (int i = 0; i < MAX_UNDER_WAY; i++)
		if (api->requests[i].number != 0 && api->requests[i].number < request->number &&
			api->requests[i].answered_at > request->answered_at)
		{
			api->out_of_order++;
			break;
		}
	return &request->answer;
}

bool
api_is_answered(const Api *api, const Request *request)
{
	return request->is_read && request->answered_at <= api->now;
}

void
api_take(Api *api, Request *request)
{
	api->log[request->entry].is_taken = true;
	api_drop(api, request);
}

void
api_drop(Api *api, Request *request)
{
	request->number = 0;
	api->under_way--;
}

void
api_say_row(const Api *api, int link, int status)
{
	if (api->verbose)
		printf("#   %4d  row: link %d %s\n", (int) api->now, link, status_name(status));
}

void
request_show(const PlfListRequest *request, char *text, size_t size)
{
	size_t at = snprintf(text, size, "page %d of %d links", (int) request->page,
						 request->per_page);

	if (request->sort_by != NULL)
		at += snprintf(text + at, size - at, " by %s%s", request->sort_by,
					   request->descending ? " down" : "");
	for (int status = 0; request->filtered && status < PLF_STATUS_COUNT; status++)
		if (status_in(request->statuses, status))
			at += snprintf(text + at, size - at, " %s", status_name(status));
}
