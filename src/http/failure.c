/*
 * failure.c
 *		From what the API did to an SQLSTATE, a message, a detail and a hint.
 *
 * Whatever the API or the network said is foreign text: before it is shown, the
 * secrets that were sent are taken out of it (a gateway may well echo a header),
 * and what the database's encoding cannot hold becomes "?".
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "compat.h"
#include "http/failure.h"
#include "api/words.h"

#define REDACTED "[redacted]"

/*
 * The API's words are cut to a length and so may end within a secret.  An end
 * that could be the start of one is taken out when it is at least this long.
 */
#define MIN_SECRET_START 8

static void fill_outcome(const PlfResponse *response, const PlfFailureSite *site,
						 PlfFailure *failure);
static void fill_too_large(PlfFailure *failure);
static void fill_status(const PlfResponse *response, const PlfFailureSite *site,
						PlfFailure *failure);
static void fill_unauthorized(const PlfFailureSite *site, PlfFailure *failure);
static void fill_not_found(const PlfFailureSite *site, PlfFailure *failure);
static void fill_redirect(const PlfFailureSite *site, PlfFailure *failure);
static void fill_throttled(const PlfResponse *response, const PlfFailureSite *site,
						   PlfFailure *failure);
static void fill_html(const PlfFailureSite *site, PlfFailure *failure);
static bool looks_like_html(const PlfResponse *response, const char *body, size_t length);
static void add_words(StringInfo detail, const PlfResponse *response,
					  const PlfFailureSite *site, PlfFailure *failure);
static void add_content_type(StringInfo detail, const PlfResponse *response,
							 const PlfFailureSite *site);
static void add_site(StringInfo detail, const PlfFailureSite *site);
static void add_tries(StringInfo detail, const PlfResponse *response);
static void add_sentence(StringInfo detail, const char *sentence);
static char *foreign_text(const char *text, const PlfFailureSite *site);
static size_t secret_at(const char *text, const char *secret);
static char *to_database_encoding(const char *utf8);

bool
plf_failure_from_response(const PlfResponse *response, const PlfFailureSite *site,
						  PlfFailure *failure)
{
	StringInfoData detail;

	memset(failure, 0, sizeof(*failure));
	if (response->outcome == PLF_OUTCOME_ANSWER && response->status == 200)
		return false;

	initStringInfo(&detail);
	if (response->outcome == PLF_OUTCOME_ANSWER)
		fill_status(response, site, failure);
	else
		fill_outcome(response, site, failure);

	if (response->wait_too_long)
	{
		failure->sqlstate = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
		add_sentence(
			&detail,
			psprintf(
				"It answered with status %d and asked to wait %lld s, longer than max_retry_wait (%d ms).",
				response->status, (long long) response->retry_after_s,
				site->options->max_retry_wait_ms));
		failure->hint = psprintf(
			"Try again in %lld s, or allow the wait with the option \"max_retry_wait\" of server \"%s\".",
			(long long) response->retry_after_s, site->options->server_name);
	}
	add_words(&detail, response, site, failure);
	if (site->is_lookup && response->status == 404)
		add_content_type(&detail, response, site);
	add_site(&detail, site);
	if (failure->trace_id != NULL)
		add_sentence(&detail, psprintf("Trace id: %s.", failure->trace_id));
	add_tries(&detail, response);
	failure->detail = detail.data;
	return true;
}

void
plf_failure_from_page(const PlfPageError *error, const PlfResponse *response,
					  const char *body_start, size_t body_length,
					  const PlfFailureSite *site, PlfFailure *failure)
{
	StringInfoData detail;

	memset(failure, 0, sizeof(*failure));
	initStringInfo(&detail);
	failure->sqlstate = ERRCODE_PROTOCOL_VIOLATION;
	switch (error->kind)
	{
		case PLF_PAGE_NO_MEMORY:
			failure->sqlstate = ERRCODE_OUT_OF_MEMORY;
			failure->message = pstrdup("out of memory");
			break;
		case PLF_PAGE_TOO_LARGE:
			fill_too_large(failure);
			break;
		case PLF_PAGE_NO_ID:
			failure->message = pstrdup("payment links API sent a link without an id");
			break;
		case PLF_PAGE_WRONG_SHAPE:
			failure->message = pstrdup(
				"payment links API sent JSON that is not of the documented shape");
			failure->hint = psprintf("Check that %s is the payment links API.",
									 site->options->api_url);
			break;
		case PLF_PAGE_NOT_JSON:
		case PLF_PAGE_OK:
			if (looks_like_html(response, body_start, body_length))
				fill_html(site, failure);
			else
				failure->message = pstrdup(
					"payment links API sent something that is not valid JSON");
			break;
	}

	if (error->detail[0] != '\0')
		add_sentence(&detail, psprintf("The answer could not be read: %s.",
									   foreign_text(error->detail, site)));
	add_content_type(&detail, response, site);
	add_site(&detail, site);
	if (response->trace_id[0] != '\0')
	{
		failure->trace_id = foreign_text(response->trace_id, site);
		add_sentence(&detail, psprintf("Trace id: %s.", failure->trace_id));
	}
	failure->detail = detail.data;
}

void
plf_failure_set(PlfFailure *failure, const PlfFailureSite *site, int sqlstate,
				const char *message, const char *detail, const char *hint)
{
	StringInfoData text;

	memset(failure, 0, sizeof(*failure));
	initStringInfo(&text);
	if (detail != NULL)
		appendStringInfoString(&text, detail);
	add_site(&text, site);

	failure->sqlstate = sqlstate;
	failure->message = pstrdup(message);
	failure->detail = text.len > 0 ? text.data : NULL;
	failure->hint = hint != NULL ? pstrdup(hint) : NULL;
}

char *
plf_failure_quote(const char *text, const PlfFailureSite *site)
{
	return foreign_text(text, site);
}

char *
plf_failure_words(const PlfResponse *response, const PlfFailureSite *site)
{
	PlfFailure failure = {0};
	StringInfoData words;

	initStringInfo(&words);
	appendStringInfo(&words, " It answered with status %d.", response->status);
	add_words(&words, response, site, &failure);
	if (failure.trace_id != NULL)
		add_sentence(&words, psprintf("Trace id: %s.", failure.trace_id));
	return words.data;
}

void
plf_failure_raise(const PlfFailure *failure)
{
	Assert(failure->sqlstate != 0 && failure->message != NULL);
	ereport(ERROR,
			(errcode(failure->sqlstate), errmsg_internal("%s", failure->message),
			 failure->detail != NULL ? errdetail_internal("%s", failure->detail) : 0,
			 failure->hint != NULL ? errhint("%s", failure->hint) : 0));
}

/* No whole answer came. */
static void
fill_outcome(const PlfResponse *response, const PlfFailureSite *site, PlfFailure *failure)
{
	const char *server = site->options->server_name;

	switch (response->outcome)
	{
		case PLF_OUTCOME_RESOLVE:
			failure->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			failure->message = pstrdup(
				"could not resolve the host of the payment links API");
			failure->hint = psprintf(
				"Check the network of the database server; where it needs a proxy, set the option \"proxy\" of server \"%s\".",
				server);
			break;
		case PLF_OUTCOME_CONNECT:
			failure->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			failure->message = pstrdup("could not connect to the payment links API");
			failure->hint = psprintf(
				"Check the network of the database server and the options \"proxy\" and \"connect_timeout\" of server \"%s\".",
				server);
			break;
		case PLF_OUTCOME_TLS:
			failure->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			failure->message = pstrdup(
				"could not establish a TLS connection to the payment links API");
			failure->hint = psprintf(
				"If its certificate, or that of a proxy in between, is issued by your own authority, set the option \"ca_file\" of server \"%s\".",
				server);
			break;
		case PLF_OUTCOME_PROXY:
			failure->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			failure->message = pstrdup(
				"could not reach the payment links API through the proxy");
			failure->hint = psprintf("Check the option \"proxy\" of server \"%s\".",
									 server);
			break;
		case PLF_OUTCOME_TIMEOUT:
			failure->sqlstate = ERRCODE_CONNECTION_FAILURE;
			failure->message = pstrdup("payment links API did not answer in time");
			failure->hint = psprintf(
				"Try again, or raise the option \"request_timeout\" of server \"%s\".",
				server);
			break;
		case PLF_OUTCOME_DROPPED:
			failure->sqlstate = ERRCODE_CONNECTION_FAILURE;
			failure->message = pstrdup("payment links API broke off its answer");
			failure->hint = pstrdup("Try again later.");
			break;
		case PLF_OUTCOME_TOO_LARGE:
			fill_too_large(failure);
			break;
		case PLF_OUTCOME_NOT_HTTP:
			failure->sqlstate = ERRCODE_PROTOCOL_VIOLATION;
			failure->message = pstrdup(
				"answer of the payment links API is not valid HTTP");
			failure->hint = psprintf(
				"Check the options \"base_url\" and \"proxy\" of server \"%s\".", server);
			break;
		case PLF_OUTCOME_NO_MEMORY:
			failure->sqlstate = ERRCODE_OUT_OF_MEMORY;
			failure->message = pstrdup("out of memory");
			break;
		case PLF_OUTCOME_NO_DESCRIPTOR:
			failure->sqlstate = ERRCODE_INSUFFICIENT_RESOURCES;
			failure->message = pstrdup(
				"no file descriptor is left for a connection to the payment links API");
			failure->hint = pstrdup(
				"Allow the database server more open files (ulimit -n), or let PostgreSQL keep fewer of them open (\"max_files_per_process\").");
			break;
		case PLF_OUTCOME_ANSWER:
			pg_unreachable();
	}
}

static void
fill_too_large(PlfFailure *failure)
{
	failure->sqlstate = ERRCODE_PROTOCOL_VIOLATION;
	failure->message = pstrdup("answer of the payment links API is too large");
	failure->hint = pstrdup("A smaller \"page_size\" makes the answers smaller.");
}

/* An answer came, but not 200. */
static void
fill_status(const PlfResponse *response, const PlfFailureSite *site, PlfFailure *failure)
{
	int status = response->status;

	if (status == 401)
		fill_unauthorized(site, failure);
	else if (status == 403)
	{
		failure->sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE;
		failure->message = pstrdup("payment links API denied access");
		failure->hint = pstrdup(
			"The access token needs the scope \"payment_link.read\", and its owner a role and a plan with payment links.");
	}
	else if (status == 404)
		fill_not_found(site, failure);
	else if (status == 429)
		fill_throttled(response, site, failure);
	else if (status == 408 || status == 425 || status >= 500)
	{
		failure->sqlstate = ERRCODE_CONNECTION_FAILURE;
		failure->message = psprintf("payment links API failed with status %d", status);
		failure->hint = pstrdup("Try again later.");
	}
	else if (status >= 400)
	{
		failure->sqlstate = ERRCODE_FDW_ERROR;
		failure->message = psprintf(
			"payment links API refused the request with status %d", status);
	}
	else if (status >= 300)
		fill_redirect(site, failure);
	else
	{
		failure->sqlstate = ERRCODE_PROTOCOL_VIOLATION;
		failure->message = psprintf(
			"payment links API answered with unexpected status %d", status);
		failure->hint = psprintf(
			"Check the options \"base_url\" and \"proxy\" of server \"%s\".",
			site->options->server_name);
	}
}

static void
fill_unauthorized(const PlfFailureSite *site, PlfFailure *failure)
{
	const char *role = site->credential != NULL ? site->credential->role : NULL;
	const char *advice;

	failure->sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
	failure->unauthorized = true;
	failure->message = pstrdup("payment links API refused the access token");
	advice = psprintf(
		"Put a new one into the user mapping for %s on server \"%s\", or into its file.",
		role != NULL ? role : "the role", site->options->server_name);
	failure->hint = psprintf(
		"The token is wrong or has expired (tokens last an hour). %s",
		role != NULL ? plf_mapping_advice(site->credential->mapping, advice) : advice);
}

static void
fill_not_found(const PlfFailureSite *site, PlfFailure *failure)
{
	failure->sqlstate = ERRCODE_FDW_TABLE_NOT_FOUND;

	/* In the API's own words it would be a link that is not there, and no failure. */
	if (site->is_lookup)
	{
		failure->message = pstrdup(
			"answer 404 to a lookup is not of the form of the payment links API");
		failure->hint = psprintf(
			"Something else may have answered, so that the link may be there. Check the options \"base_url\" and \"proxy\" of server \"%s\".",
			site->options->server_name);
		return;
	}
	failure->message = pstrdup(
		"payment links API does not offer the list of payment links");
	failure->hint = psprintf(
		"Payment links may not be enabled for the organization. If server \"%s\" has the option \"base_url\", check that too.",
		site->options->server_name);
}

static void
fill_redirect(const PlfFailureSite *site, PlfFailure *failure)
{
	failure->sqlstate = ERRCODE_PROTOCOL_VIOLATION;
	failure->message = pstrdup("payment links API answered with a redirect");
	if (site->options->sandbox)
		failure->hint = pstrdup(
			"The sandbox redirects when the option \"staging_token\" of the user mapping is wrong; redirects are never followed.");
	else
		failure->hint = psprintf(
			"Redirects are never followed: check the option \"base_url\" of server \"%s\".",
			site->options->server_name);
}

static void
fill_throttled(const PlfResponse *response, const PlfFailureSite *site,
			   PlfFailure *failure)
{
	failure->sqlstate = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
	failure->message = pstrdup("payment links API limits the rate of requests");
	if (response->retry_after_s > 0)
		failure->hint = psprintf("Try again in %lld s.",
								 (long long) response->retry_after_s);
	else
		failure->hint = psprintf(
			"Try again in ten minutes at the latest: the API allows 1000 requests in 10 s and 10000 in 10 min from one address. A lower \"concurrency\" of server \"%s\" spreads them.",
			site->options->server_name);
}

static void
fill_html(const PlfFailureSite *site, PlfFailure *failure)
{
	failure->message = pstrdup("payment links API sent an HTML page instead of JSON");
	if (site->options->sandbox)
		failure->hint = pstrdup(
			"The sandbox sends its login page when the option \"staging_token\" of the user mapping is wrong.");
	else
		failure->hint = psprintf(
			"Something between the database and the API may have answered: check the options \"base_url\" and \"proxy\" of server \"%s\". A sandbox sends its login page where the user mapping's \"staging_token\" is missing or wrong.",
			site->options->server_name);
}

static bool
looks_like_html(const PlfResponse *response, const char *body, size_t length)
{
	if (pg_strncasecmp(response->content_type, "text/html", 9) == 0 ||
		pg_strncasecmp(response->content_type, "application/xhtml", 17) == 0)
		return true;
	while (length > 0 && strchr(" \t\r\n", *body) != NULL && *body != '\0')
	{
		body++;
		length--;
	}
	return length > 0 && *body == '<';
}

/*
 * What the API, or libcurl, said, and failure->trace_id: the header's, or else
 * the body's.
 */
static void
add_words(StringInfo detail, const PlfResponse *response, const PlfFailureSite *site,
		  PlfFailure *failure)
{
	PlfErrorWords words = {NULL, NULL, NULL};
	char *said = NULL;

	if (response->outcome != PLF_OUTCOME_ANSWER)
	{
		if (response->message[0] != '\0')
			add_sentence(detail, psprintf("%s.", foreign_text(response->message, site)));
		return;
	}

	if (response->body != NULL &&
		plf_error_words(response->body, response->length, &words))
	{
		if (words.detail != NULL && words.code != NULL)
			said = psprintf("%s (%s)", foreign_text(words.detail, site),
							foreign_text(words.code, site));
		else if (words.detail != NULL)
			said = foreign_text(words.detail, site);
		else if (words.code != NULL)
			said = foreign_text(words.code, site);
		if (words.trace_id != NULL)
			failure->trace_id = foreign_text(words.trace_id, site);

		/* malloc'd: lost if lack of memory raised an error above */
		plf_error_words_free(&words);
	}
	if (said != NULL && said[0] != '\0')
		add_sentence(detail, psprintf("The API said: %s.", said));
	if (response->trace_id[0] != '\0')
		failure->trace_id = foreign_text(response->trace_id, site);
}

static void
add_content_type(StringInfo detail, const PlfResponse *response,
				 const PlfFailureSite *site)
{
	if (response->content_type[0] != '\0')
		add_sentence(detail, psprintf("Its content type is \"%s\".",
									  foreign_text(response->content_type, site)));
	else
		add_sentence(detail, "It has no content type.");
}

static void
add_site(StringInfo detail, const PlfFailureSite *site)
{
	if (site == NULL || site->options == NULL)
		return;
	if (site->page > 0)
		add_sentence(detail, psprintf("Host: %s, page %lld.", site->options->host,
									  (long long) site->page));
	else
		add_sentence(
			detail,
			psprintf("Host: %s.", site->host != NULL ? site->host : site->options->host));
}

static void
add_tries(StringInfo detail, const PlfResponse *response)
{
	if (response->tries > 1)
		add_sentence(detail, psprintf("The request was sent %d times.", response->tries));
}

static void
add_sentence(StringInfo detail, const char *sentence)
{
	if (detail->len > 0)
		appendStringInfoChar(detail, ' ');
	appendStringInfoString(detail, sentence);
}

/*
 * UTF-8 text from outside as it may be shown, WORDS_MAX bytes of it at most; palloc'd.
 * However long the text is, no more of it is looked at.
 */
static char *
foreign_text(const char *text, const PlfFailureSite *site)
{
	const char *access = NULL;
	const char *staging = NULL;
	StringInfoData shown;

	if (site->credential != NULL)
	{
		access = site->credential->access_token;
		staging = site->credential->staging_token;
	}
	initStringInfo(&shown);
	while (*text != '\0' && shown.len < WORDS_MAX)
	{
		size_t length = Max(secret_at(text, access), secret_at(text, staging));

		for (int i = 0; site->secrets != NULL && site->secrets[i] != NULL; i++)
			length = Max(length, secret_at(text, site->secrets[i]));
		if (length > 0)
		{
			appendStringInfoString(&shown, REDACTED);
			text += length;
		}
		else
			appendStringInfoChar(&shown, *text++);
	}

	shown.len = pg_encoding_mbcliplen(PG_UTF8, shown.data, shown.len, WORDS_MAX);
	shown.data[shown.len] = '\0';

	/* what is said is put into a sentence that has its own full stop */
	while (shown.len > 0 && strchr(". ", shown.data[shown.len - 1]) != NULL)
		shown.data[--shown.len] = '\0';
	return to_database_encoding(shown.data);
}

/*
 * Bytes of "text" that spell the secret, or its start up to the end of the
 * text; 0 when it does not begin with it.  Any character may be percent-encoded.
 */
static size_t
secret_at(const char *text, const char *secret)
{
	const char *at = text;
	size_t matched = 0;

	if (secret == NULL || secret[0] == '\0')
		return 0;
	for (; secret[matched] != '\0' && *at != '\0'; matched++)
	{
		char spelled[4];

		snprintf(spelled, sizeof(spelled), "%%%02X", (unsigned char) secret[matched]);
		if (*at == secret[matched])
			at++;
		else if (pg_strncasecmp(at, spelled, 3) == 0)
			at += 3;
		else
			return 0;
	}
	if (secret[matched] != '\0' && matched < MIN_SECRET_START)
		return 0;
	return at - text;
}

/* Never raises for what cannot be converted: it becomes "?". */
static char *
to_database_encoding(const char *utf8)
{
	int encoding = GetDatabaseEncoding();
	bool keep = encoding == PG_UTF8 || encoding == PG_SQL_ASCII;
	Oid proc = keep ? InvalidOid : FindDefaultConversionProc(PG_UTF8, encoding);
	const char *end = utf8 + strlen(utf8);
	StringInfoData text;

	initStringInfo(&text);
	while (utf8 < end)
	{
		int length = pg_utf_mblen((const unsigned char *) utf8);
		char converted[MAX_CONVERSION_GROWTH * 4 + 1];

		if (!IS_HIGHBIT_SET(*utf8))
			appendStringInfoChar(&text, *utf8);
		else if (length > end - utf8 ||
				 !pg_utf8_islegal((const unsigned char *) utf8, length))
		{
			appendStringInfoChar(&text, '?');
			length = 1;
		}
		else if (keep)
			appendBinaryStringInfo(&text, utf8, length);
		else if (OidIsValid(proc) &&
				 pg_do_encoding_conversion_buf(
					 proc, PG_UTF8, encoding, (unsigned char *) utf8, length,
					 (unsigned char *) converted, sizeof(converted), true) == length)
			appendStringInfoString(&text, converted);
		else
			appendStringInfoChar(&text, '?');
		utf8 += length;
	}
	return text.data;
}
