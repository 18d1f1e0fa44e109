/*
 * fuzz_page.c
 *		Any bytes as an answer.  What is taken as JSON is what jansson takes.  Of a
 *		page, every value on every path, and on a path that the bytes themselves
 *		are, must be what jansson makes of it: decoded, and when its text in the
 *		body is parsed on its own.
 */
#include "../../src/api/json.c"
#include "../../src/api/json_refusal.c"
#include "../../src/api/page.c"
#include "../unit/wires.h"

#define CHECK(condition) \
	do \
	{ \
		if (!(condition)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_field(const PlfField *raw, const PlfField *value, const json_t *expected)
{
	json_t *parsed = json_loadb(raw->text, raw->length, LOAD_FLAGS | JSON_DECODE_ANY,
								NULL);

	CHECK(parsed != NULL && json_equal(parsed, expected));
	json_decref(parsed);
	CHECK(raw->kind == value->kind);
	if (raw->kind == PLF_FIELD_STRING)
		CHECK(value->length == json_string_length(expected) &&
			  memcmp(value->text, json_string_value(expected), value->length) == 0);
	else
		CHECK(value->text == raw->text && value->length == raw->length);
}

/* Checks the value at "path" and what is in it, as deep as a path goes. */
static void
check_path(PlfPage *page, int link, PlfPath *path, json_t *expected)
{
	PlfField raw = plf_page_field(page, link, path, PLF_FORM_RAW);
	PlfField value = plf_page_field(page, link, path, PLF_FORM_VALUE);
	const char *key;
	json_t *member;

	check_field(&raw, &value, expected);
	if (json_is_array(expected))
	{
		PlfField raws[8];
		PlfField values[8];
		int count = (int) json_array_size(expected);
		int i;

		CHECK(plf_page_elements(page, link, path, PLF_FORM_RAW, raws, 8) == count);
		CHECK(plf_page_elements(page, link, path, PLF_FORM_VALUE, values, 8) == count);
		for (i = 0; i < count && i < 8; i++)
			check_field(&raws[i], &values[i], json_array_get(expected, i));
	}
	else
		CHECK(plf_page_elements(page, link, path, PLF_FORM_RAW, NULL, 0) == -1);

	if (path->count == PLF_PATH_MAX_STEPS)
		return;
	path->steps[path->count++] = "no such key";
	if (json_object_get(expected, "no such key") == NULL)
		CHECK(plf_page_field(page, link, path, PLF_FORM_RAW).kind == PLF_FIELD_MISSING);
	json_object_foreach(expected, key, member)
	{
		path->steps[path->count - 1] = key;
		check_path(page, link, path, member);
	}
	path->count--;
}

/* A path of any steps: what is there, and only that, is found. */
static void
check_any_path(PlfPage *page, int link, json_t *expected, const char *text, size_t length)
{
	char *steps = malloc(length + 1);
	PlfPath path = {0, {NULL}};
	PlfField raw;
	PlfField value;
	char *step;

	if (length > 0)
		memcpy(steps, text, length);
	steps[length] = '\0';
	for (step = strtok(steps, ".\n\""); step != NULL && path.count < PLF_PATH_MAX_STEPS;
		 step = strtok(NULL, ".\n\""))
	{
		path.steps[path.count++] = step;
		expected = json_object_get(expected, step);
	}
	raw = plf_page_field(page, link, &path, PLF_FORM_RAW);
	value = plf_page_field(page, link, &path, PLF_FORM_VALUE);
	if (expected != NULL)
		check_field(&raw, &value, expected);
	else
		CHECK(raw.kind == PLF_FIELD_MISSING && raw.text == NULL && raw.length == 0 &&
			  value.kind == PLF_FIELD_MISSING);
	CHECK(expected != NULL ||
		  plf_page_elements(page, link, &path, PLF_FORM_RAW, NULL, 0) == -1);
	free(steps);
}

static size_t
count_values(const json_t *json)
{
	size_t count = 1;
	size_t i;
	const char *key;
	json_t *member;

	for (i = 0; i < json_array_size(json); i++)
		count += count_values(json_array_get(json, i));
	if (json_is_object(json))
		json_object_foreach((json_t *) json, key, member)
			count += count_values(member);
	return count;
}

/* The link as jansson has it. */
static json_t *
expected_link(json_t *root, PlfPageShape shape, int link)
{
	json_t *wrapped = json_object_get(root, link_wire.item_key);

	if (shape == PLF_SHAPE_LIST)
		return json_array_get(json_object_get(root, link_wire.list_key), link);
	return shape == PLF_SHAPE_LINK && wrapped != NULL ? wrapped : root;
}

static void
check_page(PlfPage *page, PlfPageShape shape, json_t *root, const uint8_t *data,
		   size_t size)
{
	size_t count = count_values(root);
	size_t values = text_values(page->body, page->body + page->length);
	int link;

	CHECK(plf_page_meta(page)->current_page <= PLF_MAX_COUNT &&
		  plf_page_meta(page)->total_pages <= PLF_MAX_COUNT &&
		  plf_page_meta(page)->total_count <= PLF_MAX_COUNT &&
		  plf_page_meta(page)->per_page <= PLF_MAX_COUNT);
	CHECK(plf_page_meta(page)->total_count >= (shape == PLF_SHAPE_LIST ? 0 : -1));
	CHECK(count <= values && values <= 2 * count);
	if (shape == PLF_SHAPE_LIST)
		CHECK((size_t) plf_page_links(page) ==
			  json_array_size(json_object_get(root, link_wire.list_key)));
	else
		CHECK(plf_page_links(page) == 1);
	for (link = 0; link < plf_page_links(page); link++)
	{
		json_t *expected = expected_link(root, shape, link);
		PlfPath path = {0, {NULL}};

		check_path(page, link, &path, expected);
		check_any_path(page, link, expected, (const char *) data + size - size / 4,
					   size / 4);
	}
	CHECK(plf_page_length(page) == size);
	CHECK(plf_page_bytes(page) > page->length);
}

static void
try_shape(const uint8_t *data, size_t size, PlfPageShape shape, json_t *root)
{
	char *body = malloc(size > 0 ? size : 1);
	PlfPageError error;
	PlfPage *page;
	size_t i;

	if (size > 0)
		memcpy(body, data, size);
	page = plf_page_parse(body, size, shape,
						  shape == PLF_SHAPE_OBJECT ? NULL : &link_wire, &error);
	CHECK((page != NULL) == (error.kind == PLF_PAGE_OK));
	CHECK((root == NULL) == (error.kind == PLF_PAGE_NOT_JSON));
	CHECK(error.kind != PLF_PAGE_NO_MEMORY && error.kind != PLF_PAGE_TOO_LARGE);
	for (i = 0; error.detail[i] != '\0'; i++)
		CHECK(error.detail[i] >= ' ' && error.detail[i] <= '~');
	if (page != NULL)
		check_page(page, shape, root, data, size);
	plf_page_free(page);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *root = json_loadb((const char *) data, size, LOAD_FLAGS, NULL);

	/* jansson overlooks some of them. */
	if (memchr(data, '\0', size) != NULL)
	{
		json_decref(root);
		root = NULL;
	}
	CHECK(text_values((const char *) data, (const char *) data + size) <= size + 1);
	try_shape(data, size, PLF_SHAPE_LIST, root);
	try_shape(data, size, PLF_SHAPE_LINK, root);
	try_shape(data, size, PLF_SHAPE_OBJECT, root);
	json_decref(root);
	return 0;
}
