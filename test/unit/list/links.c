/*
 * links.c
 *		Links, and a list of them that changes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "links.h"

#define DAY 100

const char *const model_sort_by[3] = {NULL, "amount", "expiration_date"};

static int make_link(History *history, const Maker *maker, ModelKey near, int value);
static int make_status(Random *random, const Maker *maker);
static void make_another(History *history, const Maker *maker, uint8_t *state);
static void restate(History *history, const Maker *maker, uint8_t *state);
static void insert(History *history, const Maker *maker, uint8_t *state, int count);
static bool value_beside(History *history, const uint8_t *state, int *value);
static void take_out(History *history, uint8_t *state, int count);
static bool admit(History *history, const uint8_t *state);
static bool lengths_take(Lengths *lengths, int kind, int length, uint64_t sum);
static void sort_links(History *history, const Listing *listing, ModelKey key,
					   bool descending);

void
history_start(History *history, Random *random, const Maker *maker, ModelKey column,
			  int count)
{
	history->random = random;
	history->column = column;
	history->nlinks = 0;
	history->nstates = 1;
	memset(history->states[0], ABSENT, MAX_LINKS);
	memset(history->is_sorted, 0, sizeof(history->is_sorted));
	for (int i = 0; i < count; i++)
		history->states[0][make_link(history, maker, BY_NOTHING, 0)] = make_status(random,
																				   maker);
}

void
history_watch(History *history, PlfStatusSet asked, bool is_balanced)
{
	history->asked = asked;
	history->is_balanced = is_balanced;
	memset(history->lengths.is_known, 0, sizeof(history->lengths.is_known));
	admit(history, history->states[0]);
}

/* A new link, whose "near" is "value" where that is a sort key or a date of creation. */
static int
make_link(History *history, const Maker *maker, ModelKey near, int value)
{
	Random *random = history->random;
	ModelLink *link = &history->links[history->nlinks];
	uint64_t low = random_next(random);

	link->rank = random_next(random);
	snprintf(link->id, sizeof(link->id), "%08x-%04x-%04x-%04x-%012llx",
			 (unsigned) (link->rank >> 32), (unsigned) (link->rank >> 16) & 0xffff,
			 (unsigned) link->rank & 0xffff, (unsigned) (low >> 48),
			 (unsigned long long) low & 0xffffffffffff);
	link->amount = random_chance(random, 50) ? random_between(random, -2, 15) * 100
											 : random_between(random, -500, 6000);
	link->expires = random_chance(random, maker->never)
						? 0
						: DAY * random_between(random, 1, 41) +
							  RANDOM_OF(random, 0, 0, DAY - 1, random_below(random, DAY));
	link->dateless = random_chance(random, maker->dateless);
	link->created = random_between(random, 1, 300);
	link->reusable = random_chance(random, 50);
	if (near == BY_AMOUNT)
		link->amount = value;
	else if (near == BY_DATE)
		link->expires = value;
	return history->nlinks++;
}

static int
make_status(Random *random, const Maker *maker)
{
	return random_chance(random, maker->documented)
			   ? random_below(random, PLF_STATUS_COUNT)
			   : UNDOCUMENTED;
}

bool
history_go_on(History *history, const Maker *maker)
{
	uint8_t *state = history->states[history->nstates];
	const uint8_t *last = history->states[history->nstates - 1];

	if (history->nstates == MAX_STATES)
		return false;
	for (int tries = 0; tries < 20; tries++)
	{
		int nlinks = history->nlinks;

		make_another(history, maker, state);
		if (memcmp(state, last, MAX_LINKS) != 0 && admit(history, state))
		{
			history->nstates++;
			return true;
		}
		history->nlinks = nlinks;
	}
	return false;
}

static void
make_another(History *history, const Maker *maker, uint8_t *state)
{
	Random *random = history->random;
	int last = history->nstates - 1;

	if (last > 0 && random_chance(random, 10))
	{
		memcpy(state, history->states[random_below(random, last)], MAX_LINKS);
		return;
	}
	memcpy(state, history->states[last], MAX_LINKS);
	for (int changes = RANDOM_OF(random, 1, 1, 1, 2, 3); changes > 0; changes--)
	{
		int kind = random_below(random, 100);

		if (random_chance(random, maker->restated))
			restate(history, maker, state);
		else if (kind < 48)
			insert(history, maker, state, RANDOM_OF(random, 1, 1, 2, 3));
		else if (kind < 91)
			take_out(history, state, RANDOM_OF(random, 1, 1, 2, 3, 8));
		else if (kind < 97)
			insert(history, maker, state, random_between(random, 5, 20));
		else
			memset(state, ABSENT, MAX_LINKS);
	}
}

/* The links of a state, in no order. */
static int
links_of(const History *history, const uint8_t *state, int *links)
{
	int count = 0;

	for (int i = 0; i < history->nlinks; i++)
		if (state[i] != ABSENT)
			links[count++] = i;
	return count;
}

/* So many of them at random come to stand first. */
static void
shuffle(Random *random, int *links, int count, int chosen)
{
	for (int i = 0; i < chosen; i++)
	{
		int at = random_between(random, i, count - 1);
		int link = links[at];

		links[at] = links[i];
		links[i] = link;
	}
}

static void
restate(History *history, const Maker *maker, uint8_t *state)
{
	int links[MAX_LINKS];
	int count = links_of(history, state, links);
	int chosen = RANDOM_OF(history->random, 1, 1, 2, 4);

	chosen = chosen < count ? chosen : count;
	shuffle(history->random, links, count, chosen);
	for (int i = 0; i < chosen; i++)
		state[links[i]] = make_status(history->random, maker);
}

static void
insert(History *history, const Maker *maker, uint8_t *state, int count)
{
	int links[MAX_LINKS];
	int length = links_of(history, state, links);
	int value;

	for (; count > 0 && length < MAX_LENGTH && history->nlinks < MAX_LINKS; count--)
	{
		bool beside = random_chance(history->random, 70) &&
					  value_beside(history, state, &value);
		int link = make_link(history, maker, beside ? history->column : BY_NOTHING,
							 beside ? value : 0);

		state[link] = make_status(history->random, maker);
		length++;
	}
}

static int
compare_ints(const void *one, const void *other)
{
	return *(const int *) one < *(const int *) other
			   ? -1
			   : *(const int *) one > *(const int *) other;
}

void
sort_ints(int *values, int count)
{
	qsort(values, count, sizeof(int), compare_ints);
}

/* A value at an end of those of a state, between two, or one of them. */
static bool
value_beside(History *history, const uint8_t *state, int *value)
{
	int values[MAX_LINKS];
	int count = 0;
	int at;

	if (history->column == BY_NOTHING)
		return false;
	for (int i = 0; i < history->nlinks; i++)
		if (state[i] != ABSENT && link_has_key(&history->links[i], history->column))
			values[count++] = link_key(&history->links[i], history->column);
	if (count == 0)
		return false;
	sort_ints(values, count);
	at = random_below(history->random, count);
	*value = RANDOM_OF(history->random, values[0] - 1, values[count - 1] + 1, values[at],
					   (values[at] + values[(at + 1) % count]) / 2);
	if (history->column == BY_DATE && *value < 1)
		*value = 1;
	return true;
}

static uint64_t
place_in(const History *history, int link)
{
	const ModelLink *it = &history->links[link];

	return (uint64_t) (link_key(it, history->column) + 100000) << 32 | it->rank >> 32;
}

/* Takes links out at an end, in the middle, or here and there. */
static void
take_out(History *history, uint8_t *state, int count)
{
	Random *random = history->random;
	int links[MAX_LINKS];
	int length = links_of(history, state, links);
	int from;

	count = count < length ? count : length;
	if (random_chance(random, 40))
	{
		shuffle(random, links, length, count);
		for (int i = 0; i < count; i++)
			state[links[i]] = ABSENT;
		return;
	}
	from = RANDOM_OF(random, 0, length - count,
					 random_between(random, 0, length - count));
	for (int i = 0; i < length; i++)
	{
		int before = 0;

		for (int other = 0; other < length; other++)
			before += place_in(history, links[other]) < place_in(history, links[i]);
		if (before >= from && before < from + count)
			state[links[i]] = ABSENT;
	}
}

/* Whether the state can be told from all those before it; then it is one of them. */
static bool
admit(History *history, const uint8_t *state)
{
	Lengths lengths = history->lengths;
	uint64_t sum[3] = {0};
	int length[3] = {0};

	if (history->is_balanced)
		return true;
	for (int i = 0; i < history->nlinks; i++)
	{
		bool is_in[3] = {state[i] != ABSENT, state[i] < PLF_STATUS_COUNT,
						 state[i] != ABSENT && status_in(history->asked, state[i])};

		for (int which = 0; which < 3; which++)
		{
			sum[which] += is_in[which] ? history->links[i].rank : 0;
			length[which] += is_in[which];
		}
	}
	/* All links and those of documented statuses are compared with each other. */
	if (!lengths_take(&lengths, 0, length[0], sum[0]) ||
		!lengths_take(&lengths, 0, length[1], sum[1]) ||
		(history->asked != PLF_STATUS_ALL &&
		 !lengths_take(&lengths, 1, length[2], sum[2])))
		return false;
	history->lengths = lengths;
	return true;
}

static bool
lengths_take(Lengths *lengths, int kind, int length, uint64_t sum)
{
	if (lengths->is_known[kind][length])
		return lengths->links[kind][length] == sum;
	lengths->is_known[kind][length] = true;
	lengths->links[kind][length] = sum;
	return true;
}

int
history_length(const History *history, int state)
{
	int links[MAX_LINKS];

	return links_of(history, history->states[state], links);
}

int
history_list(History *history, int state, const Listing *listing,
			 const PlfListRequest *request, int *links)
{
	ModelKey key = request_key(request);
	const uint8_t *sorted = history->sorted[key][request->descending];
	const uint8_t *statuses = history->states[state];
	NullBlock block = listing->null_block;
	int never[MAX_LINKS];
	int nnever = 0;
	int count = 0;
	int from;
	int before;

	if (!history->is_sorted[key][request->descending])
		sort_links(history, listing, key, request->descending);
	for (int i = 0; i < history->nlinks; i++)
	{
		int link = sorted[i];

		if (statuses[link] == ABSENT ||
			(request->filtered && !status_in(request->statuses, statuses[link])))
			continue;
		if (link_has_key(&history->links[link], key))
			links[count++] = link;
		else
			never[nnever++] = link;
	}
	if (nnever == 0)
		return count;
	if (block == BLOCK_LOWEST)
		block = request->descending ? BLOCK_LAST : BLOCK_FIRST;
	from = block == BLOCK_AMONG ? count / 2 : 0; /* where the block goes, */
	before = block == BLOCK_LAST   ? 0           /* and how many of it */
			 : block == BLOCK_BOTH ? nnever / 2
								   : nnever;
	memmove(links + from + before, links + from, (count - from) * sizeof(int));
	memcpy(links + from, never, before * sizeof(int));
	memcpy(links + count + before, never + before, (nnever - before) * sizeof(int));
	return count + nnever;
}

/* All links that the history knows, without regard to those without a key. */
static void
sort_links(History *history, const Listing *listing, ModelKey key, bool descending)
{
	uint8_t *sorted = history->sorted[key][descending];
	bool by_key_down = key == BY_NOTHING ? listing->newest_first : descending;
	bool by_id_down = key == BY_NOTHING ? listing->newest_first
										: listing->highest_id_first;

	history->is_sorted[key][descending] = true;
	for (int i = 0; i < history->nlinks; i++)
	{
		const ModelLink *link = &history->links[i];
		int at = i;

		for (; at > 0; at--)
		{
			const ModelLink *other = &history->links[sorted[at - 1]];
			int one = link_key(link, key);
			int two = link_key(other, key);

			if (one == two ? (link->rank < other->rank) == by_id_down
						   : (one < two) == by_key_down)
				break;
			sorted[at] = sorted[at - 1];
		}
		sorted[at] = i;
	}
}
