/*
 * test_page.c
 *		What is read out of answers, and which answers are refused.
 */
#include "../../src/api/json.c"
#include "../../src/api/json_refusal.c"
#include "../../src/api/page.c"

#include "tap.h"
#include "wires.h"

#define META \
	"\"meta\":{\"current_page\":1,\"next_page\":null," \
	"\"prev_page\":null,\"total_pages\":1,\"total_count\":1,\"per_page\":100}"

/* A list of one link with this member beside its id. */
#define LIST_OF(member) "{\"payment_links\":[{\"id\":\"x\"," member "}]," META "}"

/* The resource whose answers are parsed. */
static const PlfWire *wire = &link_wire;

/* A body of its own, so that a sanitizer sees every byte read beyond it. */
static PlfPage *
parse_bytes(const char *bytes, size_t length, PlfPageShape shape, PlfPageError *error)
{
	char *body = malloc(length > 0 ? length : 1);

	memcpy(body, bytes, length);
	memset(error, 0x7f, sizeof(*error));
	return plf_page_parse(body, length, shape, shape == PLF_SHAPE_OBJECT ? NULL : wire,
						  error);
}

static PlfPage *
parse(const char *text, PlfPageShape shape)
{
	PlfPageError error;
	PlfPage *page = parse_bytes(text, strlen(text), shape, &error);

	if (page == NULL)
		printf("# refused: %s\n", error.detail);
	else if (error.kind != PLF_PAGE_OK || error.detail[0] != '\0')
		printf("# an error beside a page: %s\n", error.detail);
	return page;
}

/* "amount.value" as a path; the steps point into "copy". */
static PlfPath
path_of(const char *dotted, char *copy)
{
	PlfPath path = {0};
	char *step;

	strcpy(copy, dotted);
	for (step = strtok(copy, "."); step != NULL; step = strtok(NULL, "."))
		path.steps[path.count++] = step;
	return path;
}

/*
 * Writes "kind text" of a field, with \0 for a NUL byte, for one comparison of
 * everything a field has.
 */
static const char *
show(PlfField field, char *out)
{
	static const char *const kinds[] = {"missing", "null",  "string", "number",
										"true",    "false", "array",  "object"};
	char *at = out + sprintf(out, "%s", kinds[field.kind]);
	size_t i;

	if (field.text == NULL)
		return out;
	*at++ = ' ';
	for (i = 0; i < field.length; i++)
	{
		if (field.text[i] == '\0')
			at += sprintf(at, "\\0");
		else
			*at++ = field.text[i];
	}
	*at = '\0';
	return out;
}

static void
is_field(PlfPage *page, int link, const char *dotted, PlfFieldForm form,
		 const char *expected)
{
	char copy[512];
	char out[4096];
	PlfPath path = path_of(dotted, copy);

	is_str(show(plf_page_field(page, link, &path, form), out), expected,
		   "%s of link %d, %s", dotted, link, form == PLF_FORM_RAW ? "raw" : "value");
}

/* A field that is the same in both forms. */
static void
is_both(PlfPage *page, int link, const char *dotted, const char *expected)
{
	is_field(page, link, dotted, PLF_FORM_VALUE, expected);
	is_field(page, link, dotted, PLF_FORM_RAW, expected);
}

/* A list of one link, one of whose fields is looked at in both forms. */
static void
is_member(const char *text, const char *dotted, const char *value, const char *raw)
{
	PlfPage *page = parse(text, PLF_SHAPE_LIST);

	if (ok(page != NULL, "accepted: %.60s", text))
	{
		is_field(page, 0, dotted, PLF_FORM_VALUE, value);
		is_field(page, 0, dotted, PLF_FORM_RAW, raw);
	}
	plf_page_free(page);
}

static void
is_meta(const char *text, int64_t current_page, int64_t total_pages, int64_t total_count,
		int64_t per_page)
{
	PlfPage *page = parse(text, PLF_SHAPE_LIST);

	if (ok(page != NULL, "accepted: %.60s", text))
	{
		const PlfMeta *meta = plf_page_meta(page);

		is_int(meta->current_page, current_page, "current_page");
		is_int(meta->total_pages, total_pages, "total_pages");
		is_int(meta->total_count, total_count, "total_count");
		is_int(meta->per_page, per_page, "per_page");
	}
	plf_page_free(page);
}

static void
is_refused_bytes(const char *bytes, size_t length, PlfPageShape shape,
				 PlfPageErrorKind kind, const char *detail)
{
	PlfPageError error;
	PlfPage *page = parse_bytes(bytes, length, shape, &error);

	ok(page == NULL, "refused: %.60s", bytes);
	is_int(error.kind, kind, "kind");
	is_str(error.detail, detail, "detail");
	plf_page_free(page);
}

static void
is_refused(const char *text, PlfPageErrorKind kind, const char *detail)
{
	is_refused_bytes(text, strlen(text), PLF_SHAPE_LIST, kind, detail);
}

static void
test_list(void)
{
	static const char first[] =
		"{ \"id\": \"3c90c3cc-0d44-4b50-8888-8dd25736052a\", \"status\": \"open\","
		" \"potential_payment_methods\": [ \"credit_card\", \"ideal\" ],"
		" \"amount\": { \"value\": \"13.30\", \"currency\": \"EUR\" },"
		" \"reusable\": true, \"items\": [ { \"quantity\": 1.10,"
		" \"unit_price\": { \"value\": \"10.99\" } } ], \"invoice_id\": null }";
	static const char second[] = "{\"reusable\":false,\"id\":\"\",\"o\":{}}";
	char text[2048];
	char shown[1024];
	PlfPage *page;

	snprintf(text, sizeof(text),
			 " { \"payment_links\" : [ %s ,\n%s ] , \"meta\" : {"
			 "\"current_page\": 2, \"next_page\": 3, \"prev_page\": 1,"
			 "\"total_pages\": 11, \"total_count\": 210, \"per_page\": 20 } }\n",
			 first, second);
	page = parse(text, PLF_SHAPE_LIST);
	if (!ok(page != NULL, "the documented list"))
		return;

	is_int(plf_page_links(page), 2, "two links");
	snprintf(shown, sizeof(shown), "object %s", first);
	is_both(page, 0, "", shown);
	snprintf(shown, sizeof(shown), "object %s", second);
	is_both(page, 1, "", shown);
	is_field(page, 0, "id", PLF_FORM_VALUE,
			 "string 3c90c3cc-0d44-4b50-8888-8dd25736052a");
	is_field(page, 0, "id", PLF_FORM_RAW,
			 "string \"3c90c3cc-0d44-4b50-8888-8dd25736052a\"");
	is_both(page, 0, "potential_payment_methods", "array [ \"credit_card\", \"ideal\" ]");
	is_both(page, 0, "amount", "object { \"value\": \"13.30\", \"currency\": \"EUR\" }");
	is_field(page, 0, "amount.value", PLF_FORM_VALUE, "string 13.30");
	is_field(page, 0, "amount.currency", PLF_FORM_RAW, "string \"EUR\"");
	is_both(page, 0, "reusable", "true true");
	is_both(page, 1, "reusable", "false false");
	is_both(page, 0, "items",
			"array [ { \"quantity\": 1.10,"
			" \"unit_price\": { \"value\": \"10.99\" } } ]");
	is_both(page, 0, "invoice_id", "null null");
	is_field(page, 1, "id", PLF_FORM_VALUE, "string ");
	is_both(page, 1, "o", "object {}");

	is_both(page, 1, "status", "missing");
	is_both(page, 0, "Status", "missing");
	is_both(page, 0, "statu", "missing");
	is_both(page, 0, "amount.cents", "missing");
	is_both(page, 0, "amount.value.x", "missing");
	is_both(page, 0, "items.quantity", "missing");
	is_both(page, 0, "items.0", "missing");
	is_both(page, 0, "invoice_id.x", "missing");
	is_both(page, 0, "reusable.x", "missing");
	is_both(page, 1, "o.x", "missing");
	ok(plf_page_bytes(page) > strlen(text), "a page is larger than its body");
	plf_page_free(page);

	is_meta(text, 2, 11, 210, 20);
	plf_page_free(NULL);
}

static void
test_values(void)
{
	/* numbers keep their text */
	is_member(LIST_OF("\"n\":1.10"), "n", "number 1.10", "number 1.10");
	is_member(LIST_OF("\"n\" : -0.0E+00 "), "n", "number -0.0E+00", "number -0.0E+00");
	is_member(LIST_OF("\"n\":123456789012345678901234567890"), "n",
			  "number 123456789012345678901234567890",
			  "number 123456789012345678901234567890");
	is_member(LIST_OF("\"n\":1E-400"), "n", "number 1E-400", "number 1E-400");

	/* strings that look like structure */
	is_member(LIST_OF("\"a\":\"}],{[\\\"\",\"b\":7"), "b", "number 7", "number 7");
	is_member(LIST_OF("\"a\":\"\\\\\",\"b\":[\"]\",\"\\\\\\\"]\"]"), "b",
			  "array [\"]\",\"\\\\\\\"]\"]", "array [\"]\",\"\\\\\\\"]\"]");
	is_member(LIST_OF("\"a\":\"\\\\\\\"\\\\\""), "a", "string \\\"\\",
			  "string \"\\\\\\\"\\\\\"");
	is_member(LIST_OF("\"k\\\"}{\":1,\"b\":2"), "b", "number 2", "number 2");
	is_member(LIST_OF("\"k\\\"}{\":1,\"b\":2"), "k\"}{", "number 1", "number 1");

	/* escapes in values */
	is_member(LIST_OF("\"s\":\"\\u0000a\\u0000\""), "s", "string \\0a\\0",
			  "string \"\\u0000a\\u0000\"");
	is_member(LIST_OF("\"s\":\"\\ud83d\\ude00 \\u00e9 \\/\""), "s",
			  "string \xf0\x9f\x98\x80 \xc3\xa9 /",
			  "string \"\\ud83d\\ude00 \\u00e9 \\/\"");
	is_member(LIST_OF("\"s\":\"\xf0\x9f\x98\x80\""), "s", "string \xf0\x9f\x98\x80",
			  "string \"\xf0\x9f\x98\x80\"");

	/* escapes in keys */
	is_member(LIST_OF("\"am\\u006funt\":{\"val\\u0075e\":\"1.1\"}"), "amount.value",
			  "string 1.1", "string \"1.1\"");
	is_member(LIST_OF("\"\\uD83D\\uDE00\":1"), "\xf0\x9f\x98\x80", "number 1",
			  "number 1");
	is_member(LIST_OF("\"a\\\\u0062\":1"), "ab", "missing", "missing");
	is_member("{\"payment_\\u006cinks\":[{\"\\u0069d\":\"x\"}],"
			  "\"m\\u0065ta\":{\"total\\u005fcount\":1}}",
			  "id", "string x", "string \"x\"");

	/* the same key on several levels, before and after */
	is_member(LIST_OF("\"a\":{\"status\":\"in\",\"b\":{\"status\":3}},"
					  "\"status\":\"out\",\"c\":[{\"status\":4}]"),
			  "status", "string out", "string \"out\"");
	is_member(LIST_OF("\"a\":{\"x\":{\"status\":1},\"status\":\"in\"}"), "a.status",
			  "string in", "string \"in\"");
	is_member("{\"meta\":{\"payment_links\":[{\"id\":\"no\"}],"
			  "\"total_count\":1},\"x\":{\"meta\":3},"
			  "\"payment_links\":[{\"id\":\"yes\"}]}",
			  "id", "string yes", "string \"yes\"");
	is_member(LIST_OF("\"a\":{\"b\":{\"c\":{\"d\":{\"e\":[0,{}]}}}}"), "a.b.c.d.e",
			  "array [0,{}]", "array [0,{}]");
	is_member(LIST_OF("\"\":1,\"b\":2"), "b", "number 2", "number 2");
}

/* A string of a million bytes and 2048 levels are fine. */
static void
test_sizes(void)
{
	static const char head[] = "{\"payment_links\":[{\"id\":\"x\",\"s\":";
	static const char tail[] = ",\"t\":1}]," META "}";
	size_t size = 1000000;
	char *text = malloc(size + 1000);
	PlfPath path = {1, {"s"}};
	PlfField field;
	PlfPage *page;
	int depth;

	sprintf(text, "%s\"", head);
	memset(text + strlen(head) + 1, 'y', size);
	sprintf(text + strlen(head) + 1 + size, "\"%s", tail);
	page = parse(text, PLF_SHAPE_LIST);
	if (ok(page != NULL, "a long string"))
	{
		field = plf_page_field(page, 0, &path, PLF_FORM_VALUE);
		is_int(field.length, size, "its length, decoded");
		ok(field.text[0] == 'y' && field.text[size - 1] == 'y', "its ends");
		field = plf_page_field(page, 0, &path, PLF_FORM_RAW);
		is_int(field.length, size + 2, "its length, raw");
		is_both(page, 0, "t", "number 1");
	}
	plf_page_free(page);

	/* two backslashes for each byte: runs of them are counted once */
	memset(text + strlen(head) + 1, '\\', size);
	page = parse(text, PLF_SHAPE_LIST);
	if (ok(page != NULL, "a long run of backslashes"))
	{
		field = plf_page_field(page, 0, &path, PLF_FORM_VALUE);
		is_int(field.length, size / 2, "its length, decoded");
		is_both(page, 0, "t", "number 1");
	}
	plf_page_free(page);

	/* the root, the array of links and the link are three levels */
	for (depth = 2045; depth <= 2046; depth++)
	{
		char *at = text + sprintf(text, "%s", head);

		memset(at, '[', depth);
		memset(at + depth, ']', depth);
		strcpy(at + 2 * depth, tail);
		if (depth == 2046)
		{
			is_refused(text, PLF_PAGE_NOT_JSON, "line 1: maximum parsing depth reached");
			break;
		}
		page = parse(text, PLF_SHAPE_LIST);
		if (ok(page != NULL, "2048 levels"))
		{
			field = plf_page_field(page, 0, &path, PLF_FORM_RAW);
			is_int(field.kind, PLF_FIELD_ARRAY, "the deep array");
			is_int(field.length, 2 * depth, "its length");
			is_both(page, 0, "t", "number 1");
		}
		plf_page_free(page);
	}
	free(text);
}

static void
test_meta(void)
{
	is_meta("{\"payment_links\":[],\"meta\":{\"total_count\":0}}", -1, -1, 0, -1);
	/* as observed on an empty list */
	is_meta("{\"payment_links\":[],\"meta\":{\"current_page\":1,"
			"\"next_page\":0,\"prev_page\":1,\"total_pages\":0,"
			"\"total_count\":0,\"per_page\":100}}",
			1, 0, 0, 100);
	is_meta("{\"meta\":{\"per_page\":null,\"current_page\":null,"
			"\"total_pages\":null,\"total_count\":9007199254740992},"
			"\"payment_links\":[ ]}",
			-1, -1, INT64_C(1) << 53, -1);
	is_meta("{\"payment_links\":[],\"meta\":{\"next_page\":\"none\","
			"\"total_count\": 12 , \"per_page\":7\n}}",
			-1, -1, 12, 7);

	is_refused("{\"payment_links\":[],\"meta\":{}}", PLF_PAGE_WRONG_SHAPE,
			   "\"meta.total_count\" is missing");

#define IS_NO_COUNT(key, text) \
	is_refused("{\"payment_links\":[],\"meta\":{\"total_pages\":1," \
			   "\"total_counts\":1,\"" key "\":" text "}}", \
			   PLF_PAGE_WRONG_SHAPE, \
			   "\"meta." key "\" is not an integer from 0 to 2^53")
	IS_NO_COUNT("total_count", "null");
	IS_NO_COUNT("total_count", "-1");
	IS_NO_COUNT("total_count", "-0");
	IS_NO_COUNT("total_count", "1.0");
	IS_NO_COUNT("total_count", "1e2");
	IS_NO_COUNT("total_count", "9007199254740993");
	IS_NO_COUNT("total_count", "9223372036854775807");
	IS_NO_COUNT("total_count", "18446744073709551617");
	IS_NO_COUNT("total_count", "123456789012345678901234567890");
	IS_NO_COUNT("total_count", "\"1\"");
	IS_NO_COUNT("total_count", "true");
	IS_NO_COUNT("total_count", "[1]");
	IS_NO_COUNT("current_page", "-1");
	is_refused("{\"payment_links\":[],\"meta\":{\"total_count\":1,"
			   "\"per_page\":\"100\"}}",
			   PLF_PAGE_WRONG_SHAPE,
			   "\"meta.per_page\" is not an integer from 0 to 2^53");
	is_refused("{\"payment_links\":[],\"meta\":{\"total_count\":1,"
			   "\"total_pages\":-3}}",
			   PLF_PAGE_WRONG_SHAPE,
			   "\"meta.total_pages\" is not an integer from 0 to 2^53");
}

static void
test_refusals(void)
{
	char with_nul[] = "{\"payment_links\":[{\"id\":\"a?b\"}]," META "}";

	is_refused_bytes("", 0, PLF_SHAPE_LIST, PLF_PAGE_NOT_JSON,
					 "line 1: '[' or '{' expected near end of file");
	is_refused("   \n ", PLF_PAGE_NOT_JSON,
			   "line 2: '[' or '{' expected near end of file");
	is_refused("<html><body>Sign in</body></html>", PLF_PAGE_NOT_JSON,
			   "line 1: '[' or '{' expected");
	is_refused("\xef\xbb\xbf{\"payment_links\":[]," META "}", PLF_PAGE_NOT_JSON,
			   "line 1: '[' or '{' expected");
	is_refused("{\"payment_links\":[],\n" META "}\nDupont", PLF_PAGE_NOT_JSON,
			   "line 3: end of file expected");
	is_refused("{\"payment_links\":[],\n" META "\n", PLF_PAGE_NOT_JSON,
			   "line 3: '}' expected near end of file");
	is_refused("{\"payment_links\":[{\"id\":\"x\",\"debitor_name\":\"Dup",
			   PLF_PAGE_NOT_JSON, "line 1: premature end of input");
	is_refused("{\"payment_links\":[{\"id\":\"x\" \"Dupont\"}]," META "}",
			   PLF_PAGE_NOT_JSON, "line 1: '}' expected");
	is_refused(LIST_OF("\"n\":Dupont"), PLF_PAGE_NOT_JSON, "line 1: invalid token");
	is_refused(LIST_OF("\"n\":NaN"), PLF_PAGE_NOT_JSON, "line 1: invalid token");
	is_refused(LIST_OF("\"n\":1E400"), PLF_PAGE_NOT_JSON, "line 1: real number overflow");
	is_refused(LIST_OF("\"n\":\"\xff\""), PLF_PAGE_NOT_JSON,
			   "line 1: unable to decode byte 0xff");
	is_refused(LIST_OF("\"n\":\"\\ud83d\""), PLF_PAGE_NOT_JSON,
			   "line 1: invalid Unicode '\\uD83D'");
	is_refused(LIST_OF("\"n\\u0000\":1"), PLF_PAGE_NOT_JSON,
			   "line 1: NUL byte in object key not supported");
	*strchr(with_nul, '?') = '\0';
	is_refused_bytes(with_nul, sizeof(with_nul) - 1, PLF_SHAPE_LIST, PLF_PAGE_NOT_JSON,
					 "line 1: control character 0x0");

	/* duplicates, on any level, under any spelling */
	is_refused(LIST_OF("\"id\":\"y\""), PLF_PAGE_NOT_JSON,
			   "line 1: duplicate object key");
	is_refused(LIST_OF("\"a\":1,\"\\u0061\":2"), PLF_PAGE_NOT_JSON,
			   "line 1: duplicate object key");
	is_refused("{\"payment_links\":[],\"payment_links\":[]," META "}", PLF_PAGE_NOT_JSON,
			   "line 1: duplicate object key");
	is_refused("{\"payment_links\":[]," META "," META "}", PLF_PAGE_NOT_JSON,
			   "line 1: duplicate object key");

	is_refused("[]", PLF_PAGE_WRONG_SHAPE, "the answer is not an object");
	is_refused("{}", PLF_PAGE_WRONG_SHAPE, "\"payment_links\" is missing");
	is_refused("{" META "}", PLF_PAGE_WRONG_SHAPE, "\"payment_links\" is missing");
	is_refused("{\"payment_links\":null," META "}", PLF_PAGE_WRONG_SHAPE,
			   "\"payment_links\" is not an array");
	is_refused("{\"payment_links\":{}," META "}", PLF_PAGE_WRONG_SHAPE,
			   "\"payment_links\" is not an array");
	is_refused("{\"payment_links\":[]}", PLF_PAGE_WRONG_SHAPE, "\"meta\" is missing");
	is_refused("{\"payment_links\":[],\"meta\":null}", PLF_PAGE_WRONG_SHAPE,
			   "\"meta\" is not an object");
	is_refused("{\"payment_links\":[{\"id\":\"x\"},3]," META "}", PLF_PAGE_WRONG_SHAPE,
			   "link 2 is not an object");
	is_refused("{\"payment_links\":[{\"id\":\"x\"},{\"status\":\"open\"}]," META "}",
			   PLF_PAGE_NO_ID, "link 2 has no string \"id\"");
	is_refused("{\"payment_links\":[{\"id\":17}]," META "}", PLF_PAGE_NO_ID,
			   "link 1 has no string \"id\"");
	is_refused("{\"payment_links\":[{\"id\":null}]," META "}", PLF_PAGE_NO_ID,
			   "link 1 has no string \"id\"");
}

static void
test_single_link(void)
{
	static const char *const accepted[] = {
		"{\"id\":\"x\",\"amount\":{\"value\":\"1.10\"}}",
		" {\"payment_link\" : {\"id\":\"x\",\"amount\":{\"value\":\"1.10\"}} } ",
		"{\"id\":\"y\",\"payment_link\":{\"id\":\"x\",\"amount\":{\"value\":\"1.10\"}}}"};
	size_t i;

	for (i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
	{
		PlfPage *page = parse(accepted[i], PLF_SHAPE_LINK);

		if (ok(page != NULL, "accepted: %s", accepted[i]))
		{
			const PlfMeta *meta = plf_page_meta(page);

			is_int(plf_page_links(page), 1, "one link");
			is_both(page, 0, "",
					"object {\"id\":\"x\","
					"\"amount\":{\"value\":\"1.10\"}}");
			is_field(page, 0, "id", PLF_FORM_VALUE, "string x");
			is_field(page, 0, "amount.value", PLF_FORM_RAW, "string \"1.10\"");
			is_int(meta->current_page, -1, "no current_page");
			is_int(meta->total_pages, -1, "no total_pages");
			is_int(meta->total_count, -1, "no total_count");
			is_int(meta->per_page, -1, "no per_page");
		}
		plf_page_free(page);
	}

#define IS_NO_LINK(text, kind, detail) \
	is_refused_bytes(text, strlen(text), PLF_SHAPE_LINK, kind, detail)
	IS_NO_LINK("{}", PLF_PAGE_NO_ID, "the link has no string \"id\"");
	IS_NO_LINK("{\"id\":1}", PLF_PAGE_NO_ID, "the link has no string \"id\"");
	IS_NO_LINK("{\"payment_link\":{}}", PLF_PAGE_NO_ID, "the link has no string \"id\"");
	IS_NO_LINK("{\"payment_link\":null}", PLF_PAGE_WRONG_SHAPE,
			   "\"payment_link\" is not an object");
	IS_NO_LINK("[{\"id\":\"x\"}]", PLF_PAGE_WRONG_SHAPE, "the answer is not an object");
	IS_NO_LINK("\"x\"", PLF_PAGE_NOT_JSON, "line 1: '[' or '{' expected");
}

/* Keys and words are those of the resource, and those of another are members like any. */
static void
test_other_resource(void)
{
	PlfPage *page;
	char out[64];

	wire = &tree_wire;
	page = parse("{\"payment_links\":7,\"page\":{\"total_count\":2},\"trees\":"
				 "[{\"number\":\"n\",\"kind\":\"elm\",\"id\":1,\"status\":2},"
				 "{\"number\":\"m\"}]}",
				 PLF_SHAPE_LIST);
	if (ok(page != NULL, "a list of another resource is accepted"))
	{
		is_int(plf_page_links(page), 2, "it has two links");
		is_int(plf_page_meta(page)->total_count, 2, "total_count");
		is_str(show(plf_page_id(page, 0), out), "string n", "id of the first");
		is_str(show(plf_page_id(page, 1), out), "string m", "id of the second");
		is_str(show(plf_page_status(page, 0), out), "string elm", "status of the first");
		is_str(show(plf_page_status(page, 1), out), "missing", "status of the second");
	}
	plf_page_free(page);
	page = parse("{\"payment_link\":7,\"tree\":{\"number\":\"n\"}}", PLF_SHAPE_LINK);
	if (ok(page != NULL, "a single link of another resource is accepted"))
		is_str(show(plf_page_id(page, 0), out), "string n", "its id");
	plf_page_free(page);

	is_refused("{\"payment_links\":[]," META "}", PLF_PAGE_WRONG_SHAPE,
			   "\"trees\" is missing");
	is_refused("{\"trees\":[]," META "}", PLF_PAGE_WRONG_SHAPE, "\"page\" is missing");
	is_refused("{\"trees\":[],\"page\":{}}", PLF_PAGE_WRONG_SHAPE,
			   "\"page.total_count\" is missing");
	is_refused("{\"trees\":[7],\"page\":{\"total_count\":1}}", PLF_PAGE_WRONG_SHAPE,
			   "tree 1 is not an object");
	is_refused("{\"trees\":[{\"id\":\"x\"}],\"page\":{\"total_count\":1}}",
			   PLF_PAGE_NO_ID, "tree 1 has no string \"number\"");
	is_refused_bytes("{\"id\":1}", 8, PLF_SHAPE_LINK, PLF_PAGE_NO_ID,
					 "the tree has no string \"number\"");
	is_refused_bytes("{\"tree\":1}", 10, PLF_SHAPE_LINK, PLF_PAGE_WRONG_SHAPE,
					 "\"tree\" is not an object");
	wire = &link_wire;
}

static void
test_elements(void)
{
	PlfPage *page = parse(LIST_OF("\"a\":[ \"]\" ,\"\\u0041\",1.10,null,"
								  "{\"b\":[2]},[],true],\"e\":[ ],\"s\":\"x\","
								  "\"o\":{\"a\":[0]}"),
						  PLF_SHAPE_LIST);
	static const char *const values[] = {"string ]",  "string A",           "number 1.10",
										 "null null", "object {\"b\":[2]}", "array []",
										 "true true"};
	static const char *const raws[] = {"string \"]\"", "string \"\\u0041\""};
	PlfPath a = {1, {"a"}};
	PlfPath e = {1, {"e"}};
	PlfPath s = {1, {"s"}};
	PlfPath o = {1, {"o"}};
	PlfPath o_a = {2, {"o", "a"}};
	PlfPath none = {1, {"none"}};
	PlfPath whole = {0, {NULL}};
	PlfField fields[8];
	char out[256];
	int i;

	if (!ok(page != NULL, "a link with arrays"))
		return;
	is_int(plf_page_elements(page, 0, &a, PLF_FORM_VALUE, fields, 8), 7,
		   "seven elements");
	for (i = 0; i < 7; i++)
		is_str(show(fields[i], out), values[i], "element %d", i);
	memset(fields, 0, sizeof(fields));
	is_int(plf_page_elements(page, 0, &a, PLF_FORM_RAW, fields, 2), 7,
		   "seven elements, two stored");
	for (i = 0; i < 2; i++)
		is_str(show(fields[i], out), raws[i], "element %d, raw", i);
	ok(fields[2].text == NULL, "the third was not");
	is_int(plf_page_elements(page, 0, &a, PLF_FORM_RAW, NULL, 0), 7, "only counted");
	is_int(plf_page_elements(page, 0, &e, PLF_FORM_RAW, fields, 8), 0, "an empty array");
	is_int(plf_page_elements(page, 0, &o_a, PLF_FORM_RAW, fields, 8), 1,
		   "an array within an object");
	is_str(show(fields[0], out), "number 0", "its element");
	is_int(plf_page_elements(page, 0, &s, PLF_FORM_RAW, fields, 8), -1,
		   "a string has no elements");
	is_int(plf_page_elements(page, 0, &o, PLF_FORM_RAW, fields, 8), -1,
		   "nor has an object");
	is_int(plf_page_elements(page, 0, &none, PLF_FORM_RAW, fields, 8), -1,
		   "nor what is missing");
	is_int(plf_page_elements(page, 0, &whole, PLF_FORM_RAW, fields, 8), -1,
		   "nor the link");
	plf_page_free(page);
}

int
main(void)
{
	test_list();
	test_values();
	test_sizes();
	test_meta();
	test_refusals();
	test_single_link();
	test_other_resource();
	test_elements();
	return done_testing();
}
