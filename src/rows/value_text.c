/*
 * value_text.c
 *		What the text of a field says: whether it is a decimal number or an instant.
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "rows/value_text.h"

static int read_two(const char *digits);
static TimestampTz zero_instant(void);

bool
plf_text_is_rfc3339(const char *text, size_t length)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	size_t at = strlen(shape);

	if (length <= at || length > 64)
		return false;
	for (size_t i = 0; i < at; i++)
	{
		if (shape[i] == 'd'   ? !isdigit((unsigned char) text[i])
			: shape[i] == 'T' ? (text[i] != 'T' && text[i] != 't' && text[i] != ' ')
							  : text[i] != shape[i])
			return false;
	}
	if (text[at] == '.')
	{
		size_t start = ++at;

		while (at < length && isdigit((unsigned char) text[at]))
			at++;
		if (at == start)
			return false;
	}
	if (length - at == 1)
		return text[at] == 'Z' || text[at] == 'z';
	return length - at == 6 && (text[at] == '+' || text[at] == '-') &&
		   isdigit((unsigned char) text[at + 1]) &&
		   isdigit((unsigned char) text[at + 2]) && text[at + 3] == ':' &&
		   isdigit((unsigned char) text[at + 4]) && isdigit((unsigned char) text[at + 5]);
}

bool
plf_text_read_utc(const char *text, size_t length, TimestampTz *instant)
{
	int year = read_two(text) * 100 + read_two(text + 2);
	int month = read_two(text + 5);
	int day = read_two(text + 8);
	int hour = read_two(text + 11);
	int minute = read_two(text + 14);
	int second = read_two(text + 17);
	int64 fraction = 0;
	int64 unit = USECS_PER_SEC;

	if (text[10] != 'T' || text[length - 1] != 'Z' || length > 27 || year < 1 ||
		month < 1 || month > 12 || day < 1 || day > day_tab[isleap(year)][month - 1] ||
		hour > 23 || minute > 59 || second > 59)
		return false;
	for (size_t at = 20; at + 1 < length; at++)
	{
		unit /= 10;
		fraction += (text[at] - '0') * unit;
	}
	*instant =
		(((date2j(year, month, day) - POSTGRES_EPOCH_JDATE) * INT64CONST(24) + hour) *
			 60 +
		 minute) *
			60 * USECS_PER_SEC +
		second * USECS_PER_SEC + fraction;
	return true;
}

static int
read_two(const char *digits)
{
	return (digits[0] - '0') * 10 + (digits[1] - '0');
}

bool
plf_text_is_decimal(const char *text, size_t length)
{
	size_t at = 0;
	size_t digits = 0;

	if (at < length && (text[at] == '-' || text[at] == '+'))
		at++;
	for (; at < length && isdigit((unsigned char) text[at]); at++)
		digits++;
	if (at < length && text[at] == '.')
		for (at++; at < length && isdigit((unsigned char) text[at]); at++)
			digits++;
	if (digits == 0)
		return false;
	if (at < length && (text[at] == 'e' || text[at] == 'E'))
	{
		size_t start;

		at++;
		if (at < length && (text[at] == '-' || text[at] == '+'))
			at++;
		for (start = at; at < length && isdigit((unsigned char) text[at]);)
			at++;
		if (at == start)
			return false;
	}
	return at == length;
}

bool
plf_text_is_zero_instant(const char *text, size_t length)
{
	char buffer[72]; /* the longest text that plf_text_is_rfc3339() accepts, and " BC" */
	static const char usual[] = "0001-01-01T00:00:00Z";

	if (length == sizeof(usual) - 1 && memcmp(text, usual, length) == 0)
		return true;
	/* Whatever the offset, the zero time is written in one of these two years. */
	if (length < 4 || (memcmp(text, "0001", 4) != 0 && memcmp(text, "0000", 4) != 0))
		return false;
	if (!plf_text_is_rfc3339(text, length))
		return false;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	if (memcmp(text, "0000", 4) == 0)
	{
		/*
		 * The year 0, which PostgreSQL calls 1 BC: only its last day, in a
		 * zone west of Greenwich, can be the zero instant.
		 */
		if (memcmp(text, "0000-12-31", 10) != 0 || text[length - 6] != '-')
			return false;
		memcpy(buffer, "0001", 4);
		memcpy(buffer + length, " BC", 4);
	}
	return DatumGetTimestampTz(DirectFunctionCall3(
			   timestamptz_in, CStringGetDatum(buffer), ObjectIdGetDatum(InvalidOid),
			   Int32GetDatum(-1))) == zero_instant();
}

static TimestampTz
zero_instant(void)
{
	return ((TimestampTz) date2j(1, 1, 1) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
}
