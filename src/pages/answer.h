/*
 * answer.h
 *		What an answer of the API tells of the page that was asked for.
 */
#ifndef PLF_ANSWER_H
#define PLF_ANSWER_H

#include "api/page.h"
#include "api/request.h"
#include "http/response.h"

/* True when the answer has status 200. */
extern bool plf_answer_is_ok(const PlfResponse *response);

/* True when the API refused the token, with 401. */
extern bool plf_answer_is_unauthorized(const PlfResponse *response);

/*
 * True when the API refused a page after the first one, as it does when the list became
 * shorter.  False for a refusal of the caller: 401, 403, 429 and the like.
 */
extern bool plf_answer_is_refusal(const PlfResponse *response, int64_t page);

/*
 * True when the API answered a request for a page past the end of the list with its last
 * page, and says so.
 */
extern bool plf_answer_is_last_page(const PlfListRequest *request, const PlfMeta *meta);

/*
 * True when a page's meta contradicts the request or itself: the places of links in the
 * list are computed from it.  *message and *detail are for an error, palloc'd or static.
 */
extern bool plf_answer_differs(const PlfWire *wire, const PlfListRequest *request,
							   const PlfMeta *meta, const char **message, char **detail);

#endif /* PLF_ANSWER_H */
