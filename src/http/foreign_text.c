/*
 * foreign_text.c
 *		Text from outside, without secrets and in the database's encoding.
 *
 * A gateway may well echo the headers that were sent, and an API knows nothing of the
 * encoding of a database.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "api/words.h"
#include "http/foreign_text.h"

#define REDACTED "[redacted]"

/*
 * The API's words are cut to a length, so they may end within a secret.  An end that
 * could be the start of a secret is taken out when it is at least this long.
 */
#define MIN_SECRET_START 8

static size_t secret_at(const char *text, const char *secret);
static bool is_encoded(const char *text, char character);
static char *to_database_encoding(const char *utf8);

char *
plf_foreign_text(const char *text, const char *const *secrets)
{
	StringInfoData shown;

	initStringInfo(&shown);
	while (*text != '\0' && shown.len < PLF_WORDS_MAX)
	{
		size_t length = 0;

		for (int i = 0; secrets != NULL && secrets[i] != NULL; i++)
			length = Max(length, secret_at(text, secrets[i]));
		if (length > 0)
		{
			appendStringInfoString(&shown, REDACTED);
			text += length;
		}
		else
			appendStringInfoChar(&shown, *text++);
	}

	shown.len = pg_encoding_mbcliplen(PG_UTF8, shown.data, shown.len, PLF_WORDS_MAX);
	shown.data[shown.len] = '\0';
	while (shown.len > 0 && strchr(". ", shown.data[shown.len - 1]) != NULL)
		shown.data[--shown.len] = '\0';
	return to_database_encoding(shown.data);
}

/*
 * Returns how many bytes of "text" spell the secret, or spell its start up to the end of
 * the text; 0 when the text does not begin with the secret.  Any character may be
 * percent-encoded.
 */
static size_t
secret_at(const char *text, const char *secret)
{
	const char *at = text;
	size_t matched = 0;

	if (secret == NULL || secret[0] == '\0')
		return 0;
	for (; secret[matched] != '\0' && *at != '\0'; matched++)
	{
		if (*at == secret[matched])
			at++;
		else if (is_encoded(at, secret[matched]))
			at += 3;
		else
			return 0;
	}
	if (secret[matched] != '\0' && matched < MIN_SECRET_START)
		return 0;
	return at - text;
}

/* Whether "text" begins with the character, percent-encoded in either case. */
static bool
is_encoded(const char *text, char character)
{
	static const unsigned char digits[] = "0123456789abcdef";
	unsigned char byte = (unsigned char) character;

	return text[0] == '%' && text[1] != '\0' &&
		   pg_ascii_tolower((unsigned char) text[1]) == digits[byte >> 4] &&
		   pg_ascii_tolower((unsigned char) text[2]) == digits[byte & 15];
}

/*
 * Converts UTF-8 to the database's encoding.  A character that cannot be converted raises
 * no error and becomes "?".
 */
static char *
to_database_encoding(const char *utf8)
{
	int encoding = GetDatabaseEncoding();
	bool keep = encoding == PG_UTF8 || encoding == PG_SQL_ASCII;
	Oid proc = keep ? InvalidOid : FindDefaultConversionProc(PG_UTF8, encoding);
	const char *end = utf8 + strlen(utf8);
	StringInfoData text;

	initStringInfo(&text);
	while (utf8 < end)
	{
		int length = pg_utf_mblen((const unsigned char *) utf8);
		char converted[MAX_CONVERSION_GROWTH * 4 + 1];

		if (!IS_HIGHBIT_SET(*utf8))
			appendStringInfoChar(&text, *utf8);
		else if (length > end - utf8 ||
				 !pg_utf8_islegal((const unsigned char *) utf8, length))
		{
			appendStringInfoChar(&text, '?');
			length = 1;
		}
		else if (keep)
			appendBinaryStringInfo(&text, utf8, length);
		else if (OidIsValid(proc) &&
				 pg_do_encoding_conversion_buf(
					 proc, PG_UTF8, encoding, (unsigned char *) utf8, length,
					 (unsigned char *) converted, sizeof(converted), true) == length)
			appendStringInfoString(&text, converted);
		else
			appendStringInfoChar(&text, '?');
		utf8 += length;
	}
	return text.data;
}
