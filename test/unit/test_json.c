/*
 * test_json.c
 *		Which texts are taken: what jansson takes, and nothing else.
 */
#include "../../src/api/json.c"
#include "../../src/api/json_refusal.c"

#include "tap.h"

static const char *const taken[] = {
	"{}",
	"[]",
	" \t\r\n{ } \n",
	"[[],{},[{}]]",
	"[true,false,null]",
	"[0,-0,1,-1,10,0.5,-0.05,1e5,1E+5,1e-5,12.25e0]",
	"[123456789012345678901234567890]",
	"[1e308,-1e308,1e-400,0e999]",
	"[\"\",\" \",\"abcdefgh\",\"abcdefghijklmnopqrs\",\"\x7f\"]",
	"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0000\",\"\\u00e9\\u20AC\\ud83d\\ude80\"]",
	"[\"é€🚀\",\"\xc2\x80\xdf\xbf\",\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"]",
	"[\"\xf0\x90\x80\x80\xf1\x80\x80\x80\xf4\x8f\xbf\xbf\"]",
	"{\"\":1}",
	"{\"a\":1,\"A\":2,\"a \":3,\"aa\":4}",
	"{\"a\":{\"a\":{\"a\":1}}}",
	"{\"a\":[{\"b\":1},{\"b\":1}],\"b\":1}",
	"{\"created_at\":1,\"created_bt\":2,\"create_dat\":3}",
	"{\"\\u0061\":1,\"\\u0062\":2,\"é\":3}"};

static const char *const refused[] = {"",
									  " ",
									  "1",
									  "\"a\"",
									  "null",
									  "true",
									  "[",
									  "{",
									  "]",
									  "}",
									  "[}",
									  "{]",
									  "[[]",
									  "[]]",
									  "[] []",
									  "[]x",
									  "[,]",
									  "[1,]",
									  "[,1]",
									  "[1 2]",
									  "[1,,2]",
									  "[:]",
									  "[1:2]",
									  "{,}",
									  "{\"a\"}",
									  "{\"a\":}",
									  "{\"a\":1,}",
									  "{\"a\" 1}",
									  "{\"a\":1 \"b\":2}",
									  "{1:2}",
									  "{a:1}",
									  "{'a':1}",
									  "{\"a\":1:2}",
									  "{null:1}",
									  "[\"a\":1]",
									  "[tru]",
									  "[truex]",
									  "[True]",
									  "[nul]",
									  "[nan]",
									  "[NaN]",
									  "[Infinity]",
									  "[-]",
									  "[+1]",
									  "[.5]",
									  "[1.]",
									  "[01]",
									  "[-01]",
									  "[1e]",
									  "[1e+]",
									  "[1.e5]",
									  "[0x10]",
									  "[1_0]",
									  "[--1]",
									  "[1e309]",
									  "[-1e309]",
									  "[1e999999999999]",
									  "[\"]",
									  "[\"a]",
									  "[\"a\\\"]",
									  "[\"\\\"]",
									  "[\"a\nb\"]",
									  "[\"a\tb\"]",
									  "[\"abcdefg\x1fh\"]",
									  "[\"\x01\"]",
									  "[\"\\x\"]",
									  "[\"\\'\"]",
									  "[\"\\u\"]",
									  "[\"\\u12\"]",
									  "[\"\\u123g\"]",
									  "[\"\\U0041\"]",
									  "[\"\\ud800\"]",
									  "[\"\\udc00\"]",
									  "[\"\\ud800x\"]",
									  "[\"\\ud800\\n\"]",
									  "[\"\\ud800\\u0041\"]",
									  "[\"\\ud800\\ud800\"]",
									  "[\"\\udc00\\ud800\"]",
									  "[\"\\ud83d\\ude8\"]",
									  "[\"\x80\"]",
									  "[\"\xbf\"]",
									  "[\"\xc0\x80\"]",
									  "[\"\xc1\xbf\"]",
									  "[\"\xc2\"]",
									  "[\"\xc2\x41\"]",
									  "[\"\xe0\x9f\xbf\"]",
									  "[\"\xe1\x80\"]",
									  "[\"\xed\xa0\x80\"]",
									  "[\"\xed\xbf\xbf\"]",
									  "[\"\xe2\x82\x41\"]",
									  "[\"\xf0\x8f\xbf\xbf\"]",
									  "[\"\xf1\x80\x80\"]",
									  "[\"\xf4\x90\x80\x80\"]",
									  "[\"\xf5\x80\x80\x80\"]",
									  "[\"\xf8\x88\x80\x80\x80\"]",
									  "[\"\xfe\"]",
									  "[\"\xff\"]",
									  "[\"\\n\xff\"]",
									  "[é]",
									  "\xef\xbb\xbf{}",
									  "[\xa0]",
									  "{\"a\":1,\"a\":2}",
									  "{\"a\":1,\"b\":2,\"a\":3}",
									  "{\"a\":1,\"\\u0061\":2}",
									  "{\"\\u0061\":1,\"a\":2}",
									  "{\"\":1,\"\":2}",
									  "{\"x\":{\"a\":1,\"a\":2}}",
									  "[{\"a\":1,\"b\":{},\"a\":2}]",
									  "{\"abcdefgh12345678\":1,\"abcdefgh12345678\":2}",
									  "{\"é\":1,\"\\u00e9\":2}",
									  "{\"a\\u0000b\":1}",
									  "{\"\\u0000\":1}",
									  "// {}",
									  "[1/**/]",
									  "[1]\f",
									  "\v[1]"};

static void
check(const char *text, size_t length, bool expected)
{
	char *copy = malloc(length + 1);
	json_t *tree = json_loadb(text, length, LOAD_FLAGS, NULL);
	char words[200];
	PlfJson json;

	/* Without a byte behind it, for sanitizers. */
	copy = realloc(copy, length > 0 ? length : 1);
	memcpy(copy, text, length);
	is_int(plf_json_read(&json, copy, length),
		   expected ? PLF_JSON_TAKEN : PLF_JSON_REFUSED, "%.50s", text);
	ok((tree != NULL) == expected, "... by jansson as well");
	if (!expected)
		ok(plf_json_explain(copy, length, words, sizeof(words)), "... for a reason");
	plf_json_free(&json);
	json_decref(tree);
	free(copy);
}

/* "levels" arrays, or objects, one in the other, around that. */
static void
check_levels(int levels, bool objects, const char *inmost, bool expected)
{
	char *text = malloc(levels * 6 + 100);
	char *at = text;

	for (int i = 0; i < levels; i++)
		at += sprintf(at, objects ? "{\"a\":" : "[");
	at += sprintf(at, "%s", inmost);
	for (int i = 0; i < levels; i++)
		*at++ = objects ? '}' : ']';
	check(text, at - text, expected);
	free(text);
}

/* An object of many keys, of which the last is the first once more, or is not. */
static void
check_keys(int count, bool twice)
{
	char *text = malloc(count * 40 + 100);
	char *at = text;

	for (int i = 0; i < count; i++)
		at += sprintf(at, "%s\"abcdefgh%dabcdefgh\":0", i == 0 ? "{" : ",",
					  twice && i == count - 1 ? 1000 : 1000 + i);
	*at++ = '}';
	check(text, at - text, !twice);
	free(text);
}

static void
test_strings(void)
{
	static const char text[] = "[\"a\\nb\",\"plain\",\"\\u0041\\ud83d\\ude80\\u0000\"]";
	PlfJson json;
	size_t length;
	const char *found;

	is_int(plf_json_read(&json, text, sizeof(text) - 1), PLF_JSON_TAKEN, "strings");
	found = plf_json_string(&json, text + 1, text + 7, &length);
	ok(length == 3 && memcmp(found, "a\nb", 3) == 0, "the first is decoded");
	found = plf_json_string(&json, text + 8, text + 15, &length);
	ok(length == 5 && found == text + 9, "the second is in the text");
	found = plf_json_string(&json, text + 16, text + sizeof(text) - 2, &length);
	ok(length == 6 && memcmp(found, "A\xf0\x9f\x9a\x80\0", 6) == 0,
	   "the third is decoded");
	plf_json_free(&json);
}

int
main(void)
{
	static const char nul_in_string[] = "[\"a\0b\"]";
	static const char nul_behind_number[] = "[\n1\0]";
	char words[200];
	char digits[400];
	PlfJson json;

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		check(taken[i], strlen(taken[i]), true);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		check(refused[i], strlen(refused[i]), false);
	check(nul_in_string, sizeof(nul_in_string) - 1, false);

	check_levels(2047, false, "1", true);
	check_levels(2048, false, "", true);
	check_levels(2048, false, "1", false);
	check_levels(2049, false, "", false);
	check_levels(2047, true, "{}", true);
	check_levels(2048, true, "{}", false);
	check_levels(100000, false, "", false);

	check_keys(FEW_KEYS, false);
	check_keys(FEW_KEYS, true);
	check_keys(FEW_KEYS + 1, false);
	check_keys(FEW_KEYS + 1, true);
	check_keys(9000, false);
	check_keys(9000, true);

	memset(digits, '9', sizeof(digits));
	digits[0] = '[';
	digits[308] = ']';
	check(digits, 309, true);
	digits[308] = '9';
	digits[320] = ']';
	check(digits, 321, false);

	is_int(plf_json_read(&json, nul_behind_number, 5), PLF_JSON_REFUSED,
		   "a NUL byte behind a number, which jansson overlooks");
	ok(plf_json_explain(nul_behind_number, 5, words, sizeof(words)), "... for a reason");
	is_str(words, "line 2: a NUL byte", "... namely");
	plf_json_free(&json);

	test_strings();
	return done_testing();
}
