/*
 * token.c
 *		The token host: what it is asked, and what it answers.
 *
 * The worker calls this file, which stores nothing.  The client's credentials are sent in
 * the form, because the token host refuses HTTP Basic authentication.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "api/page.h"
#include "api/words.h"
#include "catalog/option_value.h"
#include "catalog/resource.h"
#include "http/client.h"
#include "http/foreign_text.h"
#include "http/response_failure.h"
#include "oauth/advice.h"
#include "oauth/proof.h"
#include "oauth/token.h"

/*
 * A refresh token works for another minute after its first use.  So when an answer was
 * lost the request can be sent again: four tries of at most ten seconds each.
 */
#define TOKEN_TIMEOUT_MS 10000
#define TOKEN_RETRIES    3
#define TOKEN_WAIT_MS    4000

/* Room for two tokens of the greatest length and the other members. */
#define MAX_ANSWER_BYTES ((size_t) 4 * PLF_MAX_TOKEN)

/* How long tokens last where the answer does not say so, as documented; seconds. */
#define ACCESS_TOKEN_S  INT64CONST(3600)
#define REFRESH_TOKEN_S (INT64CONST(90) * 24 * 3600)
#define LONGEST_TOKEN_S (INT64CONST(10) * 365 * 24 * 3600)

#define NO_REFRESH_TOKEN "It sent no refresh token."

struct PlfTokenRequest
{
	const PlfMapping *mapping;
	const PlfOptions *options;
	PlfGrant grant;
	PlfClient *client;
	PlfTransfer *transfer;
	TimestampTz sent;
	const char *secrets[6]; /* what no message may show; ended by NULL */
};

static bool read_answer(PlfTokenRequest *request, PlfTokens *tokens, PlfFailure *failure);
static const char *answer_flaw(const PlfTokenRequest *request, const PlfTokens *tokens);
static bool is_sendable(const char *token);
static int64 lifetime_of(PlfPage *page);
static void fill_refusal(PlfTokenRequest *request, const PlfResponse *response,
						 const char *error, const char *description, PlfFailure *failure);
static void fill_failure(const PlfTokenRequest *request, const PlfResponse *response,
						 const PlfFailureSite *site, const char *said,
						 PlfFailure *failure);
static char *words_of(PlfPage *page, const char *name);
static char *member(PlfPage *page, const char *name, PlfFieldKind kind);

PlfTokenRequest *
plf_token_request(const PlfMapping *mapping, const PlfOptions *options, PlfGrant grant,
				  const char *code, int64 slot)
{
	PlfTokenRequest *request = palloc0(sizeof(PlfTokenRequest));
	PlfEndpoint endpoint = {0};
	PlfFormField fields[6];
	int count = 0;
	int secrets = 0;

	request->mapping = mapping;
	request->options = options;
	request->grant = grant;
	if (grant == PLF_GRANT_REFRESH_TOKEN)
	{
		fields[count++] = (PlfFormField){"grant_type", "refresh_token"};
		fields[count++] = (PlfFormField){"refresh_token", mapping->refresh_token};
		request->secrets[secrets++] = mapping->refresh_token;
	}
	else
	{
		fields[count++] = (PlfFormField){"grant_type", "authorization_code"};
		fields[count++] = (PlfFormField){"code", code};
		fields[count++] = (PlfFormField){"redirect_uri", mapping->redirect_uri};
		fields[count++] = (PlfFormField){"code_verifier",
										 plf_code_verifier(mapping, slot)};
		request->secrets[secrets++] = code;
		request->secrets[secrets++] = fields[count - 1].value;
	}
	fields[count++] = (PlfFormField){"client_id", mapping->client_id};
	fields[count++] = (PlfFormField){"client_secret", mapping->client_secret};
	request->secrets[secrets++] = mapping->client_secret;
	request->secrets[secrets++] = mapping->staging_token;

	endpoint.api_url = options->token_url;
	endpoint.staging_token = mapping->staging_token;
	endpoint.proxy = options->proxy;
	endpoint.ca_file = options->ca_file;
	endpoint.connect_timeout_ms = Min(options->connect_timeout_ms, TOKEN_TIMEOUT_MS);
	endpoint.request_timeout_ms = Min(options->request_timeout_ms, TOKEN_TIMEOUT_MS);
	endpoint.max_body_bytes = MAX_ANSWER_BYTES;
	endpoint.retry.max_retries = TOKEN_RETRIES;
	endpoint.retry.max_wait_ms = TOKEN_WAIT_MS;
	request->client = plf_client_create(CurrentMemoryContext, &endpoint);
	request->sent = GetCurrentTimestamp();
	request->transfer = plf_client_post(request->client, fields, count);
	return request;
}

bool
plf_token_receive(PlfTokenRequest *request, int ms, bool *done, PlfTokens *tokens,
				  PlfFailure *failure)
{
	memset(tokens, 0, sizeof(*tokens));
	memset(failure, 0, sizeof(*failure));
	*done = plf_transfer_wait_for(request->transfer, ms);
	return *done && read_answer(request, tokens, failure);
}

static bool
read_answer(PlfTokenRequest *request, PlfTokens *tokens, PlfFailure *failure)
{
	PlfResponse *response = plf_transfer_response(request->transfer);
	PlfFailureSite site = {.options = request->options,
						   .wire = &PLF_PAYMENT_LINKS->wire,
						   .secrets = request->secrets,
						   .host = request->options->token_host};
	PlfPageError error = {0};
	PlfPage *page = NULL;
	const char *flaw;
	int64 lifetime = ACCESS_TOKEN_S;

	if (response->outcome == PLF_OUTCOME_ANSWER && response->length > 0)
	{
		size_t length;
		char *body = plf_transfer_take_body(request->transfer, &length);

		page = plf_page_parse(body, length, PLF_SHAPE_OBJECT, NULL, &error);
	}
	if (response->outcome != PLF_OUTCOME_ANSWER || response->status != 200)
	{
		if (page != NULL)
			fill_refusal(request, response, words_of(page, "error"),
						 words_of(page, "error_description"), failure);
		else
			fill_refusal(request, response, NULL, NULL, failure);
		plf_page_free(page);
		return false;
	}
	if (page != NULL)
	{
		tokens->access_token = member(page, "access_token", PLF_FIELD_STRING);
		tokens->refresh_token = member(page, "refresh_token", PLF_FIELD_STRING);
		lifetime = lifetime_of(page);
		plf_page_free(page);
	}
	flaw = page == NULL && error.kind != PLF_PAGE_OK
			   ? psprintf("It sent no JSON object: %s.", error.detail)
			   : answer_flaw(request, tokens);
	if (flaw != NULL)
	{
		plf_failure_set(
			failure, &site, ERRCODE_PROTOCOL_VIOLATION,
			"the token host did not send the tokens that were requested", flaw,
			strcmp(flaw, NO_REFRESH_TOKEN) == 0
				? "The authorization needs the scope \"offline_access\"; payment_links_authorize_url() asks for it."
			: request->options->sandbox
				? "The sandbox sends its login page when the option \"staging_token\" of the user mapping is wrong."
				: psprintf("Check the option \"token_url\" of server \"%s\".",
						   request->options->server_name));
		return false;
	}
	tokens->access_token_expires_at = TimestampTzPlusMilliseconds(request->sent,
																  lifetime * 1000);
	tokens->refresh_token_expires_at = TimestampTzPlusMilliseconds(
		request->sent, REFRESH_TOKEN_S * 1000);
	return true;
}

/*
 * Returns the seconds of "expires_in": a number in any notation, or a string that holds a
 * number, as some hosts send it.  A value below one second is ignored, because every
 * query would request a new token.
 */
static int64
lifetime_of(PlfPage *page)
{
	char *text = member(page, "expires_in", PLF_FIELD_NUMBER);
	char *end;
	double seconds;

	if (text == NULL)
		text = member(page, "expires_in", PLF_FIELD_STRING);
	if (text == NULL || text[strspn(text, "0123456789+-.eE")] != '\0')
		return ACCESS_TOKEN_S;
	seconds = strtod(text, &end);
	if (end == text || *end != '\0' || !(seconds >= 1))
		return ACCESS_TOKEN_S;
	return (int64) Min(seconds, (double) LONGEST_TOKEN_S);
}

/* Returns a sentence that says what is wrong with the tokens of an answer, or NULL. */
static const char *
answer_flaw(const PlfTokenRequest *request, const PlfTokens *tokens)
{
	if (tokens->access_token == NULL)
		return "It sent no access token.";
	if (!is_sendable(tokens->access_token))
		return "It sent an access token that cannot be used.";
	if (tokens->refresh_token != NULL && !is_sendable(tokens->refresh_token))
		return "It sent a refresh token that cannot be used.";
	if (tokens->refresh_token == NULL && request->grant == PLF_GRANT_CODE)
		return NO_REFRESH_TOKEN;
	return NULL;
}

static bool
is_sendable(const char *token)
{
	return strlen(token) <= PLF_MAX_TOKEN && plf_token_flaw(token) == NULL;
}

/*
 * Fills *failure for an answer that has no tokens.  By RFC 6749, section 5.2,
 * "invalid_grant" is about the refresh token or the code, and "invalid_client" about the
 * application's own credentials; both come with status 400 or 401.  An answer with
 * another status may be a gateway's, and a refusal that is believed is final.
 */
static void
fill_refusal(PlfTokenRequest *request, const PlfResponse *response, const char *error,
			 const char *description, PlfFailure *failure)
{
	PlfFailureSite site = {.options = request->options,
						   .wire = &PLF_PAYMENT_LINKS->wire,
						   .secrets = request->secrets,
						   .host = request->options->token_host};
	bool refresh = request->grant == PLF_GRANT_REFRESH_TOKEN;
	bool is_of_host = response->status == 400 || response->status == 401;
	char *said = NULL;

	if (description != NULL)
		said = psprintf("The token host said: %s.",
						plf_foreign_text(description, site.secrets));
	if (error != NULL && is_of_host && strcmp(error, "invalid_grant") == 0)
		plf_failure_set(
			failure, &site, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
			refresh ? "the token host refused the refresh token (invalid_grant)"
					: "the token host refused the authorization code (invalid_grant)",
			said,
			refresh
				? PLF_AUTHORIZE_HINT
				: "A code can be used once, within ten minutes, and with the redirect_uri of its authorization. Begin again with payment_links_authorize_url(), and give the whole address.");
	else if (error != NULL && is_of_host &&
			 (strcmp(error, "invalid_client") == 0 ||
			  strcmp(error, "unauthorized_client") == 0))
		plf_failure_set(failure, &site, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
						psprintf(PLF_REFUSED_APPLICATION " (%s)", error), said,
						plf_application_hint(request->mapping, request->options));
	else
	{
		if (error != NULL)
			said = psprintf(
				"The token host said: %s%s%s.", plf_foreign_text(error, site.secrets),
				description != NULL ? ", " : "",
				description != NULL ? plf_foreign_text(description, site.secrets) : "");
		fill_failure(request, response, &site, said, failure);
	}
}

/*
 * Fills *failure for a response that is not about the credentials.  The messages about an
 * answer's status are made for the API, so only those about the connection are used here.
 */
static void
fill_failure(const PlfTokenRequest *request, const PlfResponse *response,
			 const PlfFailureSite *site, const char *said, PlfFailure *failure)
{
	bool answered = response->outcome == PLF_OUTCOME_ANSWER;
	PlfResponse plain_response = *response;
	PlfFailure plain;
	StringInfoData detail;
	const char *hint;

	/* Its sentence would be about max_retry_wait, which does not apply to the token host.
	 */
	plain_response.wait_too_long = false;
	plf_failure_from_response(&plain_response, site, &plain);

	/* The token host names its refusals; this 401 may come from a gateway or proxy. */
	if (plain.unauthorized)
		plain.sqlstate = ERRCODE_FDW_ERROR;

	initStringInfo(&detail);
	if (answered)
		appendStringInfo(&detail, "The token host answered with status %d.",
						 response->status);
	else
		appendStringInfo(&detail, "The request failed: %s.", plain.message);
	if (response->wait_too_long)
		appendStringInfo(&detail, " The token host asked to wait %lld s.",
						 (long long) response->retry_after_s);
	if (said != NULL)
		appendStringInfo(&detail, " %s", said);
	if (plain.detail != NULL)
		appendStringInfo(&detail, " %s", plain.detail);

	if (response->wait_too_long)
		hint = psprintf("Try again in %lld s.", (long long) response->retry_after_s);
	else if (plain.sqlstate == ERRCODE_CONNECTION_FAILURE ||
			 plain.sqlstate == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED)
		hint = "Try again later.";
	else if (!answered && plain.hint != NULL &&
			 plain.sqlstate == ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION)
		hint = plain.hint;
	else
		hint = psprintf("Check the option \"token_url\" of server \"%s\".",
						request->options->server_name);
	plf_failure_set(failure, NULL, plain.sqlstate,
					request->grant == PLF_GRANT_REFRESH_TOKEN
						? "the access token could not be refreshed"
						: "the authorization code could not be exchanged",
					detail.data, hint);
}

/* Returns a member of the answer in UTF-8, palloc'd; NULL when it is not of that kind. */
static char *
member(PlfPage *page, const char *name, PlfFieldKind kind)
{
	PlfPath path = {1, {name}};
	PlfField field = plf_page_field(page, 0, &path, PLF_FORM_VALUE);

	if (field.kind != kind || memchr(field.text, '\0', field.length) != NULL)
		return NULL;
	return pnstrdup(field.text, field.length);
}

/*
 * Returns a text of the answer that is made for people: cut to the length of a message,
 * with a blank for each control character; palloc'd.  NULL when the member is no string.
 */
static char *
words_of(PlfPage *page, const char *name)
{
	PlfPath path = {1, {name}};
	PlfField field = plf_page_field(page, 0, &path, PLF_FORM_VALUE);
	PlfWords words = {.length = 0};

	if (field.kind != PLF_FIELD_STRING)
		return NULL;
	plf_words_add(&words, field.text, field.length);
	return pnstrdup(words.text, words.length);
}
