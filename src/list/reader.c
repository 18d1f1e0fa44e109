/*
 * reader.c
 *		Reads the list: which page next, and whether what came is the whole of it.
 *
 * scan.c takes the links; course_nulls.c decides where those without a sort key
 * are served.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "list/reader.h"
#include "list/reader_state.h"

/* What came of the wish for another page. */
typedef enum Advance
{
	ADVANCED,
	ADVANCE_END,
	ADVANCE_MOVED
} Advance;

static Advance advance(PlfReader *reader);
static bool is_over(PlfReader *reader);
static void leave_page(PlfReader *reader);
static bool is_answered(const PlfReader *reader, PlfTicket ticket);
static bool may_hurry(const PlfReader *reader);

PlfReader *
plf_reader_create(const PlfPageSource *source, const PlfOptions *options,
				  const PlfReading *what)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw reader", ALLOCSET_DEFAULT_SIZES);
	PlfReader *reader = MemoryContextAllocZero(context, sizeof(PlfReader));

	reader->context = context;
	reader->source = source;
	reader->options = options;
	reader->asked = *what;
	reader->seen = plf_seen_create(context);
	return reader;
}

void
plf_reader_free(PlfReader *reader)
{
	PlfTicket opening[] = {reader->opening.first, reader->opening.all,
						   reader->opening.documented};

	for (size_t i = 0; reader->opened && i < lengthof(opening); i++)
		if (plf_ticket_is_valid(opening[i]))
			reader->source->cancel(reader->source->arg, opening[i]);
	plf_reader_forget_pages(reader);
	MemoryContextDelete(reader->context);
}

void
plf_reader_forget_pages(PlfReader *reader)
{
	plf_flight_forget(reader);
	if (reader->current != NULL)
		reader->source->release(reader->source->arg, reader->current);
	reader->current = NULL;
	while (reader->kept != NULL)
	{
		PlfHeldPage *held = reader->kept;

		reader->kept = held->next;
		reader->source->release(reader->source->arg, held);
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
plf_reader_total(const PlfReader *reader)
{
	return reader->total;
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

	while (!reader->ended)
	{
		PlfPlace place = PLF_PLACE_IN;
		NullService service = NULL_SERVED;
		PlfField id;

		/* Pages that are there already are not waited for. */
		CHECK_FOR_INTERRUPTS();
		if (reader->clipped && reader->what.take >= 0 &&
			reader->delivered >= reader->what.take)
			break;
		if (reader->current == NULL ||
			!plf_page_holds(reader->current, reader->position) ||
			reader->position >= reader->segments[reader->segment].to)
		{
			Advance advanced = advance(reader);

			if (advanced == ADVANCE_END && is_over(reader))
				break;
			if (advanced == ADVANCE_MOVED)
				plf_reader_repair(reader);
			if (advanced != ADVANCED)
				continue;
		}
		link->page = reader->current->page;
		link->page_number = reader->current->request.page;
		link->index = (int) (reader->position - reader->current->first);
		reader->position++;

		if (reader->repairs > 0)
			place = plf_reader_side(reader, link);
		if (place == PLF_PLACE_BEFORE)
			continue;
		if (place == PLF_PLACE_AFTER)
		{
			reader->position = reader->segments[reader->segment].to;
			continue;
		}
		if (reader->what.range != NULL &&
			plf_range_place(reader->what.range, link) == PLF_PLACE_AFTER)
			service = NULL_ENDS;
		else if (reader->what.nullable)
			service = plf_reader_serves_null(reader, link);
		if (service == NULL_UNKNOWN)
		{
			reader->position--;
			plf_reader_repair(reader);
			continue;
		}
		if (service == NULL_ENDS)
		{
			reader->links++;
			if (is_over(reader))
				break;
			continue;
		}
		id = plf_link_id(link);
		if (!plf_seen_add(reader->seen, id.text, id.length))
		{
			/* Pages that come again and again have no end that could be waited for. */
			if (plf_seen_repeats(reader->seen) >= PLF_MAX_PER_PAGE)
				plf_reader_reread(reader);
			continue;
		}
		reader->links++;
		if (service == NULL_SERVED)
		{
			reader->delivered++;
			return true;
		}
	}
	reader->ended = true;
	return false;
}

bool
plf_reader_prepare(PlfReader *reader)
{
	const Opening *opening = &reader->opening;
	int64 position = reader->position;
	int segment = reader->segment;

	if (!reader->started)
	{
		if (!reader->opened)
			plf_reader_open(reader);
		return is_answered(reader, opening->first) && is_answered(reader, opening->all) &&
			   is_answered(reader, opening->documented);
	}
	while (segment < reader->nsegments && position >= reader->segments[segment].to)
		if (++segment < reader->nsegments)
			position = reader->segments[segment].from;
	if (reader->ended || segment >= reader->nsegments ||
		(reader->current != NULL && plf_page_holds(reader->current, position)))
		return true;
	return plf_flight_prepare(reader, position);
}

/* Whether a request that the reading begins with is answered, if there is one. */
static bool
is_answered(const PlfReader *reader, PlfTicket ticket)
{
	return !plf_ticket_is_valid(ticket) ||
		   reader->source->is_answered(reader->source->arg, ticket);
}

bool
plf_reader_is_between_pages(const PlfReader *reader)
{
	return reader->started && !reader->ended &&
		   (reader->current == NULL ||
			!plf_page_holds(reader->current, reader->position));
}

/*
 * Whether the end is one: where a link came twice on pages that report one total,
 * another one may have moved to an earlier page while a later one was read.
 */
static bool
is_over(PlfReader *reader)
{
	if (plf_seen_repeats(reader->seen) == 0)
		return true;
	plf_reader_reread(reader);
	return false;
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

/* Makes the page of the next link current. */
static Advance
advance(PlfReader *reader)
{
	PlfHeldPage *held;
	bool takes_all;
	int window;

	while (reader->segment < reader->nsegments &&
		   reader->position >= reader->segments[reader->segment].to)
	{
		reader->segment++;
		reader->in_segment = false;
		if (reader->segment < reader->nsegments)
			reader->position = reader->segments[reader->segment].from;
	}
	leave_page(reader);
	if (reader->segment >= reader->nsegments)
		return ADVANCE_END;

	if (reader->what.early_stop && reader->pages > 0 && !reader->bounded_range)
		reader->window = reader->window == 0
							 ? 1
							 : Min(reader->window * 2, reader->options->concurrency);
	reader->pages++;
	window = reader->cautious ? 0 : reader->window;
	plf_flight_send(reader, reader->position, window);

	/*
	 * An answered request makes room for another.  It goes out before the page is
	 * parsed and delivered, or each window would take that much longer.
	 */
	takes_all = window > 0 && !reader->what.early_stop && !reader->bounded_range;
	if (takes_all && plf_flight_await(reader, reader->position / reader->page_size + 1))
		plf_flight_send(reader, reader->position, window + 1);

	held = plf_reader_page_at(reader, reader->position);
	if (held == NULL || !plf_flight_confirm(reader, held, takes_all ? window : 0))
		return ADVANCE_MOVED;
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
	if (reader->bounded_range && !reader->what.early_stop && !reader->cautious &&
		held->first + held->count < reader->segments[reader->segment].to &&
		plf_reader_goes_on(reader, held))
		plf_flight_send(reader, held->first + held->count, 1);
	return ADVANCED;
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
		reader->source->release(reader->source->arg, held);
}

bool
plf_reader_needs(const PlfReader *reader, const PlfHeldPage *held)
{
	for (int i = reader->segment; i < reader->nsegments; i++)
	{
		const Segment *segment = &reader->segments[i];
		int64 from = i == reader->segment ? Max(segment->from, reader->position)
										  : segment->from;

		if (held->first < segment->to && from < held->first + held->count &&
			from < segment->to)
			return true;
	}
	return false;
}

PlfHeldPage *
plf_reader_find_kept(const PlfReader *reader, int64 position)
{
	for (PlfHeldPage *held = reader->kept; held != NULL; held = held->next)
		if (plf_page_holds(held, position))
			return held;
	return NULL;
}

PlfHeldPage *
plf_reader_page_at(PlfReader *reader, int64 position)
{
	PlfHeldPage *held = plf_reader_find_kept(reader, position);

	return held != NULL ? held
						: plf_reader_keep(reader, position / reader->page_size + 1);
}

PlfHeldPage *
plf_reader_keep(PlfReader *reader, int64 page)
{
	PlfHeldPage *held = plf_reader_fetch(reader, page);

	if (held == NULL)
		return NULL;
	if (!plf_reader_fits(reader, held))
	{
		reader->source->release(reader->source->arg, held);
		return NULL;
	}
	if (may_hurry(reader))
		reader->cautious = false;
	held->next = reader->kept;
	reader->kept = held;
	return held;
}

/*
 * A page after the repair reports the same total.  Where the segment ends is then
 * known only if it ends where the list does.
 */
static bool
may_hurry(const PlfReader *reader)
{
	return !reader->clipped && reader->segments[reader->segment].kind == SEGMENT_ANY;
}

PlfHeldPage *
plf_reader_fetch(PlfReader *reader, int64 page)
{
	PlfListRequest request = plf_reading_request(&reader->what, page, reader->page_size);
	const PlfPageSource *source = reader->source;
	PlfAnswer answer;
	int64 arrived;
	PlfTicket ticket = plf_flight_take(reader, page, &arrived);

	if (!plf_ticket_is_valid(ticket))
		ticket = source->request(source->arg, &request);
	answer = source->receive(source->arg, ticket);
	if (answer.page == NULL)
		plf_reader_note_drift(
			reader, page,
			psprintf("The API refused the page, which was there.%s", answer.refusal));
	else
		answer.page->arrived = arrived;
	return answer.page;
}

PlfKeyKind
plf_reader_kind(const PlfReader *reader, const PlfHeldPage *held, int index)
{
	PlfLink link = {held->page, index, held->request.page};

	return plf_link_key_kind(&link, reader->what.sort_key);
}

bool
plf_page_is_whole(const PlfHeldPage *held)
{
	return held->count == Max(Min(held->request.per_page, held->total - held->first), 0);
}

bool
plf_page_bears_total(const PlfWire *wire, const PlfHeldPage *held)
{
	PlfLink link = {held->page, 0, held->request.page};
	PlfField status;

	if (!plf_page_is_whole(held))
		return false;
	if (held->count == 0 || !held->request.filtered)
		return true;
	status = plf_link_status(&link);
	for (int i = 0; status.kind == PLF_FIELD_STRING && i < PLF_STATUS_COUNT; i++)
		if ((held->request.statuses >> i & 1) != 0 &&
			strlen(wire->statuses[i]) == status.length &&
			memcmp(wire->statuses[i], status.text, status.length) == 0)
			return true;
	return false;
}

bool
plf_reader_fits(PlfReader *reader, const PlfHeldPage *held)
{
	if (held->total != reader->total)
		plf_reader_note_drift(reader, held->request.page,
							  psprintf("It had " INT64_FORMAT
									   " links, now it has " INT64_FORMAT ".",
									   reader->total, held->total));
	else if (!plf_page_is_whole(held))
		plf_reader_note_drift(reader, held->request.page,
							  psprintf("Of its " INT64_FORMAT
									   " links the page holds %d, too few or too many.",
									   held->total, held->count));
	else
		return true;
	return false;
}
