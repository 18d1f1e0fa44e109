/*
 * by_distance.c
 *		Counts the links of a range of a sort key: by the distance of its ends in the
 *		sorted list, or by reading them.
 */
#include "postgres.h"

#include "compat.h"
#include "count/by_distance.h"
#include "count/by_reading.h"
#include "scan/wanted.h"

static PlfReader *create_reader(PlfCountState *state, const PlfReading *reading);
static void read_range(PlfCountState *state, PlfCountRun *run, PlfReading *reading);
static void finish(PlfCountRun *run, PlfReader *reader);

const char *
plf_count_range_reading(const PlfCountState *state, const PlfStatusVerdict *verdict,
						PlfReading *reading)
{
	const PlfCountSpec *spec = state->spec;
	const PlfColumn *key = &state->table->columns[spec->key_attnum - 1];

	memset(reading, 0, sizeof(*reading));
	if (verdict != NULL && !plf_reading_statuses(verdict, true, reading))
		return "no status satisfies the conditions";
	plf_reading_sort_by(key, plf_count_is_descending(spec), reading);
	reading->nulls = PLF_NULLS_OUT;
	reading->range = state->range;
	reading->take = -1;
	if (spec->nulls_only && !reading->nullable)
		return "the key is never NULL";
	return NULL;
}

void
plf_count_by_distance(PlfCountState *state, PlfCountRun *run)
{
	bool nulls_only = state->spec->nulls_only;
	PlfReading reading;
	PlfReader *reader;

	run->by = PLF_BY_DISTANCE;
	run->in_range = 0;
	if (plf_count_range_reading(state, &run->verdicts[0], &reading) != NULL)
		return;
	if (state->reads_range || run->verdicts[0].others == PLF_OTHERS_UNKNOWN)
	{
		read_range(state, run, &reading);
		return;
	}
	reader = create_reader(state, &reading);
	run->in_range = plf_reader_range_size(reader);
	if (run->in_range < 0 && nulls_only &&
		plf_reader_order(reader) != PLF_ORDER_SORTED_HERE)
	{
		/*
		 * Links without a key are in no range, so the reading must be one without a
		 * range.
		 */
		plf_reader_free(reader);
		reading.range = NULL;
		reading.nulls = PLF_NULLS_ONLY;
		reader = create_reader(state, &reading);
	}
	if (run->in_range < 0)
		plf_count_links(state, run, reader);
	else if (nulls_only)
		run->in_range = plf_reader_total(reader) - run->in_range;
	finish(run, reader);
}

static PlfReader *
create_reader(PlfCountState *state, const PlfReading *reading)
{
	return plf_reader_create(plf_source_pages(plf_count_source(state)), state->options,
							 reading);
}

/*
 * Reads the range.  For the links without a key the whole list is read, because they may
 * be at any place of the sorted list.
 */
static void
read_range(PlfCountState *state, PlfCountRun *run, PlfReading *reading)
{
	PlfReader *reader;

	if (state->spec->nulls_only)
	{
		plf_count_by_reading(state, run);
		return;
	}
	if (state->spec->lower == NIL && state->spec->upper == NIL)
		reading->range = NULL;
	reader = create_reader(state, reading);
	plf_count_links(state, run, reader);
	finish(run, reader);
}

static void
finish(PlfCountRun *run, PlfReader *reader)
{
	run->all_documented = plf_reader_statuses(reader) == PLF_STATUSES_DOCUMENTED;
	plf_reader_free(reader);
}
