/*
 * error_words.c
 *		Reads what an error answer says, in any of the shapes that the API has used.
 */
#include <stdlib.h>
#include <string.h>

#include "api/error_words.h"
#include "api/page.h"
#include "api/words.h"

/* The longest error answer that is read, in bytes, and the most errors of one answer. */
#define ERROR_BODY_MAX 65536
#define ERRORS_MAX     16

static bool has_string(PlfPage *page, const char *parent, const char *name);
static PlfPage *parse(const char *text, size_t length, bool *no_memory);
static void add_error(PlfPage *page, const char *parent, PlfWords *code,
					  PlfWords *detail);
static void add_string(PlfPage *page, const PlfPath *path, PlfWords *words);

bool
plf_error_words(const char *body, size_t length, PlfErrorWords *words)
{
	static const PlfPath errors_path = {1, {"errors"}};
	static const PlfPath trace_id_path = {1, {"trace_id"}};
	PlfWords code = {.length = 0};
	PlfWords detail = {.length = 0};
	PlfWords trace_id = {.length = 0};
	bool no_memory; /* is not looked at: without memory there are no words */
	PlfPage *page = length <= ERROR_BODY_MAX ? parse(body, length, &no_memory) : NULL;

	if (page != NULL)
	{
		PlfField errors[ERRORS_MAX];
		int count = plf_page_elements(page, 0, &errors_path, PLF_FORM_RAW, errors,
									  ERRORS_MAX);

		add_error(page, NULL, &code, &detail);
		add_error(page, "errors", &code, &detail);
		for (int i = 0; i < count && i < ERRORS_MAX; i++)
		{
			PlfPage *error = parse(errors[i].text, errors[i].length, &no_memory);

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
	*words = (PlfErrorWords){NULL, NULL, NULL};
}

bool
plf_error_is_of_api(const char *body, size_t length, bool *no_memory)
{
	static const PlfPath errors_path = {1, {"errors"}};
	PlfPage *page;
	PlfField first;
	bool is_traced;
	bool is_of_api;

	*no_memory = false;
	page = length <= ERROR_BODY_MAX ? parse(body, length, no_memory) : NULL;
	if (page == NULL)
		return false;
	is_traced = has_string(page, NULL, "trace_id");
	if (plf_page_elements(page, 0, &errors_path, PLF_FORM_RAW, &first, 1) > 0)
	{
		PlfPage *error = parse(first.text, first.length, no_memory);
		bool has_code = error != NULL && has_string(error, NULL, "code");
		bool has_detail = error != NULL && has_string(error, NULL, "detail");

		is_of_api = is_traced ? has_code || has_detail : has_code && has_detail;
		plf_page_free(error);
	}
	else
		is_of_api = is_traced && (has_string(page, "errors", "message") ||
								  (has_string(page, NULL, "code") &&
								   has_string(page, NULL, "message")));
	plf_page_free(page);
	return is_of_api;
}

/*
 * Whether "name" is a string that is not empty: a member of the object, or, with
 * "parent", of that member of the object.
 */
static bool
has_string(PlfPage *page, const char *parent, const char *name)
{
	PlfPath path = {0, {NULL}};
	PlfField field;

	if (parent != NULL)
		path.steps[path.count++] = parent;
	path.steps[path.count++] = name;
	field = plf_page_field(page, 0, &path, PLF_FORM_VALUE);
	return field.kind == PLF_FIELD_STRING && field.length > 0;
}

/* Returns the object; NULL when the text is no object, or for lack of memory. */
static PlfPage *
parse(const char *text, size_t length, bool *no_memory)
{
	PlfPageError error;
	PlfPage *page;
	char *copy = malloc(length + 1);

	*no_memory = copy == NULL;
	if (copy == NULL)
		return NULL;
	if (length > 0)
		memcpy(copy, text, length);
	page = plf_page_parse(copy, length, PLF_SHAPE_OBJECT, NULL, &error);
	*no_memory = page == NULL && error.kind == PLF_PAGE_NO_MEMORY;
	return page;
}

/*
 * Adds what one error says: the object itself, or its member "parent".  The code is that
 * of the first error that has one.
 */
static void
add_error(PlfPage *page, const char *parent, PlfWords *code, PlfWords *detail)
{
	static const char *const names[] = {"code", "detail", "message"};

	for (int i = 0; i < 3; i++)
	{
		PlfPath path = {0, {NULL}};

		if (parent != NULL)
			path.steps[path.count++] = parent;
		path.steps[path.count++] = names[i];
		if (i > 0)
			add_string(page, &path, detail);
		else if (code->length == 0)
			add_string(page, &path, code);
	}
}

/* Adds the value at "path", after a "; ", if it is a string that is not empty. */
static void
add_string(PlfPage *page, const PlfPath *path, PlfWords *words)
{
	PlfField field = plf_page_field(page, 0, path, PLF_FORM_VALUE);

	if (field.kind != PLF_FIELD_STRING || field.length == 0)
		return;
	if (words->length > 0)
		plf_words_add(words, "; ", 2);
	plf_words_add(words, field.text, field.length);
}
