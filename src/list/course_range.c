/*
 * course_range.c
 *		The course of a key range: from the place at which the range begins in the sorted
 *		list to the first link after the range.
 *
 * Links without a key are in no range.  If the list begins with them, they count as
 * before every range, else as after every range.
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
static PlfSide side_of(const PlfCourse *course, const PlfHeldPage *page, int index);
static bool is_before(const PlfCourse *course, PlfSide side);

/* Whether a link lies before the range. */
static bool
is_before_begin(const PlfCourse *course, const PlfHeldPage *page, int index)
{
	return is_before(course, side_of(course, page, index));
}

/* Whether a link lies before the end of the range. */
static bool
is_before_end(const PlfCourse *course, const PlfHeldPage *page, int index)
{
	PlfSide side = side_of(course, page, index);

	return side == PLF_SIDE_IN || is_before(course, side);
}

static PlfLook
lay(PlfCourse *course, PlfHeldPage *first)
{
	const PlfSearch search = {
		.course = course, .is_before = is_before_begin, .check = check_order};
	int64 total = plf_page_table_total(course->table);
	PlfLook look;

	course->null_side = plf_course_has_key(course, first, 0) ? PLF_SIDE_AFTER
															 : PLF_SIDE_BEFORE;
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
	if (!has_end && course->null_side == PLF_SIDE_BEFORE)
	{
		/*
		 * The range goes to the list's end, unless the list ends with links without a
		 * key, too.
		 */
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
 * If the range ends at a link without a key, and not at a bound, all links from there on
 * should lack a key.  If the last link has a key, the caller sorts the list.
 */
static PlfLook
look_behind_null(PlfCourse *course)
{
	int64 total = plf_page_table_total(course->table);
	int64 end = course->range_end;
	PlfLook look;

	if (course->null_side == PLF_SIDE_BEFORE || !course->what->nullable || end >= total)
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

/*
 * Returns PLF_LOOK_DISORDER unless the page is in order, in itself and with each page in
 * memory.
 */
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
	bool nulls_before = course->null_side == PLF_SIDE_BEFORE;

	return earlier->first == later->first ||
		   (plf_range_is_ascending(course->what->range, earlier->page, earlier->count,
								   later->page, later->count) &&
			!(plf_course_page_has(course, earlier, 0, nulls_before) &&
			  plf_course_page_has(course, later, 0, !nulls_before)));
}

/*
 * True when all links without a key on a page come before the others, or all after them,
 * as "null_side" says.
 */
static bool
nulls_are_aside(const PlfCourse *course, const PlfHeldPage *page)
{
	bool nulls_before = course->null_side == PLF_SIDE_BEFORE;
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

static PlfSide
side_of(const PlfCourse *course, const PlfHeldPage *page, int index)
{
	PlfLink link = {page->page, index, page->request.page};

	return plf_range_side(course->what->range, &link);
}

static bool
is_before(const PlfCourse *course, PlfSide side)
{
	return side == PLF_SIDE_BEFORE ||
		   (side == PLF_SIDE_NULL && course->null_side == PLF_SIDE_BEFORE);
}

static PlfServed
serve(PlfCourse *course, const PlfLink *link)
{
	if (plf_range_side(course->what->range, link) == PLF_SIDE_AFTER)
		return plf_served(PLF_SERVICE_ENDS);
	if (course->what->nullable && !plf_course_link_has_key(course, link))
		return plf_course_serve_null(course, link);
	return plf_served(PLF_SERVICE_SERVED);
}

static PlfAnchor
is_anchor(PlfCourse *course, const PlfLink *link)
{
	return is_before(course, plf_range_side(course->what->range, link))
			   ? PLF_ANCHOR_YES
			   : PLF_ANCHOR_IF_RECEIVED;
}

static PlfSide
side(PlfCourse *course, const PlfLink *link)
{
	return is_before(course, plf_range_side(course->what->range, link)) ? PLF_SIDE_BEFORE
																		: PLF_SIDE_IN;
}

static bool
ends_inside(const PlfCourse *course)
{
	return plf_range_has_end(course->what->range);
}

static bool
goes_on(const PlfCourse *course, const PlfHeldPage *page)
{
	return side_of(course, page, page->count - 1) != PLF_SIDE_AFTER;
}

const PlfCourseKind plf_course_range = {"key range", lay,         serve,  is_anchor,
										side,        ends_inside, goes_on};
