/*
 * course_nulls.c
 *		The course of a sorted list in which links may have no key: finds the block of
 *		these links and has it served where it is wanted.
 *
 * A link that never expires has the zero date, which the API sorts at one end or the
 * other; in some accounts that is every link.  The list is rotated, not sorted: first
 * the part with keys and then the block without, or the other way round.  The first
 * page shows one end of the list, the last page the other end.  Bisection finds the
 * border between the two parts.
 */
#include "postgres.h"

#include "list/bisect.h"
#include "list/course_nulls.h"

static PlfLook lay_keys_first(PlfCourse *course, PlfHeldPage *first);
static PlfLook lay_nulls_first(PlfCourse *course, PlfHeldPage *first);
static PlfLook lay_only(PlfCourse *course, PlfHeldPage *first);
static void trust_both_ends(PlfCourse *course, bool are_alike);
static bool is_limited(const PlfCourse *course);
static PlfLook divide(PlfCourse *course, PlfHeldPage *first, PlfKeyless keyless);
static bool pages_agree(const PlfSearch *search, int64 border);
static void look_at_each(PlfCourse *course);
static void add_span(PlfCourse *course, int64 from, int64 to, PlfSpanKind kind);
static PlfLook look_at_end(PlfCourse *course, PlfKeyKind *kind);
static bool ends_inside(const PlfCourse *course);
static bool keys_came(const PlfCourse *course);
static PlfServed end_of_block(PlfCourse *course, const PlfLink *link);
static PlfServed end_of_keys(PlfCourse *course, const PlfLink *link);
static bool later_on_page_has(const PlfCourse *course, const PlfLink *link,
							  bool with_key);
static bool wants_keys(PlfSpanKind kind);
static bool is_ahead(PlfSpanKind kind);

static PlfLook
lay(PlfCourse *course, PlfHeldPage *first)
{
	if (course->what->nulls == PLF_NULLS_ONLY)
		return lay_only(course, first);
	return plf_course_has_key(course, first, 0) ? lay_keys_first(course, first)
												: lay_nulls_first(course, first);
}

/*
 * The list begins with a link that has a key: links without a key are at its end, if
 * anywhere.
 */
static PlfLook
lay_keys_first(PlfCourse *course, PlfHeldPage *first)
{
	PlfNulls wanted = course->what->nulls;
	PlfKeyKind tail;
	PlfLook look;

	/*
	 * If the links without a key are wanted last, the list has them there already.  If
	 * they are not wanted and the reading may stop early, the reading ends at the first
	 * of them.
	 */
	if (wanted == PLF_NULLS_LAST ||
		(wanted == PLF_NULLS_OUT && plf_course_may_stop(course)))
		return PLF_LAID;
	look = look_at_end(course, &tail);
	if (look.kind != PLF_LOOK_PAGE)
		return look;
	if (tail != PLF_KEY_PRESENT)
		return divide(course, first, PLF_KEYLESS_TAIL);
	course->keyless = PLF_KEYLESS_NONE;
	return PLF_LAID;
}

/*
 * The list begins with a link without a key.  If the list will be read to its end anyway,
 * the last link is looked at before the first link is delivered.
 */
static PlfLook
lay_nulls_first(PlfCourse *course, PlfHeldPage *first)
{
	PlfLink link = {first->page, 0, first->request.page};
	PlfKeyKind head = plf_link_key_kind(&link, course->what->sort_key);
	bool is_first = course->what->nulls == PLF_NULLS_FIRST;
	PlfKeyKind tail;
	PlfLook look;

	course->keyless = PLF_KEYLESS_HEAD;
	if (is_first ? plf_course_may_stop(course)
				 : plf_course_has_key(course, first, first->count - 1))
		return is_first ? PLF_LAID : divide(course, first, PLF_KEYLESS_HEAD);
	look = look_at_end(course, &tail);
	if (look.kind != PLF_LOOK_PAGE)
		return look;
	if (tail != PLF_KEY_PRESENT)
		trust_both_ends(course, tail == head);
	else if (!is_first)
		return divide(course, first, PLF_KEYLESS_HEAD);
	return PLF_LAID;
}

/*
 * The first and the last link of the list lack a key.  If both lack it in the same way
 * ("are_alike"), all links of a sorted list do.  Only a reading that may stop early
 * trusts that; else the caller sorts the list.
 *
 * If links without a key are not wanted, a reading that trusts reads nothing more, and
 * would miss links with a key between the two ends without notice.  Then only a LIMIT,
 * which says that few links are wanted, is reason enough.
 */
static void
trust_both_ends(PlfCourse *course, bool are_alike)
{
	bool is_out = course->what->nulls == PLF_NULLS_OUT;

	if (!are_alike || !plf_course_may_stop(course) || (is_out && !is_limited(course)))
	{
		plf_course_sort_here(course);
		return;
	}
	course->keyless = PLF_KEYLESS_ALL;
	if (is_out)
		course->spans[0].to = 0;
}

/*
 * True when the list is read for a LIMIT, which says how many links are wanted.  Other
 * readings that may stop early, such as a cursor's, may also go on to the end.
 */
static bool
is_limited(const PlfCourse *course)
{
	return course->what->early_stop && course->what->row_hint > 0;
}

/*
 * Only links without a key are wanted: those at the beginning of the list, up to the
 * first link with a key, or those at its end.
 */
static PlfLook
lay_only(PlfCourse *course, PlfHeldPage *first)
{
	bool at_head = !plf_course_has_key(course, first, 0);
	PlfKeyKind tail = PLF_KEY_PRESENT;
	const PlfSearch all_keys = {.course = course, .is_before = plf_course_has_key};
	bool is_whole = first->count == plf_page_table_total(course->table);

	/*
	 * A reading that may stop early does not look at the list's end yet. end_of_block()
	 * does, when the links at the beginning were not enough.
	 */
	if (!is_whole && (!at_head || !plf_course_may_stop(course)))
	{
		PlfLook look = look_at_end(course, &tail);

		if (look.kind != PLF_LOOK_PAGE)
			return look;
	}
	/* The cases are in the order in which they are tried. */
	if (is_whole || (at_head && tail != PLF_KEY_PRESENT))
		look_at_each(course); /* NOLINT(bugprone-branch-clone) */
	else if (tail != PLF_KEY_PRESENT)
		return divide(course, first, PLF_KEYLESS_TAIL);
	else if (!at_head && !pages_agree(&all_keys, plf_page_table_total(course->table)))
		look_at_each(course);
	else
	{
		course->keyless = at_head ? PLF_KEYLESS_HEAD : PLF_KEYLESS_NONE;
		course->kinds[0] = PLF_SPAN_NULLS_AHEAD;
		if (!at_head)
			course->spans[0].to = 0;
	}
	return PLF_LAID;
}

static bool
lacks_key(const PlfCourse *course, const PlfHeldPage *page, int index)
{
	return !plf_course_has_key(course, page, index);
}

/*
 * The list has two parts: the block of links without a key is at its head or at its tail.
 * Finds the border, and serves the parts that are wanted in the order that is wanted.
 */
static PlfLook
divide(PlfCourse *course, PlfHeldPage *first, PlfKeyless keyless)
{
	bool at_head = keyless == PLF_KEYLESS_HEAD;
	PlfNulls wanted = course->what->nulls;
	int64 total = plf_page_table_total(course->table);
	const PlfSearch search = {.course = course,
							  .is_before = at_head ? lacks_key : plf_course_has_key,
							  .ends_behind = true};
	int64 border;
	PlfLook look = plf_bisect(&search, first, 0, &border);

	if (look.kind != PLF_LOOK_PAGE)
		return look;
	course->keyless = keyless;
	course->nspans = 0;
	if (at_head && wanted != PLF_NULLS_ONLY)
		add_span(course, border, total, PLF_SPAN_KEYS);
	if (!at_head && wanted != PLF_NULLS_OUT)
		add_span(course, border, total, PLF_SPAN_NULLS);
	if (at_head && wanted != PLF_NULLS_OUT)
		add_span(course, 0, border, PLF_SPAN_NULLS_AHEAD);
	if (!at_head && wanted != PLF_NULLS_ONLY)
		add_span(course, 0, border, PLF_SPAN_KEYS_AHEAD);
	if (course->nspans == 1 && !pages_agree(&search, border))
		look_at_each(course);
	return PLF_LAID;
}

static void
add_span(PlfCourse *course, int64 from, int64 to, PlfSpanKind kind)
{
	course->spans[course->nspans] = (PlfSpan){from, to};
	course->kinds[course->nspans] = kind;
	course->nspans++;
}

/*
 * True when, on each page in memory, the links before "border", and no others, belong to
 * the first part.
 */
static bool
pages_agree(const PlfSearch *search, int64 border)
{
	PlfPageTable *table = search->course->table;

	for (int n = 0; n < plf_page_table_count(table); n++)
	{
		const PlfHeldPage *page = plf_page_table_get(table, n);

		for (int i = 0; i < page->count; i++)
			if (search->is_before(search->course, page, i) != (page->first + i < border))
				return false;
	}
	return true;
}

/*
 * Makes the course one span in which each link is looked at, because the links without a
 * key are not in one block.
 */
static void
look_at_each(PlfCourse *course)
{
	course->keyless = PLF_KEYLESS_AMONG;
	course->nspans = 0;
	add_span(course, 0, plf_page_table_total(course->table), PLF_SPAN_ANY);
}

/* Looks at the last link of the list, and sets *kind to whether it has a key. */
static PlfLook
look_at_end(PlfCourse *course, PlfKeyKind *kind)
{
	int64 last = plf_page_table_total(course->table) - 1;
	PlfLook look = plf_page_table_at(course->table, last);

	if (look.kind == PLF_LOOK_PAGE)
	{
		PlfLink link = {look.page->page, (int) (last - look.page->first),
						look.page->request.page};

		*kind = plf_link_key_kind(&link, course->what->sort_key);
	}
	return look;
}

static PlfServed
serve(PlfCourse *course, const PlfLink *link)
{
	bool has_key = plf_course_link_has_key(course, link);

	if (!has_key && course->shifted)
	{
		course->met = true;
		if (course->keyless == PLF_KEYLESS_NONE)
			/* No link lacked a key before, so this one was inserted. */
			return plf_served(PLF_SERVICE_SKIPPED);
	}
	if (has_key && keys_came(course))
	{
		PlfKeyKind tail;
		PlfLook look = look_at_end(course, &tail);

		if (look.kind != PLF_LOOK_PAGE)
			return plf_served_change(&look);
		if (tail != PLF_KEY_PRESENT)
			return plf_served(PLF_SERVICE_SKIPPED);
		course->keyless = PLF_KEYLESS_NONE;
	}
	if (course->what->nulls == PLF_NULLS_ONLY && has_key)
		return ends_inside(course) ? end_of_block(course, link)
								   : plf_served(PLF_SERVICE_SKIPPED);
	if (course->what->nulls == PLF_NULLS_ONLY || course->what->nulls == PLF_NULLS_FIRST)
		return plf_served(PLF_SERVICE_SERVED);
	if (course->keyless == PLF_KEYLESS_ALL && course->shifted)
		return plf_served(has_key ? PLF_SERVICE_SKIPPED : PLF_SERVICE_SERVED);
	if (has_key || course->at > 0)
		return plf_served(PLF_SERVICE_SERVED);
	return plf_course_serve_null(course, link);
}

/*
 * True when the list has changed and a link with a key comes where links without one were
 * expected: at the beginning of the list, where links without a key are wanted first or
 * alone.  Either the list has no links without a key any more, or they follow.  If they
 * follow, no link had a key when the list was first looked at; then the links that have a
 * key by now are left out, so that no link without a key is missed.
 */
static bool
keys_came(const PlfCourse *course)
{
	if (!course->shifted || course->met || course->keyless == PLF_KEYLESS_NONE)
		return false;
	return course->what->nulls == PLF_NULLS_ONLY
			   ? ends_inside(course)
			   : course->what->nulls == PLF_NULLS_FIRST &&
					 course->kinds[course->at] == PLF_SPAN_ANY;
}

/*
 * Only links without a key are wanted, and "link" has a key and follows the block that
 * the list begins with.  Ends the reading, unless the list's last link or a later link of
 * this page lacks a key.  Then the list is read on, and each link is looked at.
 */
static PlfServed
end_of_block(PlfCourse *course, const PlfLink *link)
{
	PlfKeyKind tail;
	PlfLook look = look_at_end(course, &tail);

	Assert(!course->clipped); /* a reading of these links alone has no window */
	if (look.kind != PLF_LOOK_PAGE)
		return plf_served_change(&look);
	if (tail == PLF_KEY_PRESENT && !later_on_page_has(course, link, false))
		return plf_served(PLF_SERVICE_ENDS);

	course->keyless = PLF_KEYLESS_AMONG;
	course->kinds[0] = PLF_SPAN_ANY;
	course->spans[0].to = plf_page_table_total(course->table);
	plf_page_table_set_pace(course->table,
							course->what->early_stop ? PLF_PACE_GROWS : PLF_PACE_NONE);
	return plf_served(PLF_SERVICE_SKIPPED);
}

/*
 * In a sorted list the links without a key go on to the list's end.  The last link is
 * looked at before the course relies on that: to end the reading here, if links without a
 * key are not wanted, or to serve them here, if they are wanted last.
 */
PlfServed
plf_course_serve_null(PlfCourse *course, const PlfLink *link)
{
	bool is_out = course->what->nulls == PLF_NULLS_OUT;
	PlfKeyKind tail;
	PlfLook look;

	switch (course->keyless)
	{
		case PLF_KEYLESS_UNKNOWN:
		case PLF_KEYLESS_NONE:
		case PLF_KEYLESS_HEAD:
			look = look_at_end(course, &tail);
			if (look.kind != PLF_LOOK_PAGE)
				return plf_served_change(&look);
			if (tail != PLF_KEY_PRESENT)
			{
				course->keyless = PLF_KEYLESS_TAIL;
				break;
			}
			/* The list has changed, and the link was inserted at its beginning. */
			if (course->clipped && course->shifted)
				return plf_served(PLF_SERVICE_SKIPPED);

			/*
			 * The links without a key are among the others, so the places of a window in
			 * the list are not its places in the result.
			 */
			if (course->clipped && !is_out)
				course->source->raise(
					course->source->arg, link->page_number, ERRCODE_FDW_ERROR,
					psprintf(
						"%s that never expire are not in one block of the sorted list",
						course->source->wire->plural),
					NULL, "Set the option sort_pushdown 'false' to sort here.");
			course->keyless = PLF_KEYLESS_AMONG;
			if (!is_out)
				course->order = PLF_ORDER_NULLS_HELD_BACK;
			break;
		case PLF_KEYLESS_TAIL:
		case PLF_KEYLESS_ALL:
		case PLF_KEYLESS_AMONG:
			break;
	}
	if (!is_out)
		return plf_served(PLF_SERVICE_SERVED);
	return course->keyless == PLF_KEYLESS_AMONG ? plf_served(PLF_SERVICE_SKIPPED)
												: end_of_keys(course, link);
}

/*
 * Links without a key are not wanted, and neither this link nor the list's last link has
 * a key, so no link between them should have one.  Ends the reading.  If the link is
 * before the border, or a link with a key follows on this page, the list is read on
 * instead, and each link is looked at.
 */
static PlfServed
end_of_keys(PlfCourse *course, const PlfLink *link)
{
	PlfSpanKind *kind = &course->kinds[course->at];
	bool before_border = *kind == PLF_SPAN_KEYS_AHEAD && !course->shifted;

	if (!before_border && !later_on_page_has(course, link, true))
		return plf_served(PLF_SERVICE_ENDS);
	course->keyless = PLF_KEYLESS_AMONG;
	if (*kind == PLF_SPAN_KEYS_AHEAD)
	{
		*kind = PLF_SPAN_ANY;
		course->spans[course->at].to = plf_page_table_total(course->table);
	}
	return plf_served(PLF_SERVICE_SKIPPED);
}

/*
 * True when a link with a key ("with_key"), or one without a key, follows on the same
 * page.
 */
static bool
later_on_page_has(const PlfCourse *course, const PlfLink *link, bool with_key)
{
	return plf_course_page_has(course, plf_page_table_current(course->table),
							   link->index + 1, with_key);
}

static PlfAnchor
is_anchor(PlfCourse *course, const PlfLink *link)
{
	PlfSpanKind kind = course->kinds[course->at];

	if (kind == PLF_SPAN_ANY || plf_course_link_has_key(course, link) == wants_keys(kind))
		return PLF_ANCHOR_IF_RECEIVED;
	/*
	 * The link is in the other part of the list, which follows the span or precedes it.
	 */
	return is_ahead(kind) ? PLF_ANCHOR_NO : PLF_ANCHOR_YES;
}

static PlfSide
side(PlfCourse *course, const PlfLink *link)
{
	PlfSpanKind kind = course->kinds[course->at];

	if (kind == PLF_SPAN_ANY)
		return PLF_SIDE_IN;
	if (plf_course_link_has_key(course, link) == wants_keys(kind))
		course->met = true;
	else if (is_ahead(kind))
		/*
		 * If only links without a key are wanted, serve() decides whether they have
		 * ended.
		 */
		return course->what->nulls == PLF_NULLS_ONLY ? PLF_SIDE_IN : PLF_SIDE_AFTER;
	else if (!course->met)
		return PLF_SIDE_BEFORE;

	/* serve() also decides about links without a key that are among the others. */
	return PLF_SIDE_IN;
}

static bool
wants_keys(PlfSpanKind kind)
{
	return kind == PLF_SPAN_KEYS || kind == PLF_SPAN_KEYS_AHEAD;
}

static bool
is_ahead(PlfSpanKind kind)
{
	return kind == PLF_SPAN_KEYS_AHEAD || kind == PLF_SPAN_NULLS_AHEAD;
}

/* True when only the links without a key that the list begins with are wanted. */
static bool
ends_inside(const PlfCourse *course)
{
	return course->what->nulls == PLF_NULLS_ONLY &&
		   course->kinds[0] == PLF_SPAN_NULLS_AHEAD;
}

static bool
goes_on(const PlfCourse *course, const PlfHeldPage *page)
{
	return !plf_course_has_key(course, page, page->count - 1);
}

const PlfCourseKind plf_course_nulls = {
	"block without a key", lay, serve, is_anchor, side, ends_inside, goes_on};
