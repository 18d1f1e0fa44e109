/*
 * error_words.c
 *		What an error answer says, in any of the shapes that the API is seen to use.
 */
#include <stdlib.h>
#include <string.h>

#include "api/page.h"
#include "api/words.h"

/* Longest error answer that is looked at, in bytes, and most errors in one. */
#define ERROR_BODY_MAX	65536
#define ERRORS_MAX		16

static PlfPage *parse(const char *text, size_t length);
static void add_error(PlfPage *page, const char *parent, Words *code, Words *detail);
static void add_string(PlfPage *page, const PlfPath *path, Words *words);

bool
plf_error_words(const char *body, size_t length, PlfErrorWords *words)
{
	static const PlfPath errors_path = {1, {"errors"}};
	static const PlfPath trace_id_path = {1, {"trace_id"}};
	Words		code = {.length = 0};
	Words		detail = {.length = 0};
	Words		trace_id = {.length = 0};
	PlfPage    *page = length <= ERROR_BODY_MAX ? parse(body, length) : NULL;

	if (page != NULL)
	{
		PlfField	errors[ERRORS_MAX];
		int			count = plf_page_elements(page, 0, &errors_path, PLF_FORM_RAW,
											  errors, ERRORS_MAX);

		add_error(page, NULL, &code, &detail);
		add_error(page, "errors", &code, &detail);
		for (int i = 0; i < count && i < ERRORS_MAX; i++)
		{
			PlfPage    *error = parse(errors[i].text, errors[i].length);

			if (error != NULL)
				add_error(error, NULL, &code, &detail);
			plf_page_free(error);
		}
		add_string(page, &trace_id_path, &trace_id);
		plf_page_free(page);
	}
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

/* The object; NULL when the text is none. */
static PlfPage *
parse(const char *text, size_t length)
{
	PlfPageError error;
	char	   *copy = malloc(length + 1);

	if (copy == NULL)
		return NULL;
	if (length > 0)
		memcpy(copy, text, length);
	return plf_page_parse(copy, length, PLF_SHAPE_OBJECT, &error);
}

/*
 * Adds what one error says, the object itself or a member of it; the code is that of
 * the first which has one.
 */
static void
add_error(PlfPage *page, const char *parent, Words *code, Words *detail)
{
	static const char *const names[] = {"code", "detail", "message"};

	for (int i = 0; i < 3; i++)
	{
		PlfPath		path = {0, {NULL}};

		if (parent != NULL)
			path.steps[path.count++] = parent;
		path.steps[path.count++] = names[i];
		if (i > 0)
			add_string(page, &path, detail);
		else if (code->length == 0)
			add_string(page, &path, code);
	}
}

/* Adds a string, if it is one and not empty, after what is there already. */
static void
add_string(PlfPage *page, const PlfPath *path, Words *words)
{
	PlfField	field = plf_page_field(page, 0, path, PLF_FORM_VALUE);

	if (field.kind != PLF_FIELD_STRING || field.length == 0)
		return;
	if (words->length > 0)
		words_add(words, "; ", 2);
	words_add(words, field.text, field.length);
}
