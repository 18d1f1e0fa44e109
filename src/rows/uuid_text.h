/*
 * uuid_text.h
 *		The bytes of a uuid that is written as the API writes one, for row.c and
 *		seen.c.
 */
#ifndef PLF_UUID_TEXT_H
#define PLF_UUID_TEXT_H

#include "utils/uuid.h"

/*
 * Reads "8-4-4-4-12" hexadecimal digits, either case.  uuid's input function takes
 * some other spellings, too: false means only that this is not the usual one.
 */
static inline bool
plf_uuid_read(const char *text, size_t length, uint8 bytes[UUID_LEN])
{
	int nbytes = 0;

	if (length != 36)
		return false;
	for (size_t i = 0; i < length; i += 2)
	{
		uint8 byte = 0;

		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (text[i++] != '-')
				return false;
		}
		for (size_t j = i; j < i + 2; j++)
		{
			char c = text[j];

			if (c >= '0' && c <= '9')
				byte = byte << 4 | (c - '0');
			else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
				byte = byte << 4 | ((c | 0x20) - 'a' + 10);
			else
				return false;
		}
		bytes[nbytes++] = byte;
	}
	return true;
}

#endif /* PLF_UUID_TEXT_H */
