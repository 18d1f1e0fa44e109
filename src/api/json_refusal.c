/*
 * json_refusal.c
 *		Says what is wrong with a text that json.c refuses, in jansson's words.
 *
 * No other file includes jansson. json_object() must not be called here: in a backend,
 * the function of that name is PostgreSQL's.
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "api/json_refusal.h"

/* With these flags, jansson accepts the texts that json.c accepts. */
#define LOAD_FLAGS (JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES)

/* The function that jansson allocates with, and whether a call of it failed. */
static json_malloc_t plain_malloc;
static bool malloc_failed;

static void *
noting_malloc(size_t size)
{
	void *block = plain_malloc(size);

	if (block == NULL)
		malloc_failed = true;
	return block;
}

/*
 * jansson's words end in " near '...'" with a piece of the text.  That piece is left out,
 * because it may be a person's name or address.
 *
 * When memory is lacking, jansson (2.14) may lose a byte of a string and go on, or report
 * an invalid token.  So each of its allocations is watched.
 */
bool
plf_json_explain(const char *text, size_t length, char *words, size_t size)
{
	json_free_t plain_free;
	json_error_t refusal;
	json_t *taken;
	char *at;

	malloc_failed = false;
	json_get_alloc_funcs(&plain_malloc, &plain_free);
	json_set_alloc_funcs(noting_malloc, plain_free);
	taken = json_loadb(text, length, LOAD_FLAGS, &refusal);
	json_set_alloc_funcs(plain_malloc, plain_free);
	if (taken != NULL)
	{
		json_decref(taken);
		strcpy(refusal.text, "a NUL byte");
		refusal.line = 1;
		for (size_t i = 0; i < length && text[i] != '\0'; i++)
			refusal.line += text[i] == '\n';
	}
	at = strstr(refusal.text, " near '");
	if (at != NULL)
		*at = '\0';
	for (at = refusal.text; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	snprintf(words, size, "line %d: %s", refusal.line, refusal.text);
	return !malloc_failed;
}
