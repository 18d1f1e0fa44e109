/*
 * reader.c
 *		Reads the list: a state machine and a cursor.
 *
 * The page table (pages/page_table.h) holds the pages.  The course (list/course.h)
 * decides which places of the list are served.  The reader serves these places one
 * after the other and finds its place again when the list changes meanwhile.
 *
 *	NEW --open--> OPENING --answers--> LAYING --spans--> SERVING --last span--> ENDED
 *	               ^                    | ^ |              |  ^
 *	               |    list changed    | +-+ search       |  | anchor
 *	               +--------------------+   again          v  |
 *	               +--- nothing received / a new --- RESYNC ---> 40001
 *	                    status / second pass
 *
 * What is valid in each state, and which function leaves the state:
 *
 *	NEW      Nothing was sent.  step() leaves.
 *	OPENING  The requests of "opening" are under way; the page table is empty.
 *	         plf_reader_take_opening() leaves.
 *	LAYING   The page table holds "first" and knows the length of the list; the course is
 *	         not laid yet.  plf_reader_lay() leaves.
 *	SERVING  The course is laid, and "position" is the place of the next link.  Each link
 *	         before the position, in the spans, was delivered or is not wanted.
 *	         serve_next() leaves.
 *	RESYNC   "cause" is set.  "position" and the pages in the table are those of the list
 *	         before it changed.  plf_reader_resync() leaves.
 *	ENDED    Each link that is wanted was delivered.  Nothing leaves.
 *
 * When:
 *
 *	NEW      OPENING  a link is wanted, or prepared
 *	OPENING  LAYING   the first page came
 *	OPENING  OPENING  the first page shows a change; that is a repair
 *	OPENING  ENDED    no link can have the statuses wanted; the window begins past the end
 *	LAYING   SERVING  the spans are known
 *	LAYING   LAYING   the range is searched again, three times at most
 *	LAYING   OPENING  the list changed; that is a repair, except during a search
 *	SERVING  RESYNC   a page shows a change; links came twice
 *	SERVING  ENDED    the last span was served; the window is full
 *	RESYNC   SERVING  a page holds what was received; second pass over a window
 *	RESYNC   OPENING  nothing was received yet; second pass over the list
 *	RESYNC   OPENING  a link has a new status, which is not documented
 *	RESYNC   40001    on_drift is 'error'; too many repairs; the second pass did not help
 *
 * OPENING, LAYING and RESYNC last no longer than a call of plf_reader_next(), except that
 * plf_reader_prepare() returns in OPENING and plf_reader_range_size() in SERVING.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "list/opening.h"
#include "list/reader.h"
#include "list/resync.h"

static void step(PlfReader *reader);
static bool serve_next(PlfReader *reader, PlfLink *link);
static bool take_page(PlfReader *reader);
static void note_look(PlfReader *reader, const PlfChange *change);
static void note_end(PlfReader *reader, const char *why);
static PlfAhead ahead_of(const PlfReader *reader, int64 position);
static bool is_answered(const PlfReader *reader, PlfTicket ticket);

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
	reader->state = PLF_READER_NEW;
	reader->seen = plf_seen_create(context);
	reader->table = plf_page_table_create(context, source, options->concurrency);
	reader->course.source = source;
	reader->course.table = reader->table;
	return reader;
}

void
plf_reader_free(PlfReader *reader)
{
	PlfTicket opening[] = {reader->opening.first, reader->opening.all,
						   reader->opening.documented};

	for (size_t i = 0; reader->state == PLF_READER_OPENING && i < lengthof(opening); i++)
		if (plf_ticket_is_valid(opening[i]))
			reader->source->cancel(reader->source->arg, opening[i]);
	plf_page_table_forget(reader->table);
	MemoryContextDelete(reader->context);
}

PlfOrder
plf_reader_order(const PlfReader *reader)
{
	return reader->course.order;
}

bool
plf_reader_is_clipped(const PlfReader *reader)
{
	return reader->course.clipped;
}

PlfStatusCheck
plf_reader_statuses(const PlfReader *reader)
{
	return reader->status_check;
}

int64
plf_reader_total(const PlfReader *reader)
{
	return plf_page_table_total(reader->table);
}

int64
plf_reader_links(const PlfReader *reader)
{
	return reader->links;
}

bool
plf_reader_next(PlfReader *reader, PlfLink *link)
{
	while (reader->state != PLF_READER_ENDED)
	{
		/*
		 * Links of pages in memory come without a wait, which would check for interrupts.
		 */
		CHECK_FOR_INTERRUPTS();
		if (reader->state != PLF_READER_SERVING)
			step(reader);
		else if (serve_next(reader, link))
			return true;
	}
	return false;
}

int64
plf_reader_range_size(PlfReader *reader)
{
	reader->measures = true;
	while (reader->state != PLF_READER_SERVING && reader->state != PLF_READER_ENDED)
		step(reader);
	if (reader->status_check == PLF_STATUSES_OTHERS)
		return -1;
	if (reader->state == PLF_READER_ENDED)
		return 0;
	return reader->what.range == NULL
			   ? -1
			   : reader->course.range_end - reader->course.spans[0].from;
}

bool
plf_reader_prepare(PlfReader *reader)
{
	const PlfOpening *opening = &reader->opening;
	const PlfHeldPage *current;
	PlfAhead ahead;

	if (reader->state == PLF_READER_NEW)
		step(reader);
	if (reader->state == PLF_READER_OPENING)
		return is_answered(reader, opening->first) && is_answered(reader, opening->all) &&
			   is_answered(reader, opening->documented);
	if (reader->state != PLF_READER_SERVING)
		return true;
	current = plf_page_table_current(reader->table);
	ahead = ahead_of(reader, reader->position);
	return ahead.nspans == 0 ||
		   (current != NULL && plf_page_holds(current, ahead.spans[0].from)) ||
		   plf_page_table_is_ready(reader->table, &ahead);
}

/* True when a request that the reading begins with is answered, or there is none. */
static bool
is_answered(const PlfReader *reader, PlfTicket ticket)
{
	return !plf_ticket_is_valid(ticket) ||
		   reader->source->is_answered(reader->source->arg, ticket);
}

bool
plf_reader_is_between_pages(const PlfReader *reader)
{
	const PlfHeldPage *current = plf_page_table_current(reader->table);

	return reader->state == PLF_READER_SERVING &&
		   (current == NULL || !plf_page_holds(current, reader->position));
}

/* Leaves a state in which no link can be delivered; returns in the next state. */
static void
step(PlfReader *reader)
{
	switch (reader->state)
	{
		case PLF_READER_NEW:
			plf_reader_open(reader, "a link is wanted");
			break;
		case PLF_READER_OPENING:
			plf_reader_take_opening(reader);
			break;
		case PLF_READER_LAYING:
			plf_reader_lay(reader);
			break;
		case PLF_READER_RESYNC:
			plf_reader_resync(reader);
			break;
		case PLF_READER_SERVING:
		case PLF_READER_ENDED:
			Assert(false);
			break;
	}
}

/*
 * In SERVING: takes the link at "position".  True when the link is delivered; false when
 * it is passed over, or when the state changed.
 */
static bool
serve_next(PlfReader *reader, PlfLink *link)
{
	PlfCourse *course = &reader->course;
	const PlfHeldPage *page = plf_page_table_current(reader->table);
	PlfServed served;
	PlfField id;

	if (course->clipped && reader->what.take >= 0 &&
		reader->delivered >= reader->what.take)
	{
		plf_reader_enter(reader, PLF_READER_ENDED, "the window is full");
		return false;
	}
	if (page == NULL || !plf_page_holds(page, reader->position) ||
		reader->position >= course->spans[course->at].to)
	{
		if (!take_page(reader))
			return false;
		page = plf_page_table_current(reader->table);
	}
	*link = (PlfLink){page->page, (int) (reader->position - page->first),
					  page->request.page};
	reader->position++;

	if (course->shifted && !plf_reader_is_in_span(reader, link))
		return false;
	served = course->kind->serve(course, link);
	if (served.service == PLF_SERVICE_CHANGED)
	{
		reader->position--;
		note_look(reader, &served.change);
		return false;
	}
	if (served.service == PLF_SERVICE_ENDS)
	{
		reader->links++;
		note_end(reader, "the last link wanted was passed");
		return false;
	}
	id = plf_link_id(link);
	if (!plf_seen_add(reader->seen, id.text, id.length))
	{
		/* An API that sends the same pages again and again would never end the list. */
		if (plf_seen_repeats(reader->seen) >= PLF_MAX_PER_PAGE)
			note_end(reader, "the same links come again and again");
		return false;
	}
	reader->links++;
	if (served.service != PLF_SERVICE_SERVED)
		return false;
	reader->delivered++;
	return true;
}

/* Makes the page of the next link current; false when the state changed. */
static bool
take_page(PlfReader *reader)
{
	PlfCourse *course = &reader->course;
	PlfPageTable *table = reader->table;
	PlfAhead ahead;
	PlfLook look;
	int64 end;

	while (course->at < course->nspans &&
		   reader->position >= course->spans[course->at].to)
	{
		plf_course_enter(course, course->at + 1);
		if (course->at < course->nspans)
			reader->position = course->spans[course->at].from;
	}
	ahead = ahead_of(reader, reader->position);
	plf_page_table_leave(table, &ahead);
	if (ahead.nspans == 0)
	{
		note_end(reader, "the last span was served");
		return false;
	}
	plf_course_hurry(course);
	look = plf_page_table_deliver(table, &ahead);
	if (look.kind != PLF_LOOK_PAGE)
	{
		note_look(reader, &look.change);
		return false;
	}
	plf_course_hurry(course);

	/* Requests one page ahead, unless the links wanted end on this page. */
	end = look.page->first + look.page->count;
	if (course->kind->ends_inside(course) && !reader->what.early_stop &&
		end < course->spans[course->at].to && course->kind->goes_on(course, look.page))
	{
		ahead = ahead_of(reader, end);
		plf_page_table_send_one(table, &ahead);
	}
	return true;
}

/* The places that will be served from a place on. */
static PlfAhead
ahead_of(const PlfReader *reader, int64 position)
{
	int64 hint = reader->what.row_hint;

	return plf_course_ahead(&reader->course, position,
							hint == 0 ? PG_INT64_MAX : Max(hint - reader->delivered, 1));
}

/* Enters RESYNC, because a page that was looked at shows that the list changed. */
static void
note_look(PlfReader *reader, const PlfChange *change)
{
	plf_reader_note_change(reader, change);
	reader->cause = PLF_RESYNC_LIST_CHANGED;
	plf_reader_enter(reader, PLF_READER_RESYNC, reader->change.detail);
}

/*
 * Enters ENDED after the last link wanted.  Enters RESYNC instead when a link came twice
 * on pages that report one length: another link may have shifted to an earlier page while
 * a later page was read.
 */
static void
note_end(PlfReader *reader, const char *why)
{
	if (plf_seen_repeats(reader->seen) == 0)
	{
		plf_reader_enter(reader, PLF_READER_ENDED, why);
		return;
	}
	reader->cause = PLF_RESYNC_LINKS_TWICE;
	plf_reader_enter(reader, PLF_READER_RESYNC, "links came more than once");
}

bool
plf_reader_leave_out(PlfReader *reader)
{
	if (!reader->catching_up)
		return false;
	if (reader->second_pass)
	{
		const PlfChange change = {
			0, "A link came too late: links that sort after it had been returned."};

		plf_reader_note_change(reader, &change);
		plf_reader_report_change(reader);
	}
	reader->delivered--;
	return true;
}

void
plf_reader_caught_up(PlfReader *reader)
{
	reader->catching_up = false;
}
