/*
 * opening.c
 *		OPENING and LAYING: takes the first page and the status check, and lays the course
 *		by them.
 *
 * No link is delivered in these states.  So when the list changes meanwhile, the reading
 * is opened again.
 */
#include "postgres.h"

#include "list/course_nulls.h"
#include "list/course_range.h"
#include "list/opening.h"

/* How often a list that changes meanwhile is searched for a range. */
#define MAX_SEARCHES 3

/* What came of the request for the first page. */
typedef enum FirstPage
{
	FIRST_HERE,
	FIRST_CHANGED, /* the list changed; the change is noted */
	FIRST_PAST_END /* a window begins past the end of the list */
} FirstPage;

static void ask_for_first(PlfReader *reader);
static void ask_for_everything(PlfReading *what);
static void leave_window(PlfReading *what);
static const PlfCourseKind *course_kind(const PlfReading *what);
static bool statuses_are_documented(PlfReader *reader);
static FirstPage take_first(PlfReader *reader, PlfTicket ticket);
static FirstPage look_past_end(PlfReader *reader, const char *refusal);
static void open_again(PlfReader *reader, const char *why);
static PlfLook lay_course(PlfReader *reader);
static void search_again(PlfReader *reader, PlfLookKind found);
static void give_up_range(PlfReader *reader);
static void serve(PlfReader *reader);
static void expect_requests(PlfReader *reader);
static PlfTicket request_count(PlfReader *reader, bool filtered);
static int64 receive_count(PlfReader *reader, PlfTicket ticket);

void
plf_reader_open(PlfReader *reader, const char *why)
{
	PlfReading *what = &reader->what;
	PlfOpening *opening = &reader->opening;

	if (reader->state == PLF_READER_NEW || reader->state == PLF_READER_RESYNC)
		reader->searches = 0;
	*what = reader->asked;
	if (reader->opened_late)
	{
		what->check_statuses = false;
		ask_for_everything(what);
	}
	else if (reader->second_pass)
		leave_window(what);
	opening->first = opening->all = opening->documented = PLF_NO_TICKET;
	plf_reader_enter(reader, PLF_READER_OPENING, why);

	/*
	 * With no documented status, only links of other statuses can be wanted, and the
	 * status check tells whether there are any.
	 */
	if (!what->filtered || what->statuses != PLF_STATUS_NONE)
		ask_for_first(reader);
	if (what->check_statuses)
	{
		opening->all = request_count(reader, false);
		opening->documented = request_count(reader, true);
	}
}

static void
ask_for_first(PlfReader *reader)
{
	PlfOpening *opening = &reader->opening;

	opening->sizes = plf_reading_sizes(&reader->what, reader->options->page_size);
	opening->request = plf_reading_request(&reader->what, opening->sizes.first_page,
										   opening->sizes.first_size);
	opening->first = reader->source->request(reader->source->arg, &opening->request);
}

/*
 * Asks for all links, because links of other statuses may be wanted.  The caller, who
 * wanted a window, then takes links until the window is full.
 */
static void
ask_for_everything(PlfReading *what)
{
	what->filtered = false;
	what->row_hint = 0;
	leave_window(what);
}

/* The caller, who wanted a window, takes links until the window is full. */
static void
leave_window(PlfReading *what)
{
	what->early_stop = what->early_stop || what->take >= 0;
	what->skip = 0;
	what->take = -1;
}

void
plf_reader_take_opening(PlfReader *reader)
{
	PlfOpening *opening = &reader->opening;

	reader->status_check = reader->opened_late ? PLF_STATUSES_OTHERS
											   : PLF_STATUSES_UNCHECKED;
	if (plf_ticket_is_valid(opening->all))
	{
		if (statuses_are_documented(reader))
			reader->status_check = PLF_STATUSES_DOCUMENTED;
		else
		{
			reader->status_check = PLF_STATUSES_OTHERS;
			if (plf_ticket_is_valid(opening->first))
				reader->source->cancel(reader->source->arg, opening->first);
			ask_for_everything(&reader->what);
			ask_for_first(reader);
		}
	}
	plf_course_begin(&reader->course, course_kind(&reader->what), &reader->what);
	if (!plf_ticket_is_valid(opening->first))
	{
		plf_page_table_begin_none(reader->table);
		plf_reader_enter(reader, PLF_READER_ENDED, "no link can have such a status");
		return;
	}
	switch (take_first(reader, opening->first))
	{
		case FIRST_HERE:
			plf_reader_enter(reader, PLF_READER_LAYING, "the first page came");
			break;
		case FIRST_CHANGED:
			plf_reader_count_repair(reader);
			open_again(reader, reader->change.detail);
			break;
		case FIRST_PAST_END:
			plf_reader_enter(reader, PLF_READER_ENDED,
							 "the window begins past the end of the list");
			break;
	}
}

static const PlfCourseKind *
course_kind(const PlfReading *what)
{
	if (what->range != NULL)
		return &plf_course_range;
	return what->sort_key != NULL && what->nullable ? &plf_course_nulls
													: &plf_course_whole;
}

/*
 * True when all links have documented statuses.  Both counts are answers to requests that
 * went out together.
 */
static bool
statuses_are_documented(PlfReader *reader)
{
	int64 all = receive_count(reader, reader->opening.all);

	return receive_count(reader, reader->opening.documented) == all;
}

/* Takes the first page, which tells the length of the list. */
static FirstPage
take_first(PlfReader *reader, PlfTicket ticket)
{
	PlfAnswer answer = reader->source->receive(reader->source->arg, ticket);
	PlfLook look;

	if (answer.page == NULL)
		return look_past_end(reader, answer.refusal);
	look = plf_page_table_begin(reader->table, &reader->opening.request,
								reader->opening.sizes.page_size, answer.page);
	if (look.kind != PLF_LOOK_PAGE)
	{
		plf_reader_note_change(reader, &look.change);
		return FIRST_CHANGED;
	}
	reader->first = look.page;
	return FIRST_HERE;
}

/*
 * The API refused the first page, as it does with pages past the end of the list.  A
 * request for one link tells whether the page was past the end.  The length of the list
 * is not believed when the answer holds another number of links than it has to.
 */
static FirstPage
look_past_end(PlfReader *reader, const char *refusal)
{
	const PlfPageSource *source = reader->source;
	const PlfListRequest *refused = &reader->opening.request;
	PlfListRequest request = plf_reading_request(&reader->what, 1, 1);
	PlfChange change = {
		refused->page,
		psprintf("The API refused the page, although the list is long enough.%s",
				 refusal)};
	PlfHeldPage *page =
		source->receive(source->arg, source->request(source->arg, &request)).page;
	bool is_there = page->total > (refused->page - 1) * refused->per_page;
	bool is_whole = plf_page_is_whole(page);

	if (!is_whole)
		change.detail = psprintf(
			"The API refused the page, and then sent %d links of a list of " INT64_FORMAT
			".%s",
			page->count, page->total, refusal);
	source->release(source->arg, page);
	if (is_whole && !is_there)
		return FIRST_PAST_END;
	plf_reader_note_change(reader, &change);
	return FIRST_CHANGED;
}

static void
open_again(PlfReader *reader, const char *why)
{
	plf_page_table_forget(reader->table);
	plf_reader_open(reader, why);
}

void
plf_reader_lay(PlfReader *reader)
{
	PlfCourse *course = &reader->course;
	bool is_range = reader->what.range != NULL;
	PlfLook look = {.kind = PLF_LOOK_DISORDER};

	if (!is_range || plf_page_table_total(reader->table) == 0 ||
		reader->searches++ < MAX_SEARCHES)
		look = lay_course(reader);
	if (look.kind == PLF_LOOK_PAGE)
	{
		if (is_range && course->order == PLF_ORDER_SORTED_HERE)
			give_up_range(reader);
		serve(reader);
		return;
	}
	if (look.change.detail != NULL)
		plf_reader_note_change(reader, &look.change);
	if (is_range)
		search_again(reader, look.kind);
	else
	{
		plf_reader_count_repair(reader);
		open_again(reader, reader->change.detail);
	}
}

static PlfLook
lay_course(PlfReader *reader)
{
	PlfCourse *course = &reader->course;
	PlfLook look = plf_course_lay(course, reader->first);

	if (look.kind == PLF_LOOK_PAGE && reader->measures &&
		course->kind == &plf_course_range)
		look = plf_course_find_end(course);
	return look;
}

/*
 * The search for the ends of the range found that the list changed, or that its links are
 * not in order.  Such a change does not count as a repair.  After three searches the
 * whole list is read: the query's conditions find the links, and the caller sorts them.
 *
 * A link that got an undocumented status has left the filtered list.  So a list that
 * changed after the status check is not searched again: the reading is opened again, with
 * a new check.
 */
static void
search_again(PlfReader *reader, PlfLookKind found)
{
	const char *anew = "the list changed after the status check";
	bool was_checked = reader->status_check == PLF_STATUSES_DOCUMENTED;

	if (was_checked && found == PLF_LOOK_CHANGED)
	{
		open_again(reader, anew);
		return;
	}
	for (; reader->searches < MAX_SEARCHES; reader->searches++)
	{
		int64 total = plf_page_table_total(reader->table);
		FirstPage first;

		plf_page_table_forget(reader->table);
		first = take_first(reader, reader->source->request(reader->source->arg,
														   &reader->opening.request));
		if (was_checked &&
			(first != FIRST_HERE || plf_page_table_total(reader->table) != total))
		{
			open_again(reader, anew);
			return;
		}
		if (first == FIRST_HERE)
		{
			plf_reader_enter(reader, PLF_READER_LAYING, "the range is searched again");
			return;
		}
		found = PLF_LOOK_CHANGED;
	}

	/* The pages in the table, if any, are of the list before it changed. */
	if (found == PLF_LOOK_CHANGED)
	{
		open_again(reader, "the list changed during the last search");
		return;
	}
	plf_course_sort_here(&reader->course);
	give_up_range(reader);
	serve(reader);
}

/*
 * Notes that the whole list is read instead of the range.  The course is laid so already.
 */
static void
give_up_range(PlfReader *reader)
{
	reader->what.range = NULL;

	/* The caller only wanted the size, and now counts links in any order. */
	if (reader->measures)
	{
		reader->what.nullable = false;
		reader->asked.range = NULL;
		reader->asked.sort_key = NULL;
		reader->asked.nullable = false;
	}
}

/* Enters SERVING: the course is laid. */
static void
serve(PlfReader *reader)
{
	PlfCourse *course = &reader->course;

	if (course->clipped)
		plf_course_clip(course);
	plf_course_enter(course, 0);
	plf_course_set_pace(course);
	reader->position = course->spans[0].from;
	if (!reader->what.early_stop && reader->what.range == NULL &&
		!course->kind->ends_inside(course))
		expect_requests(reader);
	plf_reader_enter(reader, PLF_READER_SERVING, course->kind->name);
}

/*
 * Raises 54000 at once when reading all spans takes more requests than max_requests
 * allows.
 */
static void
expect_requests(PlfReader *reader)
{
	const PlfCourse *course = &reader->course;
	PlfAhead ahead = plf_course_ahead(course, reader->position, PG_INT64_MAX);
	int size = plf_page_table_size(reader->table);
	int64 pages = 0;

	for (int i = 0; i < ahead.nspans; i++)
	{
		const PlfSpan *span = &ahead.spans[i];

		if (span->from < span->to)
			pages += (span->to - 1) / size - span->from / size + 1;
	}
	/* A page on which both spans have links is read once. */
	if (course->nspans == 2 && course->spans[0].from % size != 0)
		pages--;
	for (int i = 0; i < plf_page_table_count(reader->table); i++)
		if (plf_ahead_needs(&ahead, plf_page_table_get(reader->table, i)))
			pages--;
	reader->source->expect(reader->source->arg, pages);
}

bool
plf_reader_status_came(PlfReader *reader)
{
	const PlfChange change = {
		0, "The number of links changed while the statuses were checked."};

	/*
	 * The requests are sent one after the other: the last answer tells whether the list
	 * changed between the first two.
	 */
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
		plf_reader_note_change(reader, &change);
		plf_reader_count_repair(reader);
	}
}

/*
 * A request for one link, which tells how many links there are, or how many with
 * documented statuses.
 */
static PlfTicket
request_count(PlfReader *reader, bool filtered)
{
	const PlfListRequest request = {
		.filtered = filtered, .statuses = PLF_STATUS_ALL, .page = 1, .per_page = 1};

	return reader->source->request(reader->source->arg, &request);
}

static int64
receive_count(PlfReader *reader, PlfTicket ticket)
{
	PlfHeldPage *page = reader->source->receive(reader->source->arg, ticket).page;
	int64 total = page->total;

	reader->source->release(reader->source->arg, page);
	return total;
}
