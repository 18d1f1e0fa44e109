/*
 * request.c
 *		Spells a list request as path and query, for the API and for people.
 *
 * The API's documentation prints "?status[]=open&status[]=paid" and
 * "?sort_by=amount:asc".  On the wire both the brackets and the colon are
 * percent-encoded: RFC 3986 has no brackets in a query, and OpenAPI's default
 * (allowReserved: false) has no bare colon in a value, which validators in front
 * of an API do enforce (express-openapi-validator answers 400).  Every server
 * decodes the encoded form to the same names and values.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/request.h"

const char *const plf_status_names[PLF_STATUS_COUNT] = {"open", "expired", "canceled",
														"paid", "processing"};

static size_t spell(const PlfListRequest *request, bool encode, char *out);
static char *append(char *at, const char *text, bool encode);

int
plf_status_lookup(const char *name, size_t length)
{
	int i;

	for (i = 0; i < PLF_STATUS_COUNT; i++)
	{
		if (strlen(plf_status_names[i]) == length &&
			memcmp(plf_status_names[i], name, length) == 0)
			return i;
	}
	return -1;
}

size_t
plf_list_request_spell(const PlfListRequest *request, char *out)
{
	return spell(request, true, out);
}

size_t
plf_list_request_show(const PlfListRequest *request, char *out)
{
	return spell(request, false, out);
}

static size_t
spell(const PlfListRequest *request, bool encode, char *out)
{
	char *at = append(out, "/v2/payment_links?", false);
	int i;

	for (i = 0; request->filtered && i < PLF_STATUS_COUNT; i++)
	{
		if ((request->statuses & ((PlfStatusSet) 1 << i)) == 0)
			continue;
		at = append(at, "status[]", encode);
		at = append(at, "=", false);
		at = append(at, plf_status_names[i], encode);
		at = append(at, "&", false);
	}
	if (request->sort_by != NULL)
	{
		at = append(at, "sort_by=", false);
		at = append(at, request->sort_by, encode);
		at = append(at, request->descending ? ":desc" : ":asc", encode);
		at = append(at, "&", false);
	}
	at += sprintf(at, "page=%" PRId64 "&per_page=%d", request->page, request->per_page);
	return at - out;
}

/* Copies "text" and returns where its terminating NUL stands. */
static char *
append(char *at, const char *text, bool encode)
{
	for (; *text != '\0'; text++)
	{
		if (encode && strchr(":[]", *text) != NULL)
			at += sprintf(at, "%%%02X", *text);
		else
			*at++ = *text;
	}
	*at = '\0';
	return at;
}
