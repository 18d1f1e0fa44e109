/*
 * page.c
 *		Parses an answer and cuts the fields of its links out of the body.
 *
 * json.c has checked in one pass that the body is JSON, with no key twice in an object.
 *
 * Every value stays a piece of the body, so numbers keep their digits.  One walk over the
 * list notes the place of each link and of each member of a link.  A path of several
 * steps then walks over the value of its first step.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/grow.h"
#include "api/json.h"
#include "api/json_refusal.h"
#include "api/json_text.h"
#include "api/page.h"

/*
 * The most values of a page, as text_values() counts them: 2500 for each of 100 links.
 * Without this limit jansson could take 2.5 GB for a body of 32 MiB.
 */
#define MAX_VALUES 250000

/* A value, as a piece of the body. */
typedef struct Node
{
	const char *text;
	const char *end; /* behind the last byte */
} Node;

typedef struct Member
{
	const char *key; /* decoded, not NUL-terminated */
	size_t key_length;
	Node value;
} Member;

typedef struct Link
{
	Node node;
	size_t first_member; /* index in PlfPage.members */
	size_t member_count;
} Link;

struct PlfPage
{
	const PlfWire *wire; /* NULL for PLF_SHAPE_OBJECT */
	char *body;
	size_t length;
	PlfJson json;
	Link *links;
	int link_count;
	size_t links_allocated;
	Member *members; /* of all links, link after link */
	size_t member_count;
	size_t members_allocated;
	PlfMeta meta;
};

/* A walk over the members of an object. */
typedef struct Walk
{
	const PlfPage *page;
	const char *at;
	const char *end; /* of the body */
} Walk;

/* From body to page. */
static bool judge(PlfPage *page, PlfPageError *error);
static bool read_list(PlfPage *page, PlfPageError *error);
static bool read_link(PlfPage *page, PlfPageShape shape, PlfPageError *error);
static const char *index_links(PlfPage *page, const char *at, PlfPageError *error);
static const char *index_link(PlfPage *page, const char *at, PlfPageError *error);
static bool has_id(const PlfPage *page, int link);
static bool read_meta(PlfPage *page, const Node *meta, PlfPageError *error);
static bool parse_count(const Node *node, int64_t *count);
static bool refuse(PlfPageError *error, PlfPageErrorKind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* From page to field. */
static bool find_node(const PlfPage *page, int link, const PlfPath *path, Node *node);
static bool find_first(const PlfPage *page, int link, const char *key, Node *node);
static PlfField first_field(const PlfPage *page, int link, const char *key);
static bool find_member(const PlfPage *page, const Node *object, const char *key,
						Node *node);
static PlfFieldKind kind_of(const Node *node);
static PlfField make_field(const PlfPage *page, const Node *node, PlfFieldForm form);

/* The walk over the members of an object. */
static Walk enter_object(const PlfPage *page, const char *at);
static bool next_member(Walk *walk, Member *member);
static bool is_key(const Member *member, const char *key, size_t length);

PlfPage *
plf_page_parse(char *body, size_t length, PlfPageShape shape, const PlfWire *wire,
			   PlfPageError *error)
{
	PlfPage *page = calloc(1, sizeof(PlfPage));

	if (page == NULL)
	{
		free(body);
		refuse(error, PLF_PAGE_NO_MEMORY, "out of memory");
		return NULL;
	}
	page->wire = wire;
	page->body = body;
	page->length = length;
	page->meta = (PlfMeta){-1, -1, -1, -1};

	error->kind = PLF_PAGE_OK;
	error->detail[0] = '\0';
	if (judge(page, error) && (shape == PLF_SHAPE_LIST ? read_list(page, error)
													   : read_link(page, shape, error)))
		return page;
	plf_page_free(page);
	return NULL;
}

void
plf_page_free(PlfPage *page)
{
	if (page == NULL)
		return;
	plf_json_free(&page->json);
	free(page->links);
	free(page->members);
	free(page->body);
	free(page);
}

int
plf_page_links(const PlfPage *page)
{
	return page->link_count;
}

const PlfMeta *
plf_page_meta(const PlfPage *page)
{
	return &page->meta;
}

PlfField
plf_page_field(PlfPage *page, int link, const PlfPath *path, PlfFieldForm form)
{
	Node node;

	if (!find_node(page, link, path, &node))
		return (PlfField){PLF_FIELD_MISSING, NULL, 0};
	return make_field(page, &node, form);
}

PlfField
plf_page_id(PlfPage *page, int link)
{
	return first_field(page, link, page->wire->id_key);
}

PlfField
plf_page_status(PlfPage *page, int link)
{
	return first_field(page, link, page->wire->status_key);
}

int
plf_page_elements(PlfPage *page, int link, const PlfPath *path, PlfFieldForm form,
				  PlfField *elements, int max)
{
	const char *end = page->body + page->length;
	Node array;
	Node element;
	int count = 0;

	if (!find_node(page, link, path, &array) || kind_of(&array) != PLF_FIELD_ARRAY)
		return -1;
	element.end = text_step(array.text, end);
	for (;;)
	{
		element.text = text_skip(element.end, end);
		if (element.text == end || *element.text == ']')
			return count;
		element.end = text_value_end(element.text, end);
		if (count < max)
			elements[count] = make_field(page, &element, form);
		count++;
	}
}

size_t
plf_page_bytes(const PlfPage *page)
{
	return sizeof(PlfPage) + page->length + plf_json_bytes(&page->json) +
		   page->links_allocated * sizeof(Link) +
		   page->members_allocated * sizeof(Member);
}

size_t
plf_page_length(const PlfPage *page)
{
	return page->length;
}

/* True when the body is JSON and an object; else fills *error. */
static bool
judge(PlfPage *page, PlfPageError *error)
{
	const char *body = page->body != NULL ? page->body : "";
	const char *end = body + page->length;
	char words[sizeof(error->detail)];
	PlfJsonVerdict verdict;

	/* A body of fewer bytes has fewer values. */
	if (page->length > MAX_VALUES && text_values(body, end) > MAX_VALUES)
		return refuse(error, PLF_PAGE_TOO_LARGE, "it holds more than %d values",
					  MAX_VALUES);
	verdict = plf_json_read(&page->json, body, page->length);
	if (verdict == PLF_JSON_REFUSED &&
		plf_json_explain(body, page->length, words, sizeof(words)))
		return refuse(error, PLF_PAGE_NOT_JSON, "%s", words);
	if (verdict != PLF_JSON_TAKEN)
		return refuse(error, PLF_PAGE_NO_MEMORY, "out of memory");
	if (*text_skip(body, end) != '{')
		return refuse(error, PLF_PAGE_WRONG_SHAPE, "the answer is not an object");
	return true;
}

static bool
read_list(PlfPage *page, PlfPageError *error)
{
	const char *list_key = page->wire->list_key;
	const char *meta_key = page->wire->meta_key;
	size_t list_key_length = strlen(list_key);
	size_t meta_key_length = strlen(meta_key);
	Node links = {NULL, NULL};
	Node meta = {NULL, NULL};
	PlfPageError links_error = {PLF_PAGE_OK, ""};
	Walk walk = enter_object(page, page->body);
	Member member;

	while (next_member(&walk, &member))
	{
		const char *end = NULL;

		if (is_key(&member, list_key, list_key_length))
		{
			links = member.value;
			if (kind_of(&links) == PLF_FIELD_ARRAY)
				end = index_links(page, links.text, &links_error);
		}
		else if (is_key(&member, meta_key, meta_key_length))
			meta = member.value;
		walk.at = end != NULL ? end : text_value_end(walk.at, walk.end);
	}
	if (links.text == NULL || kind_of(&links) != PLF_FIELD_ARRAY)
		return refuse(error, PLF_PAGE_WRONG_SHAPE, "\"%s\" is %s", list_key,
					  links.text != NULL ? "not an array" : "missing");
	if (meta.text == NULL || kind_of(&meta) != PLF_FIELD_OBJECT)
		return refuse(error, PLF_PAGE_WRONG_SHAPE, "\"%s\" is %s", meta_key,
					  meta.text != NULL ? "not an object" : "missing");
	if (links_error.kind != PLF_PAGE_OK)
	{
		*error = links_error;
		return false;
	}
	return read_meta(page, &meta, error);
}

/* An object with the resource's item key is not the item itself, whatever else it has. */
static bool
read_link(PlfPage *page, PlfPageShape shape, PlfPageError *error)
{
	const char *end = page->body + page->length;
	Node root = {text_skip(page->body, end), end};
	Node link = root;

	if (shape == PLF_SHAPE_LINK &&
		find_member(page, &root, page->wire->item_key, &link) &&
		kind_of(&link) != PLF_FIELD_OBJECT)
		return refuse(error, PLF_PAGE_WRONG_SHAPE, "\"%s\" is not an object",
					  page->wire->item_key);
	if (index_link(page, link.text, error) == NULL)
		return false;
	if (shape == PLF_SHAPE_LINK && !has_id(page, 0))
		return refuse(error, PLF_PAGE_NO_ID, "the %s has no string \"%s\"",
					  page->wire->item, page->wire->id_key);
	return true;
}

/*
 * Notes every link of the array that begins at "at".  Returns a pointer to where
 * the array ends; NULL, with *error, when an element is no link.
 */
static const char *
index_links(PlfPage *page, const char *at, PlfPageError *error)
{
	const char *end = page->body + page->length;

	at = text_step(at, end);
	for (;;)
	{
		at = text_skip(at, end);
		if (at == end || *at == ']')
			return text_step(at, end);
		if (*at != '{')
		{
			refuse(error, PLF_PAGE_WRONG_SHAPE, "%s %d is not an object",
				   page->wire->item, page->link_count + 1);
			return NULL;
		}
		at = index_link(page, at, error);
		if (at == NULL)
			return NULL;
		if (!has_id(page, page->link_count - 1))
		{
			refuse(error, PLF_PAGE_NO_ID, "%s %d has no string \"%s\"", page->wire->item,
				   page->link_count, page->wire->id_key);
			return NULL;
		}
	}
}

/*
 * Notes the link that begins at "at", perhaps behind separators, and returns where the
 * link ends; NULL for lack of memory.
 */
static const char *
index_link(PlfPage *page, const char *at, PlfPageError *error)
{
	Walk walk = enter_object(page, at);
	Link *links;
	Link *link;
	Member member;

	links = grow(page->links, &page->links_allocated, page->link_count, sizeof(Link));
	if (links == NULL)
	{
		refuse(error, PLF_PAGE_NO_MEMORY, "out of memory");
		return NULL;
	}
	page->links = links;
	link = &links[page->link_count++];
	link->first_member = page->member_count;
	while (next_member(&walk, &member))
	{
		Member *members = grow(page->members, &page->members_allocated,
							   page->member_count, sizeof(Member));

		if (members == NULL)
		{
			refuse(error, PLF_PAGE_NO_MEMORY, "out of memory");
			return NULL;
		}
		page->members = members;
		walk.at = text_value_end(walk.at, walk.end);
		member.value.end = walk.at;
		members[page->member_count++] = member;
	}
	link->member_count = page->member_count - link->first_member;
	link->node.text = text_skip(at, walk.end);
	link->node.end = text_step(walk.at, walk.end);
	return link->node.end;
}

static bool
has_id(const PlfPage *page, int link)
{
	Node id;

	return find_first(page, link, page->wire->id_key, &id) &&
		   kind_of(&id) == PLF_FIELD_STRING;
}

static bool
read_meta(PlfPage *page, const Node *meta, PlfPageError *error)
{
	PlfMeta *into = &page->meta;
	const struct
	{
		const char *key;
		int64_t *count;
	} counts[] = {{"current_page", &into->current_page},
				  {"total_pages", &into->total_pages},
				  {"total_count", &into->total_count},
				  {"per_page", &into->per_page}};
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
	{
		bool required = counts[i].count == &into->total_count;
		Node node;
		bool found = find_member(page, meta, counts[i].key, &node);

		if (!required && (!found || kind_of(&node) == PLF_FIELD_NULL))
			continue;
		if (!found || !parse_count(&node, counts[i].count))
			return refuse(error, PLF_PAGE_WRONG_SHAPE, "\"%s.%s\" is %s",
						  page->wire->meta_key, counts[i].key,
						  found ? "not an integer from 0 to 2^53" : "missing");
	}
	return true;
}

/* Accepts digits alone, up to PLF_MAX_COUNT: no sign, fraction or exponent. */
static bool
parse_count(const Node *node, int64_t *count)
{
	int64_t value = 0;
	const char *at;

	if (kind_of(node) != PLF_FIELD_NUMBER)
		return false;
	for (at = node->text; at < node->end; at++)
	{
		int digit = *at - '0';

		if (digit < 0 || digit > 9 || value > (PLF_MAX_COUNT - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*count = value;
	return true;
}

/* Fills *error and returns false. */
static bool
refuse(PlfPageError *error, PlfPageErrorKind kind, const char *format, ...)
{
	va_list args;

	error->kind = kind;
	va_start(args, format);
	vsnprintf(error->detail, sizeof(error->detail), format, args);
	va_end(args);
	return false;
}

static bool
find_node(const PlfPage *page, int link, const PlfPath *path, Node *node)
{
	*node = page->links[link].node;
	if (path->count == 0)
		return true;
	if (!find_first(page, link, path->steps[0], node))
		return false;
	for (int i = 1; i < path->count; i++)
	{
		Node parent = *node;

		if (!find_member(page, &parent, path->steps[i], node))
			return false;
	}
	return true;
}

/* Finds a member of the link itself; false, with *node untouched, when it has none. */
static bool
find_first(const PlfPage *page, int link, const char *key, Node *node)
{
	const Link *of = &page->links[link];
	size_t at = of->first_member;
	size_t end = at + of->member_count;
	size_t length = strlen(key);

	while (at < end && !is_key(&page->members[at], key, length))
		at++;
	if (at == end)
		return false;
	*node = page->members[at].value;
	return true;
}

static PlfField
first_field(const PlfPage *page, int link, const char *key)
{
	Node node;

	if (!find_first(page, link, key, &node))
		return (PlfField){PLF_FIELD_MISSING, NULL, 0};
	return make_field(page, &node, PLF_FORM_VALUE);
}

/* Finds a member of an object; false when it has none, or when "object" is no object. */
static bool
find_member(const PlfPage *page, const Node *object, const char *key, Node *node)
{
	size_t length = strlen(key);
	Walk walk;
	Member member;

	if (kind_of(object) != PLF_FIELD_OBJECT)
		return false;
	walk = enter_object(page, object->text);
	while (next_member(&walk, &member))
	{
		walk.at = text_value_end(walk.at, walk.end);
		if (is_key(&member, key, length))
		{
			*node = member.value;
			node->end = walk.at;
			return true;
		}
	}
	return false;
}

static PlfFieldKind
kind_of(const Node *node)
{
	switch (*node->text)
	{
		case '{':
			return PLF_FIELD_OBJECT;
		case '[':
			return PLF_FIELD_ARRAY;
		case '"':
			return PLF_FIELD_STRING;
		case 't':
			return PLF_FIELD_TRUE;
		case 'f':
			return PLF_FIELD_FALSE;
		case 'n':
			return PLF_FIELD_NULL;
		default:
			return PLF_FIELD_NUMBER;
	}
}

static PlfField
make_field(const PlfPage *page, const Node *node, PlfFieldForm form)
{
	PlfField field;

	field.kind = kind_of(node);
	field.text = node->text;
	field.length = node->end - node->text;
	if (field.kind == PLF_FIELD_STRING && form == PLF_FORM_VALUE)
		field.text = plf_json_string(&page->json, node->text, node->end, &field.length);
	return field;
}

/* Begins a walk over the members of the object at "at", perhaps behind separators. */
static Walk
enter_object(const PlfPage *page, const char *at)
{
	Walk walk;

	walk.page = page;
	walk.end = page->body + page->length;
	walk.at = text_step(text_skip(at, walk.end), walk.end);
	return walk;
}

/*
 * Finds the next member; false at the end of the object, with walk->at there.  The end of
 * the member's value is not set, because the caller knows the cheapest way to find it.
 * The caller sets walk->at to that end before the next call.
 */
static bool
next_member(Walk *walk, Member *member)
{
	const char *key;

	walk->at = text_skip(walk->at, walk->end);
	if (walk->at == walk->end || *walk->at == '}')
		return false;
	key = walk->at;
	walk->at = text_string_end(walk->at, walk->end);
	member->key = plf_json_string(&walk->page->json, key, walk->at, &member->key_length);
	walk->at = text_skip(walk->at, walk->end);
	member->value.text = walk->at;
	return true;
}

static bool
is_key(const Member *member, const char *key, size_t length)
{
	return member->key_length == length && memcmp(member->key, key, length) == 0;
}
