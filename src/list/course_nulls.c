/*
 * course_nulls.c
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

#include "list/reader_state.h"

static void place_block(PlfReader *reader, PlfHeldPage *first, bool at_head);
static PlfKeyKind last_kind(PlfReader *reader);
static int64 find_border(PlfReader *reader, PlfHeldPage *first, bool nulls_before);
static bool is_before(const PlfReader *reader, const PlfHeldPage *held, int index,
					  bool nulls_before);
static PlfHeldPage *full_page(PlfReader *reader, const PlfHeldPage *first, int64 page);
static int64 border_in_page(PlfReader *reader, PlfHeldPage *held, bool nulls_before);
static void rotate(PlfReader *reader, int64 border, bool nulls_before, bool drop_rest);
static bool pages_agree(const PlfReader *reader, int64 border, bool nulls_before);
static bool is_limited(const PlfReader *reader);
static void take_scattered(PlfReader *reader);
static NullService end_of_block(PlfReader *reader, const PlfLink *link);
static NullService rest_of_list(PlfReader *reader, const PlfLink *link);
static bool rest_has(const PlfReader *reader, const PlfLink *link, bool with_key);
static bool keys_came(const PlfReader *reader);
static bool ending_kind(PlfReader *reader, PlfKeyKind *kind);

void
plf_reader_place_nulls(PlfReader *reader, PlfHeldPage *first)
{
	PlfNulls wanted = reader->what.nulls;
	PlfKeyKind head = plf_reader_kind(reader, first, 0);
	PlfKeyKind tail;

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
		{
			reader->segments[0] = (Segment){0, find_border(reader, first, false),
											SEGMENT_KEYS_AHEAD};
			if (!pages_agree(reader, reader->segments[0].to, false))
				take_scattered(reader);
		}
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
			 * nor one whose ends lack a key in different ways.  Where the others are
			 * left out, it is not read, and nothing would tell: only a LIMIT, which
			 * says that few links are wanted, is reason enough.
			 */
			if (tail != head || !plf_reader_is_bounded(reader) ||
				(wanted == PLF_NULLS_OUT && !is_limited(reader)))
				reader->unsorted = true;
			else if (wanted == PLF_NULLS_OUT)
				reader->segments[0].to = 0;
			else
				reader->all_null = true;
			return;
		}
	}
	rotate(reader, find_border(reader, first, true), true, wanted == PLF_NULLS_OUT);
	if (wanted == PLF_NULLS_OUT && !pages_agree(reader, reader->segments[0].from, true))
		take_scattered(reader);
}

/*
 * Only links without a key are wanted: those at the beginning of the list, up to the
 * first one with a key, or those at its end.  Both, where both ends have some.
 */
static void
place_block(PlfReader *reader, PlfHeldPage *first, bool at_head)
{
	bool at_tail = false;

	/*
	 * What may stop early is not looked at further yet: end_of_block() does that when
	 * the links at the beginning were not enough.
	 */
	if (first->count < reader->total && (!at_head || !plf_reader_is_bounded(reader)))
	{
		at_tail = last_kind(reader) != PLF_KEY_PRESENT;
		reader->at_nulls = true;
	}
	if (first->count == reader->total || (at_head && at_tail))
	{
		/* At both ends, and perhaps between them: each link is looked at. */
		take_scattered(reader);
		return;
	}
	if (at_tail)
	{
		rotate(reader, find_border(reader, first, false), false, true);
		if (!pages_agree(reader, reader->segments[0].from, false))
			take_scattered(reader);
		return;
	}
	if (!at_head && !pages_agree(reader, reader->total, false))
	{
		take_scattered(reader);
		return;
	}
	reader->segments[0].kind = SEGMENT_NULLS_AHEAD;
	if (!at_head)
		reader->segments[0].to = 0;
	reader->bounded_range = true;
	reader->window = 0;
}

/*
 * Whether the list is read for a LIMIT, which says how many links are wanted.  Others
 * that may stop early, such as a cursor, may read to the end as well.
 */
static bool
is_limited(const PlfReader *reader)
{
	return reader->what.early_stop && reader->what.row_hint > 0;
}

/* Has each link of the list looked at: those without a key are not in one block. */
static void
take_scattered(PlfReader *reader)
{
	reader->scattered = true;
	reader->nsegments = 1;
	reader->segments[0] = (Segment){0, reader->total, SEGMENT_ANY};
}

/*
 * Whether the pages in memory hold what they should, where the list consists of two
 * parts that meet at "border".  True when the reader moved.
 */
static bool
pages_agree(const PlfReader *reader, int64 border, bool nulls_before)
{
	if (reader->moved)
		return true;
	for (const PlfHeldPage *held = reader->kept; held != NULL; held = held->next)
		for (int i = 0; i < held->count; i++)
			if (is_before(reader, held, i, nulls_before) != (held->first + i < border))
				return false;
	return true;
}

static PlfKeyKind
last_kind(PlfReader *reader)
{
	PlfHeldPage *held = plf_reader_page_at(reader, reader->total - 1);

	return held == NULL
			   ? PLF_KEY_PRESENT
			   : plf_reader_kind(reader, held, (int) (reader->total - 1 - held->first));
}

/*
 * The place of the first link of the list's second part: of the first one with
 * a key when "nulls_before", else of the first one without.  Both parts exist.
 */
static int64
find_border(PlfReader *reader, PlfHeldPage *first, bool nulls_before)
{
	int size = reader->page_size;
	int64 low = 0; /* a page that ends in the first part; 0: none
					* is known to */
	int64 high = (reader->total - 1) / size + 1; /* one that ends in the
												  * second part */

	if (reader->moved)
		return 0;
	if (!is_before(reader, first, first->count - 1, nulls_before))
		return border_in_page(reader, first, nulls_before);
	if (first->request.per_page == size)
		low = 1;
	for (;;)
	{
		int64 middle;
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
is_before(const PlfReader *reader, const PlfHeldPage *held, int index, bool nulls_before)
{
	return (plf_reader_kind(reader, held, index) != PLF_KEY_PRESENT) == nulls_before;
}

/* A page of full size, also where the first request asked for less of it. */
static PlfHeldPage *
full_page(PlfReader *reader, const PlfHeldPage *first, int64 page)
{
	int64 position = (page - 1) * reader->page_size;

	return plf_reader_page_at(reader, Max(position, page == 1 ? first->count : 0));
}

/* In a page that ends in the second part. */
static int64
border_in_page(PlfReader *reader, PlfHeldPage *held, bool nulls_before)
{
	int index = 0;

	while (is_before(reader, held, index, nulls_before))
		index++;
	return held->first + index;
}

static void
rotate(PlfReader *reader, int64 border, bool nulls_before, bool drop_rest)
{
	reader->segments[0] = (Segment){border, reader->total,
									nulls_before ? SEGMENT_KEYS : SEGMENT_NULLS};
	reader->segments[1] = (Segment){
		0, border, nulls_before ? SEGMENT_NULLS_AHEAD : SEGMENT_KEYS_AHEAD};
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
	PlfNulls wanted = reader->what.nulls;
	bool is_null = plf_link_key_kind(link, reader->what.sort_key) != PLF_KEY_PRESENT;
	PlfKeyKind tail;

	if (is_null && reader->repairs > 0)
	{
		reader->in_segment = true;
		if (reader->no_nulls)
			return NULL_SKIPPED; /* it was inserted, behind the place reached */
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
		return is_null                 ? NULL_SERVED
			   : reader->bounded_range ? end_of_block(reader, link)
									   : NULL_SKIPPED;
	if (reader->all_null && reader->repairs > 0)
		return is_null ? NULL_SERVED : NULL_SKIPPED;
	/* Rows that were delivered before the list was found to be unsorted are in order. */
	if (is_null && wanted == PLF_NULLS_OUT && reader->unsorted && !reader->sizing)
		return NULL_SKIPPED;
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
				reader->source->raise(
					reader->source->arg, link->page_number, ERRCODE_FDW_ERROR,
					psprintf(
						"%s that never expire are not in one block of the sorted list",
						reader->source->wire->plural),
					NULL, "Set the option sort_pushdown 'false' to sort here.");
			reader->scattered = true;
		}
		reader->at_nulls = true;
	}
	if (wanted == PLF_NULLS_OUT)
		return reader->scattered ? NULL_SKIPPED : rest_of_list(reader, link);
	return NULL_SERVED;
}

/*
 * Only links without a key are wanted, and one with a key follows those that the list
 * begins with.  Others may stand at the list's end: that was looked at when the reading
 * began, or is now.  From a link that shows that there are more, the list is read on.
 */
static NullService
end_of_block(PlfReader *reader, const PlfLink *link)
{
	PlfKeyKind tail = PLF_KEY_PRESENT;

	Assert(!reader->clipped); /* a window has no such condition */
	if (!reader->at_nulls && !ending_kind(reader, &tail))
		return NULL_UNKNOWN;
	reader->at_nulls = true;
	if (tail == PLF_KEY_PRESENT && !rest_has(reader, link, false))
		return NULL_ENDS;

	reader->bounded_range = false;
	reader->scattered = true;
	reader->segments[0].kind = SEGMENT_ANY;
	reader->segments[0].to = reader->total;
	return NULL_SKIPPED;
}

/*
 * Links without a key are not wanted, and one stands here, as the list's last link does:
 * all between them should be the same.  What is known of the list may tell otherwise;
 * then it is read on.
 */
static NullService
rest_of_list(PlfReader *reader, const PlfLink *link)
{
	Segment *segment = &reader->segments[reader->segment];
	bool before_border = segment->kind == SEGMENT_KEYS_AHEAD && reader->repairs == 0;

	if (!before_border && !rest_has(reader, link, true))
		return NULL_ENDS;
	reader->scattered = true;
	if (segment->kind == SEGMENT_KEYS_AHEAD)
		*segment = (Segment){segment->from, reader->total, SEGMENT_ANY};
	return NULL_SKIPPED;
}

/* Whether a link with a key, or one without, follows on the same page. */
static bool
rest_has(const PlfReader *reader, const PlfLink *link, bool with_key)
{
	for (int i = link->index + 1; i < reader->current->count; i++)
		if ((plf_reader_kind(reader, reader->current, i) == PLF_KEY_PRESENT) == with_key)
			return true;
	return false;
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
	return reader->what.nulls == PLF_NULLS_ONLY
			   ? reader->bounded_range
			   : reader->what.nulls == PLF_NULLS_FIRST && !reader->unsorted &&
					 reader->segments[reader->segment].kind == SEGMENT_ANY;
}

/* What the last link of the list has for a key; false when the reader moved. */
static bool
ending_kind(PlfReader *reader, PlfKeyKind *kind)
{
	int64 last = reader->total - 1;
	PlfHeldPage *held = plf_page_holds(reader->current, last)
							? reader->current
							: plf_reader_page_at(reader, last);

	if (held == NULL)
		return false;
	*kind = plf_reader_kind(reader, held, (int) (last - held->first));
	return true;
}
