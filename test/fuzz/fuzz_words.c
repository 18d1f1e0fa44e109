/*
 * fuzz_words.c
 *		Any bytes as an error answer: what is taken out of it is fit for a message,
 *		and is there when the answer has it.
 */
#include "../../src/api/json.c"
#include "../../src/api/json_refusal.c"
#include "../../src/api/page.c"
#include "../../src/api/error_words.c"

#define CHECK(condition) \
	do \
	{ \
		if (!(condition)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NULL, or one line of valid UTF-8 of limited length. */
static void
check_words(const char *words)
{
	json_t *valid;
	size_t i;

	if (words == NULL)
		return;
	CHECK(words[0] != '\0' && strlen(words) <= PLF_WORDS_MAX);
	for (i = 0; words[i] != '\0'; i++)
	{
		CHECK((unsigned char) words[i] >= ' ' && words[i] != 0x7f);
		CHECK((unsigned char) words[i] != 0xc2 || (unsigned char) words[i + 1] >= 0xa0);
	}
	valid = json_string(words);
	CHECK(valid != NULL);
	json_decref(valid);
}

/* A member that is a string, not empty. */
static bool
says(const json_t *object, const char *key)
{
	return json_string_length(json_object_get(object, key)) > 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	PlfErrorWords words;
	json_t *root = memchr(data, '\0', size) != NULL
					   ? NULL
					   : json_loadb((const char *) data, size, LOAD_FLAGS, NULL);
	json_t *errors = json_object_get(root, "errors");
	json_t *first = json_is_array(errors) ? json_array_get(errors, 0) : errors;
	bool any = plf_error_words((const char *) data, size, &words);

	CHECK(any == (words.code != NULL || words.detail != NULL || words.trace_id != NULL));
	check_words(words.code);
	check_words(words.detail);
	check_words(words.trace_id);
	CHECK((words.trace_id != NULL) == says(root, "trace_id"));
	if (says(root, "code") || says(first, "code"))
		CHECK(words.code != NULL);
	if (says(root, "message") || says(first, "detail"))
		CHECK(words.detail != NULL);
	if (root == NULL)
		CHECK(!any);
	plf_error_words_free(&words);
	json_decref(root);
	return 0;
}
