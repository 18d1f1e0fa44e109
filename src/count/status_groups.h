/*
 * status_groups.h
 *		Links that were read, counted by their status.
 */
#ifndef PLF_STATUS_GROUPS_H
#define PLF_STATUS_GROUPS_H

#include "api/wire.h"

/* The links of one status, documented or not. */
typedef struct PlfStatusGroup
{
	Datum status; /* of the column's type */
	bool isnull;  /* links without a status, or the status was not decoded */
	int64 links;
	struct PlfStatusGroup *next; /* in the list of all groups */
} PlfStatusGroup;

typedef struct PlfStatusGroups PlfStatusGroups;

/*
 * No groups yet.  "type" is that of the statuses; InvalidOid when all are NULL.  Lives in
 * the current context.
 */
extern PlfStatusGroups *plf_status_groups_create(const PlfWire *wire, Oid type);

/*
 * The group of a status, made when no link had that status before.  54000 when the groups
 * take more than work_mem.
 */
extern PlfStatusGroup *plf_status_groups_get(PlfStatusGroups *groups, Datum status,
											 bool isnull);

/* The first group of the list; NULL: there is none. */
extern PlfStatusGroup *plf_status_groups_first(const PlfStatusGroups *groups);

#endif /* PLF_STATUS_GROUPS_H */
