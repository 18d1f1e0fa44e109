/*
 * error_words.c
 *		What an error answer says, in any of the shapes that the API is seen to use.
 *
 * Uses jansson, under the same rule as page.c: json_object() must not be called.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/page.h"
#include "api/words.h"

/* Longest error answer that is looked at, in bytes. */
#define ERROR_BODY_MAX	65536

static void add_error(const json_t *error, Words *code, Words *detail);
static void add_string(Words *words, const json_t *string);

bool
plf_error_words(const char *body, size_t length, PlfErrorWords *words)
{
	Words		code = {.length = 0};
	Words		detail = {.length = 0};
	Words		trace_id = {.length = 0};
	json_t	   *root = NULL;
	json_t	   *errors;
	size_t		i;

	if (length <= ERROR_BODY_MAX)
		root = json_loadb(body ? body : "", length,
						  JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);

	/* jansson's accessors are safe on values of another type, and on NULL */
	errors = json_object_get(root, "errors");
	add_error(root, &code, &detail);
	add_error(errors, &code, &detail);
	for (i = 0; i < json_array_size(errors); i++)
		add_error(json_array_get(errors, i), &code, &detail);
	add_string(&trace_id, json_object_get(root, "trace_id"));
	json_decref(root);

	words->code = code.length > 0 ? strdup(code.text) : NULL;
	words->detail = detail.length > 0 ? strdup(detail.text) : NULL;
	words->trace_id = trace_id.length > 0 ? strdup(trace_id.text) : NULL;
	return words->code || words->detail || words->trace_id;
}

void
plf_error_words_free(PlfErrorWords *words)
{
	free(words->code);
	free(words->detail);
	free(words->trace_id);
	*words = (PlfErrorWords) {NULL, NULL, NULL};
}

/* Adds what one error says; the code is that of the first which has one. */
static void
add_error(const json_t *error, Words *code, Words *detail)
{
	if (code->length == 0)
		add_string(code, json_object_get(error, "code"));
	add_string(detail, json_object_get(error, "detail"));
	add_string(detail, json_object_get(error, "message"));
}

/* Adds a string, if it is one and not empty, after what is there already. */
static void
add_string(Words *words, const json_t *string)
{
	if (json_string_length(string) == 0)
		return;
	if (words->length > 0)
		words_add(words, "; ", 2);
	words_add(words, json_string_value(string), json_string_length(string));
}
