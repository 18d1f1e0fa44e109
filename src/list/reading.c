/*
 * reading.c
 *		The requests and the page sizes of a reading.
 *
 * opening.c asks for them when the reading begins, explain.c to show the first request.
 */
#include "postgres.h"

#include "list/reading.h"
#include "pages/page_table.h"

PlfSizes
plf_reading_sizes(const PlfReading *what, int largest)
{
	PlfSizes sizes = {1, largest, largest};
	int64 fewest = PG_INT64_MAX;

	if (what->skip == 0 && what->take < 0)
	{
		/* A larger first page is more likely to hold the bound that is searched for. */
		if (what->row_hint > 0 && what->row_hint < largest &&
			(what->range == NULL || !plf_range_has_begin(what->range)))
			sizes.first_size = (int) what->row_hint;
		return sizes;
	}
	if (what->nullable && what->sort_key != NULL)
	{
		/*
		 * The window's place in the list is known only when the links without a key are
		 * found.
		 */
		if (what->skip == 0 && what->take < largest)
			sizes.first_size = (int) what->take;
		return sizes;
	}
	if (what->take >= 0 && what->take <= PG_INT64_MAX - what->skip)
	{
		for (int size = 1; size <= largest; size++)
		{
			int64 pages = (what->skip + what->take - 1) / size - what->skip / size + 1;

			/*
			 * If one page covers the window, the smallest such page; else the largest
			 * pages, in case the list is short.
			 */
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

bool
plf_page_confirms_total(const PlfWire *wire, const PlfHeldPage *held)
{
	PlfLink link = {held->page, 0, held->request.page};
	PlfField status;

	if (!plf_page_is_whole(held))
		return false;
	if (held->count == 0 || !held->request.filtered)
		return true;
	status = plf_link_status(&link);
	for (int i = 0; status.kind == PLF_FIELD_STRING && i < PLF_STATUS_COUNT; i++)
		if ((held->request.statuses >> i & 1) != 0 &&
			strlen(wire->statuses[i]) == status.length &&
			memcmp(wire->statuses[i], status.text, status.length) == 0)
			return true;
	return false;
}
