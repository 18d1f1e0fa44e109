/*
 * seek.c
 *		A sorted list is an index: finds the page at which a range begins.
 *
 * Links without a key are in no range.  Where the list begins with them they lie
 * before it, else after it.
 */
#include "postgres.h"

#include "read/range.h"
#include "read/reader_state.h"

static bool is_before(const PlfReader *reader, const PlfHeldPage *held, int index,
					  bool nulls_before);
static PlfHeldPage *page_of(PlfReader *reader, const PlfHeldPage *first, int64 page);

void
plf_reader_seek(PlfReader *reader, PlfHeldPage *first)
{
	int			size = reader->page_size;
	bool		nulls_before = plf_reader_kind(reader, first, 0) != PLF_KEY_PRESENT;
	int64		low = 0;		/* a page that ends before the range; 0: none
								 * is known to */
	int64		high = (reader->total - 1) / size + 2;	/* one that does not, or the
														 * one after the last */
	int64		begin = reader->total;
	PlfHeldPage *held = first;
	int			index = 0;

	if (is_before(reader, first, first->count - 1, nulls_before))
	{
		if (first->count == reader->total)
			held = NULL;
		else if (first->request.per_page == size)
			low = 1;
		while (held != NULL && high - low > 1)
		{
			int64		middle = low + (high - low) / 2;

			held = page_of(reader, first, middle);
			if (is_before(reader, held, held->count - 1, nulls_before))
				low = middle;
			else
			{
				high = middle;
				if (is_before(reader, held, 0, nulls_before))
					break;
			}
		}
		held = held == NULL || (high - 1) * size >= reader->total ? NULL :
			page_of(reader, first, high);
	}
	if (held != NULL)
	{
		while (is_before(reader, held, index, nulls_before))
			index++;
		begin = held->first + index;
	}
	reader->segments[0] = (Segment) {begin, reader->total};
}

static bool
is_before(const PlfReader *reader, const PlfHeldPage *held, int index,
		  bool nulls_before)
{
	PlfLink		link = {held->page, index, held->request.page};
	PlfPlace	place = plf_range_place(reader->what.range, &link);

	return place == PLF_PLACE_BEFORE || (place == PLF_PLACE_NULL && nulls_before);
}

/* A page of full size, also where the first request asked for less of it. */
static PlfHeldPage *
page_of(PlfReader *reader, const PlfHeldPage *first, int64 page)
{
	return plf_reader_page_at(reader, Max((page - 1) * reader->page_size,
										  page == 1 ? first->count : 0));
}

bool
plf_reader_goes_on(const PlfReader *reader, const PlfHeldPage *held)
{
	PlfLink		link = {held->page, held->count - 1, held->request.page};

	return plf_range_place(reader->what.range, &link) != PLF_PLACE_AFTER;
}
