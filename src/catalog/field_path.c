/*
 * field_path.c
 *		Paths into a link, from their text.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "catalog/field_path.h"

bool
plf_path_parse(const char *text, PlfPath *path, const char **why)
{
	/* The path is in UTF-8, like the API's keys, whatever the database's encoding is. */
	text = pg_server_to_any(text, (int) strlen(text), PG_UTF8);
	path->count = 0;
	for (;;)
	{
		size_t length = strcspn(text, ".");

		if (length == 0)
		{
			*why = "a step is empty";
			return false;
		}
		if (memchr(text, '[', length) != NULL)
		{
			*why = "array indexes are not supported";
			return false;
		}
		if (path->count == PLF_PATH_MAX_STEPS)
		{
			*why = "it has too many steps";
			return false;
		}
		path->steps[path->count++] = pnstrdup(text, length);
		if (text[length] == '\0')
			return true;
		text += length + 1;
	}
}
