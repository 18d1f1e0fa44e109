/*
 * failure.h
 *		What went wrong, in PostgreSQL's terms: from an answer to an SQLSTATE,
 *		a message, a detail and a hint.  The one place that maps failures.
 *
 * A failure is a value, so that payment_links_check() can show it and a scan
 * can raise it.
 */
#ifndef PLF_FAILURE_H
#define PLF_FAILURE_H

#include "compat.h"
#include "http/client.h"
#include "pages/credential.h"
#include "api/page.h"
#include "catalog/option.h"

/* Strings are palloc'd in the context that was current; NULL where there is none. */
struct PlfFailure
{
	int sqlstate; /* ERRCODE_...; 0: nothing went wrong */
	char *message;
	char *detail;
	char *hint;
	char *trace_id;
	bool unauthorized; /* the API said 401 */
};

/* Where the failure happened, for DETAIL. */
typedef struct PlfFailureSite
{
	const PlfOptions *options;
	const PlfCredential *credential; /* its secrets are taken out of what
									  * the API says */
	int64 page;                      /* 0: not a page of the list */
	bool is_lookup;                  /* one link was asked for by its id */
	const char *const *secrets;      /* further ones, ended by NULL; or NULL */
	const char *host;                /* who was asked, NULL: the API's host */
} PlfFailureSite;

/*
 * Fills *failure from a response that is not a 200 answer (status and
 * outcome decide; the words of the body and the trace id go into DETAIL).
 * Returns false, and leaves sqlstate 0, for a 200 answer.
 */
extern bool plf_failure_from_response(const PlfResponse *response,
									  const PlfFailureSite *site, PlfFailure *failure);

/*
 * Fills *failure for a 200 answer that plf_page_parse() refused: 08P01 (53200
 * for lack of memory).  "body_start" are the first bytes of the body, for telling
 * an HTML page from broken JSON; its text is not shown.
 */
extern void plf_failure_from_page(const PlfPageError *error, const PlfResponse *response,
								  const char *body_start, size_t body_length,
								  const PlfFailureSite *site, PlfFailure *failure);

/*
 * Fills *failure with an error of the caller's own; message, detail and hint are
 * copied (detail and hint may be NULL), the site's host and page are added to
 * DETAIL (a NULL site has none).
 */
extern void plf_failure_set(PlfFailure *failure, const PlfFailureSite *site, int sqlstate,
							const char *message, const char *detail, const char *hint);

/*
 * Words from outside as they may be shown: without secrets, in the database's encoding,
 * cut to the length of a message, however long they are; palloc'd.
 */
extern char *plf_failure_quote(const char *text, const PlfFailureSite *site);

/*
 * What is told of an answer whose status says no: the status, the API's words and
 * the trace id, as sentences after a space each; palloc'd.
 */
extern char *plf_failure_words(const PlfResponse *response, const PlfFailureSite *site);

/* ereport(ERROR). */
extern void plf_failure_raise(const PlfFailure *failure) pg_attribute_noreturn();

#endif /* PLF_FAILURE_H */
