/*
 * fuzz_page.c
 *		Any bytes as an answer.  Of a page that is accepted, every value on
 *		every path, and on a path that the bytes themselves are, must be what
 *		jansson made of it: decoded, and when its text in the body is parsed on
 *		its own.  And whatever the bytes, the walk over them must stay within
 *		them.
 */
#include "../../src/api/page.c"

#define CHECK(condition) \
	do { if (!(condition)) abort(); } while (0)

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_field(const PlfField *raw, const PlfField *value, const json_t *expected)
{
	json_t	   *parsed = json_loadb(raw->text, raw->length,
									LOAD_FLAGS | JSON_DECODE_ANY, NULL);

	CHECK(parsed != NULL && json_equal(parsed, expected));
	json_decref(parsed);
	CHECK(raw->kind == value->kind);
	if (raw->kind == PLF_FIELD_STRING)
		CHECK(value->length == json_string_length(expected) &&
			  memcmp(value->text, json_string_value(expected),
					 value->length) == 0);
	else
		CHECK(value->text == raw->text && value->length == raw->length);
}

/* Checks the value at "path" and what is in it, as deep as a path goes. */
static void
check_path(PlfPage *page, int link, PlfPath *path, json_t *expected)
{
	PlfField	raw = plf_page_field(page, link, path, PLF_FORM_RAW);
	PlfField	value = plf_page_field(page, link, path, PLF_FORM_VALUE);
	const char *key;
	json_t	   *member;

	check_field(&raw, &value, expected);
	if (json_is_array(expected))
	{
		PlfField	raws[8];
		PlfField	values[8];
		int			count = (int) json_array_size(expected);
		int			i;

		CHECK(plf_page_elements(page, link, path, PLF_FORM_RAW,
								raws, 8) == count);
		CHECK(plf_page_elements(page, link, path, PLF_FORM_VALUE,
								values, 8) == count);
		for (i = 0; i < count && i < 8; i++)
			check_field(&raws[i], &values[i], json_array_get(expected, i));
	}
	else
		CHECK(plf_page_elements(page, link, path, PLF_FORM_RAW,
								NULL, 0) == -1);

	if (path->count == PLF_PATH_MAX_STEPS)
		return;
	path->steps[path->count++] = "no such key";
	if (json_object_get(expected, "no such key") == NULL)
		CHECK(plf_page_field(page, link, path,
							 PLF_FORM_RAW).kind == PLF_FIELD_MISSING);
	json_object_foreach(expected, key, member)
	{
		path->steps[path->count - 1] = key;
		check_path(page, link, path, member);
	}
	path->count--;
}

/* A path of any steps: what is there, and only that, is found. */
static void
check_any_path(PlfPage *page, int link, const char *text, size_t length)
{
	char	   *steps = malloc(length + 1);
	PlfPath		path = {0, {NULL}};
	json_t	   *expected = page->links[link].node.json;
	PlfField	raw;
	PlfField	value;
	char	   *step;

	if (length > 0)
		memcpy(steps, text, length);
	steps[length] = '\0';
	for (step = strtok(steps, ".\n\"");
		 step != NULL && path.count < PLF_PATH_MAX_STEPS;
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
		CHECK(raw.kind == PLF_FIELD_MISSING && raw.text == NULL &&
			  raw.length == 0 && value.kind == PLF_FIELD_MISSING);
	CHECK(expected != NULL || plf_page_elements(page, link, &path, PLF_FORM_RAW,
												NULL, 0) == -1);
	free(steps);
}

static size_t
count_values(const json_t *json)
{
	size_t		count = 1;
	size_t		i;
	const char *key;
	json_t	   *member;

	for (i = 0; i < json_array_size(json); i++)
		count += count_values(json_array_get(json, i));
	if (json_is_object(json))
		json_object_foreach((json_t *) json, key, member)
			count += count_values(member);
	return count;
}

static void
check_within(const PlfPage *page, PlfField field)
{
	CHECK(field.text >= page->body && field.text <= page->body + page->length);
	CHECK(field.length <= (size_t) (page->body + page->length - field.text));
}

/*
 * Walks the parsed form of one text over the bytes of another: what is found is
 * nonsense, but must lie within the bytes.
 */
static void
check_mismatch(PlfPage *page, PlfPageShape shape, const uint8_t *data,
			   size_t size)
{
	PlfPath		path = {0, {NULL}};
	PlfPageError error;
	const char *key;
	json_t	   *member;
	int			link;

	free(page->body);
	free(page->links);
	free(page->members);
	page->body = malloc(size > 0 ? size : 1);
	page->length = size;
	page->links = NULL;
	page->members = NULL;
	page->link_count = 0;
	page->member_count = 0;
	if (size > 0)
		memcpy(page->body, data, size);

	if (shape == PLF_SHAPE_LIST)
		read_list(page, &error);
	else
		read_link(page, shape, &error);
	for (link = 0; link < page->link_count; link++)
	{
		path.count = 0;
		check_within(page, plf_page_field(page, link, &path, PLF_FORM_RAW));
		json_object_foreach(page->links[link].node.json, key, member)
		{
			PlfField	elements[2];
			int			count;

			path.count = 1;
			path.steps[0] = key;
			check_within(page,
						 plf_page_field(page, link, &path, PLF_FORM_RAW));
			count = plf_page_elements(page, link, &path, PLF_FORM_RAW,
									  elements, 2);
			while (count > 0)
				if (--count < 2)
					check_within(page, elements[count]);
			path.steps[path.count++] = "value";
			plf_page_field(page, link, &path, PLF_FORM_RAW);
		}
	}
}

static void
try_shape(const uint8_t *data, size_t size, PlfPageShape shape)
{
	char	   *body = malloc(size > 0 ? size : 1);
	PlfPageError error;
	PlfPage    *page;
	size_t		count;
	size_t		values;
	size_t		i;
	int			link;

	if (size > 0)
		memcpy(body, data, size);
	page = plf_page_parse(body, size, shape, &error);
	CHECK((page != NULL) == (error.kind == PLF_PAGE_OK));
	CHECK(error.kind != PLF_PAGE_NO_MEMORY && error.kind != PLF_PAGE_TOO_LARGE);
	for (i = 0; error.detail[i] != '\0'; i++)
		CHECK(error.detail[i] >= ' ' && error.detail[i] <= '~');
	if (page == NULL)
		return;

	CHECK(plf_page_meta(page)->current_page <= MAX_COUNT &&
		  plf_page_meta(page)->total_pages <= MAX_COUNT &&
		  plf_page_meta(page)->total_count <= MAX_COUNT &&
		  plf_page_meta(page)->per_page <= MAX_COUNT);
	CHECK(plf_page_meta(page)->total_count >= (shape == PLF_SHAPE_LIST ? 0 : -1));
	count = count_values(page->root);
	values = text_values(page->body, page->body + page->length);
	CHECK(count <= values && values <= 2 * count);
	for (link = 0; link < plf_page_links(page); link++)
	{
		PlfPath		path = {0, {NULL}};

		check_path(page, link, &path, page->links[link].node.json);
		check_any_path(page, link, (const char *) data + size - size / 4,
					   size / 4);
	}
	CHECK(plf_page_length(page) == size);
	CHECK(plf_page_bytes(page) > page->length);
	check_mismatch(page, shape, data + size / 2, size - size / 2);
	plf_page_free(page);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CHECK(text_values((const char *) data, (const char *) data + size) <=
		  size + 1);
	try_shape(data, size, PLF_SHAPE_LIST);
	try_shape(data, size, PLF_SHAPE_LINK);
	try_shape(data, size, PLF_SHAPE_OBJECT);
	return 0;
}
