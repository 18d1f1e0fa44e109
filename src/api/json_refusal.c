/*
 * json_refusal.c
 *		What is wrong with a text that json.c refuses, in jansson's words.
 *
 * The only jansson room.  json_object() must not be called: in a backend that name is
 * PostgreSQL's.
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "api/json_refusal.h"

/* By which jansson takes what json.c takes. */
#define LOAD_FLAGS (JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES)

/* What jansson allocates with, and whether that failed. */
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
 * jansson's words end in " near '...'", a piece of the text, which may be anybody's
 * name or address and is left out.
 *
 * For want of memory jansson (2.14) may go on with a byte of a string lost, or
 * say that it met no valid token.  So it is watched while it allocates.
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
