/*
 * cases.c
 *		Schedules that are too rare to come about at random: each was wrong once.
 *
 * All of them need a second pass: a link came twice and another one was missed, while the
 * list kept its length.
 */
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "schedule.h"

static Schedule s; /* of the case that runs */

/* Adds a link; returns its number.  By "rank" links sort by their ids. */
static int
add(int rank, int expires, bool dateless, int created)
{
	ModelLink *l = &s.history.links[s.history.nlinks];
	memset(l, 0, sizeof(*l));
	l->rank = (uint64_t) rank << 32;
	snprintf(l->id, sizeof(l->id), "%08x-0000-0000-0000-%012x", rank, rank);
	l->expires = expires;
	l->dateless = dateless;
	l->created = created;
	return s.history.nlinks++;
}

/* Begins a case: no link yet, no order, no condition. */
static void
base(void)
{
	memset(&s, 0, sizeof(s));
	s.random = random_of(1, 1);
	s.history.random = &s.random;
	memset(s.history.states, ABSENT, sizeof(s.history.states));
	s.history.is_balanced = true;
	s.settings.page_size = 3;
	s.settings.concurrency = 1;
	s.api.history = &s.history;
	s.api.random = &s.random;
	s.api.pace = PACE_EVEN;
	s.query.statuses = PLF_STATUS_ALL;
	s.query.others = OTHERS_ALL;
	s.query.holds_for_others = true;
	s.query.limit = -1;
}

int
case_window_of_second_pass(void)
{
	/* ORDER BY expiration_date DESC NULLS LAST OFFSET 2, no link ever expires; while it
	 * is read one that does is made, and another one goes. */
	base();
	s.query.key = BY_DATE;
	s.query.descending = true;
	s.query.offset = 2;
	s.query.is_window = true;
	s.api.listing.null_block = BLOCK_LOWEST;
	for (int i = 0; i < 10; i++)
		s.history.states[0][add(100 + i, 0, false, 1)] = 0;
	add(50, 500, false, 1);
	memcpy(s.history.states[1], s.history.states[0], MAX_LINKS);
	s.history.states[1][10] = 0;
	s.history.states[1][8] = ABSENT;
	s.history.nstates = 2;
	s.api.nchanges = 1;
	s.api.changes[0] = 3;
	schedule_run(&s, false);
	return s.outcome.nrows;
}

int
case_statuses_of_second_pass(void)
{
	/* WHERE status <> '...' LIMIT 8: an undocumented status at first, none later. */
	base();
	s.query.is_window = true;
	s.query.limit = 8;
	s.query.statuses = PLF_STATUS_ALL & ~1;
	s.settings.page_size = 3;
	/* 0..7 but 2 are left out; by creation, oldest first */
	for (int i = 0; i < 12; i++)
		s.history.states[0][add(100 + i, 5, false, i)] = i < 8 ? 0 : 1;
	s.history.states[0][2] = UNDOCUMENTED;
	/* State 1: one comes first, 11 goes: links shift right, one comes twice */
	add(300, 5, false, -1);
	add(301, 5, false, 400);
	memcpy(s.history.states[1], s.history.states[0], MAX_LINKS);
	s.history.states[1][12] = 0;
	s.history.states[1][11] = ABSENT;
	/* State 2: the first goes, another one comes last: links shift left, one is missed;
	 * no undocumented status any more */
	memcpy(s.history.states[2], s.history.states[1], MAX_LINKS);
	s.history.states[2][12] = ABSENT;
	s.history.states[2][13] = 1;
	s.history.states[2][2] = 1;
	s.history.nstates = 3;
	s.api.nchanges = 2;
	s.api.changes[0] = 6;
	s.api.changes[1] = 7;
	schedule_run(&s, false);
	return s.outcome.nrows;
}

int
case_anchor_of_second_pass(void)
{
	/* No order; one link comes twice and another one is missed; while the list is read
	 * once more four links go that were read again. */
	base();
	s.settings.page_size = 2;
	for (int i = 0; i < 12; i++)
		s.history.states[0][add(100 + i, 5, false, i)] = 0;
	add(300, 5, false, -1);
	add(301, 5, false, 400);
	memcpy(s.history.states[1], s.history.states[0], MAX_LINKS);
	s.history.states[1][12] = 0;
	s.history.states[1][11] = ABSENT;
	memcpy(s.history.states[2], s.history.states[1], MAX_LINKS);
	s.history.states[2][12] = ABSENT;
	s.history.states[2][13] = 0;
	memcpy(s.history.states[3], s.history.states[2], MAX_LINKS);
	for (int i = 0; i < 4; i++)
		s.history.states[3][i] = ABSENT;
	s.history.nstates = 4;
	s.api.nchanges = 3;
	s.api.changes[0] = 3;
	s.api.changes[1] = 4;
	s.api.changes[2] = 9;
	schedule_run(&s, false);
	return s.outcome.nrows;
}
