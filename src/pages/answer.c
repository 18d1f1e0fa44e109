/*
 * answer.c
 *		What an answer of the API tells of the page that was asked for, for source.c.
 */
#include "postgres.h"

#include "pages/answer.h"

bool
plf_answer_is_ok(const PlfResponse *response)
{
	return response->outcome == PLF_OUTCOME_ANSWER && response->status == 200;
}

bool
plf_answer_is_unauthorized(const PlfResponse *response)
{
	return response->outcome == PLF_OUTCOME_ANSWER && response->status == 401;
}

bool
plf_answer_is_refusal(const PlfResponse *response, int64_t page)
{
	if (page <= 1 || response->outcome != PLF_OUTCOME_ANSWER || response->wait_too_long)
		return false;
	switch (response->status)
	{
		case 401:
		case 403:
		case 407:
		case 408:
		case 425:
		case 429:
			return false;
		default:
			return response->status >= 400 && response->status < 500;
	}
}

bool
plf_answer_is_last_page(const PlfListRequest *request, const PlfMeta *meta)
{
	int64 last = Max((meta->total_count - 1) / request->per_page + 1, 1);

	return request->page > last && meta->current_page == last &&
		   (meta->per_page < 0 || meta->per_page == request->per_page);
}

bool
plf_answer_differs(const PlfWire *wire, const PlfListRequest *request,
				   const PlfMeta *meta, const char **message, char **detail)
{
	int64 pages = meta->total_count / request->per_page +
				  (meta->total_count % request->per_page != 0 ? 1 : 0);

	if ((meta->current_page >= 0 && meta->current_page != request->page &&
		 meta->total_count > 0) ||
		(meta->per_page >= 0 && meta->per_page != request->per_page))
	{
		*message = "payment links API sent another page than asked for";
		*detail = psprintf("Asked for page " INT64_FORMAT
						   " of %d %s, got page " INT64_FORMAT " of " INT64_FORMAT ".",
						   request->page, request->per_page, wire->items,
						   meta->current_page, meta->per_page);
		return true;
	}
	if (meta->total_pages >= 0 && meta->total_pages != pages &&
		!(meta->total_count == 0 && meta->total_pages <= 1))
	{
		*message = "payment links API contradicts itself about the length of the list";
		*detail = psprintf(
			"It reports " INT64_FORMAT " %s on " INT64_FORMAT " pages of %d.",
			meta->total_count, wire->items, meta->total_pages, request->per_page);
		return true;
	}
	return false;
}
