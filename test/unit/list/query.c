/*
 * query.c
 *		What is asked of a list, at random.
 *
 * The shapes are those that the planner makes (src/plan/plan.c): a window has no
 * condition but one on the status, a range brings its own order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"

static void choose_statuses(ModelQuery *query, Random *random);
static void choose_key(ModelQuery *query, Random *random, const History *history);
static void choose_range(ModelQuery *query, Random *random, const History *history);
static int value_of(Random *random, const int *values, int count);
static void choose_demand(ModelQuery *query, Random *random, const History *history);

void
query_make(ModelQuery *query, Random *random, const History *history)
{
	memset(query, 0, sizeof(*query));
	query->limit = TAKE_ALL;
	choose_statuses(query, random);
	choose_key(query, random, history);
	query->reusable = !query->counts && random_chance(random, 5);
	choose_demand(query, random, history);
}

/* The conditions of test/drift/queries.py, and others of their kinds. */
static void
choose_statuses(ModelQuery *query, Random *random)
{
	query->statuses = PLF_STATUS_ALL;
	query->others = OTHERS_ALL;
	query->holds_for_others = true;
	if (random_chance(random, 40))
		return;
	query->others = RANDOM_OF(random, OTHERS_NONE, OTHERS_ALL, OTHERS_SOME, OTHERS_SOME);
	query->statuses = (PlfStatusSet) random_below(random, PLF_STATUS_ALL + 1);
	query->holds_for_others = query->others == OTHERS_ALL ||
							  (query->others == OTHERS_SOME && random_chance(random, 50));
	if (query->statuses == PLF_STATUS_NONE && query->others == OTHERS_NONE)
		query->statuses = 1;
	query->failed = random_chance(random, 3);
}

static void
choose_key(ModelQuery *query, Random *random, const History *history)
{
	int kind = random_below(random, 100);

	if (kind < 22)
		return;
	query->key = RANDOM_OF(random, BY_AMOUNT, BY_DATE, BY_DATE);
	query->descending = random_chance(random, 50);
	query->nulls_first = random_chance(random, 50);
	if (kind < 60)
		return;
	if (query->key == BY_DATE && kind < 68)
		query->test = KEY_IS_NULL;
	else if (query->key == BY_DATE && kind < 76)
		query->test = KEY_IS_NOT_NULL;
	else
		choose_range(query, random, history);
	query->counts = random_chance(random, 20);
}

/* A lower bound, an upper one or both, which do not exclude each other. */
static void
choose_range(ModelQuery *query, Random *random, const History *history)
{
	int values[MAX_LINKS];
	int count = 0;
	int which = RANDOM_OF(random, 1, 2, 3, 3);

	for (int i = 0; i < history->nlinks; i++)
		if (link_has_key(&history->links[i], query->key))
			values[count++] = link_key(&history->links[i], query->key);
	if (count == 0)
		values[count++] = 100;
	sort_ints(values, count);

	query->test = KEY_IN_RANGE;
	query->lower = (Bound){(which & 1) != 0, random_chance(random, 50),
						   value_of(random, values, count)};
	query->upper = (Bound){(which & 2) != 0, random_chance(random, 50),
						   value_of(random, values, count)};
	if (which == 3 && query->lower.value > query->upper.value)
	{
		int value = query->lower.value;

		query->lower.value = query->upper.value;
		query->upper.value = value;
	}
	if (which == 3 && query->lower.value == query->upper.value)
		query->lower.is_open = query->upper.is_open = false;
}

/* A value of some link, between two, or beyond all of them. */
static int
value_of(Random *random, const int *values, int count)
{
	int at = random_below(random, count);

	return RANDOM_OF(random, values[at], values[at], (values[at] + values[count - 1]) / 2,
					 values[0] - 1, values[count - 1] + 1);
}

/* Everything, a cursor, or a window. */
static void
choose_demand(ModelQuery *query, Random *random, const History *history)
{
	int length = history_length(history, 0);
	int kind = random_below(random, 100);

	if (query->counts || kind < 40)
		return;
	if (kind < 60)
	{
		int number = random_between(random, 1, 5);

		while (query->nsteps < number)
			query->steps[query->nsteps++] = RANDOM_OF(random, 1, 2, 3, 5, 8, 13);
		if (random_chance(random, 60))
			query->steps[query->nsteps++] = TAKE_ALL;
		query->is_told = random_chance(random, 70);
		return;
	}
	if (kind < 95)
		query->limit = RANDOM_OF(random, 1, 2, 3, random_between(random, 1, length + 3),
								 random_between(random, 1, length + 3));
	if (kind >= 80)
		query->offset = random_between(random, 1, length + 3);
	query->is_window = query->test == KEY_ANY && !query->reusable &&
					   random_chance(random, 80);
}

bool
query_checks_statuses(const ModelQuery *query)
{
	bool is_exact = query->is_window || query->counts;

	return !query->failed && query->others != OTHERS_NONE &&
		   (query->statuses != PLF_STATUS_ALL ||
			(is_exact && query->others == OTHERS_SOME));
}

bool
query_status_holds(const ModelQuery *query, int status)
{
	return status == UNDOCUMENTED ? query->holds_for_others
								  : status_in(query->statuses, status);
}

bool
query_key_holds(const ModelQuery *query, const ModelLink *link)
{
	bool has_key = link_has_key(link, query->key);
	int key = link_key(link, query->key);

	switch (query->test)
	{
		case KEY_ANY:
			return true;
		case KEY_IS_NULL:
			return !has_key;
		case KEY_IS_NOT_NULL:
			return has_key;
		case KEY_IN_RANGE:
			break;
	}
	return has_key &&
		   (!query->lower.is_set || key > query->lower.value ||
			(key == query->lower.value && !query->lower.is_open)) &&
		   (!query->upper.is_set || key < query->upper.value ||
			(key == query->upper.value && !query->upper.is_open));
}

bool
query_holds(const ModelQuery *query, const ModelLink *link, int status)
{
	return query_status_holds(query, status) && query_key_holds(query, link) &&
		   (link->reusable || !query->reusable);
}

int
query_compare(const ModelQuery *query, const ModelLink *one, const ModelLink *other)
{
	bool has_one = link_has_key(one, query->key);
	bool has_other = link_has_key(other, query->key);
	int key = link_key(one, query->key);
	int other_key = link_key(other, query->key);

	if (query->key == BY_NOTHING || (!has_one && !has_other) ||
		(has_one && has_other && key == other_key))
		return 0;
	if (has_one != has_other)
		return has_one == query->nulls_first ? 1 : -1;
	return (key < other_key) == query->descending ? 1 : -1;
}

static size_t
show_bound(const ModelQuery *query, const Bound *bound, const char *operator, char * text,
		   size_t size)
{
	if (!bound->is_set)
		return 0;
	return snprintf(text, size, " AND %s %s%s %d",
					query->key == BY_AMOUNT ? "amount" : "expiration_date", operator,
					bound->is_open ? "" : "=", bound->value);
}

void
query_show(const ModelQuery *query, char *text, size_t size)
{
	const char *key = query->key == BY_AMOUNT ? "amount" : "expiration_date";
	size_t at = snprintf(text, size, "SELECT %s WHERE status IN (",
						 query->counts ? "count(*)" : "*");

	for (int status = 0; status < STATUSES; status++)
		if (query_status_holds(query, status))
			at += snprintf(text + at, size - at, "%s,", status_name(status));
	at += snprintf(text + at, size - at, ")%s%s",
				   query->failed                  ? " [evaluated for each link]"
				   : query->others == OTHERS_ALL  ? " [and all others]"
				   : query->others == OTHERS_SOME ? " [others unknown]"
												  : "",
				   query->reusable ? " AND reusable" : "");
	at += show_bound(query, &query->lower, ">", text + at, size - at);
	at += show_bound(query, &query->upper, "<", text + at, size - at);
	if (query->test == KEY_IS_NULL || query->test == KEY_IS_NOT_NULL)
		at += snprintf(text + at, size - at, " AND %s IS %sNULL", key,
					   query->test == KEY_IS_NULL ? "" : "NOT ");
	if (query->key != BY_NOTHING)
		at += snprintf(text + at, size - at, " ORDER BY %s%s NULLS %s", key,
					   query->descending ? " DESC" : "",
					   query->nulls_first ? "FIRST" : "LAST");
	if (query->limit >= 0)
		at += snprintf(text + at, size - at, " LIMIT %d", query->limit);
	if (query->offset > 0)
		at += snprintf(text + at, size - at, " OFFSET %d", query->offset);
	if (query->is_window)
		at += snprintf(text + at, size - at, " [window]");
	for (int i = 0; i < query->nsteps; i++)
		at += snprintf(text + at, size - at, "%s%d", i == 0 ? " [FETCH " : ", ",
					   query->steps[i]);
	if (query->nsteps > 0)
		snprintf(text + at, size - at, "%s]", query->is_told ? "" : ", as if to the end");
}
