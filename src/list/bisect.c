/*
 * bisect.c
 *		Searches the numbered pages of a sorted list like an index, for the place at which
 *		one part of the list ends and the next one begins.
 */
#include "postgres.h"

#include "list/bisect.h"

static PlfLook look_at(const PlfSearch *search, int64 position);
static int64 place_in(const PlfSearch *search, const PlfHeldPage *page, int index);
static bool is_last_before(const PlfSearch *search, const PlfHeldPage *page);

PlfLook
plf_bisect(const PlfSearch *search, PlfHeldPage *page, int index, int64 *place)
{
	PlfPageTable *table = search->course->table;
	int64 total = plf_page_table_total(table);
	int64 size = plf_page_table_size(table);
	int64 from = page->first + page->count;
	int64 low = from / size; /* number of a page that ends before the place, or 0 */
	int64 high = (total - 1) / size + 2; /* of a page that does not, or one too many */
	PlfLook look = {.kind = PLF_LOOK_PAGE, .page = page};

	if (!is_last_before(search, page))
	{
		*place = place_in(search, page, index);
		return look;
	}
	*place = total;
	if (from >= total)
		return look;
	if (search->ends_behind)
	{
		high--;
		look = plf_page_table_at(table, Max((high - 1) * size, from));
		if (look.kind != PLF_LOOK_PAGE)
			return look;
		if (search->is_before(search->course, look.page, 0))
			low = high - 1;
	}
	while (high - low > 1)
	{
		int64 middle = low + (high - low) / 2;

		look = look_at(search, Max((middle - 1) * size, from));
		if (look.kind != PLF_LOOK_PAGE)
			return look;
		if (is_last_before(search, look.page))
		{
			low = middle;
			continue;
		}
		high = middle;
		if (search->is_before(search->course, look.page, 0))
			break;
	}
	if ((high - 1) * size >= total)
		return look;
	look = plf_page_table_at(table, Max((high - 1) * size, from));
	if (look.kind == PLF_LOOK_PAGE)
		*place = place_in(search, look.page, 0);
	return look;
}

static PlfLook
look_at(const PlfSearch *search, int64 position)
{
	PlfLook look = plf_page_table_at(search->course->table, position);

	if (look.kind == PLF_LOOK_PAGE && search->check != NULL)
		look = search->check(search->course, look.page);
	return look;
}

/* The place that is searched for, on a page whose last link is not before that place. */
static int64
place_in(const PlfSearch *search, const PlfHeldPage *page, int index)
{
	while (index < page->count - 1 && search->is_before(search->course, page, index))
		index++;
	return page->first + index;
}

static bool
is_last_before(const PlfSearch *search, const PlfHeldPage *page)
{
	return search->is_before(search->course, page, page->count - 1);
}
