/*
 * opening.c
 *		How a reading begins: the first page, with it the status check, and from
 *		them which part of the list is read.
 */
#include "postgres.h"

#include "compat.h"
#include "list/reader_state.h"

/* How often a list that does not hold still is searched for a range. */
#define MAX_SEARCHES 3

static void ask_for_everything(PlfReading *what);
static int first_window(const PlfReader *reader);
static bool begin(PlfReader *reader);
static bool place(PlfReader *reader, const PlfListRequest *request);
static bool search(PlfReader *reader, const PlfListRequest *request);
static bool keep_first(PlfReader *reader, const PlfListRequest *request,
					   PlfTicket ticket);
static void look_past_end(PlfReader *reader, const PlfListRequest *refused,
						  const char *refusal);
static void clip(PlfReader *reader);
static bool world_is_closed(PlfReader *reader, PlfTicket all, PlfTicket documented);
static PlfTicket request_count(PlfReader *reader, bool filtered);
static int64 receive_count(PlfReader *reader, PlfTicket ticket);
static void expect_requests(PlfReader *reader);

void
plf_reader_start(PlfReader *reader)
{
	reader->started = true;
	reader->searches = 0;
	while (!begin(reader))
	{
		if (reader->moved)
			plf_reader_count_repair(reader);
		plf_reader_forget_pages(reader);
	}
}

void
plf_reader_open(PlfReader *reader)
{
	PlfReading *what = &reader->what;
	Opening *opening = &reader->opening;

	*what = reader->asked;
	if (reader->opened_late)
	{
		what->check_world = false;
		ask_for_everything(what);
	}
	opening->sizes = plf_reading_sizes(what, reader->options->page_size);
	opening->request = plf_reading_request(what, opening->sizes.first_page,
										   opening->sizes.first_size);
	opening->first = opening->all = opening->documented = PLF_NO_TICKET;
	reader->opened = true;

	/* Of no documented status: only an open world has something to read. */
	if (!what->filtered || what->statuses != PLF_STATUS_NONE)
		opening->first = reader->source->request(reader->source->arg, &opening->request);
	if (what->check_world)
	{
		opening->all = request_count(reader, false);
		opening->documented = request_count(reader, true);
	}
}

/*
 * All links, as among those of undocumented statuses there may be some that are wanted.
 * Who wanted a window takes links until the window is full.
 */
static void
ask_for_everything(PlfReading *what)
{
	what->filtered = false;
	what->row_hint = 0;
	what->early_stop = what->early_stop || what->take >= 0;
	what->skip = 0;
	what->take = -1;
}

/* How many pages are asked for ahead while nobody has taken a link. */
static int
first_window(const PlfReader *reader)
{
	return reader->what.early_stop || reader->bounded_range
			   ? 0
			   : reader->options->concurrency;
}

/*
 * False when the list changed before the first link: the reader moved, or else the
 * change is one that a search may meet with and is no repair.
 */
static bool
begin(PlfReader *reader)
{
	PlfReading *what = &reader->what;
	Opening *opening = &reader->opening;
	PlfTicket first;

	if (!reader->opened)
		plf_reader_open(reader);
	reader->opened = false;
	first = opening->first;
	reader->world = reader->opened_late ? PLF_WORLD_OPEN : PLF_WORLD_UNKNOWN;
	reader->no_nulls = reader->all_null = reader->at_nulls = false;
	reader->unsorted = reader->scattered = false;
	reader->range_end = 0;
	reader->bounded_range = what->range != NULL && plf_range_has_end(what->range);
	reader->window = first_window(reader);
	reader->clipped = what->skip > 0 || what->take >= 0;

	if (plf_ticket_is_valid(opening->all))
	{
		if (world_is_closed(reader, opening->all, opening->documented))
		{
			reader->world = PLF_WORLD_CLOSED;
			if (!plf_ticket_is_valid(first))
			{
				reader->ended = true;
				return true;
			}
		}
		else
		{
			reader->world = PLF_WORLD_OPEN;
			if (plf_ticket_is_valid(first))
				reader->source->cancel(reader->source->arg, first);
			ask_for_everything(what);
			reader->window = first_window(reader);
			reader->clipped = false;
			opening->sizes = plf_reading_sizes(what, reader->options->page_size);
			opening->request = plf_reading_request(what, opening->sizes.first_page,
												   opening->sizes.first_size);
			first = reader->source->request(reader->source->arg, &opening->request);
		}
	}

	reader->page_size = opening->sizes.page_size;
	if (!keep_first(reader, &opening->request, first) ||
		!place(reader, &opening->request))
		return false;
	if (reader->unsorted)
		reader->clipped = false;
	if (reader->clipped)
		clip(reader);
	reader->segment = 0;
	reader->position = reader->segments[0].from;
	reader->in_segment = false;
	if (!what->early_stop && what->range == NULL && !reader->bounded_range)
		expect_requests(reader);
	return true;
}

/*
 * Takes the first page, which tells the length of the list.  A window may begin
 * past its end; then the reading has ended.  False when the reader moved.
 */
static bool
keep_first(PlfReader *reader, const PlfListRequest *request, PlfTicket ticket)
{
	PlfAnswer answer = reader->source->receive(reader->source->arg, ticket);
	PlfHeldPage *held = answer.page;

	if (held == NULL)
	{
		look_past_end(reader, request, answer.refusal);
		return !reader->moved;
	}
	reader->total = held->total;
	reader->segments[0] = (Segment){0, reader->total, SEGMENT_ANY};
	reader->nsegments = 1;
	if (!plf_reader_fits(reader, held))
	{
		reader->source->release(reader->source->arg, held);
		return false;
	}
	held->next = reader->kept;
	reader->kept = held;
	return true;
}

/* Decides which places of the list are served, in which order. */
static bool
place(PlfReader *reader, const PlfListRequest *request)
{
	PlfReading *what = &reader->what;

	if (reader->ended || reader->total == 0)
		return true;
	if (what->range != NULL)
		return search(reader, request);
	if (what->sort_key != NULL && what->nullable)
		plf_reader_place_nulls(reader, reader->kept);
	return !reader->moved;
}

/*
 * Finds the ends of the range.  A list that changes meanwhile, or turns out not to be in
 * order, is searched anew; where that does not help it is read from its beginning to its
 * end, the conditions find the links, and they are sorted here.
 *
 * A link may have left the list for a status that nobody documented.  So one whose
 * statuses were checked is not searched again once it changed: false, and the reading
 * begins anew with the check.
 */
static bool
search(PlfReader *reader, const PlfListRequest *request)
{
	bool closed = reader->world == PLF_WORLD_CLOSED;
	bool found = false;

	while (!found && reader->searches++ < MAX_SEARCHES)
	{
		if (reader->moved)
		{
			int64 total = reader->total;
			bool kept;

			reader->moved = false;
			plf_reader_forget_pages(reader);
			kept = keep_first(reader, request,
							  reader->source->request(reader->source->arg, request));
			if (closed && (!kept || reader->total != total))
			{
				reader->moved = false;
				return false;
			}
			if (!kept)
				continue;
		}
		reader->range_end = reader->total;
		if (reader->total == 0)
			return true;
		plf_reader_seek(reader, reader->kept);
		if (reader->sizing && !reader->moved && !reader->unsorted)
			plf_reader_seek_end(reader);
		found = !reader->moved;
		if (closed && !found && !reader->drift.is_disorder)
		{
			reader->moved = false;
			return false;
		}
	}
	if (!found || reader->unsorted)
	{
		reader->moved = false;
		reader->segments[0] = (Segment){0, reader->total, SEGMENT_ANY};
		reader->what.range = NULL;
		reader->bounded_range = false;
		reader->window = first_window(reader);
		reader->unsorted = true;

		/* Who only wanted the size counts links, in any order, should it begin anew. */
		if (reader->sizing)
		{
			reader->asked.range = NULL;
			reader->asked.sort_key = NULL;
			reader->asked.nullable = false;
		}
	}
	return true;
}

/*
 * The API refuses a page past the end of the list.  That it is one is asked, in
 * one row, rather than believed.
 */
static void
look_past_end(PlfReader *reader, const PlfListRequest *refused, const char *refusal)
{
	PlfListRequest request = plf_reading_request(&reader->what, 1, 1);
	const PlfPageSource *source = reader->source;
	PlfHeldPage *held =
		source->receive(source->arg, source->request(source->arg, &request)).page;

	if (held->total > (refused->page - 1) * refused->per_page)
		plf_reader_note_drift(reader, refused->page,
							  psprintf("A page that is there was refused.%s", refusal));
	else
		reader->ended = true;
	reader->source->release(reader->source->arg, held);
}

/* Leaves the links out that are to be skipped, and those after the last one wanted. */
static void
clip(PlfReader *reader)
{
	int64 skip = reader->what.skip;
	int64 take = reader->what.take < 0 ? PG_INT64_MAX : reader->what.take;

	for (int i = 0; i < reader->nsegments; i++)
	{
		Segment *segment = &reader->segments[i];
		int64 skipped = Min(skip, segment->to - segment->from);

		segment->from += skipped;
		skip -= skipped;
		segment->to = Min(segment->to - segment->from, take) + segment->from;
		take -= segment->to - segment->from;
	}
}

/* Both counts are one-row requests that went out together. */
static bool
world_is_closed(PlfReader *reader, PlfTicket all, PlfTicket documented)
{
	int64 all_total = receive_count(reader, all);

	return receive_count(reader, documented) == all_total;
}

bool
plf_reader_world_opened(PlfReader *reader)
{
	/* One after the other: the last answer tells whether the list changed between the
	 * first two. */
	for (;;)
	{
		int64 all = receive_count(reader, request_count(reader, false));

		if (receive_count(reader, request_count(reader, true)) == all)
			return false;
		if (receive_count(reader, request_count(reader, false)) == all)
		{
			reader->opened_late = true;
			return true;
		}
		plf_reader_note_drift(
			reader, 0,
			"The number of links changed while it was looked for undocumented statuses.");
		plf_reader_count_repair(reader);
	}
}

/* A one-row request that tells how many links there are, or with documented statuses. */
static PlfListRequest
count_request(bool filtered)
{
	return (PlfListRequest){
		.filtered = filtered, .statuses = PLF_STATUS_ALL, .page = 1, .per_page = 1};
}

static PlfTicket
request_count(PlfReader *reader, bool filtered)
{
	PlfListRequest request = count_request(filtered);

	return reader->source->request(reader->source->arg, &request);
}

static int64
receive_count(PlfReader *reader, PlfTicket ticket)
{
	PlfHeldPage *held = reader->source->receive(reader->source->arg, ticket).page;
	int64 total = held->total;

	reader->source->release(reader->source->arg, held);
	return total;
}

/* Everything will be read: say at once if that is more than is allowed. */
static void
expect_requests(PlfReader *reader)
{
	int size = reader->page_size;
	int64 pages = 0;

	for (int i = 0; i < reader->nsegments; i++)
	{
		Segment *segment = &reader->segments[i];

		if (segment->from < segment->to)
			pages += (segment->to - 1) / size - segment->from / size + 1;
	}
	/* The page at which a rotated list begins and ends is read once. */
	if (reader->nsegments == 2 && reader->segments[0].from % size != 0)
		pages--;
	for (PlfHeldPage *held = reader->kept; held != NULL; held = held->next)
		if (plf_reader_needs(reader, held))
			pages--;
	reader->source->expect(reader->source->arg, pages);
}
