/*
 * reader.c
 *		Reads the list: which page next, how many ahead, and whether what came
 *		is the whole of it.
 *
 * scan.c takes the links; null_block.c decides where those without a sort key
 * are served.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "compat.h"
#include "read/reader.h"
#include "read/reader_state.h"

#define DRIFT_MESSAGE	"the list of payment links changed while it was read"
#define DRIFT_HINT		"Run the query again. If this persists, the order of the API's pages is not stable: set concurrency '1' or sort_pushdown 'false'."

static bool advance(PlfReader *reader);
static void verify_end(PlfReader *reader);
static void leave_page(PlfReader *reader);
static PlfHeldPage *find_kept(PlfReader *reader, int64 position);
static PlfTransfer *take_in_flight(PlfReader *reader, int64 page);
static bool is_in_flight(const PlfReader *reader, int64 page);
static bool await_page(PlfReader *reader, int64 page);
static void look_ahead(PlfReader *reader, int64 position, int window);
static bool is_settled(const PlfReader *reader, const PlfHeldPage *held);

PlfReader *
plf_reader_create(PlfSource *source, const PlfOptions *options,
				  const PlfReading *what)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "payment links reader",
												  ALLOCSET_DEFAULT_SIZES);
	PlfReader  *reader = MemoryContextAllocZero(context, sizeof(PlfReader));

	reader->context = context;
	reader->source = source;
	reader->options = options;
	reader->what = *what;
	reader->seen = plf_seen_create(context);
	return reader;
}

void
plf_reader_free(PlfReader *reader)
{
	for (int i = 0; i < reader->nin_flight; i++)
		plf_transfer_release(reader->in_flight[i].transfer);
	if (reader->current != NULL)
		plf_source_release(reader->source, reader->current);
	plf_reader_release_kept(reader);
	MemoryContextDelete(reader->context);
}

void
plf_reader_release_kept(PlfReader *reader)
{
	while (reader->kept != NULL)
	{
		PlfHeldPage *held = reader->kept;

		reader->kept = held->next;
		plf_source_release(reader->source, held);
	}
}

bool
plf_reader_is_unsorted(const PlfReader *reader)
{
	return reader->unsorted;
}

bool
plf_reader_is_clipped(const PlfReader *reader)
{
	return reader->clipped;
}

bool
plf_reader_is_bounded(const PlfReader *reader)
{
	return reader->what.early_stop || (reader->clipped && reader->what.take >= 0);
}

bool
plf_reader_is_scattered(const PlfReader *reader)
{
	return reader->scattered;
}

PlfWorld
plf_reader_world(const PlfReader *reader)
{
	return reader->world;
}

int64
plf_reader_links(const PlfReader *reader)
{
	return reader->links;
}

bool
plf_reader_next(PlfReader *reader, PlfLink *link)
{
	if (!reader->started)
		plf_reader_start(reader);
	if (reader->ended)
		return false;

	for (;;)
	{
		PlfField	id;

		if (reader->current == NULL || !plf_page_holds(reader->current, reader->position) ||
			reader->position >= reader->segments[reader->segment].to)
		{
			if (!advance(reader))
				return false;
		}
		link->page = reader->current->page;
		link->page_number = reader->current->request.page;
		link->index = (int) (reader->position - reader->current->first);
		reader->position++;

		id = plf_link_id(link);
		if (!plf_seen_add(reader->seen, id.text, id.length))
			continue;
		reader->links++;

		if (reader->what.range != NULL &&
			plf_range_place(reader->what.range, link) == PLF_PLACE_AFTER)
		{
			reader->ended = true;
			return false;
		}
		if (reader->what.nullable && !plf_reader_serves_null(reader, link))
		{
			if (reader->ended)
				return false;
			continue;
		}
		reader->delivered++;
		return true;
	}
}

int64
plf_reader_range_size(PlfReader *reader)
{
	reader->sizing = true;
	plf_reader_start(reader);
	if (reader->world == PLF_WORLD_OPEN || (!reader->ended && reader->what.range == NULL))
		return -1;
	return reader->ended ? 0 : reader->range_end - reader->segments[0].from;
}

/* Makes the page of the next link current; false at the end. */
static bool
advance(PlfReader *reader)
{
	PlfHeldPage *held;

	while (reader->segment < reader->nsegments &&
		   reader->position >= reader->segments[reader->segment].to)
	{
		reader->segment++;
		if (reader->segment < reader->nsegments)
			reader->position = reader->segments[reader->segment].from;
	}
	leave_page(reader);
	if (reader->segment >= reader->nsegments)
	{
		reader->ended = true;
		verify_end(reader);
		return false;
	}

	if (reader->what.early_stop && reader->pages > 0 && !reader->bounded_range)
		reader->window = reader->window == 0 ? 1 :
			Min(reader->window * 2, reader->options->concurrency);
	reader->pages++;
	look_ahead(reader, reader->position, reader->window);

	/*
	 * An answered request makes room for another.  It goes out before the page is
	 * parsed and delivered, or each window would take that much longer.
	 */
	if (!reader->what.early_stop && !reader->bounded_range &&
		await_page(reader, reader->position / reader->page_size + 1))
		look_ahead(reader, reader->position, reader->window + 1);

	held = plf_reader_page_at(reader, reader->position);
	for (PlfHeldPage **link = &reader->kept; *link != NULL; link = &(*link)->next)
	{
		if (*link == held)
		{
			*link = held->next;
			break;
		}
	}
	reader->current = held;

	/* One page ahead, unless this is the one in which the range ends. */
	if (reader->bounded_range && !reader->what.early_stop &&
		held->first + held->count < reader->segments[reader->segment].to &&
		plf_reader_goes_on(reader, held))
		look_ahead(reader, held->first + held->count, 1);
	return true;
}

static void
leave_page(PlfReader *reader)
{
	PlfHeldPage *held = reader->current;

	if (held == NULL)
		return;
	reader->current = NULL;
	if (plf_reader_needs(reader, held))
	{
		held->next = reader->kept;
		reader->kept = held;
	}
	else
		plf_source_release(reader->source, held);
}

bool
plf_reader_needs(const PlfReader *reader, const PlfHeldPage *held)
{
	for (int i = reader->segment; i < reader->nsegments; i++)
	{
		const Segment *segment = &reader->segments[i];
		int64		from = i == reader->segment ?
		Max(segment->from, reader->position) : segment->from;

		if (held->first < segment->to && from < held->first + held->count &&
			from < segment->to)
			return true;
	}
	return false;
}

/*
 * Every page reported one total; then as many different links must have come.
 * A link that moved to an earlier page while a later one was read shows here.
 */
static void
verify_end(PlfReader *reader)
{
	int64		expected = 0;

	for (int i = 0; i < reader->nsegments; i++)
		expected += reader->segments[i].to - reader->segments[i].from;
	if (plf_seen_count(reader->seen) != expected)
		plf_reader_report_drift(reader, 0,
					 psprintf("The API reports " INT64_FORMAT " links, but sent " INT64_FORMAT " different ones.",
							  expected, plf_seen_count(reader->seen)));
}

static PlfHeldPage *
find_kept(PlfReader *reader, int64 position)
{
	for (PlfHeldPage *held = reader->kept; held != NULL; held = held->next)
		if (plf_page_holds(held, position))
			return held;
	return NULL;
}

PlfHeldPage *
plf_reader_page_at(PlfReader *reader, int64 position)
{
	int			size = reader->page_size;
	PlfListRequest request = plf_reading_request(&reader->what, position / size + 1, size);
	PlfHeldPage *held = find_kept(reader, position);
	PlfTransfer *transfer;

	if (held != NULL)
		return held;
	transfer = take_in_flight(reader, request.page);
	if (transfer == NULL)
		transfer = plf_source_request(reader->source, &request);
	held = plf_source_receive(reader->source, transfer, &request);
	if (reader->searching && (held == NULL || !is_settled(reader, held)))
	{
		reader->unsettled = true;
		if (held != NULL)
			plf_source_release(reader->source, held);
		return NULL;
	}
	if (held == NULL)
		plf_reader_report_drift(reader, request.page, "A page that was there is gone.");
	plf_reader_check_page(reader, held);
	held->next = reader->kept;
	reader->kept = held;
	return held;
}

PlfKeyKind
plf_reader_kind(const PlfReader *reader, const PlfHeldPage *held, int index)
{
	PlfLink		link = {held->page, index, held->request.page};

	return plf_link_key_kind(&link, reader->what.sort_key);
}

static PlfTransfer *
take_in_flight(PlfReader *reader, int64 page)
{
	for (int i = 0; i < reader->nin_flight; i++)
	{
		PlfTransfer *transfer = reader->in_flight[i].transfer;

		if (reader->in_flight[i].request.page == page)
		{
			reader->in_flight[i] = reader->in_flight[--reader->nin_flight];
			return transfer;
		}
	}
	return NULL;
}

static bool
is_in_flight(const PlfReader *reader, int64 page)
{
	for (int i = 0; i < reader->nin_flight; i++)
		if (reader->in_flight[i].request.page == page)
			return true;
	return false;
}

/*
 * Waits until the request for a page is answered, if there is one; whether it
 * brought the page.
 */
static bool
await_page(PlfReader *reader, int64 page)
{
	for (int i = 0; i < reader->nin_flight; i++)
		if (reader->in_flight[i].request.page == page)
			return plf_source_wait(reader->source, reader->in_flight[i].transfer);
	return false;
}

/*
 * Requests pages from "position" on, in the order of their use, until "window"
 * of them are on their way.
 */
static void
look_ahead(PlfReader *reader, int64 position, int window)
{
	int			size = reader->page_size;
	int64		wanted = reader->what.row_hint == 0 ? PG_INT64_MAX :
		Max(reader->what.row_hint - reader->delivered, 1);

	for (int i = reader->segment; i < reader->nsegments; i++)
	{
		int64		to = reader->segments[i].to;

		if (i > reader->segment)
			position = reader->segments[i].from;
		while (position < to && wanted > 0 && reader->nin_flight < window)
		{
			int64		page = position / size + 1;
			int64		end = Min(page * size, to);

			if (find_kept(reader, position) == NULL && !is_in_flight(reader, page))
			{
				InFlight   *in_flight = &reader->in_flight[reader->nin_flight];

				in_flight->request = plf_reading_request(&reader->what, page, size);
				in_flight->transfer = plf_source_request(reader->source,
														 &in_flight->request);
				reader->nin_flight++;
			}
			wanted -= end - position;
			position = end;
		}
	}
}

/* How many links a page should hold by its place. */
static int64
links_due(const PlfReader *reader, const PlfHeldPage *held)
{
	return Max(Min(held->request.per_page, reader->total - held->first), 0);
}

static bool
is_settled(const PlfReader *reader, const PlfHeldPage *held)
{
	return held->total == reader->total && held->count == links_due(reader, held);
}

/* Places in the list mean something only while it holds still. */
void
plf_reader_check_page(PlfReader *reader, const PlfHeldPage *held)
{
	if (held->total != reader->total)
		plf_reader_report_drift(reader, held->request.page,
					 psprintf("It had " INT64_FORMAT " links, now it has " INT64_FORMAT ".",
							  reader->total, held->total));
	if (held->count != links_due(reader, held))
		plf_reader_report_drift(reader, held->request.page,
					 psprintf("The page should hold " INT64_FORMAT " links, but holds %d.",
							  links_due(reader, held), held->count));
}

void
plf_reader_report_drift(PlfReader *reader, int64 page, const char *detail)
{
	plf_source_raise(reader->source, page, ERRCODE_T_R_SERIALIZATION_FAILURE,
					 DRIFT_MESSAGE, detail, DRIFT_HINT);
}
