/*
 * response_failure.h
 *		What a response means: from an answer, or the lack of one, to an SQLSTATE, a
 *		message, a detail and a hint.
 */
#ifndef PLF_RESPONSE_FAILURE_H
#define PLF_RESPONSE_FAILURE_H

#include "api/page.h"
#include "http/failure.h"
#include "http/response.h"

/*
 * Fills *failure from a response that is not a 200 answer; outcome and status decide.
 * Returns false, with sqlstate 0, for a 200 answer.
 */
extern bool plf_failure_from_response(const PlfResponse *response,
									  const PlfFailureSite *site, PlfFailure *failure);

/*
 * Fills *failure for a 200 answer that plf_page_parse() refused: 53200 for lack of
 * memory, else 08P01.  "body_start" are the first bytes of the body.  They tell an HTML
 * page from broken JSON, and are not shown.
 */
extern void plf_failure_from_page(const PlfPageError *error, const PlfResponse *response,
								  const char *body_start, size_t body_length,
								  const PlfFailureSite *site, PlfFailure *failure);

#endif /* PLF_RESPONSE_FAILURE_H */
