/*
 * json_text.h
 *		Finds where the values of a JSON text end; page.c cuts the values out.
 *
 * json.c has accepted the text before.  So brackets are not matched, and commas and
 * colons count as white space.  For any other text the results are wrong, but never
 * beyond "end".  No function is recursive.
 */
#ifndef PLF_JSON_TEXT_H
#define PLF_JSON_TEXT_H

#include <stddef.h>
#include <string.h>

/* The classes of bytes outside of strings. */
enum
{
	TEXT_SCALAR,    /* of a number, true, false or null */
	TEXT_SEPARATOR, /* white space, comma, colon */
	TEXT_QUOTE,
	TEXT_OPEN,
	TEXT_CLOSE
};

static const unsigned char text_class[256] = {
	[' '] = TEXT_SEPARATOR,  ['\t'] = TEXT_SEPARATOR, ['\n'] = TEXT_SEPARATOR,
	['\r'] = TEXT_SEPARATOR, [','] = TEXT_SEPARATOR,  [':'] = TEXT_SEPARATOR,
	['"'] = TEXT_QUOTE,      ['['] = TEXT_OPEN,       ['{'] = TEXT_OPEN,
	[']'] = TEXT_CLOSE,      ['}'] = TEXT_CLOSE};

#define TEXT_CLASS(at) (text_class[(unsigned char) *(at)])

/* Steps over one byte, which is a bracket, brace or quote in an accepted text. */
static inline const char *
text_step(const char *at, const char *end)
{
	return at < end ? at + 1 : end;
}

static inline const char *
text_skip(const char *at, const char *end)
{
	while (at < end && TEXT_CLASS(at) == TEXT_SEPARATOR)
		at++;
	return at;
}

/*
 * Returns a pointer behind the string that starts at "at".  A quote ends a string unless
 * an odd number of backslashes precedes the quote.
 */
static inline const char *
text_string_end(const char *at, const char *end)
{
	const char *quote = text_step(at, end);

	while (quote < end && (quote = memchr(quote, '"', end - quote)) != NULL)
	{
		const char *run = quote;

		while (run - 1 > at && run[-1] == '\\')
			run--;
		if ((quote - run) % 2 == 0)
			return quote + 1;
		quote++;
	}
	return end;
}

/* Returns a pointer behind the array or object that starts at "at". */
static inline const char *
text_container_end(const char *at, const char *end)
{
	size_t depth = 0;

	while (at < end)
	{
		switch (TEXT_CLASS(at))
		{
			case TEXT_QUOTE:
				at = text_string_end(at, end);
				continue;
			case TEXT_OPEN:
				depth++;
				break;
			case TEXT_CLOSE:
				if (--depth == 0)
					return at + 1;
				break;
		}
		at++;
	}
	return end;
}

/* Returns a pointer behind the value that starts at "at". */
static inline const char *
text_value_end(const char *at, const char *end)
{
	if (at < end && TEXT_CLASS(at) == TEXT_QUOTE)
		return text_string_end(at, end);
	if (at < end && TEXT_CLASS(at) == TEXT_OPEN)
		return text_container_end(at, end);
	while (at < end && TEXT_CLASS(at) == TEXT_SCALAR)
		at++;
	return at;
}

/*
 * Estimates the number of values in the text, where a member counts as one value.  The
 * result is between the number and twice the number.
 */
static inline size_t
text_values(const char *at, const char *end)
{
	size_t values = 1;

	while (at < end)
	{
		if (TEXT_CLASS(at) == TEXT_QUOTE)
		{
			at = text_string_end(at, end);
			continue;
		}
		if (*at == ',' || TEXT_CLASS(at) == TEXT_OPEN)
			values++;
		at++;
	}
	return values;
}

#endif /* PLF_JSON_TEXT_H */
