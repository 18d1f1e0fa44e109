/*
 * test_page_limits.c
 *		What a page may take of memory, and what it says it takes.
 */
#include "../../src/api/page.c"

#include "tap.h"

#define HEAD	"{\"payment_links\":[{\"id\":\"x\",\"n\":["
#define TAIL	"]}],\"meta\":{\"total_count\":1}}"

/* Values of HEAD and TAIL, as text_values() counts them. */
#define FRAME_VALUES	8

/* What jansson has of the heap: as much as glibc takes for a block of that size. */
static size_t allocated;

static void *
counting_malloc(size_t size)
{
	size_t	   *block = malloc(size + 16);

	*block = size < 24 ? 32 : (size + 8 + 15) / 16 * 16;
	allocated += *block;
	return block + 2;
}

static void
counting_free(void *pointer)
{
	size_t	   *block = pointer;

	if (pointer == NULL)
		return;
	allocated -= block[-2];
	free(block - 2);
}

/* A page whose only link holds "count" elements like that. */
static PlfPage *
page_of(const char *element, size_t count, PlfPageError *error)
{
	size_t		length = strlen(element);
	char	   *body = malloc(sizeof(HEAD TAIL) + count * (length + 1));
	char	   *at = body + sprintf(body, HEAD);
	size_t		i;

	for (i = 0; i < count; i++)
	{
		memcpy(at, element, length);
		at += length;
		*at++ = ',';
	}
	if (count > 0)
		at--;
	at += sprintf(at, TAIL);
	allocated = 0;
	return plf_page_parse(body, at - body, PLF_SHAPE_LIST, error);
}

static void
is_too_large(const char *element, size_t count)
{
	PlfPageError error;

	ok(page_of(element, count, &error) == NULL, "%zu of %.20s", count, element);
	is_int(error.kind, PLF_PAGE_TOO_LARGE, "are too many");
	is_str(error.detail, "it holds more than 250000 values", "... detail");
	is_int(allocated, 0, "... which is found before they are parsed");
}

/* Taken, and not larger than the page says. */
static void
is_taken(const char *element, size_t count)
{
	PlfPageError error;
	PlfPage    *page = page_of(element, count, &error);

	if (!ok(page != NULL, "%zu of %.20s", count, element))
		return;
	ok(plf_page_bytes(page) >= allocated + plf_page_length(page),
	   "take %zu bytes and say %zu", allocated + plf_page_length(page),
	   plf_page_bytes(page));
	ok(plf_page_bytes(page) < 100000000, "... within limits");
	plf_page_free(page);
}

/* Allocations of jansson's before one fails, and whether those after it do. */
static int	allocations_left;
static bool failing_for_good;

static void *
failing_malloc(size_t size)
{
	bool		fails = failing_for_good ? allocations_left <= 0 :
		allocations_left == 0;

	allocations_left--;
	return fails ? NULL : malloc(size);
}

/* Whenever memory is short, the page is refused: nothing of it may be missing. */
static void
test_no_memory(bool for_good)
{
	static const char text[] = HEAD
		"1.5,\"0123456789abcdef0123456789abcdef\",{}" TAIL;
	PlfPageError error;
	PlfPage    *page;
	int			allowed;

	failing_for_good = for_good;
	json_set_alloc_funcs(failing_malloc, free);
	for (allowed = 0;; allowed++)
	{
		char	   *body = malloc(sizeof(text) - 1);

		memcpy(body, text, sizeof(text) - 1);
		allocations_left = allowed;
		page = plf_page_parse(body, sizeof(text) - 1, PLF_SHAPE_LIST, &error);
		if (page != NULL)
			break;
		is_int(error.kind, PLF_PAGE_NO_MEMORY,
			   "no memory after %d allocations%s", allowed,
			   for_good ? "" : ", for one");
		is_str(error.detail, "out of memory", "detail");
	}
	json_set_alloc_funcs(malloc, free);
	ok(allowed > 20 && allocations_left >= 0,
	   "enough memory after %d allocations", allowed);
	plf_page_free(page);
}

int
main(void)
{
	static const char *const dense[] = {
		"0", "\"\"", "\"abcdefghijklmnopqrstuvw\"", "{}", "[[]]", "{\"a\":0}",
		"{\"\":\"\"}", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}"
	};
	char	   *text = malloc(3000002);
	size_t		i;

	test_no_memory(true);
	test_no_memory(false);

	json_set_alloc_funcs(counting_malloc, counting_free);
	for (i = 0; i < sizeof(dense) / sizeof(dense[0]); i++)
	{
		size_t		values = text_values(dense[i], dense[i] + strlen(dense[i]));

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
	return done_testing();
}
