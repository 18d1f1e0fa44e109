/*
 * nearest.c
 *		Finds the known name that somebody probably meant.
 */
#include "postgres.h"

#include "utils/formatting.h"
#include "utils/varlena.h"

#include "catalog/nearest.h"

/* Longest word that varstr_levenshtein() takes, in bytes. */
#define NEAREST_MAX_LENGTH 255

const char *
plf_nearest(const char *word, const char *const *candidates)
{
	char *wanted = asc_tolower(word, strlen(word));
	int length = (int) strlen(wanted);
	int limit = length / 2;
	const char *nearest = NULL;

	if (length > NEAREST_MAX_LENGTH)
		return NULL;
	for (; *candidates != NULL; candidates++)
	{
		char *candidate = asc_tolower(*candidates, strlen(*candidates));
		int distance;

		if (strlen(candidate) > NEAREST_MAX_LENGTH)
			continue;
		distance = varstr_levenshtein_less_equal(
			wanted, length, candidate, (int) strlen(candidate), 1, 1, 1, limit, true);
		if (distance <= limit)
		{
			nearest = *candidates;
			limit = distance - 1;
		}
	}
	return nearest;
}
