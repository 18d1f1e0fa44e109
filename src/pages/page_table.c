/*
 * page_table.c
 *		Pages of the list that were asked for and are not looked at yet.
 *
 * Several requests may be answered in any order.  A page that reports the length it
 * should may have been read after the list changed and changed back, as far as its length
 * tells, and another one, which was read in between, has yet to tell of it.  What
 * stands before the page would be taken for received.  So a page is delivered when all
 * requests that were sent before it came are answered, too.  A page that tells of a
 * change was then sent for, and read, after all that were delivered came.
 */
#include "postgres.h"

#include "list/reader_state.h"

/* A request that is not answered yet. */
#define NOT_ARRIVED (-1)

/* So many pages in memory, those of a search included, never keep others from being sent
 * for. */
#define FEW_PAGES 16

static InFlight *find(PlfReader *reader, int64 page);
static void note_arrivals(PlfReader *reader);
static InFlight *first_before(PlfReader *reader, int64 arrived);
static bool has_room(const PlfReader *reader, int window);

void
plf_flight_send(PlfReader *reader, int64 position, int window)
{
	int size = reader->page_size;
	int64 wanted = reader->what.row_hint == 0
					   ? PG_INT64_MAX
					   : Max(reader->what.row_hint - reader->delivered, 1);

	note_arrivals(reader);
	for (int i = reader->segment; i < reader->nsegments; i++)
	{
		int64 to = reader->segments[i].to;

		if (i > reader->segment)
			position = reader->segments[i].from;
		while (position < to && wanted > 0 && has_room(reader, window))
		{
			int64 page = position / size + 1;
			int64 end = Min(page * size, to);

			if (plf_reader_find_kept(reader, position) == NULL &&
				find(reader, page) == NULL)
			{
				InFlight *in_flight = &reader->in_flight[reader->nin_flight];

				in_flight->request = plf_reading_request(&reader->what, page, size);
				in_flight->ticket = reader->source->request(reader->source->arg,
															&in_flight->request);
				in_flight->sent = ++reader->sent;
				in_flight->arrived = NOT_ARRIVED;
				reader->nin_flight++;
			}
			wanted -= end - position;
			position = end;
		}
	}
}

/* Pages that are neither here nor delivered take memory when they come. */
static bool
has_room(const PlfReader *reader, int window)
{
	int kept = 0;

	if (reader->nin_flight >= window)
		return false;
	for (PlfHeldPage *held = reader->kept; held != NULL; held = held->next)
		kept++;
	return kept < Max(window, FEW_PAGES);
}

bool
plf_flight_await(PlfReader *reader, int64 page)
{
	InFlight *in_flight = find(reader, page);

	return in_flight != NULL &&
		   reader->source->wait(reader->source->arg, in_flight->ticket);
}

PlfTicket
plf_flight_take(PlfReader *reader, int64 page, int64 *arrived)
{
	InFlight *in_flight = find(reader, page);
	PlfTicket ticket;

	*arrived = reader->sent;
	if (in_flight == NULL)
		return PLF_NO_TICKET;
	if (in_flight->arrived != NOT_ARRIVED)
		*arrived = in_flight->arrived;
	ticket = in_flight->ticket;
	*in_flight = reader->in_flight[--reader->nin_flight];
	return ticket;
}

bool
plf_flight_confirm(PlfReader *reader, const PlfHeldPage *held, int window)
{
	InFlight *in_flight;

	while ((in_flight = first_before(reader, held->arrived)) != NULL)
	{
		int64 page = in_flight->request.page;

		/* One that fails tells nothing; it does so when its turn comes. */
		if (!reader->source->tells(reader->source->arg, in_flight->ticket))
			in_flight->sent = ++reader->sent;
		else if (plf_reader_keep(reader, page) == NULL)
			return false;
		else
			plf_flight_send(reader, held->first + held->count, window);
	}
	return true;
}

bool
plf_flight_prepare(PlfReader *reader, int64 position)
{
	PlfHeldPage *held = plf_reader_find_kept(reader, position);
	int64 arrived;
	InFlight *in_flight;

	if (held == NULL)
	{
		plf_flight_send(reader, reader->position, Max(reader->nin_flight, 1));
		in_flight = find(reader, position / reader->page_size + 1);
		if (in_flight == NULL)
			return true;
		if (!reader->source->is_answered(reader->source->arg, in_flight->ticket))
			return false;
		note_arrivals(reader);
		arrived = in_flight->arrived;
	}
	else
		arrived = held->arrived;
	for (int i = 0; i < reader->nin_flight; i++)
		if (reader->in_flight[i].sent <= arrived &&
			!reader->source->is_answered(reader->source->arg,
										 reader->in_flight[i].ticket))
			return false;
	return true;
}

void
plf_flight_forget(PlfReader *reader)
{
	while (reader->nin_flight > 0)
		reader->source->cancel(reader->source->arg,
							   reader->in_flight[--reader->nin_flight].ticket);
}

static InFlight *
find(PlfReader *reader, int64 page)
{
	for (int i = 0; i < reader->nin_flight; i++)
		if (reader->in_flight[i].request.page == page)
			return &reader->in_flight[i];
	return NULL;
}

/* To be called before a request is sent: whatever has come came before it. */
static void
note_arrivals(PlfReader *reader)
{
	for (int i = 0; i < reader->nin_flight; i++)
	{
		InFlight *in_flight = &reader->in_flight[i];

		/* Others may be sent again. */
		if (in_flight->arrived == NOT_ARRIVED &&
			reader->source->has_page(reader->source->arg, in_flight->ticket))
			in_flight->arrived = reader->sent;
	}
}

/* The one that was sent first, before the number "arrived" was. */
static InFlight *
first_before(PlfReader *reader, int64 arrived)
{
	InFlight *first = NULL;

	for (int i = 0; i < reader->nin_flight; i++)
	{
		InFlight *in_flight = &reader->in_flight[i];

		if (in_flight->sent <= arrived &&
			(first == NULL || in_flight->sent < first->sent))
			first = in_flight;
	}
	return first;
}
