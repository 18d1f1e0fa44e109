/*
 * failure_detail.c
 *		How a failure is worded in its DETAIL.
 */
#include "postgres.h"

#include "api/error_words.h"
#include "http/failure_detail.h"
#include "http/foreign_text.h"

static char *said_by_api(const PlfErrorWords *words, const char *const *secrets);

void
plf_detail_add(StringInfo detail, const char *sentence)
{
	if (detail->len > 0)
		appendStringInfoChar(detail, ' ');
	appendStringInfoString(detail, sentence);
}

void
plf_detail_add_site(StringInfo detail, const PlfFailureSite *site)
{
	if (site == NULL || site->options == NULL)
		return;
	if (site->page > 0)
		plf_detail_add(detail, psprintf("Host: %s, page %lld.", site->options->host,
										(long long) site->page));
	else
		plf_detail_add(
			detail,
			psprintf("Host: %s.", site->host != NULL ? site->host : site->options->host));
}

char *
plf_detail_add_said(StringInfo detail, const PlfResponse *response,
					const PlfFailureSite *site)
{
	PlfErrorWords words = {NULL, NULL, NULL};
	char *trace_id = NULL;

	if (response->outcome != PLF_OUTCOME_ANSWER)
	{
		if (response->message[0] != '\0')
			plf_detail_add(detail, psprintf("%s.", plf_foreign_text(response->message,
																	site->secrets)));
		return NULL;
	}

	if (response->body != NULL &&
		plf_error_words(response->body, response->length, &words))
	{
		char *said = said_by_api(&words, site->secrets);

		if (words.trace_id != NULL)
			trace_id = plf_foreign_text(words.trace_id, site->secrets);

		/* The words are malloc'd, and lost if lack of memory raised an error above. */
		plf_error_words_free(&words);
		if (said != NULL && said[0] != '\0')
			plf_detail_add(detail, psprintf("The API said: %s.", said));
	}
	if (response->trace_id[0] != '\0')
		trace_id = plf_foreign_text(response->trace_id, site->secrets);
	return trace_id;
}

/* Returns "detail (code)", or only one of the two; NULL when there is neither. */
static char *
said_by_api(const PlfErrorWords *words, const char *const *secrets)
{
	char *code = words->code != NULL ? plf_foreign_text(words->code, secrets) : NULL;

	if (words->detail == NULL)
		return code;
	if (code == NULL)
		return plf_foreign_text(words->detail, secrets);
	return psprintf("%s (%s)", plf_foreign_text(words->detail, secrets), code);
}

void
plf_detail_add_trace_id(StringInfo detail, const char *trace_id)
{
	if (trace_id != NULL)
		plf_detail_add(detail, psprintf("Trace id: %s.", trace_id));
}

void
plf_detail_add_content_type(StringInfo detail, const PlfResponse *response,
							const PlfFailureSite *site)
{
	if (response->content_type[0] != '\0')
		plf_detail_add(detail,
					   psprintf("Its content type is \"%s\".",
								plf_foreign_text(response->content_type, site->secrets)));
	else
		plf_detail_add(detail, "It has no content type.");
}

void
plf_detail_add_tries(StringInfo detail, const PlfResponse *response)
{
	if (response->tries > 1)
		plf_detail_add(detail,
					   psprintf("The request was sent %d times.", response->tries));
}

char *
plf_refusal_words(const PlfResponse *response, const PlfFailureSite *site)
{
	StringInfoData words;

	initStringInfo(&words);
	appendStringInfo(&words, " It answered with status %d.", response->status);
	plf_detail_add_trace_id(&words, plf_detail_add_said(&words, response, site));
	return words.data;
}
