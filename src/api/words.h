/*
 * words.h
 *		Text from outside, prepared for a message: one line of valid UTF-8 and of limited
 *		length.
 */
#ifndef PLF_WORDS_H
#define PLF_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The longest text, in bytes. */
#define PLF_WORDS_MAX 500

/* Empty when zeroed. */
typedef struct PlfWords
{
	char text[PLF_WORDS_MAX + 1]; /* zero behind "length" */
	size_t length;
	bool full; /* the end was cut off */
} PlfWords;

/*
 * Adds valid UTF-8, with a space in place of each control character (C0, DEL and C1). The
 * text ends before the first character for which there is no room.
 */
static inline void
plf_words_add(PlfWords *words, const char *text, size_t length)
{
	const unsigned char *at = (const unsigned char *) text;
	const unsigned char *end = at + length;

	while (at < end && !words->full)
	{
		size_t bytes = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
		bool control = *at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0);

		if (words->length + (control ? 1 : bytes) > PLF_WORDS_MAX)
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
