/*
 * page.c
 *		Parses an answer with jansson and cuts the links' fields out of it.
 *
 * jansson decides what is JSON.  It refuses, beyond RFC 8259, duplicate keys
 * (asked for below), a NUL in a key, more than 2048 levels, and numbers beyond
 * the range of a double, which the API does not send: 1E400 anywhere in a page
 * makes the whole page PLF_PAGE_NOT_JSON.
 *
 * What jansson makes of a number or an object is not used: it turns numbers
 * into doubles and writes 1.1 as 1.1000000000000001.  So every value is also
 * found in the body, by walking the text and the parsed form side by side;
 * jansson keeps the members of an object in the order of the text (since 2.8),
 * so keys need no second decoder.  One such walk, while the page is parsed,
 * notes where every link and each of its members stands; a longer path walks
 * within its first step's value only.
 *
 * json_object() must not be called: in a backend that name is PostgreSQL's.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/json_text.h"
#include "api/page.h"

/* Numbers as doubles, or jansson would refuse integers beyond 64 bits. */
#define LOAD_FLAGS	(JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL)

/*
 * Most values of a page, as text_values() counts them.  Parsed, three bytes of text
 * may become over 200 ("{},"), so that a body of 32 MiB would fill 2.5 GB.  This
 * leaves each of 100 links 2500 values, and the parsed form below 80 MB.
 */
#define MAX_VALUES	250000

/* What jansson takes at most for one of them (an object in an object), but for texts. */
#define BYTES_PER_VALUE	304

/* Counts are added and multiplied: JSON's integers are exact up to here. */
#define MAX_COUNT	(INT64_C(1) << 53)

/* A value, parsed and where it stands in the body. */
typedef struct Node
{
	json_t	   *json;
	const char *text;
	const char *end;			/* behind its last byte */
} Node;

typedef struct Member
{
	const char *key;			/* decoded */
	Node		value;
} Member;

typedef struct Link
{
	Node		node;
	Member	   *members;		/* in PlfPage.members */
	size_t		member_count;
} Link;

struct PlfPage
{
	char	   *body;
	size_t		length;
	json_t	   *root;
	Link	   *links;
	int			link_count;
	Member	   *members;		/* of all links */
	size_t		member_count;
	PlfMeta		meta;
};

/* A walk over the members of an object, parsed form and text in step. */
typedef struct Walk
{
	json_t	   *object;
	void	   *iter;			/* the next member; NULL behind the last */
	const char *at;
	const char *end;			/* of the body */
} Walk;

static const PlfFieldKind kind_of_type[] = {
	[JSON_OBJECT] = PLF_FIELD_OBJECT,
	[JSON_ARRAY] = PLF_FIELD_ARRAY,
	[JSON_STRING] = PLF_FIELD_STRING,
	[JSON_INTEGER] = PLF_FIELD_NUMBER,
	[JSON_REAL] = PLF_FIELD_NUMBER,
	[JSON_TRUE] = PLF_FIELD_TRUE,
	[JSON_FALSE] = PLF_FIELD_FALSE,
	[JSON_NULL] = PLF_FIELD_NULL
};

/* What jansson allocates with, and whether that failed; for load(). */
static json_malloc_t plain_malloc;
static bool malloc_failed;

/* from body to page */
static json_t *load(const PlfPage *page, PlfPageError *error);
static void *noting_malloc(size_t size);
static void describe_refusal(const json_error_t *refusal,
							 PlfPageError *error);
static bool read_list(PlfPage *page, PlfPageError *error);
static bool read_link(PlfPage *page, PlfPageShape shape, PlfPageError *error);
static bool allocate_index(PlfPage *page, size_t links, size_t members,
						   PlfPageError *error);
static const char *index_links(PlfPage *page, json_t *links, const char *at);
static const char *index_link(PlfPage *page, json_t *json, const char *at);
static bool read_meta(PlfPage *page, const Node *meta, PlfPageError *error);
static bool parse_count(const Node *node, int64_t *count);
static bool refuse(PlfPageError *error, PlfPageErrorKind kind,
				   const char *format,...)
			__attribute__((format(printf, 3, 4)));

/* from page to field */
static bool find_node(const PlfPage *page, int link, const PlfPath *path,
					  Node *node);
static bool find_member(const PlfPage *page, const Node *object,
						const char *key, Node *node);
static PlfField make_field(const Node *node, PlfFieldForm form);

/* the walk */
static Walk enter_object(const PlfPage *page, json_t *object, const char *at);
static bool next_member(Walk *walk, Member *member);

PlfPage *
plf_page_parse(char *body, size_t length, PlfPageShape shape,
			   PlfPageError *error)
{
	PlfPage    *page = calloc(1, sizeof(PlfPage));

	if (page == NULL)
	{
		free(body);
		refuse(error, PLF_PAGE_NO_MEMORY, "out of memory");
		return NULL;
	}
	page->body = body;
	page->length = length;
	page->meta = (PlfMeta) {-1, -1, -1, -1};

	/* A shorter body has no room for that many. */
	if (length > MAX_VALUES &&
		text_values(body, body + length) > MAX_VALUES)
	{
		refuse(error, PLF_PAGE_TOO_LARGE, "it holds more than %d values",
			   MAX_VALUES);
		plf_page_free(page);
		return NULL;
	}
	page->root = load(page, error);
	if (page->root != NULL && !json_is_object(page->root))
		refuse(error, PLF_PAGE_WRONG_SHAPE, "the answer is not an object");
	else if (page->root != NULL &&
			 (shape == PLF_SHAPE_LIST ? read_list(page, error) :
			  read_link(page, shape, error)))
	{
		error->kind = PLF_PAGE_OK;
		error->detail[0] = '\0';
		return page;
	}
	plf_page_free(page);
	return NULL;
}

void
plf_page_free(PlfPage *page)
{
	if (page == NULL)
		return;
	json_decref(page->root);
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
plf_page_field(PlfPage *page, int link, const PlfPath *path,
			   PlfFieldForm form)
{
	Node		node;

	if (!find_node(page, link, path, &node))
		return (PlfField) {PLF_FIELD_MISSING, NULL, 0};
	return make_field(&node, form);
}

int
plf_page_elements(PlfPage *page, int link, const PlfPath *path,
				  PlfFieldForm form, PlfField *elements, int max)
{
	const char *end = page->body + page->length;
	Node		array;
	Node		element;
	int			count;
	int			i;

	if (!find_node(page, link, path, &array) || !json_is_array(array.json))
		return -1;
	count = (int) json_array_size(array.json);
	element.end = text_step(array.text, end);
	for (i = 0; i < count && i < max; i++)
	{
		element.json = json_array_get(array.json, i);
		element.text = text_skip(element.end, end);
		element.end = text_value_end(element.text, end);
		elements[i] = make_field(&element, form);
	}
	return count;
}

size_t
plf_page_bytes(const PlfPage *page)
{
	return sizeof(PlfPage) + 2 * page->length +
		text_values(page->body, page->body + page->length) * BYTES_PER_VALUE +
		page->link_count * sizeof(Link) + page->member_count * sizeof(Member);
}

size_t
plf_page_length(const PlfPage *page)
{
	return page->length;
}

/*
 * What jansson makes of the body; NULL, with the error filled, when it refuses.
 *
 * For want of memory jansson (2.14) may go on with a byte of a string lost, or
 * say that it met no valid token.  So it is watched while it allocates.
 */
static json_t *
load(const PlfPage *page, PlfPageError *error)
{
	json_free_t plain_free;
	json_error_t refusal;
	json_t	   *root;

	malloc_failed = false;
	json_get_alloc_funcs(&plain_malloc, &plain_free);
	json_set_alloc_funcs(noting_malloc, plain_free);
	root = json_loadb(page->body ? page->body : "", page->length,
					  LOAD_FLAGS | JSON_REJECT_DUPLICATES, &refusal);
	json_set_alloc_funcs(plain_malloc, plain_free);

	if (malloc_failed)
	{
		json_decref(root);
		refuse(error, PLF_PAGE_NO_MEMORY, "out of memory");
		return NULL;
	}
	if (root == NULL)
		describe_refusal(&refusal, error);
	return root;
}

static void *
noting_malloc(size_t size)
{
	void	   *block = plain_malloc(size);

	if (block == NULL)
		malloc_failed = true;
	return block;
}

/*
 * Tells why jansson refused the body.  Its words end in " near '...'", a piece
 * of the body, which may be anybody's name or address and is left out.
 */
static void
describe_refusal(const json_error_t *refusal, PlfPageError *error)
{
	char		words[sizeof(refusal->text)];
	char	   *at;

	snprintf(words, sizeof(words), "%s", refusal->text);
	at = strstr(words, " near '");
	if (at != NULL)
		*at = '\0';
	for (at = words; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	refuse(error, PLF_PAGE_NOT_JSON, "line %d: %s", refusal->line, words);
}

static bool
read_list(PlfPage *page, PlfPageError *error)
{
	json_t	   *links = json_object_get(page->root, "payment_links");
	json_t	   *meta = json_object_get(page->root, "meta");
	Node		meta_node = {.json = meta};
	Walk		walk;
	Member		member;
	size_t		members = 0;
	size_t		i;

	if (!json_is_array(links))
		return refuse(error, PLF_PAGE_WRONG_SHAPE, "\"payment_links\" is %s",
					  links != NULL ? "not an array" : "missing");
	if (!json_is_object(meta))
		return refuse(error, PLF_PAGE_WRONG_SHAPE, "\"meta\" is %s",
					  meta != NULL ? "not an object" : "missing");

	for (i = 0; i < json_array_size(links); i++)
	{
		json_t	   *link = json_array_get(links, i);

		if (!json_is_object(link))
			return refuse(error, PLF_PAGE_WRONG_SHAPE,
						  "link %zu is not an object", i + 1);
		if (!json_is_string(json_object_get(link, "id")))
			return refuse(error, PLF_PAGE_NO_ID,
						  "link %zu has no string \"id\"", i + 1);
		members += json_object_size(link);
	}
	if (!allocate_index(page, json_array_size(links), members, error))
		return false;

	walk = enter_object(page, page->root, page->body);
	while (next_member(&walk, &member))
	{
		walk.at = member.value.json == links ?
			index_links(page, links, walk.at) :
			text_value_end(walk.at, walk.end);
		if (member.value.json == meta)
			meta_node.text = member.value.text;
	}
	return read_meta(page, &meta_node, error);
}

/* A link is wrapped when there is a "payment_link", whatever else there is. */
static bool
read_link(PlfPage *page, PlfPageShape shape, PlfPageError *error)
{
	json_t	   *wrapped = shape == PLF_SHAPE_LINK ?
		json_object_get(page->root, "payment_link") : NULL;
	json_t	   *link = wrapped != NULL ? wrapped : page->root;
	Node		root = {page->root, page->body, page->body + page->length};
	Node		node = root;

	if (!json_is_object(link))
		return refuse(error, PLF_PAGE_WRONG_SHAPE,
					  "\"payment_link\" is not an object");
	if (shape == PLF_SHAPE_LINK && !json_is_string(json_object_get(link, "id")))
		return refuse(error, PLF_PAGE_NO_ID, "the link has no string \"id\"");
	if (!allocate_index(page, 1, json_object_size(link), error))
		return false;

	if (wrapped != NULL)
		find_member(page, &root, "payment_link", &node);
	index_link(page, link, node.text);
	return true;
}

static bool
allocate_index(PlfPage *page, size_t links, size_t members,
			   PlfPageError *error)
{
	page->links = calloc(links + 1, sizeof(Link));
	page->members = calloc(members + 1, sizeof(Member));
	if (page->links == NULL || page->members == NULL)
		return refuse(error, PLF_PAGE_NO_MEMORY, "out of memory");
	return true;
}

/*
 * Notes every link of the array whose text starts at "at", and returns where
 * the array ends.
 */
static const char *
index_links(PlfPage *page, json_t *links, const char *at)
{
	const char *end = page->body + page->length;
	size_t		i;

	at = text_step(at, end);
	for (i = 0; i < json_array_size(links); i++)
		at = index_link(page, json_array_get(links, i), at);
	return text_step(text_skip(at, end), end);
}

/*
 * Notes the link whose text starts at "at" or after separators, and returns
 * where it ends.
 */
static const char *
index_link(PlfPage *page, json_t *json, const char *at)
{
	Link	   *link = &page->links[page->link_count++];
	Walk		walk = enter_object(page, json, at);
	Member		member;

	link->members = page->members + page->member_count;
	while (next_member(&walk, &member))
	{
		walk.at = text_value_end(walk.at, walk.end);
		member.value.end = walk.at;
		link->members[link->member_count++] = member;
	}
	page->member_count += link->member_count;
	link->node.json = json;
	link->node.text = text_skip(at, walk.end);
	link->node.end = text_step(text_skip(walk.at, walk.end), walk.end);
	return link->node.end;
}

static bool
read_meta(PlfPage *page, const Node *meta, PlfPageError *error)
{
	PlfMeta    *into = &page->meta;
	const struct
	{
		const char *key;
		int64_t    *count;
	}			counts[] = {
		{"current_page", &into->current_page},
		{"total_pages", &into->total_pages},
		{"total_count", &into->total_count},
		{"per_page", &into->per_page}
	};
	size_t		i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
	{
		bool		required = counts[i].count == &into->total_count;
		Node		node;
		bool		found = find_member(page, meta, counts[i].key, &node);

		if (!required && (!found || json_is_null(node.json)))
			continue;
		if (!found || !parse_count(&node, counts[i].count))
			return refuse(error, PLF_PAGE_WRONG_SHAPE, "\"meta.%s\" is %s",
						  counts[i].key,
						  found ? "not an integer from 0 to 2^53" :
						  "missing");
	}
	return true;
}

/* Reads digits only: no sign, fraction or exponent, and no overflow. */
static bool
parse_count(const Node *node, int64_t *count)
{
	int64_t		value = 0;
	const char *at;

	if (!json_is_number(node->json))
		return false;
	for (at = node->text; at < node->end; at++)
	{
		int			digit = *at - '0';

		if (digit < 0 || digit > 9 || value > (MAX_COUNT - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*count = value;
	return true;
}

/* Fills *error and returns false. */
static bool
refuse(PlfPageError *error, PlfPageErrorKind kind, const char *format,...)
{
	va_list		args;

	error->kind = kind;
	va_start(args, format);
	vsnprintf(error->detail, sizeof(error->detail), format, args);
	va_end(args);
	return false;
}

static bool
find_node(const PlfPage *page, int link, const PlfPath *path, Node *node)
{
	const Link *of = &page->links[link];
	size_t		m;
	int			i;

	*node = of->node;
	if (path->count == 0)
		return true;

	for (m = 0; m < of->member_count; m++)
		if (strcmp(of->members[m].key, path->steps[0]) == 0)
			break;
	if (m == of->member_count)
		return false;
	*node = of->members[m].value;

	for (i = 1; i < path->count; i++)
	{
		Node		parent = *node;

		if (!find_member(page, &parent, path->steps[i], node))
			return false;
	}
	return true;
}

/* False when "object" is none, too. */
static bool
find_member(const PlfPage *page, const Node *object, const char *key,
			Node *node)
{
	Walk		walk = enter_object(page, object->json, object->text);
	Member		member;

	while (next_member(&walk, &member))
	{
		walk.at = text_value_end(walk.at, walk.end);
		if (strcmp(member.key, key) == 0)
		{
			*node = member.value;
			node->end = walk.at;
			return true;
		}
	}
	return false;
}

static PlfField
make_field(const Node *node, PlfFieldForm form)
{
	PlfField	field;

	field.kind = kind_of_type[json_typeof(node->json)];
	field.text = node->text;
	field.length = node->end - node->text;
	if (field.kind == PLF_FIELD_STRING && form == PLF_FORM_VALUE)
	{
		field.text = json_string_value(node->json);
		field.length = json_string_length(node->json);
	}
	return field;
}

/*
 * Starts a walk over the members of the object whose text starts at "at",
 * after separators or at once.  What is no object has no members.
 */
static Walk
enter_object(const PlfPage *page, json_t *object, const char *at)
{
	Walk		walk;

	walk.object = object;
	walk.iter = json_object_iter(object);
	walk.end = page->body + page->length;
	walk.at = text_step(text_skip(at, walk.end), walk.end);
	return walk;
}

/*
 * The next member, but for where its value ends: the caller knows the cheapest
 * way there, and must set walk->at to it.
 */
static bool
next_member(Walk *walk, Member *member)
{
	if (walk->iter == NULL)
		return false;
	member->key = json_object_iter_key(walk->iter);
	member->value.json = json_object_iter_value(walk->iter);
	walk->iter = json_object_iter_next(walk->object, walk->iter);

	walk->at = text_skip(walk->at, walk->end);
	walk->at = text_string_end(walk->at, walk->end);
	walk->at = text_skip(walk->at, walk->end);
	member->value.text = walk->at;
	return true;
}
