/*
 * fuzz_url.c
 *		Any bytes as a URL.  What is accepted, put together again, must have the
 *		same parts for libcurl, and again for us.
 */
#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "../../src/api/url.c"

#define CHECK(condition) \
	do \
	{ \
		if (!(condition)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_part(CURLU *parsed, CURLUPart part, const char *expected)
{
	char *value = NULL;

	curl_url_get(parsed, part, &value, 0);
	CHECK((value == NULL) == (expected == NULL));
	CHECK(value == NULL || strcmp(value, expected) == 0);
	curl_free(value);
}

/* libcurl shortens IPv6 addresses. */
static void
check_ipv6(CURLU *parsed, const char *expected)
{
	unsigned char ours[16];
	unsigned char theirs[16];
	char *value = NULL;

	CHECK(curl_url_get(parsed, CURLUPART_HOST, &value, 0) == CURLUE_OK);
	CHECK(value[0] == '[' && value[strlen(value) - 1] == ']');
	value[strlen(value) - 1] = '\0';
	CHECK(inet_pton(AF_INET6, expected, ours) == 1);
	CHECK(inet_pton(AF_INET6, value + 1, theirs) == 1);
	CHECK(memcmp(ours, theirs, sizeof(ours)) == 0);
	curl_free(value);
}

/* By libcurl, which asks what we judged. */
static void
check_same(const PlfUrl *url, const char *text)
{
	CURLU *parsed = curl_url();

	CHECK(curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK);
	check_part(parsed, CURLUPART_SCHEME, "https");
	check_part(parsed, CURLUPART_USER, NULL);
	check_part(parsed, CURLUPART_PASSWORD, NULL);
	check_part(parsed, CURLUPART_OPTIONS, NULL);
	check_part(parsed, CURLUPART_PORT, url->port);
	check_part(parsed, CURLUPART_PATH, url->path[0] ? url->path : "/");
	check_part(parsed, CURLUPART_QUERY, NULL);
	check_part(parsed, CURLUPART_FRAGMENT, NULL);
	check_part(parsed, CURLUPART_ZONEID, NULL);
	if (url->is_ipv6)
		check_ipv6(parsed, url->host);
	else
		check_part(parsed, CURLUPART_HOST, url->host);
	curl_url_cleanup(parsed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *again = malloc(size + 20);
	PlfUrl url;
	PlfUrl second;

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (plf_url_parse(text, &url) == NULL)
	{
		CHECK(url.scheme[0] != '\0' && url.host[0] != '\0');
		sprintf(again, "https://%s%s%s%s%s%s", url.is_ipv6 ? "[" : "", url.host,
				url.is_ipv6 ? "]" : "", url.port ? ":" : "", url.port ? url.port : "",
				url.path);
		check_same(&url, again);
		CHECK(plf_url_parse(again, &second) == NULL);
		CHECK(strcmp(url.host, second.host) == 0 && strcmp(url.path, second.path) == 0 &&
			  (url.port == NULL) == (second.port == NULL) &&
			  (url.port == NULL || strcmp(url.port, second.port) == 0) &&
			  url.is_ipv6 == second.is_ipv6);
		CHECK(plf_url_is_loopback(&url) == plf_url_is_loopback(&second));
		CHECK(!plf_url_is_loopback(&url) || url.is_ipv6 ||
			  strcmp(url.host, "localhost") == 0 || strncmp(url.host, "127.", 4) == 0);
	}
	free(text);
	free(again);
	return 0;
}
