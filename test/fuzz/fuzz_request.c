/*
 * fuzz_request.c
 *		Any bytes as a list request.  Its wire form must fit, hold nothing that
 *		a query may not hold, and decode to the form shown to people.
 */
#include <stdlib.h>

#include "../../src/api/request.c"
#include "../../src/api/wire.c"
#include "../unit/wires.h"

#define CHECK(condition) \
	do \
	{ \
		if (!(condition)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t
take(const uint8_t **data, size_t *size, int bytes)
{
	uint64_t value = 0;

	for (; bytes > 0 && *size > 0; bytes--, (*data)++, (*size)--)
		value = value << 8 | **data;
	return value;
}

/* Undoes percent-encoding in place. */
static void
decode(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++)
	{
		if (*text == '%')
		{
			char hex[3] = {text[1], text[2], '\0'};

			*to++ = (char) strtol(hex, NULL, 16);
			text += 2;
		}
		else
			*to++ = *text;
	}
	*to = '\0';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = {NULL, "a", "a_word_of_the_most_bytes_allowed"};
	int status = plf_status_lookup(&link_wire, (const char *) data, size);
	char *wire = malloc(PLF_REQUEST_SIZE);
	char *shown = malloc(PLF_REQUEST_SIZE);
	const PlfWire *resource;
	PlfListRequest request;

	if (status >= 0)
		CHECK(strlen(link_wire.statuses[status]) == size &&
			  memcmp(link_wire.statuses[status], data, size) == 0);

	resource = take(&data, &size, 1) % 2 == 0 ? &link_wire : &tree_wire;
	request.statuses = take(&data, &size, 1) & PLF_STATUS_ALL;
	request.filtered = request.statuses != PLF_STATUS_NONE;
	request.sort_by = words[take(&data, &size, 1) % 3];
	request.descending = request.sort_by != NULL && take(&data, &size, 1) % 2;
	request.page = 1 + (int64_t) (take(&data, &size, 8) % INT64_MAX);
	request.per_page = 1 + take(&data, &size, 1) % PLF_MAX_PER_PAGE;

	CHECK(plf_list_request_spell(resource, &request, wire) == strlen(wire));
	CHECK(plf_list_request_show(resource, &request, shown) == strlen(shown));
	CHECK(strlen(wire) < PLF_REQUEST_SIZE);
	CHECK(strspn(wire, "abcdefghijklmnopqrstuvwxyz0123456789_/?=&%BD3A") == strlen(wire));
	decode(wire);
	CHECK(strcmp(wire, shown) == 0);
	free(wire);
	free(shown);
	return 0;
}
