/*
 * status_value.h
 *		Values of the status column that do not come from a link.
 */
#ifndef PLF_STATUS_VALUE_H
#define PLF_STATUS_VALUE_H

#include "catalog/field.h"

/*
 * The value of the column for a link with the documented status "name", in the current
 * context.  Raises the error of reading such a link where the column's type refuses the
 * status, so it is to be called only for a status that some link has.
 */
extern Datum plf_status_value(const PlfColumn *status, const char *name);

#endif /* PLF_STATUS_VALUE_H */
