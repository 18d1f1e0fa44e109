/*
 * status_notice.c
 *		The NOTICE about statuses that a query compares with and no link has: they are
 *		probably misspelt.
 */
#include "postgres.h"

#include "common/unicode_norm.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/value.h"
#include "utils/formatting.h"
#include "utils/varlena.h"

#include "compat.h"
#include "api/request.h"
#include "quals/status_notice.h"

/* Longest status that is shown whole, in bytes; a longer one has no suggestion. */
#define MAX_SHOWN 64

/* True for a code point that is an accent in a text after NFKD. */
#define IS_ACCENT(c) ((c) >= 0x0300 && (c) <= 0x036F)

/* Words that people write for a documented status. */
static const struct
{
	const char *said;
	const char *meant;
} synonyms[] = {{"cancelled", "canceled"}, {"pending", "processing"}};

static const char *resembled(const PlfWire *wire, const char *status);
static char *documented(const PlfWire *wire);
static char *folded(const char *status);

void
plf_notice_absent(const PlfOptions *options, const PlfWire *wire, List *statuses)
{
	ListCell *lc;

	foreach(lc, statuses)
	{
		const char *status = strVal(lfirst(lc));
		int length = (int) strlen(status);
		bool whole = length <= MAX_SHOWN;
		const char *meant = whole ? resembled(wire, status) : NULL;

		if (!whole)
			length = pg_mbcliplen(status, length, MAX_SHOWN);
		ereport(NOTICE,
				(errmsg("no %s of server \"%s\" has the status \"%.*s%s\"", wire->noun,
						options->server_name, length, status, whole ? "" : "..."),
				 meant != NULL
					 ? errhint("Perhaps you meant \"%s\".", meant)
					 : errhint("The documented statuses are: %s.", documented(wire))));
	}
}

/* All documented statuses, with commas between them; palloc'd. */
static char *
documented(const PlfWire *wire)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", wire->statuses[i]);
	return list.data;
}

/*
 * The documented status that was probably meant: one that the word is a synonym of, or
 * that differs from the word in case, accents and at most one letter.  NULL for every
 * other word: a status that differs more may be the opposite, as "unpaid" is two letters
 * from "paid".
 */
static const char *
resembled(const PlfWire *wire, const char *status)
{
	char *word = folded(status);
	int length = (int) strlen(word);

	for (size_t i = 0; i < lengthof(synonyms); i++)
		if (strcmp(word, synonyms[i].said) == 0)
			return synonyms[i].meant;
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		if (varstr_levenshtein_less_equal(word, length, wire->statuses[i],
										  (int) strlen(wire->statuses[i]), 1, 1, 1, 1,
										  true) <= 1)
			return wire->statuses[i];
	return NULL;
}

/*
 * The word in lower case and without accents.  Each character that is not ASCII after
 * that becomes "?".  In an encoding other than UTF-8 accents stay, because a conversion
 * might raise an error.
 */
static char *
folded(const char *status)
{
	int length = (int) strlen(status);
	pg_wchar *letters;
	char *word;
	char *end;

	if (GetDatabaseEncoding() != PG_UTF8)
		return asc_tolower(status, length);
	letters = palloc(sizeof(pg_wchar) * (length + 1));
	pg_mb2wchar_with_len(status, letters, length);
	letters = unicode_normalize(UNICODE_NFKD, letters);
	length = 0;
	while (letters[length] != 0)
		length++;
	word = end = palloc(length + 1);
	for (int i = 0; i < length; i++)
		if (!IS_ACCENT(letters[i]))
			*end++ = letters[i] < 0x80 ? (char) letters[i] : '?';
	*end = '\0';
	return asc_tolower(word, end - word);
}
