/*
 * guarantee.c
 *		What is promised of the answer to a query about links that change while it runs.
 */
#include <stdio.h>
#include <string.h>

#include "guarantee.h"

static bool check_rows(const ModelQuery *query, const Row *rows, int nrows,
					   const Span *span, char *problem, size_t size);
static bool check_order(const ModelQuery *query, const Row *rows, int nrows,
						const Span *span, char *problem, size_t size);
static bool check_complete(const ModelQuery *query, const Row *rows, int nrows,
						   const Span *span, int most, char *problem, size_t size);

int
span_always(const Span *span, const ModelQuery *query, int *links)
{
	const History *history = span->history;
	int count = 0;

	for (int i = 0; i < history->nlinks; i++)
	{
		bool holds = !span->excused[i];

		for (int state = span->first; holds && state <= span->last; state++)
			holds = history->states[state][i] != ABSENT &&
					query_holds(query, &history->links[i], history->states[state][i]);
		if (holds)
			links[count++] = i;
	}
	return count;
}

/* Whether a link belonged into the answer in some state, with this status. */
static bool
held_once(const Span *span, const ModelQuery *query, int link, int status)
{
	for (int state = span->first; state <= span->last; state++)
		if (span->history->states[state][link] == status)
			return query_holds(query, &span->history->links[link], status);
	return false;
}

int
span_ever(const Span *span, const ModelQuery *query)
{
	int count = 0;

	for (int i = 0; i < span->history->nlinks; i++)
	{
		bool holds = false;

		for (int status = 0; !holds && status < STATUSES; status++)
			holds = held_once(span, query, i, status);
		count += holds;
	}
	return count;
}

bool
guarantee_links(const ModelQuery *query, const Row *rows, int nrows, const Span *span,
				int most, char *problem, size_t size)
{
	return guarantee_rows(query, rows, nrows, span, problem, size) &&
		   check_complete(query, rows, nrows, span, most, problem, size);
}

bool
guarantee_rows(const ModelQuery *query, const Row *rows, int nrows, const Span *span,
			   char *problem, size_t size)
{
	return check_rows(query, rows, nrows, span, problem, size) &&
		   check_order(query, rows, nrows, span, problem, size);
}

static bool
check_rows(const ModelQuery *query, const Row *rows, int nrows, const Span *span,
		   char *problem, size_t size)
{
	bool came[MAX_LINKS] = {false};

	for (int i = 0; i < nrows; i++)
	{
		if (!held_once(span, query, rows[i].link, rows[i].status))
		{
			snprintf(problem, size,
					 "link %d, %s, never was there, or not among those asked for",
					 rows[i].link, status_name(rows[i].status));
			return false;
		}
		if (came[rows[i].link])
		{
			snprintf(problem, size, "link %d comes twice", rows[i].link);
			return false;
		}
		came[rows[i].link] = true;
	}
	return true;
}

static bool
check_order(const ModelQuery *query, const Row *rows, int nrows, const Span *span,
			char *problem, size_t size)
{
	const ModelLink *links = span->history->links;

	for (int i = 1; i < nrows; i++)
	{
		if (query_compare(query, &links[rows[i].link], &links[rows[i - 1].link]) < 0)
		{
			snprintf(problem, size, "link %d comes after link %d", rows[i].link,
					 rows[i - 1].link);
			return false;
		}
	}
	return true;
}

/* Whether links are missing. */
static bool
check_complete(const ModelQuery *query, const Row *rows, int nrows, const Span *span,
			   int most, char *problem, size_t size)
{
	const ModelLink *links = span->history->links;
	bool is_cut = most >= 0 && nrows == most; /* others may follow the last one */
	bool came[MAX_LINKS] = {false};
	int always[MAX_LINKS];
	int nalways = span_always(span, query, always);
	int lost = 0;    /* links that are missing, */
	int skipped = 0; /* and those that an offset may have left out */
	int example = -1;
	int first_skipped = -1;

	if (most >= 0 && nrows > most)
	{
		snprintf(problem, size, "%d links instead of at most %d", nrows, most);
		return false;
	}
	for (int i = 0; i < nrows; i++)
		came[rows[i].link] = true;
	for (int i = 0; i < nalways; i++)
	{
		const ModelLink *link = &links[always[i]];
		bool is_skipped = !is_cut;
		bool is_lost = false;

		if (came[always[i]])
			continue;
		if (query->key != BY_NOTHING && nrows > 0)
		{
			const ModelLink *first = &links[rows[0].link];
			const ModelLink *last = &links[rows[nrows - 1].link];
			int to_first = query_compare(query, link, first);
			bool is_one_place = query_compare(query, first, last) == 0;

			is_lost = to_first > 0 && (query_compare(query, link, last) < 0 || !is_cut);
			is_skipped = to_first < 0 || (to_first == 0 && !(is_cut && is_one_place));
		}
		lost += is_lost;
		skipped += is_skipped;
		if (is_lost)
			example = always[i];
		else if (is_skipped)
			first_skipped = always[i];
	}
	if (skipped > query->offset)
	{
		lost += skipped;
		example = example < 0 ? first_skipped : example;
	}
	if (lost > 0)
		snprintf(problem, size, "%d links are missing, link %d among them", lost,
				 example);
	return lost == 0;
}

bool
guarantee_number(const ModelQuery *query, int64_t number, const Span *span, char *problem,
				 size_t size)
{
	int links[MAX_LINKS];
	int least = span_always(span, query, links);
	int most = span_ever(span, query);

	if (number >= least && number <= most)
		return true;
	snprintf(problem, size, "%d links, not between %d and %d", (int) number, least, most);
	return false;
}
