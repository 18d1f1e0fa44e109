/*
 * field_path.h
 *		Paths into a link, as the option "field" and the table of fields write them:
 *		"amount.value".
 */
#ifndef PLF_FIELD_PATH_H
#define PLF_FIELD_PATH_H

#include "api/page.h"

/*
 * Splits a dotted path in the database's encoding into *path, whose steps are palloc'd,
 * in UTF-8.  Returns false, with *why set to a static phrase, for an empty path or step,
 * an array index, or more than PLF_PATH_MAX_STEPS steps.
 */
extern bool plf_path_parse(const char *text, PlfPath *path, const char **why);

#endif /* PLF_FIELD_PATH_H */
