/*
 * uuid_text.h
 *		Reads a uuid in the API's usual spelling, for row.c and seen.c.
 */
#ifndef PLF_UUID_TEXT_H
#define PLF_UUID_TEXT_H

#include "utils/uuid.h"

/*
 * Reads a uuid that is spelled "8-4-4-4-12" in hexadecimal digits of either case.  False
 * for every other spelling, some of which the type's input function accepts.
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
