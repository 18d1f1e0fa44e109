/*
 * count_pages.c
 *		One-row requests that tell how many links there are of some statuses,
 *		and what is done where they cannot tell.
 */
#include "postgres.h"

#include "access/table.h"
#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "plan/ordering.h"
#include "count/count_state.h"
#include "list/reader.h"
#include "scan/scan.h"

/* The links of one status, found by that status. */
typedef struct StatusEntry
{
	Datum value;
	PlfTally *tally;
	uint32 hash;
	char status; /* simplehash's */
} StatusEntry;

/* The server chooses statuses, too: the hash of one is no secret without the seed. */
typedef struct StatusType
{
	bool by_value;
	int length;
	uint64 seed;
} StatusType;

static uint32 hash_status(const StatusType *type, Datum value);

#define STATUS_TYPE(table) ((const StatusType *) (table)->private_data)

#define SH_PREFIX            statuses
#define SH_ELEMENT_TYPE      StatusEntry
#define SH_KEY_TYPE          Datum
#define SH_KEY               value
#define SH_HASH_KEY(tb, key) hash_status(STATUS_TYPE(tb), key)
#define SH_EQUAL(tb, a, b) \
	datumIsEqual(a, b, STATUS_TYPE(tb)->by_value, STATUS_TYPE(tb)->length)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) ((entry)->hash)
#define SH_SCOPE               static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static void tally_links(PlfCountState *state, PlfReader *reader);
static bool is_in_range(PlfCountState *state, const PlfLink *link, PlfRow *row,
						Datum *values, bool *nulls);
static PlfTally *tally_of(PlfCountState *state, Datum status, bool isnull);
static PlfTally *add_tally(PlfCountState *state);
static void add_statuses(PlfCountState *state, const PlfCountUnit *unit);
static void add_probe(PlfCountState *state, bool filtered, PlfStatusSet statuses);

void
plf_probes_plan(PlfCountState *state)
{
	PlfStatusSet singles = PLF_STATUS_NONE;
	int sets = 0;

	if (state->spec->grouped)
	{
		PlfStatusVerdict *verdict = &state->units[0].verdict;

		for (int i = 0; i < PLF_STATUS_COUNT; i++)
			if (verdict->statuses & ((PlfStatusSet) 1 << i))
				add_probe(state, true, (PlfStatusSet) 1 << i);
		if (verdict->rest == PLF_REST_NO)
			add_probe(state, true, verdict->statuses);
		else
		{
			add_probe(state, false, PLF_STATUS_ALL);
			if (verdict->statuses != PLF_STATUS_ALL)
				add_probe(state, true, PLF_STATUS_ALL);
		}
		return;
	}

	for (int i = 0; i < state->spec->ncolumns; i++)
	{
		PlfCountColumn *column = &state->spec->columns[i];
		PlfCountUnit *unit = &state->units[column->filter + 1];
		PlfStatusVerdict *verdict = &unit->verdict;

		if (column->kind != PLF_COUNT_LINKS && column->kind != PLF_COUNT_SUM)
			continue;
		switch (verdict->rest)
		{
			case PLF_REST_NO:
				add_statuses(state, unit);
				break;
			case PLF_REST_ALL:
				add_probe(state, false, PLF_STATUS_ALL);
				add_probe(state, true, PLF_STATUS_ALL & ~verdict->statuses);
				break;
			case PLF_REST_SOME:
				add_probe(state, false, PLF_STATUS_ALL);
				add_probe(state, true, PLF_STATUS_ALL);
				add_statuses(state, unit);
				break;
		}
	}

	/* Several sets may be put together from fewer single statuses. */
	for (int i = 0; i < state->nprobes; i++)
	{
		if (!state->probes[i].filtered || state->probes[i].statuses == PLF_STATUS_ALL)
			continue;
		singles |= state->probes[i].statuses;
		sets++;
	}
	if (pg_popcount32(singles) < sets)
	{
		int kept = 0;

		for (int i = 0; i < state->nprobes; i++)
			if (!state->probes[i].filtered || state->probes[i].statuses == PLF_STATUS_ALL)
				state->probes[kept++] = state->probes[i];
		state->nprobes = kept;
		for (int i = 0; i < PLF_STATUS_COUNT; i++)
			if (singles & ((PlfStatusSet) 1 << i))
				add_probe(state, true, (PlfStatusSet) 1 << i);
	}
}

/*
 * The statuses of a unit: together, or one by one where the column may refuse one of
 * them, to know whether a link has that one.
 */
static void
add_statuses(PlfCountState *state, const PlfCountUnit *unit)
{
	PlfStatusSet statuses = unit->verdict.statuses;

	if (unit->filter == NULL || !(statuses & state->status->may_refuse))
	{
		add_probe(state, true, statuses);
		return;
	}
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		if (statuses & ((PlfStatusSet) 1 << i))
			add_probe(state, true, (PlfStatusSet) 1 << i);
}

static void
add_probe(PlfCountState *state, bool filtered, PlfStatusSet statuses)
{
	if (filtered && statuses == PLF_STATUS_NONE)
		return;
	for (int i = 0; i < state->nprobes; i++)
		if (state->probes[i].filtered == filtered &&
			state->probes[i].statuses == statuses)
			return;
	state->probes[state->nprobes].filtered = filtered;
	state->probes[state->nprobes].statuses = statuses;
	state->nprobes++;
}

PlfListRequest
plf_probe_request(const PlfProbe *probe)
{
	PlfListRequest request = {.page = 1, .per_page = 1};

	request.filtered = probe->filtered;
	request.statuses = probe->statuses;
	return request;
}

void
plf_probes_run(PlfCountState *state)
{
	if (state->source == NULL)
		state->source = plf_source_open(state->context, state->userid, state->options,
										state->statement);
	plf_source_expect(state->source, state->nprobes);
	for (int i = 0; i < state->nprobes; i++)
	{
		PlfListRequest request = plf_probe_request(&state->probes[i]);

		state->probes[i].ticket = plf_source_request(state->source, &request);
	}
	for (int i = 0; i < state->nprobes; i++)
	{
		PlfHeldPage *held =
			plf_source_receive(state->source, state->probes[i].ticket).page;

		state->probes[i].total = held->total;
		plf_source_release(state->source, held);
	}
}

bool
plf_probes_agree(const PlfCountState *state)
{
	int64 parts = 0;
	PlfStatusVerdict *verdict = &state->units[0].verdict;

	if (!state->spec->grouped)
	{
		for (int i = 0; i < state->nunits; i++)
			if (state->units[i].verdict.rest == PLF_REST_SOME &&
				plf_probed(state, false, PLF_STATUS_ALL) >= 0 &&
				plf_probed(state, true, PLF_STATUS_ALL) >= 0)
				return plf_probed(state, false, PLF_STATUS_ALL) ==
					   plf_probed(state, true, PLF_STATUS_ALL);
		return true;
	}
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		if (verdict->statuses & ((PlfStatusSet) 1 << i))
			parts += plf_probed(state, true, (PlfStatusSet) 1 << i);
	if (verdict->rest == PLF_REST_NO)
		return parts == plf_probed(state, true, verdict->statuses);
	if (verdict->statuses == PLF_STATUS_ALL)
		return parts == plf_probed(state, false, PLF_STATUS_ALL);
	return plf_probed(state, false, PLF_STATUS_ALL) ==
		   plf_probed(state, true, PLF_STATUS_ALL);
}

int64
plf_probed(const PlfCountState *state, bool filtered, PlfStatusSet statuses)
{
	int64 sum = 0;

	if (filtered && statuses == PLF_STATUS_NONE)
		return 0;
	for (int i = 0; i < state->nprobes; i++)
		if (state->probes[i].filtered == filtered &&
			state->probes[i].statuses == statuses)
			return state->probes[i].total;
	if (!filtered || pg_popcount32(statuses) == 1)
		return -1;
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
	{
		int64 single;

		if (!(statuses & ((PlfStatusSet) 1 << i)))
			continue;
		single = plf_probed(state, true, (PlfStatusSet) 1 << i);
		if (single < 0)
			return -1;
		sum += single;
	}
	return sum;
}

void
plf_count_by_reading(PlfCountState *state)
{
	PlfReading what = {.take = -1};
	PlfReader *reader;

	if (!plf_reading_statuses(&state->units[0].verdict, false, &what))
	{
		state->read = true;
		return;
	}
	/* Statuses that need a check are not worth it: each link is looked at. */
	if (what.check_world)
		what.filtered = what.check_world = false;
	if (state->source == NULL)
		state->source = plf_source_open(state->context, state->userid, state->options,
										state->statement);
	reader = plf_reader_create(plf_source_pages(state->source), state->options, &what);
	tally_links(state, reader);
	state->read_all = !what.filtered;
	plf_reader_free(reader);
}

/* Reads the links, those of the range if there is one, and counts them by status. */
static void
tally_links(PlfCountState *state, PlfReader *reader)
{
	Relation relation = table_open(state->relid, NoLock);
	PlfTable *table = plf_table_describe(relation);
	int at = state->spec->status_attnum - 1; /* -1: no such column */
	Bitmapset *columns = at < 0 ? NULL : bms_make_singleton(at + 1);
	PlfRow *row = plf_row_create(relation, table, columns);
	Datum *values = palloc(sizeof(Datum) * table->ncolumns);
	bool *nulls = palloc(sizeof(bool) * table->ncolumns);
	MemoryContext row_context = AllocSetContextCreate(
		CurrentMemoryContext, "payment links row", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(row_context);
	PlfLink link;

	table_close(relation, NoLock);
	state->read = true;
	while (plf_reader_next(reader, &link))
	{
		if (is_in_range(state, &link, row, values, nulls))
		{
			plf_row_decode(row, &link, values, nulls);
			tally_of(state, at < 0 ? (Datum) 0 : values[at], at < 0 || nulls[at])
				->links++;
		}
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row_context);
	state->links += plf_reader_links(reader);
}

/*
 * Whether a link is to be counted, as far as the range tells.  Where evaluating the
 * bounds raises an error, they are evaluated for links alone that satisfy the conditions
 * on the status, which cost the executor less and come first.
 */
static bool
is_in_range(PlfCountState *state, const PlfLink *link, PlfRow *row, Datum *values,
			bool *nulls)
{
	int at = state->spec->status_attnum - 1;

	if (state->range == NULL)
		return true;
	if (state->bounds_kind == PLF_BOUNDS_FAILED && at >= 0)
	{
		plf_row_decode(row, link, values, nulls);
		if (!plf_count_holds(state, 0, values[at], nulls[at]))
			return false;
	}
	return plf_range_place(state->range, link) ==
		   (state->spec->nulls_only ? PLF_PLACE_NULL : PLF_PLACE_IN);
}

/* The tally of a status, made when it is the first with that one. */
static PlfTally *
tally_of(PlfCountState *state, Datum status, bool isnull)
{
	StatusEntry *entry;

	if (isnull)
	{
		if (state->null_tally == NULL)
			state->null_tally = add_tally(state);
		return state->null_tally;
	}
	if (state->by_status == NULL)
	{
		StatusType *type = MemoryContextAlloc(state->run_context, sizeof(StatusType));
		int16 length;

		get_typlenbyval(state->status->type, &length, &type->by_value);
		type->length = length;
		type->seed = pg_prng_uint64(&pg_global_prng_state);
		state->by_status = statuses_create(state->run_context, 8, type);
	}
	entry = statuses_lookup(state->by_status, status);
	if (entry == NULL)
	{
		const StatusType *type = STATUS_TYPE(state->by_status);
		PlfTally *tally = add_tally(state);
		MemoryContext old = MemoryContextSwitchTo(state->run_context);
		bool found;

		tally->isnull = false;
		tally->status = datumCopy(status, type->by_value, type->length);
		entry = statuses_insert(state->by_status, tally->status, &found);
		entry->tally = tally;
		MemoryContextSwitchTo(old);
	}
	return entry->tally;
}

/* Another tally, without a status, in the list of all. */
static PlfTally *
add_tally(PlfCountState *state)
{
	PlfTally *tally;

	if (MemoryContextMemAllocated(state->run_context, false) > (Size) work_mem * 1024)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg(
				 "payment links have too many different statuses to be counted in memory"),
			 errhint("Raise work_mem, or set the option count_pushdown 'false'.")));
	tally = MemoryContextAllocZero(state->run_context, sizeof(PlfTally));
	tally->isnull = true;
	tally->next = state->tallies;
	state->tallies = tally;
	return tally;
}

static uint32
hash_status(const StatusType *type, Datum value)
{
	const unsigned char *bytes = (unsigned char *) &value;
	Size size = sizeof(value);

	if (!type->by_value)
	{
		bytes = (unsigned char *) DatumGetPointer(value);
		size = datumGetSize(value, false, type->length);
	}
	return (uint32) hash_bytes_extended(bytes, (int) size, type->seed);
}

void
plf_count_range_reading(const PlfCountState *state, PlfReading *what)
{
	Relation relation = table_open(state->relid, NoLock);
	const PlfColumn *key =
		&plf_table_describe(relation)->columns[state->spec->key_attnum - 1];

	plf_reading_sort_by(key, plf_count_is_descending(state->spec), what);
	what->nulls = PLF_NULLS_OUT;
	what->range = state->range;
	what->take = -1;
	table_close(relation, NoLock);
}

/* Where the ends of the range do not tell, or not all, its links are read. */
void
plf_count_range(PlfCountState *state)
{
	PlfReading what = {0};
	PlfReader *reader;

	state->in_range = 0;
	if (!plf_reading_statuses(&state->units[0].verdict, true, &what))
		return;
	plf_count_range_reading(state, &what);
	if (plf_count_is_impossible(state->spec, &what))
		return;
	if (state->source == NULL)
		state->source = plf_source_open(state->context, state->userid, state->options,
										state->statement);
	if (state->must_read || state->units[0].verdict.failed)
	{
		if (state->spec->lower == NIL && state->spec->upper == NIL)
			what.range = NULL;
		if (state->spec->nulls_only)
			what.nulls = PLF_NULLS_ONLY;
		reader = plf_reader_create(plf_source_pages(state->source), state->options,
								   &what);
		tally_links(state, reader);
		state->closed = plf_reader_world(reader) == PLF_WORLD_CLOSED;
		plf_reader_free(reader);
		return;
	}
	reader = plf_reader_create(plf_source_pages(state->source), state->options, &what);
	state->in_range = plf_reader_range_size(reader);
	if (state->in_range < 0 && state->spec->nulls_only && !plf_reader_is_unsorted(reader))
	{
		/* Those links are in no range; without one, each link comes. */
		plf_reader_free(reader);
		what.range = NULL;
		what.nulls = PLF_NULLS_ONLY;
		reader = plf_reader_create(plf_source_pages(state->source), state->options,
								   &what);
	}
	if (state->in_range < 0)
		tally_links(state, reader);
	else if (state->spec->nulls_only)
		state->in_range = plf_reader_total(reader) - state->in_range;
	state->closed = plf_reader_world(reader) == PLF_WORLD_CLOSED;
	plf_reader_free(reader);
}
