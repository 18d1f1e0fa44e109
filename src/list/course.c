/*
 * course.c
 *		The course that is the whole list, and what all courses have in common.
 */
#include "postgres.h"

#include "list/course.h"

static void take_all(PlfCourse *course);

void
plf_course_begin(PlfCourse *course, const PlfCourseKind *kind, const PlfReading *what)
{
	course->what = what;
	course->kind = kind;
	course->nspans = 0;
	course->at = 0;
	course->clipped = what->skip > 0 || what->take >= 0;
	course->met = false;
	course->keyless = PLF_KEYLESS_UNKNOWN;
	course->order = PLF_ORDER_AS_SENT;
	course->null_side = PLF_SIDE_AFTER;
	course->range_end = 0;
}

PlfLook
plf_course_lay(PlfCourse *course, PlfHeldPage *first)
{
	bool was_clipped = course->clipped;
	PlfLook look = PLF_LAID;

	take_all(course);
	course->range_end = plf_page_table_total(course->table);
	if (course->range_end > 0)
		look = course->kind->lay(course, first);

	/* The spans are exact, so pages may be read ahead wherever the spans end. */
	if (look.kind == PLF_LOOK_PAGE && !was_clipped)
		plf_page_table_hurry(course->table);
	return look;
}

/* Makes the course one span, the whole list. */
static void
take_all(PlfCourse *course)
{
	course->spans[0] = (PlfSpan){0, plf_page_table_total(course->table)};
	course->kinds[0] = PLF_SPAN_ANY;
	course->nspans = 1;
}

void
plf_course_sort_here(PlfCourse *course)
{
	take_all(course);
	course->kind = &plf_course_whole;
	course->order = PLF_ORDER_SORTED_HERE;
	course->clipped = false;
}

void
plf_course_hurry(PlfCourse *course)
{
	if (!course->clipped && course->kinds[course->at] == PLF_SPAN_ANY)
		plf_page_table_hurry(course->table);
}

void
plf_course_set_pace(PlfCourse *course)
{
	bool early_stop = course->what->early_stop;

	if (course->kind->ends_inside(course))
		plf_page_table_set_pace(course->table, early_stop ? PLF_PACE_NONE : PLF_PACE_ONE);
	else
		plf_page_table_set_pace(course->table,
								early_stop ? PLF_PACE_GROWS : PLF_PACE_ALL);
}

void
plf_course_clip(PlfCourse *course)
{
	int64 skip = course->what->skip;
	int64 take = course->what->take < 0 ? PG_INT64_MAX : course->what->take;

	for (int i = 0; i < course->nspans; i++)
	{
		PlfSpan *span = &course->spans[i];
		int64 skipped = Min(skip, span->to - span->from);

		span->from += skipped;
		skip -= skipped;
		span->to = Min(span->to - span->from, take) + span->from;
		take -= span->to - span->from;
	}
}

void
plf_course_enter(PlfCourse *course, int span)
{
	course->at = span;
	course->met = false;
}

void
plf_course_resume(PlfCourse *course, int64 from)
{
	course->met = false;
	if (course->keyless == PLF_KEYLESS_TAIL)
		course->keyless = PLF_KEYLESS_UNKNOWN;
	course->spans[course->at].from = from;
	for (int i = course->at; i < course->nspans; i++)
		course->spans[i].to = plf_page_table_total(course->table);
}

PlfAhead
plf_course_ahead(const PlfCourse *course, int64 position, int64 most)
{
	PlfAhead ahead = {.most = most};

	for (int i = course->at; i < course->nspans; i++)
	{
		int64 from = i == course->at ? position : course->spans[i].from;

		if (from < course->spans[i].to || ahead.nspans > 0)
			ahead.spans[ahead.nspans++] = (PlfSpan){from, course->spans[i].to};
	}
	return ahead;
}

bool
plf_course_may_stop(const PlfCourse *course)
{
	return course->what->early_stop || (course->clipped && course->what->take >= 0);
}

bool
plf_course_link_has_key(const PlfCourse *course, const PlfLink *link)
{
	return plf_link_key_kind(link, course->what->sort_key) == PLF_KEY_PRESENT;
}

bool
plf_course_has_key(const PlfCourse *course, const PlfHeldPage *page, int index)
{
	PlfLink link = {page->page, index, page->request.page};

	return plf_course_link_has_key(course, &link);
}

bool
plf_course_page_has(const PlfCourse *course, const PlfHeldPage *page, int from,
					bool with_key)
{
	for (int i = from; i < page->count; i++)
		if (plf_course_has_key(course, page, i) == with_key)
			return true;
	return false;
}

static PlfLook
lay(PlfCourse *course pg_attribute_unused(), PlfHeldPage *first pg_attribute_unused())
{
	return PLF_LAID;
}

/*
 * Skips links without a key where the caller sorts the list and does not want them.  The
 * list may have been found to be out of order after rows were delivered in order, and
 * such links must not come among these rows.
 */
static PlfServed
serve(PlfCourse *course, const PlfLink *link)
{
	bool is_out = course->order == PLF_ORDER_SORTED_HERE && course->what->nullable &&
				  course->what->nulls == PLF_NULLS_OUT &&
				  !plf_course_link_has_key(course, link);

	return plf_served(is_out ? PLF_SERVICE_SKIPPED : PLF_SERVICE_SERVED);
}

static PlfAnchor
is_anchor(PlfCourse *course pg_attribute_unused(),
		  const PlfLink *link pg_attribute_unused())
{
	return PLF_ANCHOR_IF_RECEIVED;
}

static PlfSide
side(PlfCourse *course pg_attribute_unused(), const PlfLink *link pg_attribute_unused())
{
	return PLF_SIDE_IN;
}

static bool
ends_inside(const PlfCourse *course pg_attribute_unused())
{
	return false;
}

/* Only the last page of the list ends the course. */
static bool
goes_on(const PlfCourse *course pg_attribute_unused(),
		const PlfHeldPage *page pg_attribute_unused())
{
	return true;
}

const PlfCourseKind plf_course_whole = {"whole list", lay,         serve,  is_anchor,
										side,         ends_inside, goes_on};
