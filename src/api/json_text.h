/*
 * json_text.h
 *		Where the values of a JSON text end, for page.c, which cuts them out.
 *
 * The text has been accepted by a parser, so brackets are not matched and
 * commas and colons count as white space.  On any other text the answers are
 * wrong, but never beyond "end".  Nothing recurses.
 */
#ifndef PLF_JSON_TEXT_H
#define PLF_JSON_TEXT_H

#include <stddef.h>
#include <string.h>

/* What a byte is outside of strings. */
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

/* Over one byte, which is a bracket, brace or quote in an accepted text. */
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
 * Behind the string that starts at "at".  A quote ends it unless an odd number
 * of backslashes precedes the quote.
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

/* Behind the array or object that starts at "at". */
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

/* Behind the value that starts at "at". */
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
 * At least as many as there are values in the text, members counted once; at
 * most twice as many.
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
