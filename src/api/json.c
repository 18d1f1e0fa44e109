/*
 * json.c
 *		Checks a JSON text and decodes its escapes, in one pass; page.c calls it.
 *
 * No function is recursive.  Memory is allocated for the keys of the objects that are
 * open, and for the decoded strings.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/grow.h"
#include "api/json.h"

/* jansson's limit.  A value that is no array or object is a level, too. */
#define MAX_LEVELS 2048

/* Up to so many keys of an object are compared each with each; more keys are sorted. */
#define FEW_KEYS 32

/* Up to so many characters, a number without an exponent is in the range of a double. */
#define SHORT_NUMBER 300

/* In levels[]: the level is an array, which has no keys. */
#define ARRAY SIZE_MAX

typedef struct Key
{
	uint64_t print;   /* keys with different prints are different */
	const char *text; /* decoded */
	size_t length;
} Key;

typedef struct Reading
{
	PlfJson *json;
	const char *end;
	Key *keys; /* of all open objects */
	size_t key_count;
	size_t keys_allocated;
	size_t level;
	size_t
		levels[MAX_LEVELS]; /* by level: the index of its first key in keys, or ARRAY */
	bool no_memory;
} Reading;

/* Each returns where its part of the text ends, or NULL to refuse the text. */
static const char *read_text(Reading *reading, const char *at);
static const char *read_key(Reading *reading, const char *at);
static const char *read_scalar(Reading *reading, const char *at);
static const char *read_string(Reading *reading, const char *at);
static const char *read_escaped(Reading *reading, const char *at);
static const char *read_escape(const char *at, const char *end, char **to);
static const char *read_unit(const char *at, const char *end, unsigned *unit);
static const char *read_sequence(const char *at, const char *end);
static const char *read_number(Reading *reading, const char *at);
static const char *read_digits(const char *at, const char *end);

static bool close_object(Reading *reading);
static int compare_keys(const void *a, const void *b);
static uint64_t print_of(const char *text, size_t length);
static bool fits_double(Reading *reading, const char *text, size_t length);

static const char *
out_of_memory(Reading *reading)
{
	reading->no_memory = true;
	return NULL;
}

static inline const char *
skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

/* Skips the bytes of a string that are ASCII and need no decoding. */
static inline const char *
skip_plain(const char *at, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	/* Eight bytes at a time: none below 0x20 or above 0x7F, no quote, no backslash. */
	while (end - at >= 8)
	{
		uint64_t bytes;

		memcpy(&bytes, at, 8);
		if (((bytes | (bytes - ones * 0x20) | ((bytes ^ ones * '"') - ones) |
			  ((bytes ^ ones * '\\') - ones)) &
			 ones << 7) != 0)
			break;
		at += 8;
	}
	while (at < end && (unsigned char) *at >= 0x20 && (unsigned char) *at < 0x80 &&
		   *at != '"' && *at != '\\')
		at++;
	return at;
}

PlfJsonVerdict
plf_json_read(PlfJson *json, const char *text, size_t length)
{
	Reading reading;
	bool taken;

	*json = (PlfJson){.strings = NULL};
	reading.json = json;
	reading.end = text + length;
	reading.keys = NULL;
	reading.key_count = reading.keys_allocated = 0;
	reading.level = 0;
	reading.no_memory = false;
	taken = read_text(&reading, text) != NULL;
	free(reading.keys);
	return taken               ? PLF_JSON_TAKEN
		   : reading.no_memory ? PLF_JSON_NO_MEMORY
							   : PLF_JSON_REFUSED;
}

void
plf_json_free(PlfJson *json)
{
	free(json->strings);
	free(json->decoded);
	*json = (PlfJson){.strings = NULL};
}

size_t
plf_json_bytes(const PlfJson *json)
{
	return json->allocated * sizeof(PlfJsonString) + json->decoded_size;
}

const char *
plf_json_string(const PlfJson *json, const char *raw, const char *end, size_t *length)
{
	size_t from = 0;
	size_t to = json->count;

	*length = end - raw > 2 ? end - raw - 2 : 0;
	if (to == 0 || memchr(raw, '\\', end - raw) == NULL)
		return raw + 1;
	while (to - from > 1)
	{
		size_t middle = from + (to - from) / 2;

		if (json->strings[middle].raw <= raw)
			from = middle;
		else
			to = middle;
	}
	*length = json->strings[from].length;
	return json->strings[from].text;
}

static const char *
read_text(Reading *reading, const char *at)
{
	const char *end = reading->end;

	at = skip_space(at, end);
	if (at == end || (*at != '{' && *at != '['))
		return NULL;
	for (;;)
	{
		/* A value begins. */
		at = skip_space(at, end);
		if (at == end || reading->level == MAX_LEVELS)
			return NULL;
		if (*at == '{' || *at == '[')
		{
			bool is_object = *at == '{';

			reading->levels[reading->level++] = is_object ? reading->key_count : ARRAY;
			at = skip_space(at + 1, end);
			if (at == end)
				return NULL;
			if (*at != (is_object ? '}' : ']'))
			{
				if (is_object && (at = read_key(reading, at)) == NULL)
					return NULL;
				continue;
			}
			reading->level--;
			at++;
		}
		else if ((at = read_scalar(reading, at)) == NULL)
			return NULL;

		/* The value has ended, and so may the arrays and objects around it. */
		for (;;)
		{
			bool is_object;

			at = skip_space(at, end);
			if (reading->level == 0)
				return at == end ? at : NULL;
			if (at == end)
				return NULL;
			is_object = reading->levels[reading->level - 1] != ARRAY;
			if (*at == ',')
				break;
			if (*at != (is_object ? '}' : ']') || (is_object && !close_object(reading)))
				return NULL;
			reading->level--;
			at++;
		}
		at++;
		if (reading->levels[reading->level - 1] != ARRAY &&
			(at = read_key(reading, skip_space(at, end))) == NULL)
			return NULL;
	}
}

/* Reads the key at "at" and the colon after it. */
static const char *
read_key(Reading *reading, const char *at)
{
	const char *end = reading->end;
	const char *raw = at;
	Key *keys;
	Key *key;

	if (at == end || *at != '"' || (at = read_string(reading, at)) == NULL)
		return NULL;
	keys = grow(reading->keys, &reading->keys_allocated, reading->key_count, sizeof(Key));
	if (keys == NULL)
		return out_of_memory(reading);
	reading->keys = keys;
	key = &keys[reading->key_count++];
	key->text = plf_json_string(reading->json, raw, at, &key->length);
	key->print = print_of(key->text, key->length);
	if (key->text != raw + 1 && memchr(key->text, '\0', key->length) != NULL)
		return NULL;
	at = skip_space(at, end);
	return at < end && *at == ':' ? at + 1 : NULL;
}

/* Reads a string, a number, true, false or null. */
static const char *
read_scalar(Reading *reading, const char *at)
{
	static const char *const words[] = {"true", "false", "null"};
	size_t left = reading->end - at;

	if (*at == '"')
		return read_string(reading, at);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
	{
		size_t length = strlen(words[i]);

		if (left >= length && memcmp(at, words[i], length) == 0)
			return at + length;
	}
	return read_number(reading, at);
}

/* Reads the string whose opening quote is at "at". */
static const char *
read_string(Reading *reading, const char *at)
{
	const char *end = reading->end;
	const char *raw = at++;

	for (;;)
	{
		at = skip_plain(at, end);
		if (at == end)
			return NULL;
		if (*at == '"')
			return at + 1;
		if (*at == '\\')
			return read_escaped(reading, raw);
		if ((at = read_sequence(at, end)) == NULL)
			return NULL;
	}
}

/*
 * Reads the string whose opening quote is at "raw", and adds its decoded text, which is
 * never longer, to the list.
 */
static const char *
read_escaped(Reading *reading, const char *raw)
{
	PlfJson *json = reading->json;
	PlfJsonString *strings;
	const char *end = reading->end;
	const char *at = raw + 1;
	char *to;

	strings = grow(json->strings, &json->allocated, json->count, sizeof(PlfJsonString));
	if (strings == NULL)
		return out_of_memory(reading);
	json->strings = strings;
	if (json->decoded == NULL)
	{
		/* There is room for all strings that follow. */
		json->decoded_size = end - raw;
		json->decoded = malloc(json->decoded_size);
		if (json->decoded == NULL)
			return out_of_memory(reading);
	}
	to = json->decoded + json->decoded_length;
	for (;;)
	{
		const char *from = at;

		at = skip_plain(at, end);
		if (at < end && *at != '"' && *at != '\\' &&
			(at = read_sequence(at, end)) == NULL)
			return NULL;
		memcpy(to, from, at - from);
		to += at - from;
		if (at == end)
			return NULL;
		if (*at == '"')
			break;
		if (*at == '\\' && (at = read_escape(at + 1, end, &to)) == NULL)
			return NULL;
	}
	strings[json->count].raw = raw;
	strings[json->count].text = json->decoded + json->decoded_length;
	strings[json->count].length = to - (json->decoded + json->decoded_length);
	json->count++;
	json->decoded_length = to - json->decoded;
	return at + 1;
}

/*
 * Reads the characters after a backslash, and writes the character that they stand for to
 * *to.
 */
static const char *
read_escape(const char *at, const char *end, char **to)
{
	static const char names[] = "\"\\/bfnrt";
	static const char stands_for[] = "\"\\/\b\f\n\r\t";
	const char *name;
	unsigned unit;
	unsigned low;

	if (at == end)
		return NULL;
	if (*at != 'u')
	{
		name = memchr(names, *at, sizeof(names) - 1);
		if (name == NULL)
			return NULL;
		*(*to)++ = stands_for[name - names];
		return at + 1;
	}
	if ((at = read_unit(at + 1, end, &unit)) == NULL)
		return NULL;
	if (unit >= 0xD800 && unit <= 0xDFFF)
	{
		if (unit > 0xDBFF || end - at < 2 || at[0] != '\\' || at[1] != 'u' ||
			(at = read_unit(at + 2, end, &low)) == NULL || low < 0xDC00 || low > 0xDFFF)
			return NULL;
		unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
	}
	if (unit < 0x80)
		*(*to)++ = (char) unit;
	else
	{
		int further = unit < 0x800 ? 1 : unit < 0x10000 ? 2 : 3;

		/* The first byte begins with a one for each byte; the others have six bits each.
		 */
		*(*to)++ = (char) (0xFF00 >> (further + 1) | unit >> 6 * further);
		while (further-- > 0)
			*(*to)++ = (char) (0x80 | (unit >> 6 * further & 0x3F));
	}
	return at;
}

/* Reads four hexadecimal digits. */
static const char *
read_unit(const char *at, const char *end, unsigned *unit)
{
	*unit = 0;
	if (end - at < 4)
		return NULL;
	for (int i = 0; i < 4; i++, at++)
	{
		unsigned digit = *at >= '0' && *at <= '9'   ? *at - '0'
						 : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10
						 : *at >= 'A' && *at <= 'F' ? *at - 'A' + 10
													: 16;

		if (digit == 16)
			return NULL;
		*unit = *unit << 4 | digit;
	}
	return at;
}

/* Reads a UTF-8 character of several bytes: in its shortest form, and no surrogate. */
static const char *
read_sequence(const char *at, const char *end)
{
	static const struct
	{
		unsigned char first, last; /* of the leading bytes */
		unsigned char from, to;    /* of the second byte */
		int length;
	} forms[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
				 {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
				 {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
				 {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
	const unsigned char *bytes = (const unsigned char *) at;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
	{
		if (bytes[0] < forms[i].first || bytes[0] > forms[i].last)
			continue;
		if (end - at < forms[i].length || bytes[1] < forms[i].from ||
			bytes[1] > forms[i].to)
			return NULL;
		for (int more = 2; more < forms[i].length; more++)
			if ((bytes[more] & 0xC0) != 0x80)
				return NULL;
		return at + forms[i].length;
	}
	return NULL;
}

static const char *
read_number(Reading *reading, const char *at)
{
	const char *end = reading->end;
	const char *start = at;
	bool has_exponent = false;

	if (*at == '-')
		at++;
	if (at < end && *at == '0')
		at++;
	else if ((at = read_digits(at, end)) == NULL)
		return NULL;
	if (at < end && *at == '.' && (at = read_digits(at + 1, end)) == NULL)
		return NULL;
	if (at < end && (*at == 'e' || *at == 'E'))
	{
		has_exponent = true;
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		if ((at = read_digits(at, end)) == NULL)
			return NULL;
	}
	if ((has_exponent || at - start > SHORT_NUMBER) &&
		!fits_double(reading, start, at - start))
		return NULL;
	return at;
}

/* Reads one or more digits. */
static const char *
read_digits(const char *at, const char *end)
{
	const char *start = at;

	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at > start ? at : NULL;
}

static bool
fits_double(Reading *reading, const char *text, size_t length)
{
	char *copy = malloc(length + 1);
	double value;

	if (copy == NULL)
		return out_of_memory(reading) != NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	value = strtod(copy, NULL);
	free(copy);
	return !isinf(value);
}

/* Returns false when the innermost object has a key twice. */
static bool
close_object(Reading *reading)
{
	size_t first = reading->levels[reading->level - 1];
	Key *keys = reading->keys + first;
	size_t count = reading->key_count - first;

	reading->key_count = first;
	if (count > FEW_KEYS)
	{
		qsort(keys, count, sizeof(Key), compare_keys);
		for (size_t i = 1; i < count; i++)
			if (compare_keys(&keys[i - 1], &keys[i]) == 0)
				return false;
		return true;
	}
	for (size_t i = 1; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (keys[i].print == keys[j].print && compare_keys(&keys[i], &keys[j]) == 0)
				return false;
	return true;
}

static int
compare_keys(const void *a, const void *b)
{
	const Key *left = a;
	const Key *right = b;

	if (left->print != right->print)
		return left->print < right->print ? -1 : 1;
	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->text, right->text, left->length);
}

/* Returns a value made of the key's first and last eight bytes and its length. */
static uint64_t
print_of(const char *text, size_t length)
{
	uint64_t head = 0;
	uint64_t tail = 0;

	if (length >= 8)
	{
		memcpy(&head, text, 8);
		memcpy(&tail, text + length - 8, 8);
	}
	else
		memcpy(&head, text, length);
	return head ^ (tail << 25 | tail >> 39) ^ length;
}
