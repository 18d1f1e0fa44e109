/*
 * status_notice.h
 *		Tells of statuses that a query compares with and that no link has.
 */
#ifndef PLF_STATUS_NOTICE_H
#define PLF_STATUS_NOTICE_H

#include "catalog/option.h"
#include "nodes/pg_list.h"

/* A NOTICE for each of "statuses", String nodes, which no link of the server has. */
extern void plf_notice_absent(const PlfOptions *options, List *statuses);

#endif /* PLF_STATUS_NOTICE_H */
