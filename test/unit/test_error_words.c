/*
 * test_error_words.c
 *		What is read out of error answers.
 */
#include "../../src/api/json.c"
#include "../../src/api/json_refusal.c"
#include "../../src/api/page.c"
#include "../../src/api/error_words.c"

#include "tap.h"

static void
is_words(const char *body, size_t length, const char *code, const char *detail,
		 const char *trace_id)
{
	char *copy = length > 0 ? malloc(length) : NULL;
	bool any = code != NULL || detail != NULL || trace_id != NULL;
	PlfErrorWords words;

	if (length > 0)
		memcpy(copy, body, length);
	memset(&words, 0x7f, sizeof(words));
	is_int(plf_error_words(copy, length, &words), any, "words of: %.70s",
		   length > 0 ? body : "");
	is_str(words.code, code, "code");
	is_str(words.detail, detail, "detail");
	is_str(words.trace_id, trace_id, "trace_id");
	plf_error_words_free(&words);
	ok(words.code == NULL && words.detail == NULL && words.trace_id == NULL, "freed");
	free(copy);
}

static void
test_words(void)
{
#define IS_WORDS(text, code, detail, trace_id) \
	is_words(text, strlen(text), code, detail, trace_id)
	char *text = malloc(100000);
	char expected[1000];

	IS_WORDS("{\"errors\":[{\"code\":\"not_in_list\",\"detail\":\"status must "
			 "be one of: open\",\"source\":{\"parameter\":\"status\"}}],"
			 "\"trace_id\":\"ab12\"}",
			 "not_in_list", "status must be one of: open", "ab12");
	IS_WORDS("{\"errors\":[{\"detail\":\"one\"},{\"code\":\"two\",\"detail\":"
			 "\"2\"},{\"code\":\"three\",\"detail\":\"\"},{\"detail\":\"3\"}]}",
			 "two", "one; 2; 3", NULL);
	IS_WORDS("{\"errors\":{\"message\":\"no\"},\"trace_id\":\"t\"}", NULL, "no", "t");
	IS_WORDS("{\"code\":\"c\",\"message\":\"m\",\"trace_id\":\"t\"}", "c", "m", "t");
	IS_WORDS("{\"trace_id\":\"t\"}", NULL, NULL, "t");
	IS_WORDS("{\"code\":1,\"code\":\"twice\"}", NULL, NULL, NULL);

	/* control characters, C1 included */
	IS_WORDS("{\"message\":\"a\\u0000b\\n\\u001b[1m\\u007f\\u0085\\u00a0\"}", NULL,
			 "a b  [1m  \xc2\xa0", NULL);

	/* nothing to tell */
	IS_WORDS("", NULL, NULL, NULL);
	IS_WORDS("{}", NULL, NULL, NULL);
	IS_WORDS("[{\"code\":\"c\"}]", NULL, NULL, NULL);
	IS_WORDS("<html>bad gateway</html>", NULL, NULL, NULL);
	IS_WORDS("{\"message\":\"\xff\"}", NULL, NULL, NULL);
	is_words("\0\1\2\xfe", 4, NULL, NULL, NULL);
	IS_WORDS("{\"errors\":[1,null,\"x\",[],{\"code\":{},\"detail\":[]}],"
			 "\"code\":null,\"message\":\"\",\"trace_id\":7}",
			 NULL, NULL, NULL);

	/* cut to 500 bytes, at a character's border, and nothing sneaks in behind */
	sprintf(text, "{\"message\":\"%0499d\xc3\xa9z\"}", 0);
	sprintf(expected, "%0499d", 0);
	IS_WORDS(text, NULL, expected, NULL);
	sprintf(text, "{\"message\":\"%0498d\xc3\xa9z\"}", 0);
	sprintf(expected, "%0498d\xc3\xa9", 0);
	IS_WORDS(text, NULL, expected, NULL);
	sprintf(text,
			"{\"errors\":[{\"detail\":\"%0490d\"},"
			"{\"detail\":\"abcde\xf0\x9f\x98\x80\"},{\"detail\":\"z\"}]}",
			0);
	sprintf(expected, "%0490d; abcde", 0);
	IS_WORDS(text, NULL, expected, NULL);

	/* 64 KiB are looked at, one byte more is not */
	sprintf(text, "{\"code\":\"c\"}%65524s", "");
	is_words(text, 65536, "c", NULL, NULL);
	is_words(strcat(text, " "), 65537, NULL, NULL, NULL);
	free(text);
}

static void
test_shape(void)
{
	static const char *const of_api[] = {
		"{\"errors\":[{\"code\":\"not_found\",\"detail\":\"x\",\"source\":{}}],\"trace_id\":\"t\"}",
		"{\"errors\":[{\"code\":\"not_found\"},null],\"trace_id\":\"t\"}",
		"{\"trace_id\":\"t\",\"errors\":[{\"detail\":\"x\"}]}",
		"{\"errors\":[{\"code\":\"c\",\"detail\":\"x\"}]}",
		"{\"errors\":{\"message\":\"x\"},\"trace_id\":\"t\"}",
		" {\"code\":\"c\",\"message\":\"m\",\"trace_id\":\"t\",\"more\":1}\n"};
	static const char *const others[] = {
		"",
		" ",
		"{}",
		"[]",
		"null",
		"\"x\"",
		"<html></html>",
		"{\"errors\":[{\"code\":\"c\"}]}",
		"{\"errors\":[{\"detail\":\"x\"}]}",
		"{\"errors\":{\"message\":\"x\"}}",
		"{\"code\":\"c\",\"message\":\"m\"}",
		"{\"errors\":[{\"code\":\"c\"}],\"trace_id\":\"\"}",
		"{\"errors\":[{\"code\":\"c\"}],\"trace_id\":null}",
		"{\"errors\":[{\"code\":\"c\"}],\"trace_id\":7}",
		"{\"errors\":[{\"code\":\"c\"}],\"trace_id\":\"t\"",
		"{\"errors\":[{\"code\":7,\"detail\":\"\"}],\"trace_id\":\"t\"}",
		"{\"errors\":[],\"trace_id\":\"t\"}",
		"{\"errors\":{},\"trace_id\":\"t\"}",
		"{\"errors\":[null],\"trace_id\":\"t\"}",
		"{\"errors\":null,\"trace_id\":\"t\"}",
		"{\"errors\":\"x\",\"trace_id\":\"t\"}",
		"{\"trace_id\":\"t\"}",
		"{\"code\":\"c\",\"trace_id\":\"t\"}",
		"{\"message\":\"m\",\"trace_id\":\"t\"}",
		"{\"error\":\"not_found\",\"error_description\":\"x\"}",
		"{\"code\":\"c\",\"message\":\"m\",\"trace_id\":\"t\",\"trace_id\":\"t\"}"};
	bool no_memory;

	for (size_t i = 0; i < sizeof(of_api) / sizeof(*of_api); i++)
		ok(plf_error_is_of_api(of_api[i], strlen(of_api[i]), &no_memory),
		   "of the API: %s", of_api[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		ok(!plf_error_is_of_api(others[i], strlen(others[i]), &no_memory), "another: %s",
		   others[i]);
}

int
main(void)
{
	test_words();
	test_shape();
	return done_testing();
}
