/*
 * failure_detail.h
 *		The sentences of a DETAIL: what was said, by whom, and where.
 */
#ifndef PLF_FAILURE_DETAIL_H
#define PLF_FAILURE_DETAIL_H

#include "api/wire.h"
#include "catalog/mapping.h"
#include "catalog/option.h"
#include "http/response.h"
#include "lib/stringinfo.h"

/* Where a failure happened. */
typedef struct PlfFailureSite
{
	const PlfOptions *options;
	const PlfMapping *mapping;  /* whose token was sent, for the hint; or NULL */
	const char *const *secrets; /* what was sent and must not be shown, ended by NULL; or
								 * NULL */
	const char *host;           /* the token host, if that was asked; NULL: the API was */
	const PlfWire *wire; /* the resource that was asked for, or that a token is for */
	int64 page;          /* of the list; 0: not a page of it */
	bool is_lookup;      /* one item was requested by its id */
} PlfFailureSite;

/* Adds a sentence, after a blank if it is not the first one. */
extern void plf_detail_add(StringInfo detail, const char *sentence);

/* Adds host and page; nothing when "site" or its options are NULL. */
extern void plf_detail_add_site(StringInfo detail, const PlfFailureSite *site);

/*
 * Adds what the body of an answer says, or libcurl where there is no answer.  Returns the
 * trace id, from the headers or else from the body, palloc'd; NULL when there is none.
 */
extern char *plf_detail_add_said(StringInfo detail, const PlfResponse *response,
								 const PlfFailureSite *site);

/* Adds the trace id of a response; nothing when it is NULL. */
extern void plf_detail_add_trace_id(StringInfo detail, const char *trace_id);

extern void plf_detail_add_content_type(StringInfo detail, const PlfResponse *response,
										const PlfFailureSite *site);

/* Adds how often the request was sent, if more than once. */
extern void plf_detail_add_tries(StringInfo detail, const PlfResponse *response);

/*
 * Returns status, words and trace id of an answer that refuses something, as sentences
 * after a blank each; palloc'd.
 */
extern char *plf_refusal_words(const PlfResponse *response, const PlfFailureSite *site);

#endif /* PLF_FAILURE_DETAIL_H */
