/*
 * request.c
 *		Spells requests as path and query, for the API and for people.
 *
 * The API's documentation prints a query as ?status[]=open&status[]=paid or as
 * ?sort_by=amount:asc.  Brackets and colons are sent percent-encoded: RFC 3986 has no
 * brackets in a query, and OpenAPI's default (allowReserved: false) no bare colon in a
 * value.  Validators in front of an API enforce that (express-openapi-validator answers
 * 400), and every server decodes the encoded form to the same names and values.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/request.h"

static size_t spell(const PlfWire *wire, const PlfListRequest *request, bool encode,
					char *out);
static char *append(char *at, const char *text, bool encode);

size_t
plf_list_request_spell(const PlfWire *wire, const PlfListRequest *request, char *out)
{
	return spell(wire, request, true, out);
}

size_t
plf_list_request_show(const PlfWire *wire, const PlfListRequest *request, char *out)
{
	return spell(wire, request, false, out);
}

static size_t
spell(const PlfWire *wire, const PlfListRequest *request, bool encode, char *out)
{
	char *at = append(append(out, wire->list_path, false), "?", false);
	int i;

	for (i = 0; request->filtered && i < PLF_STATUS_COUNT; i++)
	{
		if ((request->statuses & ((PlfStatusSet) 1 << i)) == 0)
			continue;
		at = append(at, wire->status_parameter, encode);
		at = append(at, "=", false);
		at = append(at, wire->statuses[i], encode);
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

size_t
plf_item_request_spell(const PlfWire *wire, const char *id, char *out)
{
	static const char place[] = "{id}";
	const char *before = strstr(wire->item_path, place);

	return sprintf(out, "%.*s%s%s", (int) (before - wire->item_path), wire->item_path, id,
				   before + strlen(place));
}

/* Copies "text" to "at", and returns where its terminating NUL is. */
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
