/*
 * reader_start.c
 *		How a reading begins: the first page, with it the status check, and from
 *		them which part of the list is read.
 */
#include "postgres.h"

#include "compat.h"
#include "read/reader_state.h"

/* How often a list that does not hold still is searched for a range. */
#define MAX_SEARCHES	3

static void search(PlfReader *reader, const PlfListRequest *request, PlfHeldPage *first);
static void look_past_end(PlfReader *reader, const PlfListRequest *refused);
static void clip(PlfReader *reader);
static bool world_is_closed(PlfReader *reader, PlfTransfer *all,
							PlfTransfer *documented);
static void expect_requests(PlfReader *reader);

void
plf_reader_start(PlfReader *reader)
{
	PlfReading *what = &reader->what;
	PlfTransfer *first = NULL;
	PlfTransfer *all = NULL;
	PlfTransfer *documented = NULL;
	PlfSizes	sizes;
	PlfListRequest request;
	PlfHeldPage *held;

	reader->started = true;
	reader->bounded_range = what->range != NULL && plf_range_has_end(what->range);
	reader->window = what->early_stop || reader->bounded_range ? 0 :
		reader->options->concurrency;
	reader->clipped = what->skip > 0 || what->take >= 0;
	sizes = plf_reading_sizes(what, reader->options->page_size);

	/* Of no documented status: only an open world has something to read. */
	request = plf_reading_request(what, sizes.first_page, sizes.first_size);
	if (!what->filtered || what->statuses != PLF_STATUS_NONE)
		first = plf_source_request(reader->source, &request);
	if (what->check_world)
	{
		PlfListRequest check = {.page = 1, .per_page = 1};

		all = plf_source_request(reader->source, &check);
		check.filtered = true;
		check.statuses = PLF_STATUS_ALL;
		documented = plf_source_request(reader->source, &check);

		if (world_is_closed(reader, all, documented))
		{
			reader->world = PLF_WORLD_CLOSED;
			if (first == NULL)
			{
				reader->ended = true;
				return;
			}
		}
		else
		{
			reader->world = PLF_WORLD_OPEN;
			if (first != NULL)
				plf_transfer_release(first);
			what->filtered = false;
			what->row_hint = 0;
			what->skip = 0;
			what->take = -1;
			reader->clipped = false;
			sizes = plf_reading_sizes(what, reader->options->page_size);
			request = plf_reading_request(what, sizes.first_page, sizes.first_size);
			first = plf_source_request(reader->source, &request);
		}
	}

	reader->page_size = sizes.page_size;
	held = plf_source_receive(reader->source, first, &request);
	if (held == NULL)
	{
		look_past_end(reader, &request);
		return;
	}
	reader->total = held->total;
	plf_reader_check_page(reader, held);
	held->next = reader->kept;
	reader->kept = held;

	reader->segments[0] = (Segment) {0, reader->total};
	reader->nsegments = 1;
	if (what->range != NULL)
		search(reader, &request, held);
	else if (reader->total > 0 && what->sort_key != PLF_SORT_NONE && what->nullable)
		plf_reader_place_nulls(reader, held);
	if (reader->unsorted)
		reader->clipped = false;
	if (reader->clipped)
		clip(reader);
	reader->position = reader->segments[0].from;
	if (!what->early_stop && what->range == NULL)
		expect_requests(reader);
}

/*
 * Finds the ends of the range.  A list that changes meanwhile, or turns out not to be in
 * order, is searched anew; where that does not help it is read from its beginning to its
 * end, the conditions find the links, and they are sorted here.
 */
static void
search(PlfReader *reader, const PlfListRequest *request, PlfHeldPage *first)
{
	for (int searches = 0; searches < MAX_SEARCHES; searches++)
	{
		if (searches > 0)
		{
			plf_reader_release_kept(reader);
			first = plf_source_receive(reader->source,
									   plf_source_request(reader->source, request),
									   request);
			reader->total = first->total;
			plf_reader_check_page(reader, first);
			first->next = reader->kept;
			reader->kept = first;
		}
		reader->range_end = reader->total;
		reader->segments[0] = (Segment) {0, reader->total};
		if (reader->total == 0)
			return;
		reader->unsettled = false;
		reader->searching = true;
		plf_reader_seek(reader, first);
		if (reader->sizing && !reader->unsettled)
			plf_reader_seek_end(reader);
		reader->searching = false;
		if (!reader->unsettled)
			return;
	}
	reader->segments[0] = (Segment) {0, reader->total};
	reader->what.range = NULL;
	reader->bounded_range = false;
	reader->unsorted = true;
}

/*
 * The API refuses a page past the end of the list.  That it is one is asked, in
 * one row, rather than believed.
 */
static void
look_past_end(PlfReader *reader, const PlfListRequest *refused)
{
	PlfListRequest request = plf_reading_request(&reader->what, 1, 1);
	PlfHeldPage *held = plf_source_receive(reader->source,
										   plf_source_request(reader->source, &request),
										   &request);

	if (held->total > (refused->page - 1) * refused->per_page)
		plf_reader_report_drift(reader, refused->page, "A page that is there was refused.");
	plf_source_release(reader->source, held);
	reader->ended = true;
}

/* Leaves the links out that are to be skipped, and those after the last one wanted. */
static void
clip(PlfReader *reader)
{
	int64		skip = reader->what.skip;
	int64		take = reader->what.take < 0 ? PG_INT64_MAX : reader->what.take;

	for (int i = 0; i < reader->nsegments; i++)
	{
		Segment    *segment = &reader->segments[i];
		int64		skipped = Min(skip, segment->to - segment->from);

		segment->from += skipped;
		skip -= skipped;
		segment->to = Min(segment->to - segment->from, take) + segment->from;
		take -= segment->to - segment->from;
	}
}

/* Both counts are one-row requests that went out together. */
static bool
world_is_closed(PlfReader *reader, PlfTransfer *all, PlfTransfer *documented)
{
	PlfListRequest request = {.page = 1, .per_page = 1};
	PlfHeldPage *held = plf_source_receive(reader->source, all, &request);
	int64		all_total = held->total;
	int64		documented_total;

	plf_source_release(reader->source, held);
	request.filtered = true;
	request.statuses = PLF_STATUS_ALL;
	held = plf_source_receive(reader->source, documented, &request);
	documented_total = held->total;
	plf_source_release(reader->source, held);
	return all_total == documented_total;
}

/* Everything will be read: say at once if that is more than is allowed. */
static void
expect_requests(PlfReader *reader)
{
	int			size = reader->page_size;
	int64		pages = 0;

	for (int i = 0; i < reader->nsegments; i++)
	{
		Segment    *segment = &reader->segments[i];

		if (segment->from < segment->to)
			pages += (segment->to - 1) / size - segment->from / size + 1;
	}
	/* The page at which a rotated list begins and ends is read once. */
	if (reader->nsegments == 2 && reader->segments[0].from % size != 0)
		pages--;
	for (PlfHeldPage *held = reader->kept; held != NULL; held = held->next)
		if (plf_reader_needs(reader, held))
			pages--;
	plf_source_expect(reader->source, pages);
}
