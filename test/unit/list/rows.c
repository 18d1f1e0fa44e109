/*
 * rows.c
 *		Stand-ins for src/rows/ over the links of the model.
 */
#include "postgres.h"

#include "api.h"
#include "rows.h"

const PlfFieldInfo *
model_field(ModelKey key)
{
	static PlfFieldInfo fields[3];

	fields[key].sort_by = model_sort_by[key];
	return key == BY_NOTHING ? NULL : &fields[key];
}

const ModelLink *
model_link(const PlfLink *link)
{
	return link->page->links[link->index].link;
}

PlfField
plf_link_id(const PlfLink *link)
{
	return (PlfField){PLF_FIELD_STRING, model_link(link)->id, 36};
}

PlfField
plf_link_status(const PlfLink *link)
{
	const char *status = status_name(link->page->links[link->index].status);

	return (PlfField){PLF_FIELD_STRING, status, strlen(status)};
}

PlfKeyKind
plf_link_key_kind(const PlfLink *link, const PlfFieldInfo *key)
{
	if (key != model_field(BY_DATE) || link_has_key(model_link(link), BY_DATE))
		return PLF_KEY_PRESENT;
	return model_link(link)->dateless ? PLF_KEY_ABSENT : PLF_KEY_ZERO;
}

PlfSide
plf_range_side(PlfRange *range, const PlfLink *link)
{
	const ModelQuery *query = range->query;
	int key = link_key(model_link(link), query->key);
	bool below;
	bool above;

	if (!link_has_key(model_link(link), query->key))
		return PLF_SIDE_NULL;
	below = query->lower.is_set &&
			key < query->lower.value + (query->lower.is_open ? 1 : 0);
	above = query->upper.is_set &&
			key > query->upper.value - (query->upper.is_open ? 1 : 0);
	if (query->descending ? above : below)
		return PLF_SIDE_BEFORE;
	if (below || above)
		return PLF_SIDE_AFTER;
	return PLF_SIDE_IN;
}

/* Whether two keys stand in the order of the list. */
static bool
in_order(const PlfRange *range, const ModelLink *earlier, const ModelLink *later)
{
	int one = link_key(earlier, range->query->key);
	int other = link_key(later, range->query->key);

	return range->query->descending ? one >= other : one <= other;
}

/* The next link with a key, from place "from" on; NULL without any. */
static const ModelLink *
find_key(const PlfRange *range, const PlfPage *page, int from, int to, int step)
{
	for (int i = from; i != to; i += step)
		if (link_has_key(page->links[i].link, range->query->key))
			return page->links[i].link;
	return NULL;
}

bool
plf_range_is_sorted(PlfRange *range, PlfPage *page, int count)
{
	const ModelLink *previous = NULL;

	for (int i = 0; i < count; i++)
	{
		const ModelLink *link = page->links[i].link;

		if (!link_has_key(link, range->query->key))
			continue;
		if (previous != NULL && !in_order(range, previous, link))
			return false;
		previous = link;
	}
	return true;
}

bool
plf_range_is_ascending(PlfRange *range, PlfPage *earlier, int earlier_count,
					   PlfPage *later, int later_count)
{
	const ModelLink *last = find_key(range, earlier, earlier_count - 1, -1, -1);
	const ModelLink *first = find_key(range, later, 0, later_count, 1);

	return last == NULL || first == NULL || in_order(range, last, first);
}

bool
plf_range_has_begin(const PlfRange *range)
{
	return range->query->descending ? range->query->upper.is_set
									: range->query->lower.is_set;
}

bool
plf_range_has_end(const PlfRange *range)
{
	return range->query->descending ? range->query->lower.is_set
									: range->query->upper.is_set;
}
