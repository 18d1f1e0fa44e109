/*
 * course_range.c
 *		The course of a key range: from the place at which the range begins in the sorted
 *		list to the first link after the range.
 *
 * Links without a key are in no range.  Where the list begins with them they lie before
 * every range, else after.
 */
#include "postgres.h"

#include "list/bisect.h"
#include "list/course_nulls.h"
#include "list/course_range.h"
#include "rows/bounds.h"

static PlfLook look_behind_null(PlfCourse *course);
static PlfLook check_order(PlfCourse *course, PlfHeldPage *page);
static bool nulls_are_aside(const PlfCourse *course, const PlfHeldPage *page);
static bool pages_are_in_order(const PlfCourse *course, const PlfHeldPage *page,
							   const PlfHeldPage *other);
static bool no_key_was_seen(const PlfCourse *course);
static PlfPlace place_of(const PlfCourse *course, const PlfHeldPage *page, int index);
static bool is_before(const PlfCourse *course, PlfPlace place);

/* Whether a link lies before the range. */
static bool
is_before_begin(const PlfCourse *course, const PlfHeldPage *page, int index)
{
	return is_before(course, place_of(course, page, index));
}

/* Whether a link lies before the end of the range. */
static bool
is_before_end(const PlfCourse *course, const PlfHeldPage *page, int index)
{
	PlfPlace place = place_of(course, page, index);

	return place == PLF_PLACE_IN || is_before(course, place);
}

static PlfLook
lay(PlfCourse *course, PlfHeldPage *first)
{
	const PlfSearch search = {
		.course = course, .is_before = is_before_begin, .check = check_order};
	int64 total = plf_page_table_total(course->table);
	PlfLook look;

	course->null_place = plf_course_has_key(course, first, 0) ? PLF_PLACE_AFTER
															  : PLF_PLACE_BEFORE;
	look = check_order(course, first);
	if (look.kind == PLF_LOOK_PAGE)
		look = plf_bisect(&search, first, 0, &course->spans[0].from);
	if (look.kind != PLF_LOOK_PAGE)
		return look;

	/*
	 * All pages that were looked at, the first and the last too, hold links without a key
	 * alone.  Links with a key may be between them.
	 */
	if (course->spans[0].from == total && first->count < total && no_key_was_seen(course))
		plf_course_sort_here(course);
	return PLF_LAID;
}

PlfLook
plf_course_find_end(PlfCourse *course)
{
	const PlfSearch search = {
		.course = course, .is_before = is_before_end, .check = check_order};
	int64 begin = course->spans[0].from;
	int64 total = plf_page_table_total(course->table);
	bool has_end = plf_range_has_end(course->what->range);
	PlfLook look;

	if (begin >= total || (!has_end && !course->what->nullable))
		return PLF_LAID;
	if (!has_end && course->null_place == PLF_PLACE_BEFORE)
	{
		/* The range goes to the list's end, unless the last link has no key, either. */
		look = plf_page_table_at(course->table, total - 1);
		if (look.kind == PLF_LOOK_PAGE)
			look = check_order(course, look.page);
		if (look.kind == PLF_LOOK_PAGE &&
			!plf_course_has_key(course, look.page, look.page->count - 1))
			plf_course_sort_here(course);
		return look;
	}

	/* A short range ends on the page on which it begins. */
	look = plf_page_table_at(course->table, begin);
	if (look.kind == PLF_LOOK_PAGE)
		look = plf_bisect(&search, look.page, (int) (begin - look.page->first),
						  &course->range_end);
	return look.kind == PLF_LOOK_PAGE ? look_behind_null(course) : look;
}

/*
 * Where the range ends because a link has no key, not because of a bound, links without a
 * key go on to the list's end.  If the last link has a key, the list is sorted here.
 */
static PlfLook
look_behind_null(PlfCourse *course)
{
	int64 total = plf_page_table_total(course->table);
	int64 end = course->range_end;
	PlfLook look;

	if (course->null_place == PLF_PLACE_BEFORE || !course->what->nullable || end >= total)
		return PLF_LAID;
	look = plf_page_table_at(course->table, end);
	if (look.kind != PLF_LOOK_PAGE ||
		plf_course_has_key(course, look.page, (int) (end - look.page->first)))
		return look;
	look = plf_page_table_at(course->table, total - 1);
	if (look.kind == PLF_LOOK_PAGE &&
		plf_course_has_key(course, look.page, look.page->count - 1))
		plf_course_sort_here(course);
	return look;
}

/* Tells whether a page is sorted, in itself and with the pages in memory. */
static PlfLook
check_order(PlfCourse *course, PlfHeldPage *page)
{
	bool in_order = plf_range_is_sorted(course->what->range, page->page, page->count) &&
					nulls_are_aside(course, page);

	for (int i = 0; in_order && i < plf_page_table_count(course->table); i++)
		in_order = pages_are_in_order(course, page, plf_page_table_get(course->table, i));
	if (in_order)
		return (PlfLook){.kind = PLF_LOOK_PAGE, .page = page};
	return (PlfLook){.kind = PLF_LOOK_DISORDER,
					 .change = {page->request.page,
								"The links are not in the order that was asked for."}};
}

static bool
pages_are_in_order(const PlfCourse *course, const PlfHeldPage *page,
				   const PlfHeldPage *other)
{
	const PlfHeldPage *earlier = other->first < page->first ? other : page;
	const PlfHeldPage *later = earlier == page ? other : page;
	bool nulls_before = course->null_place == PLF_PLACE_BEFORE;

	return earlier->first == later->first ||
		   (plf_range_is_ascending(course->what->range, earlier->page, earlier->count,
								   later->page, later->count) &&
			!(plf_course_page_has(course, earlier, 0, nulls_before) &&
			  plf_course_page_has(course, later, 0, !nulls_before)));
}

/* Whether a page's links without a key, if any, are together on their side. */
static bool
nulls_are_aside(const PlfCourse *course, const PlfHeldPage *page)
{
	bool nulls_before = course->null_place == PLF_PLACE_BEFORE;
	bool other_side = false;

	for (int i = 0; i < page->count; i++)
	{
		if (plf_course_has_key(course, page, i) == nulls_before)
			other_side = true;
		else if (other_side)
			return false;
	}
	return true;
}

static bool
no_key_was_seen(const PlfCourse *course)
{
	for (int i = 0; i < plf_page_table_count(course->table); i++)
		if (plf_course_page_has(course, plf_page_table_get(course->table, i), 0, true))
			return false;
	return true;
}

static PlfPlace
place_of(const PlfCourse *course, const PlfHeldPage *page, int index)
{
	PlfLink link = {page->page, index, page->request.page};

	return plf_range_place(course->what->range, &link);
}

static bool
is_before(const PlfCourse *course, PlfPlace place)
{
	return place == PLF_PLACE_BEFORE ||
		   (place == PLF_PLACE_NULL && course->null_place == PLF_PLACE_BEFORE);
}

static PlfServed
serve(PlfCourse *course, const PlfLink *link)
{
	if (plf_range_place(course->what->range, link) == PLF_PLACE_AFTER)
		return plf_served(PLF_SERVICE_ENDS);
	if (course->what->nullable && !plf_course_link_has_key(course, link))
		return plf_course_serve_null(course, link);
	return plf_served(PLF_SERVICE_SERVED);
}

static PlfAnchor
is_anchor(PlfCourse *course, const PlfLink *link)
{
	return is_before(course, plf_range_place(course->what->range, link))
			   ? PLF_ANCHOR_YES
			   : PLF_ANCHOR_IF_RECEIVED;
}

static PlfPlace
side(PlfCourse *course, const PlfLink *link)
{
	return is_before(course, plf_range_place(course->what->range, link))
			   ? PLF_PLACE_BEFORE
			   : PLF_PLACE_IN;
}

static bool
ends_inside(const PlfCourse *course)
{
	return plf_range_has_end(course->what->range);
}

static bool
goes_on(const PlfCourse *course, const PlfHeldPage *page)
{
	return place_of(course, page, page->count - 1) != PLF_PLACE_AFTER;
}

const PlfCourseKind plf_course_range = {"key range", lay,         serve,  is_anchor,
										side,        ends_inside, goes_on};
