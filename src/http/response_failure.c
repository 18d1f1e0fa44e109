/*
 * response_failure.c
 *		What a response means.  The one place that maps what the API or the network did
 *		to an SQLSTATE.
 */
#include "postgres.h"

#include "compat.h"
#include "http/failure_detail.h"
#include "http/foreign_text.h"
#include "http/response_failure.h"

static void fill_outcome(const PlfResponse *response, const PlfFailureSite *site,
						 PlfFailure *failure);
static const char *asked_of(const PlfFailureSite *site);
static void fill_too_large(const PlfFailureSite *site, PlfFailure *failure);
static void fill_status(const PlfResponse *response, const PlfFailureSite *site,
						PlfFailure *failure);
static void fill_unauthorized(const PlfFailureSite *site, PlfFailure *failure);
static void fill_not_found(const PlfFailureSite *site, PlfFailure *failure);
static void fill_redirect(const PlfFailureSite *site, PlfFailure *failure);
static void fill_throttled(const PlfResponse *response, const PlfFailureSite *site,
						   PlfFailure *failure);
static void fill_html(const PlfFailureSite *site, PlfFailure *failure);
static bool looks_like_html(const PlfResponse *response, const char *body, size_t length);

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
		plf_detail_add(
			&detail,
			psprintf(
				"It answered with status %d and asked to wait %lld s, longer than max_retry_wait (%d ms).",
				response->status, (long long) response->retry_after_s,
				site->options->max_retry_wait_ms));
		failure->hint = psprintf(
			"Try again in %lld s, or allow the wait with the option \"max_retry_wait\" of server \"%s\".",
			(long long) response->retry_after_s, site->options->server_name);
	}
	failure->trace_id = plf_detail_add_said(&detail, response, site);
	if (site->is_lookup && response->status == 404)
		plf_detail_add_content_type(&detail, response, site);
	plf_detail_add_site(&detail, site);
	plf_detail_add_trace_id(&detail, failure->trace_id);
	plf_detail_add_tries(&detail, response);
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
			fill_too_large(site, failure);
			break;
		case PLF_PAGE_NO_ID:
			failure->message = psprintf("payment links API sent a %s without an id",
										site->wire->item);
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
		plf_detail_add(&detail, psprintf("The answer could not be read: %s.",
										 plf_foreign_text(error->detail, site->secrets)));
	plf_detail_add_content_type(&detail, response, site);
	plf_detail_add_site(&detail, site);
	if (response->trace_id[0] != '\0')
	{
		failure->trace_id = plf_foreign_text(response->trace_id, site->secrets);
		plf_detail_add_trace_id(&detail, failure->trace_id);
	}
	failure->detail = detail.data;
}

/* Fills *failure for a response without a complete answer. */
static void
fill_outcome(const PlfResponse *response, const PlfFailureSite *site, PlfFailure *failure)
{
	const char *server = site->options->server_name;
	const char *asked = asked_of(site);

	switch (response->outcome)
	{
		case PLF_OUTCOME_RESOLVE:
			failure->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			failure->message =
				site->host != NULL
					? pstrdup("could not resolve the token host")
					: pstrdup("could not resolve the host of the payment links API");
			failure->hint = psprintf(
				"Check the network of the database server; where it needs a proxy, set the option \"proxy\" of server \"%s\".",
				server);
			break;
		case PLF_OUTCOME_CONNECT:
			failure->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			failure->message = psprintf("could not connect to the %s", asked);
			failure->hint = psprintf(
				"Check the network of the database server and the options \"proxy\" and \"connect_timeout\" of server \"%s\".",
				server);
			break;
		case PLF_OUTCOME_TLS:
			failure->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			failure->message = psprintf("could not establish a TLS connection to the %s",
										asked);
			failure->hint = psprintf(
				"If its certificate, or that of a proxy in between, is issued by your own authority, set the option \"ca_file\" of server \"%s\".",
				server);
			break;
		case PLF_OUTCOME_PROXY:
			failure->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			failure->message = psprintf("could not reach the %s through the proxy",
										asked);
			failure->hint = psprintf("Check the option \"proxy\" of server \"%s\".",
									 server);
			break;
		case PLF_OUTCOME_TIMEOUT:
			failure->sqlstate = ERRCODE_CONNECTION_FAILURE;
			failure->message = psprintf("%s did not answer in time", asked);
			failure->hint = psprintf(
				"Try again, or raise the option \"request_timeout\" of server \"%s\".",
				server);
			break;
		case PLF_OUTCOME_DROPPED:
			failure->sqlstate = ERRCODE_CONNECTION_FAILURE;
			failure->message = psprintf(
				"connection to the %s was lost before the answer was complete", asked);
			failure->hint = pstrdup("Try again later.");
			break;
		case PLF_OUTCOME_TOO_LARGE:
			fill_too_large(site, failure);
			break;
		case PLF_OUTCOME_NOT_HTTP:
			failure->sqlstate = ERRCODE_PROTOCOL_VIOLATION;
			failure->message = psprintf("answer of the %s is not valid HTTP", asked);
			failure->hint = psprintf(
				"Check the options \"base_url\" and \"proxy\" of server \"%s\".", server);
			break;
		case PLF_OUTCOME_NO_MEMORY:
			failure->sqlstate = ERRCODE_OUT_OF_MEMORY;
			failure->message = pstrdup("out of memory");
			break;
		case PLF_OUTCOME_NO_DESCRIPTOR:
			failure->sqlstate = ERRCODE_INSUFFICIENT_RESOURCES;
			failure->message = psprintf(
				"no file descriptor is left for a connection to the %s", asked);
			failure->hint = pstrdup(
				"Allow the database server more open files (ulimit -n), or let PostgreSQL keep fewer of them open (\"max_files_per_process\").");
			break;
		case PLF_OUTCOME_ANSWER:
			pg_unreachable();
	}
}

static const char *
asked_of(const PlfFailureSite *site)
{
	return site->host != NULL ? "token host" : "payment links API";
}

static void
fill_too_large(const PlfFailureSite *site, PlfFailure *failure)
{
	failure->sqlstate = ERRCODE_PROTOCOL_VIOLATION;
	failure->message = psprintf("answer of the %s is too large", asked_of(site));
	failure->hint = pstrdup("A smaller \"page_size\" makes the answers smaller.");
}

/* Fills *failure for an answer with a status other than 200. */
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
		failure->hint = psprintf(
			"The access token needs the scope \"%s\", and its owner a role and a plan with %s.",
			site->wire->scope, site->wire->plural);
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
	const char *role = site->mapping != NULL ? site->mapping->role : NULL;
	const char *advice;

	failure->sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
	failure->unauthorized = true;
	failure->message = pstrdup("payment links API refused the access token");
	advice = psprintf(
		"Put a new one into the user mapping for %s on server \"%s\", or into its file.",
		role != NULL ? role : "the role", site->options->server_name);
	failure->hint = psprintf(
		"The token is wrong or has expired (tokens last an hour). %s",
		role != NULL ? plf_mapping_advice(site->mapping, advice) : advice);
}

static void
fill_not_found(const PlfFailureSite *site, PlfFailure *failure)
{
	failure->sqlstate = ERRCODE_FDW_TABLE_NOT_FOUND;

	/* A 404 in the form of the API's errors is no failure: there is no such item. */
	if (site->is_lookup)
	{
		failure->message = psprintf(
			"404 answer to the lookup of a %s does not have the form of the API's errors",
			site->wire->item);
		failure->hint = psprintf(
			"Something between the database and the API may have answered, so the %s may exist. Check the options \"base_url\" and \"proxy\" of server \"%s\".",
			site->wire->item, site->options->server_name);
		return;
	}
	failure->message = psprintf("payment links API does not offer the list of %s",
								site->wire->plural);
	failure->hint = psprintf(
		"%c%s may not be enabled for the organization. If server \"%s\" has the option \"base_url\", check that too.",
		pg_toupper((unsigned char) site->wire->plural[0]), site->wire->plural + 1,
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
			"Try again in ten minutes at the latest: the API allows 1000 requests in 10 s and 10000 in 10 min from one address. A lower \"concurrency\" of server \"%s\" spreads the requests.",
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
