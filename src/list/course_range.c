/*
 * course_range.c
 *		A sorted list is an index: finds the places at which a range begins and
 *		ends.
 *
 * Links without a key are in no range.  Where the list begins with them they lie
 * before it, else after it.
 */
#include "postgres.h"

#include "rows/bounds.h"
#include "list/reader_state.h"

/* Whether a link lies before the place that is searched for. */
typedef bool (*Before)(PlfPlace place, bool nulls_before);

static int64 seek(PlfReader *reader, int64 from, Before before, bool nulls_before);
static void find_end(PlfReader *reader, int64 begin);
static bool ends_at_null(PlfReader *reader);
static bool is_in_order(PlfReader *reader, const PlfHeldPage *held);
static bool nulls_are_aside(const PlfReader *reader, const PlfHeldPage *held);
static bool has_kind(const PlfReader *reader, const PlfHeldPage *held, bool with_key);
static bool no_key_was_seen(const PlfReader *reader);
static bool link_is(const PlfReader *reader, const PlfHeldPage *held, int index,
					Before before, bool nulls_before);

static bool
before_begin(PlfPlace place, bool nulls_before)
{
	return place == PLF_PLACE_BEFORE || (place == PLF_PLACE_NULL && nulls_before);
}

static bool
before_end(PlfPlace place, bool nulls_before)
{
	return place == PLF_PLACE_IN || before_begin(place, nulls_before);
}

void
plf_reader_seek(PlfReader *reader, PlfHeldPage *first)
{
	int64 begin = 0;
	int index = 0;

	reader->nulls_before = plf_reader_kind(reader, first, 0) != PLF_KEY_PRESENT;
	if (!is_in_order(reader, first))
		return;
	if (link_is(reader, first, first->count - 1, before_begin, reader->nulls_before))
		begin = first->count == reader->total
					? reader->total
					: seek(reader, first->count, before_begin, reader->nulls_before);
	else
	{
		/*
		 * The page's last link does not lie before the range and is not tested again:
		 * a function declared STABLE can return another bound now.
		 */
		while (index < first->count - 1 &&
			   link_is(reader, first, index, before_begin, reader->nulls_before))
			index++;
		begin = first->first + index;
	}
	reader->segments[0].from = begin;

	/*
	 * All pages that were looked at, the first and the last too, hold links without
	 * a key alone.  Others may be between them.
	 */
	if (!reader->moved && begin == reader->total && first->count < reader->total &&
		no_key_was_seen(reader))
		reader->unsorted = true;
}

void
plf_reader_seek_end(PlfReader *reader)
{
	int64 begin = reader->segments[0].from;
	PlfHeldPage *held;

	reader->range_end = reader->total;
	if (begin >= reader->total || (!reader->bounded_range && !reader->what.nullable))
		return;
	if (!reader->bounded_range && reader->nulls_before)
	{
		/* It goes to the list's end, unless there are links without a key there, too. */
		held = plf_reader_page_at(reader, reader->total - 1);
		if (held != NULL && is_in_order(reader, held))
			reader->unsorted = plf_reader_kind(reader, held, held->count - 1) !=
							   PLF_KEY_PRESENT;
		return;
	}
	find_end(reader, begin);
	if (!reader->moved && ends_at_null(reader))
	{
		/* Links without a key go on to the list's end, unless keys come behind them. */
		held = plf_reader_page_at(reader, reader->total - 1);
		if (held != NULL)
			reader->unsorted = plf_reader_kind(reader, held, held->count - 1) ==
							   PLF_KEY_PRESENT;
	}
}

/* Sets the end of the range that begins at a place of the list. */
static void
find_end(PlfReader *reader, int64 begin)
{
	/* A short range ends on the page on which it begins. */
	PlfHeldPage *held = plf_reader_page_at(reader, begin);
	int index;

	if (held == NULL)
		return;
	index = (int) (begin - held->first);
	if (link_is(reader, held, held->count - 1, before_end, reader->nulls_before))
	{
		if (held->first + held->count < reader->total)
			reader->range_end = seek(reader, held->first + held->count, before_end,
									 reader->nulls_before);
		return;
	}
	while (index < held->count - 1 &&
		   link_is(reader, held, index, before_end, reader->nulls_before))
		index++;
	reader->range_end = held->first + index;
}

/* True when the range ends because a link has no key, not because of a bound. */
static bool
ends_at_null(PlfReader *reader)
{
	PlfHeldPage *held;

	if (reader->nulls_before || !reader->what.nullable ||
		reader->range_end >= reader->total)
		return false;
	held = plf_reader_page_at(reader, reader->range_end);
	return held != NULL &&
		   plf_reader_kind(reader, held, (int) (reader->range_end - held->first)) !=
			   PLF_KEY_PRESENT;
}

/*
 * The first place, not before "from", whose link does not lie before what is
 * searched for; the length of the list when there is none.  Takes at most the
 * logarithm of the pages, less those that are in memory.  The result means nothing
 * when the reader has moved: the list changed, or is not in order.
 */
static int64
seek(PlfReader *reader, int64 from, Before before, bool nulls_before)
{
	int size = reader->page_size;
	int64 low = from / size;                     /* a page that ends before it */
	int64 high = (reader->total - 1) / size + 2; /* one that does not, or the
												  * one after the last */
	PlfHeldPage *held;
	int index = 0;

	while (high - low > 1)
	{
		int64 middle = low + (high - low) / 2;

		held = plf_reader_page_at(reader, Max((middle - 1) * size, from));
		if (held == NULL || !is_in_order(reader, held))
			return 0;
		if (link_is(reader, held, held->count - 1, before, nulls_before))
			low = middle;
		else
		{
			high = middle;
			if (link_is(reader, held, 0, before, nulls_before))
				break;
		}
	}
	if ((high - 1) * size >= reader->total)
		return reader->total;
	held = plf_reader_page_at(reader, Max((high - 1) * size, from));
	if (held == NULL)
		return 0;
	while (index < held->count - 1 && link_is(reader, held, index, before, nulls_before))
		index++;
	return held->first + index;
}

/*
 * Whether a page is sorted, and fits to those that are in memory; notes it as
 * drift if not.
 */
static bool
is_in_order(PlfReader *reader, const PlfHeldPage *held)
{
	bool in_order = plf_range_is_sorted(reader->what.range, held->page, held->count) &&
					nulls_are_aside(reader, held);

	for (const PlfHeldPage *other = reader->kept; in_order && other != NULL;
		 other = other->next)
	{
		const PlfHeldPage *earlier = other->first < held->first ? other : held;
		const PlfHeldPage *later = earlier == held ? other : held;

		if (other == held || earlier->first == later->first)
			continue;
		in_order = plf_range_is_ascending(reader->what.range, earlier->page,
										  earlier->count, later->page, later->count) &&
				   !(has_kind(reader, earlier, reader->nulls_before) &&
					 has_kind(reader, later, !reader->nulls_before));
	}
	if (!in_order)
	{
		plf_reader_note_drift(reader, held->request.page,
							  "The links are not in the order that was asked for.");
		reader->drift.is_disorder = true;
	}
	return in_order;
}

/* Whether a page's links without a key, if any, stand together on their side. */
static bool
nulls_are_aside(const PlfReader *reader, const PlfHeldPage *held)
{
	bool other_side = false;

	for (int i = 0; i < held->count; i++)
	{
		bool is_null = plf_reader_kind(reader, held, i) != PLF_KEY_PRESENT;

		if (is_null != reader->nulls_before)
			other_side = true;
		else if (other_side)
			return false;
	}
	return true;
}

/* Whether a page holds a link with a key, or one without. */
static bool
has_kind(const PlfReader *reader, const PlfHeldPage *held, bool with_key)
{
	for (int i = 0; i < held->count; i++)
		if ((plf_reader_kind(reader, held, i) == PLF_KEY_PRESENT) == with_key)
			return true;
	return false;
}

static bool
no_key_was_seen(const PlfReader *reader)
{
	for (const PlfHeldPage *held = reader->kept; held != NULL; held = held->next)
		if (has_kind(reader, held, true))
			return false;
	return true;
}

static bool
link_is(const PlfReader *reader, const PlfHeldPage *held, int index, Before before,
		bool nulls_before)
{
	PlfLink link = {held->page, index, held->request.page};

	return before(plf_range_place(reader->what.range, &link), nulls_before);
}

bool
plf_reader_goes_on(const PlfReader *reader, const PlfHeldPage *held)
{
	PlfLink link = {held->page, held->count - 1, held->request.page};

	if (reader->what.range == NULL)
		return plf_reader_kind(reader, held, link.index) != PLF_KEY_PRESENT;
	return plf_range_place(reader->what.range, &link) != PLF_PLACE_AFTER;
}

bool
plf_reader_is_before(const PlfReader *reader, const PlfLink *link)
{
	return before_begin(plf_range_place(reader->what.range, link), reader->nulls_before);
}
