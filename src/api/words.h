/*
 * words.h
 *		What a stranger says, made fit for a message to people: one line, valid
 *		UTF-8, of limited length.  Used by error_words.c and failure.c.
 */
#ifndef PLF_WORDS_H
#define PLF_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Longest text, in bytes. */
#define WORDS_MAX 500

/* Empty when zeroed. */
typedef struct Words
{
	char text[WORDS_MAX + 1]; /* zero behind "length" */
	size_t length;
	bool full; /* something was cut off */
} Words;

/*
 * Adds valid UTF-8, with a space for each control character (C0, DEL and C1),
 * up to the last character that fits.
 */
static inline void
words_add(Words *words, const char *text, size_t length)
{
	const unsigned char *at = (const unsigned char *) text;
	const unsigned char *end = at + length;

	while (at < end && !words->full)
	{
		size_t bytes = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
		bool control = *at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0);

		if (words->length + (control ? 1 : bytes) > WORDS_MAX)
			words->full = true;
		else if (control)
			words->text[words->length++] = ' ';
		else
		{
			memcpy(words->text + words->length, at, bytes);
			words->length += bytes;
		}
		at += bytes;
	}
}

#endif /* PLF_WORDS_H */
