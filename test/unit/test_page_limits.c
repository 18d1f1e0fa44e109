/*
 * test_page_limits.c
 *		What a page may take of memory, and what it says it takes.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Allocations before one fails, and whether those after it do. */
static int allocations_left = INT_MAX;
static bool failing_for_good;

/* What is allocated now, what was at most, and what was before a page. */
static size_t allocated;
static size_t peak;
static size_t before;

static void *
counting_realloc(void *pointer, size_t size)
{
	size_t *block = pointer != NULL ? (size_t *) pointer - 2 : NULL;
	bool fails = failing_for_good ? allocations_left <= 0 : allocations_left == 0;

	allocations_left--;
	if (fails)
		return NULL;
	allocated += size - (block != NULL ? *block : 0);
	if (allocated > peak)
		peak = allocated;
	block = realloc(block, size + 16);
	*block = size;
	return block + 2;
}

static void *
counting_malloc(size_t size)
{
	return counting_realloc(NULL, size);
}

static void *
counting_calloc(size_t count, size_t size)
{
	void *block = counting_malloc(count * size);

	return block != NULL ? memset(block, 0, count * size) : NULL;
}

static void
counting_free(void *pointer)
{
	if (pointer == NULL)
		return;
	allocated -= ((size_t *) pointer)[-2];
	free((size_t *) pointer - 2);
}

#define malloc  counting_malloc
#define calloc  counting_calloc
#define realloc counting_realloc
#define free    counting_free
#include "../../src/api/json.c"
#include "../../src/api/json_refusal.c"
#include "../../src/api/page.c"

#include "tap.h"
#include "wires.h"

#define HEAD "{\"payment_links\":[{\"id\":\"x\",\"n\":["
#define TAIL "]}],\"meta\":{\"total_count\":1}}"

/* Values of HEAD and TAIL, as text_values() counts them. */
#define FRAME_VALUES 8

/* "body" is longer than that. */
static PlfPage *
parse_list(char *body, size_t length, PlfPageError *error)
{
	body = realloc(body, length);
	peak = allocated;
	return plf_page_parse(body, length, PLF_SHAPE_LIST, &link_wire, error);
}

/* A page whose only link holds "count" elements like that. */
static PlfPage *
page_of(const char *element, size_t count, PlfPageError *error)
{
	size_t length = strlen(element);
	char *body;
	char *at;
	size_t i;

	before = allocated;
	body = malloc(sizeof(HEAD TAIL) + count * (length + 1));
	at = body + sprintf(body, HEAD);
	for (i = 0; i < count; i++)
	{
		memcpy(at, element, length);
		at += length;
		*at++ = ',';
	}
	if (count > 0)
		at--;
	at += sprintf(at, TAIL);
	return parse_list(body, at - body, error);
}

static void
is_too_large(const char *element, size_t count)
{
	PlfPageError error;

	ok(page_of(element, count, &error) == NULL, "%zu of %.20s", count, element);
	is_int(error.kind, PLF_PAGE_TOO_LARGE, "are too many");
	is_str(error.detail, "it holds more than 250000 values", "... detail");
	ok(peak - before < (strlen(element) + 1) * count + 10000,
	   "... which is found before anything is made of them");
	is_int(allocated, before, "... and nothing is left");
}

/* Takes as much as it says, and not too much. */
static void
is_within_limits(PlfPage *page)
{
	if (!ok(page != NULL, "... is taken"))
		return;
	is_int(plf_page_bytes(page), allocated - before,
		   "... takes as many bytes as it says");
	ok(plf_page_bytes(page) < 30000000, "... within limits");
	plf_page_free(page);
	is_int(allocated, before, "... and leaves nothing");
}

static void
is_taken(const char *element, size_t count)
{
	PlfPageError error;

	printf("# %zu of %.20s\n", count, element);
	is_within_limits(page_of(element, count, &error));
}

/* A link with so many members, whose names differ in the middle only. */
static void
is_taken_with_members(int count)
{
	PlfPageError error;
	char *body;
	char *at;

	before = allocated;
	body = malloc(count * 50 + 1000);
	at = body + sprintf(body, "{\"payment_links\":[{\"id\":\"x\"");
	for (int i = 0; i < count; i++)
		at += sprintf(at, ",\"12345678%d12345678\":0", i + 1000000);
	at += sprintf(at, "}],\"meta\":{\"total_count\":1}}");
	printf("# a link of %d members\n", count);
	is_within_limits(parse_list(body, at - body, &error));
}

/*
 * Reads the text with ever more memory until it is taken, or refused for another
 * reason; how many allocations that takes.  Whenever memory is short the page is
 * refused: nothing of it may be missing.
 */
static int
allocations_of(const char *text, bool for_good, PlfPageErrorKind expected)
{
	PlfPageError error;
	PlfPage *page;
	int allowed;

	before = allocated;
	failing_for_good = for_good;
	for (allowed = 0;; allowed++)
	{
		char *body = malloc(strlen(text));

		memcpy(body, text, strlen(text));
		allocations_left = allowed;
		page = plf_page_parse(body, strlen(text), PLF_SHAPE_LIST, &link_wire, &error);
		if (allocations_left >= 0)
			break;
		allocations_left = INT_MAX;
		ok(page == NULL, "no memory after %d allocations%s", allowed,
		   for_good ? "" : ", for one");
		is_int(error.kind, PLF_PAGE_NO_MEMORY, "... refused for that");
		is_str(error.detail, "out of memory", "... in these words");
	}
	allocations_left = INT_MAX;
	is_int(error.kind, expected, "enough memory after %d allocations", allowed);
	plf_page_free(page);
	is_int(allocated, before, "... of which nothing is left");
	return allowed;
}

static void
test_no_memory(bool for_good)
{
	is_int(allocations_of(HEAD "1e5,\"\\n\",{}" TAIL, for_good, PLF_PAGE_OK), 7,
		   "page, keys, strings, their texts, a number, links, members");
	ok(allocations_of(HEAD "1.5,\"0123456789abcdef0123456789abcdef\",{}]", for_good,
					  PLF_PAGE_NOT_JSON) > 20,
	   "what is refused, jansson tries");
}

int
main(void)
{
	static const char *const dense[] = {
		"0",
		"\"\"",
		"\"abcdefghijklmnopqrstuvw\"",
		"{}",
		"[[]]",
		"{\"a\":0}",
		"{\"\":\"\"}",
		"\"\\n\"",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}"};
	char *text = malloc(3000002);
	size_t i;

	json_set_alloc_funcs(counting_malloc, counting_free);
	test_no_memory(true);
	test_no_memory(false);

	for (i = 0; i < sizeof(dense) / sizeof(dense[0]); i++)
	{
		size_t values = text_values(dense[i], dense[i] + strlen(dense[i]));

		is_taken(dense[i], 100);
		is_taken(dense[i], (MAX_VALUES - FRAME_VALUES) / values);
		is_too_large(dense[i], MAX_VALUES / values + 1);
	}

	is_too_large("{}", 11000000);

	/* Separators within a string are none. */
	memset(text, ',', 3000001);
	text[0] = text[3000000] = '"';
	text[3000001] = '\0';
	is_taken(text, 1);
	memset(text + 1, '[', 2999999);
	is_taken(text, 1);
	free(text);

	is_taken_with_members(20);
	is_taken_with_members(2000);
	is_taken_with_members(240000);
	return done_testing();
}
