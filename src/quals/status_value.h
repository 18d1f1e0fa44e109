/*
 * status_value.h
 *		Values of the status column that are made here instead of read.
 */
#ifndef PLF_STATUS_VALUE_H
#define PLF_STATUS_VALUE_H

#include "catalog/field.h"

/*
 * The value that reading a link with the documented status "name" gives, in the current
 * context.  Raises what that reading would raise where the column's type refuses the
 * status, so call it only for a status that some link has.
 */
extern Datum plf_status_value(const PlfColumn *status, const char *name);

#endif /* PLF_STATUS_VALUE_H */
