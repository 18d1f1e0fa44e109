/*
 * resync.c
 *		RESYNC: what a reader does when the list changed while it is read.
 *
 * Pages are numbered: a link that is inserted or removed before a page shifts the page's
 * links to other pages.  As long as all pages report one length, no link can have shifted
 * (but for changes that balance exactly, which nobody can see).  When a page reports
 * another length, or is refused, or is too short, everything ahead is dropped and the
 * reader steps back until a page, read again, holds a link that was received before.
 * Each link that precedes that link in the list was received before it, or was inserted
 * later.  So the reading goes on at that page.
 */
#include "postgres.h"

#include "list/opening.h"
#include "list/resync.h"

/*
 * The most pages that are looked at for one repair, and the most pages whose links are
 * passed over after it.  A list that shifted further counts as another list: 40001.
 */
#define MAX_STEPS 100

static void repair(PlfReader *reader);
static void read_again(PlfReader *reader);
static void drop_pages(PlfReader *reader);
static void note(PlfReader *reader, int64 page, const char *detail);
static PlfHeldPage *step_back(PlfReader *reader);
static bool holds_anchor(PlfReader *reader, const PlfHeldPage *page);

void
plf_reader_resync(PlfReader *reader)
{
	if (reader->cause == PLF_RESYNC_LIST_CHANGED)
		repair(reader);
	else
		read_again(reader);
}

/* Finds a page before which every link was received, and goes on from that page. */
static void
repair(PlfReader *reader)
{
	PlfHeldPage *page;

	plf_reader_count_repair(reader);
	drop_pages(reader);
	if (plf_seen_count(reader->seen) == 0)
	{
		plf_reader_open(reader, "nothing was received yet");
		return;
	}
	reader->catching_up = true;
	page = step_back(reader);

	/*
	 * A link that was asked for by its status may have an undocumented one by now.  Then
	 * the list is read unfiltered, from its beginning: the links received are not
	 * delivered again, and the caller applies the window.
	 *
	 * The statuses are checked after the page came from which the reading goes on.  A
	 * link that left the filtered list before that page was read has its new status by
	 * then.  If the check finds that the list changed again, that page is read again,
	 * because the next page would count the same change as another repair.
	 */
	while (reader->status_check == PLF_STATUSES_DOCUMENTED)
	{
		int repairs = reader->repairs;
		bool came = plf_reader_status_came(reader);

		if (!came && reader->repairs == repairs)
			break;
		plf_page_table_release(reader->table, page);
		if (came)
		{
			plf_reader_open(reader, "a link has an undocumented status by now");
			return;
		}
		page = step_back(reader);
	}
	plf_page_table_resume(reader->table, page);
	reader->position = page->first;
	plf_course_resume(&reader->course, page->first);
	plf_reader_enter(reader, PLF_READER_SERVING, "a page holds what was received");
}

/*
 * Reads the list once more, because links came twice.  Raises 40001 when that was done
 * before, or when the places of a window do not hold any more.
 */
static void
read_again(PlfReader *reader)
{
	PlfCourse *course = &reader->course;

	note(reader, 0,
		 psprintf("%lld of the links came more than once, so that others may be missing.",
				  (long long) plf_seen_repeats(reader->seen)));
	if (reader->second_pass || (course->clipped && course->shifted))
		plf_reader_report_change(reader);
	plf_reader_count_repair(reader);
	drop_pages(reader);
	reader->catching_up = reader->second_pass = true;
	if (!course->clipped)
	{
		plf_seen_begin_list(reader->seen);
		plf_reader_open(reader, "second pass");
		return;
	}
	plf_course_enter(course, 0);
	reader->position = course->spans[0].from;
	plf_reader_enter(reader, PLF_READER_SERVING, "second pass over the window");
}

/*
 * Drops the pages in memory and the requests under way: they may be of the list before it
 * changed.
 */
static void
drop_pages(PlfReader *reader)
{
	plf_page_table_forget(reader->table);
	plf_page_table_slow(reader->table);
	plf_seen_begin(reader->seen);
}

static void
note(PlfReader *reader, int64 page, const char *detail)
{
	const PlfChange change = {page, detail};

	plf_reader_note_change(reader, &change);
}

/*
 * Returns the last page with an anchor, at or before the place that was to be read next;
 * the first page when no page has one.
 */
static PlfHeldPage *
step_back(PlfReader *reader)
{
	PlfPageTable *table = reader->table;
	int size = plf_page_table_size(table);
	int64 page = Max(reader->position - 1, 0) / size + 1;

	for (int steps = 0; steps < MAX_STEPS; steps++)
	{
		PlfAnswer answer = plf_page_table_receive(table, page);
		PlfHeldPage *held = answer.page;
		bool is_whole = held != NULL && plf_page_is_whole(held);

		if (is_whole && (page == 1 || holds_anchor(reader, held)))
			return held;
		if (held == NULL)
		{
			note(reader, page,
				 psprintf("The API refused the page, which the list had before.%s",
						  answer.refusal));
			held = plf_page_table_receive(table, 1).page; /* for the length of the list */
		}
		else if (!is_whole)
			plf_reader_count_repair(reader);
		if (is_whole || held->request.page != page)
			page = Max(Min(page - 1, (held->total - 1) / size + 1), 1);
		plf_page_table_release(table, held);
	}
	plf_reader_report_change(reader);
}

static bool
holds_anchor(PlfReader *reader, const PlfHeldPage *page)
{
	PlfCourse *course = &reader->course;

	for (int i = 0; i < page->count; i++)
	{
		PlfLink link = {page->page, i, page->request.page};
		PlfAnchor anchor = course->kind->is_anchor(course, &link);
		PlfField id;

		if (anchor == PLF_ANCHOR_YES)
			return true;
		if (anchor == PLF_ANCHOR_NO)
			continue;
		id = plf_link_id(&link);
		if (plf_seen_has(reader->seen, id.text, id.length))
			return true;
	}
	return false;
}

bool
plf_reader_is_in_span(PlfReader *reader, const PlfLink *link)
{
	PlfCourse *course = &reader->course;
	PlfSide side = course->kind->side(course, link);

	if (side == PLF_SIDE_AFTER)
		reader->position = course->spans[course->at].to;
	else if (side == PLF_SIDE_BEFORE &&
			 ++reader->passed > MAX_STEPS * plf_page_table_size(reader->table))
		plf_reader_report_change(reader);
	return side == PLF_SIDE_IN;
}
