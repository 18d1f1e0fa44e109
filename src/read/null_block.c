/*
 * null_block.c
 *		Finds the links whose sort key is NULL and has them served where they
 *		are wanted.
 *
 * A link that never expires has the zero date, which the API sorts at one end or
 * the other; in some accounts that is every link.  The list is rotated, not
 * sorted: first the part with keys and then the block without, or the other way
 * round.  The first page tells one end of the list, the last page the other, and
 * the border between them is found by bisecting pages.
 *
 * Where a page shows that the list changed meanwhile, all functions return at once,
 * with the reader having moved.
 */
#include "postgres.h"

#include "read/reader_state.h"

static void place_block(PlfReader *reader, PlfHeldPage *first, bool at_head);
static PlfKeyKind last_kind(PlfReader *reader);
static int64 find_border(PlfReader *reader, PlfHeldPage *first, bool nulls_before);
static bool is_before(const PlfReader *reader, const PlfHeldPage *held, int index,
					  bool nulls_before);
static PlfHeldPage *full_page(PlfReader *reader, const PlfHeldPage *first, int64 page);
static int64 border_in_page(PlfReader *reader, PlfHeldPage *held, bool nulls_before);
static void rotate(PlfReader *reader, int64 border, bool nulls_before, bool drop_rest);
static bool keys_came(const PlfReader *reader);
static bool ending_kind(PlfReader *reader, PlfKeyKind *kind);

void
plf_reader_place_nulls(PlfReader *reader, PlfHeldPage *first)
{
	PlfNulls	wanted = reader->what.nulls;
	PlfKeyKind	head = plf_reader_kind(reader, first, 0);
	PlfKeyKind	tail;

	if (wanted == PLF_NULLS_ONLY)
	{
		place_block(reader, first, head != PLF_KEY_PRESENT);
		return;
	}
	if (head == PLF_KEY_PRESENT)
	{
		/*
		 * They are at the end, if anywhere.  Where they are not wanted, a list that is
		 * not read to its end anyway just ends when the first of them comes.
		 */
		if (wanted == PLF_NULLS_LAST ||
			(wanted == PLF_NULLS_OUT && plf_reader_is_bounded(reader)))
			return;
		if (last_kind(reader) == PLF_KEY_PRESENT)
		{
			reader->no_nulls = true;
			return;
		}
		if (wanted == PLF_NULLS_OUT)
			reader->segments[0] = (Segment) {0, find_border(reader, first, false),
			SEGMENT_KEYS_AHEAD};
		else
			rotate(reader, find_border(reader, first, false), false, false);
		return;
	}

	/*
	 * They are at the beginning.  A list that is read to its end anyway is
	 * looked at there before the first link is delivered.
	 */
	if (wanted == PLF_NULLS_FIRST)
	{
		if (!plf_reader_is_bounded(reader))
			reader->unsorted = last_kind(reader) != PLF_KEY_PRESENT;
		return;
	}
	if (plf_reader_kind(reader, first, first->count - 1) != PLF_KEY_PRESENT)
	{
		tail = last_kind(reader);
		if (tail != PLF_KEY_PRESENT)
		{
			/*
			 * Both ends of a sorted list are equal, so everything between them
			 * should be.  A list that is read to its end is not trusted that far,
			 * nor one whose ends lack a key in different ways.
			 */
			if (tail != head || !plf_reader_is_bounded(reader))
				reader->unsorted = true;
			else if (wanted == PLF_NULLS_OUT)
				reader->segments[0].to = 0;
			else
				reader->all_null = true;
			return;
		}
	}
	rotate(reader, find_border(reader, first, true), true, wanted == PLF_NULLS_OUT);
}

/*
 * Only links without a key are wanted: those at the beginning of the list, up to the
 * first one with a key, or those at its end.
 */
static void
place_block(PlfReader *reader, PlfHeldPage *first, bool at_head)
{
	bool		at_tail = false;

	/* What is in memory, or bounded by a LIMIT, is not looked at further. */
	if (first->count < reader->total && (!at_head || !plf_reader_is_bounded(reader)))
		at_tail = last_kind(reader) != PLF_KEY_PRESENT;
	if (first->count == reader->total || (at_head && at_tail))
	{
		/* At both ends, and perhaps between them: each link is looked at. */
		reader->scattered = true;
		return;
	}
	if (at_tail)
	{
		rotate(reader, find_border(reader, first, false), false, true);
		return;
	}
	reader->segments[0].kind = SEGMENT_NULLS_AHEAD;
	if (!at_head)
		reader->segments[0].to = 0;
	reader->bounded_range = true;
	reader->window = 0;
}

static PlfKeyKind
last_kind(PlfReader *reader)
{
	PlfHeldPage *held = plf_reader_page_at(reader, reader->total - 1);

	return held == NULL ? PLF_KEY_PRESENT :
		plf_reader_kind(reader, held, (int) (reader->total - 1 - held->first));
}

/*
 * The place of the first link of the list's second part: of the first one with
 * a key when "nulls_before", else of the first one without.  Both parts exist.
 */
static int64
find_border(PlfReader *reader, PlfHeldPage *first, bool nulls_before)
{
	int			size = reader->page_size;
	int64		low = 0;		/* a page that ends in the first part; 0: none
								 * is known to */
	int64		high = (reader->total - 1) / size + 1;	/* one that ends in the
														 * second part */

	if (reader->moved)
		return 0;
	if (!is_before(reader, first, first->count - 1, nulls_before))
		return border_in_page(reader, first, nulls_before);
	if (first->request.per_page == size)
		low = 1;
	for (;;)
	{
		int64		middle;
		PlfHeldPage *held = full_page(reader, first, high);

		if (held == NULL)
			return 0;
		/* The border is in that page, or right before it. */
		if (high - low == 1 || is_before(reader, held, 0, nulls_before))
			return border_in_page(reader, held, nulls_before);
		middle = low + (high - low) / 2;
		held = full_page(reader, first, middle);
		if (held == NULL)
			return 0;
		if (is_before(reader, held, held->count - 1, nulls_before))
			low = middle;
		else
			high = middle;
	}
}

/* Whether a link belongs to the first part of the list. */
static bool
is_before(const PlfReader *reader, const PlfHeldPage *held, int index,
		  bool nulls_before)
{
	return (plf_reader_kind(reader, held, index) != PLF_KEY_PRESENT) == nulls_before;
}

/* A page of full size, also where the first request asked for less of it. */
static PlfHeldPage *
full_page(PlfReader *reader, const PlfHeldPage *first, int64 page)
{
	int64		position = (page - 1) * reader->page_size;

	return plf_reader_page_at(reader, Max(position, page == 1 ? first->count : 0));
}

/* In a page that ends in the second part. */
static int64
border_in_page(PlfReader *reader, PlfHeldPage *held, bool nulls_before)
{
	int			index = 0;

	while (is_before(reader, held, index, nulls_before))
		index++;
	return held->first + index;
}

static void
rotate(PlfReader *reader, int64 border, bool nulls_before, bool drop_rest)
{
	reader->segments[0] = (Segment) {border, reader->total,
	nulls_before ? SEGMENT_KEYS : SEGMENT_NULLS};
	reader->segments[1] = (Segment) {0, border,
	nulls_before ? SEGMENT_NULLS_AHEAD : SEGMENT_KEYS_AHEAD};
	reader->nsegments = drop_rest ? 1 : 2;
}

/*
 * In a sorted list the links without a key follow each other to its end; that is
 * looked at before it is relied on: when they are not wanted and the rest shall stay
 * unread, and when they are wanted last and others might follow.
 */
NullService
plf_reader_serves_null(PlfReader *reader, const PlfLink *link)
{
	PlfNulls	wanted = reader->what.nulls;
	bool		is_null = plf_link_key_kind(link, reader->what.sort_key) != PLF_KEY_PRESENT;
	PlfKeyKind	tail;

	if (is_null && reader->repairs > 0)
	{
		reader->in_segment = true;
		if (reader->no_nulls)
			return NULL_SKIPPED;	/* it was inserted, behind the place reached */
	}
	if (!is_null && keys_came(reader))
	{
		if (!ending_kind(reader, &tail))
			return NULL_UNKNOWN;
		if (tail != PLF_KEY_PRESENT)
			return NULL_SKIPPED;
		reader->no_nulls = true;
	}
	if (wanted == PLF_NULLS_ONLY)
		return is_null ? NULL_SERVED : reader->bounded_range ? NULL_ENDS : NULL_SKIPPED;
	if (reader->all_null && reader->repairs > 0)
		return is_null ? NULL_SERVED : NULL_SKIPPED;
	if (!is_null || wanted == PLF_NULLS_FIRST || reader->segment > 0 || reader->unsorted)
		return NULL_SERVED;
	if (!reader->at_nulls && !reader->scattered)
	{
		if (!ending_kind(reader, &tail))
			return NULL_UNKNOWN;
		if (tail == PLF_KEY_PRESENT)
		{
			/* Since the list changed: inserted at its beginning. */
			if (reader->clipped && reader->repairs > 0)
				return NULL_SKIPPED;

			/* Places in the list are then no places in the result. */
			if (reader->clipped && wanted == PLF_NULLS_LAST)
				plf_source_raise(reader->source, link->page_number, ERRCODE_FDW_ERROR,
								 "payment links that never expire are not in one block of the sorted list",
								 NULL,
								 "Set the option sort_pushdown 'false' to sort here.");
			reader->scattered = true;
		}
		reader->at_nulls = true;
	}
	if (wanted == PLF_NULLS_OUT)
		return reader->scattered ? NULL_SKIPPED : NULL_ENDS;
	return NULL_SERVED;
}

/*
 * Whether a link with a key is met where the links without one, which are wanted
 * first or alone, were expected at the beginning of the list.  Either these are gone, or
 * they stand behind it: then no link had a key when the list was first looked at, and
 * those that have one by now are left out, rather than the others missed.
 */
static bool
keys_came(const PlfReader *reader)
{
	if (reader->repairs == 0 || reader->in_segment || reader->no_nulls)
		return false;
	return reader->what.nulls == PLF_NULLS_ONLY ? reader->bounded_range :
		reader->what.nulls == PLF_NULLS_FIRST && !reader->unsorted &&
		reader->segments[reader->segment].kind == SEGMENT_ANY;
}

/* What the last link of the list has for a key; false when the reader moved. */
static bool
ending_kind(PlfReader *reader, PlfKeyKind *kind)
{
	int64		last = reader->total - 1;
	PlfHeldPage *held = plf_page_holds(reader->current, last) ? reader->current :
		plf_reader_page_at(reader, last);

	if (held == NULL)
		return false;
	*kind = plf_reader_kind(reader, held, (int) (last - held->first));
	return true;
}
