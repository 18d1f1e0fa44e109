/*
 * status_notice.h
 *		The NOTICE about statuses that a query compares with and no link has.
 */
#ifndef PLF_STATUS_NOTICE_H
#define PLF_STATUS_NOTICE_H

#include "api/wire.h"
#include "catalog/option.h"
#include "nodes/pg_list.h"

/*
 * Raises a NOTICE for each of "statuses", a list of String nodes.  To be called once it
 * is known that no item of the resource "wire" has any of them.
 */
extern void plf_notice_absent(const PlfOptions *options, const PlfWire *wire,
							  List *statuses);

#endif /* PLF_STATUS_NOTICE_H */
