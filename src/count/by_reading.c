/*
 * by_reading.c
 *		Counts links by reading them.
 *
 * count.c and by_distance.c use it where neither the API's totals nor the ends of a range
 * tell how many links there are.
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "count/by_reading.h"
#include "scan/wanted.h"

/* A link that may be counted, and what is decoded of it. */
typedef struct Candidate
{
	PlfLink link;
	PlfRow *row;   /* decodes the status, if the node needs the status */
	int status;    /* index of the status in the next two, from 0; -1: not needed */
	Datum *values; /* by index of the column in the table */
	bool *nulls;
} Candidate;

static bool is_in_range(PlfCountState *state, const PlfCountRun *run,
						Candidate *candidate);

void
plf_count_by_reading(PlfCountState *state, PlfCountRun *run)
{
	PlfReading reading = {.take = -1};
	PlfReader *reader;

	if (!plf_reading_statuses(&run->verdicts[0], false, &reading))
	{
		run->by = PLF_BY_READING;
		run->groups = plf_status_groups_create(&state->table->resource->wire, InvalidOid);
		return;
	}
	/*
	 * The status check costs two requests, and is not needed: each link is looked at
	 * anyway.
	 */
	if (reading.check_statuses)
		reading.filtered = reading.check_statuses = false;
	reader = plf_reader_create(plf_source_pages(plf_count_source(state)), state->options,
							   &reading);
	plf_count_links(state, run, reader);
	run->read_all = !reading.filtered;
	plf_reader_free(reader);
}

void
plf_count_links(PlfCountState *state, PlfCountRun *run, PlfReader *reader)
{
	Relation relation = table_open(state->relid, NoLock);
	int natts = state->table->ncolumns;
	Candidate candidate = {.status = state->spec->status_attnum - 1};
	bool has_status = candidate.status >= 0;
	MemoryContext row_context;
	MemoryContext old;

	run->by = PLF_BY_READING;
	run->groups = plf_status_groups_create(&state->table->resource->wire,
										   has_status ? state->status->type : InvalidOid);
	candidate.row = plf_row_create(relation, state->table,
								   has_status ? bms_make_singleton(candidate.status + 1)
											  : NULL);
	candidate.values = palloc(sizeof(Datum) * natts);
	candidate.nulls = palloc(sizeof(bool) * natts);
	table_close(relation, NoLock);

	row_context = AllocSetContextCreate(CurrentMemoryContext, "payment_links_fdw row",
										ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(row_context);
	while (plf_reader_next(reader, &candidate.link))
	{
		if (is_in_range(state, run, &candidate))
		{
			bool isnull = true;
			Datum status = 0;

			plf_row_decode(candidate.row, &candidate.link, candidate.values,
						   candidate.nulls);
			if (has_status)
			{
				status = candidate.values[candidate.status];
				isnull = candidate.nulls[candidate.status];
			}
			plf_status_groups_get(run->groups, status, isnull)->links++;
		}
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row_context);
	state->links += plf_reader_links(reader);
}

/*
 * True when a link lies in the range, or there is none.  Bounds that raised an error are
 * evaluated only for links that satisfy the conditions on the status, because the
 * executor would evaluate those first, as the cheaper ones.
 */
static bool
is_in_range(PlfCountState *state, const PlfCountRun *run, Candidate *candidate)
{
	if (state->range == NULL)
		return true;
	if (run->bounds == PLF_BOUNDS_FAILED && candidate->status >= 0)
	{
		plf_row_decode(candidate->row, &candidate->link, candidate->values,
					   candidate->nulls);
		if (!plf_count_holds(state, 0, candidate->values[candidate->status],
							 candidate->nulls[candidate->status]))
			return false;
	}
	return plf_range_side(state->range, &candidate->link) ==
		   (state->spec->nulls_only ? PLF_SIDE_NULL : PLF_SIDE_IN);
}
