/*
 * endpoint.c
 *		Where the requests of a client go, and what they carry.
 */
#include "postgres.h"

#include <curl/curl.h>

#include "api/url.h"
#include "http/endpoint.h"

static void set_headers(PlfTarget *target, const char *access_token,
						const char *staging_token);
static void header_add(PlfTarget *target, const char *name, const char *value);
static void headers_drop(struct curl_slist *headers);

void
plf_target_init(PlfTarget *target, const PlfEndpoint *endpoint)
{
	PlfUrl url;

	target->endpoint = *endpoint;
	target->endpoint.access_token = NULL;
	target->endpoint.staging_token = NULL;
	target->endpoint.api_url = pstrdup(endpoint->api_url);
	target->endpoint.proxy = endpoint->proxy ? pstrdup(endpoint->proxy) : NULL;
	target->endpoint.ca_file = endpoint->ca_file ? pstrdup(endpoint->ca_file) : NULL;

	target->secure = true;
	if (plf_url_parse(pstrdup(endpoint->api_url), &url) == NULL)
	{
		target->secure = strcmp(url.scheme, "http") != 0;
		if (plf_url_is_loopback(&url))
			target->endpoint.proxy = NULL;
	}
	target->multiplex = target->secure && endpoint->staging_token == NULL;
	set_headers(target, endpoint->access_token, endpoint->staging_token);
}

void
plf_target_set_tokens(PlfTarget *target, const char *access_token,
					  const char *staging_token)
{
	Assert(target->old_headers == NULL);
	target->old_headers = target->headers;
	target->headers = NULL;
	target->token++;
	set_headers(target, access_token, staging_token);
}

void
plf_target_close(PlfTarget *target)
{
	headers_drop(target->headers);
	headers_drop(target->old_headers);
	target->headers = target->old_headers = NULL;
}

static void
set_headers(PlfTarget *target, const char *access_token, const char *staging_token)
{
	header_add(target, "Accept: ", "application/json");
	if (access_token != NULL)
		header_add(target, "Authorization: Bearer ", access_token);
	if (staging_token != NULL)
		header_add(target, "X-Qonto-Staging-Token: ", staging_token);
}

/* Adds a header, name and value as they are given.  The value may be a secret. */
static void
header_add(PlfTarget *target, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 1;
	char *line = palloc(size);
	struct curl_slist *headers;

	snprintf(line, size, "%s%s", name, value);
	headers = curl_slist_append(target->headers, line);
	explicit_bzero(line, size);
	pfree(line);
	if (headers == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	target->headers = headers;
}

static void
headers_drop(struct curl_slist *headers)
{
	for (struct curl_slist *line = headers; line != NULL; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(headers);
}
