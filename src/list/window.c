/*
 * window.c
 *		With which pages, and of what size, a reading is done.
 *
 * reader.c asks when it starts, explain.c to show the first request.
 */
#include "postgres.h"

#include "list/reader.h"

PlfSizes
plf_reading_sizes(const PlfReading *what, int largest)
{
	PlfSizes sizes = {1, largest, largest};
	int64 fewest = PG_INT64_MAX;

	if (what->skip == 0 && what->take < 0)
	{
		/* Where a bound is searched for, a larger first page is more likely to hold it.
		 */
		if (what->row_hint > 0 && what->row_hint < largest &&
			(what->range == NULL || !plf_range_has_begin(what->range)))
			sizes.first_size = (int) what->row_hint;
		return sizes;
	}
	if (what->nullable && what->sort_key != NULL)
	{
		/* Where the window lies is known once the NULLs are found. */
		if (what->skip == 0 && what->take < largest)
			sizes.first_size = (int) what->take;
		return sizes;
	}
	if (what->take >= 0 && what->take <= PG_INT64_MAX - what->skip)
	{
		for (int size = 1; size <= largest; size++)
		{
			int64 pages = (what->skip + what->take - 1) / size - what->skip / size + 1;

			/* One page as small as it can be; several as large, for a short list. */
			if (pages < fewest || (pages == fewest && pages > 1))
			{
				fewest = pages;
				sizes.page_size = size;
			}
		}
		sizes.first_size = sizes.page_size;
	}
	sizes.first_page = what->skip / sizes.page_size + 1;
	return sizes;
}

PlfListRequest
plf_reading_request(const PlfReading *what, int64 page, int per_page)
{
	PlfListRequest request = {0};

	request.filtered = what->filtered;
	request.statuses = what->statuses;
	if (what->sort_key != NULL)
	{
		request.sort_by = what->sort_key->sort_by;
		request.descending = what->descending;
	}
	request.page = page;
	request.per_page = per_page;
	return request;
}
