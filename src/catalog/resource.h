/*
 * resource.h
 *		The resources of the API that can be foreign tables: a descriptor for each, with
 *		the table of its fields.
 *
 * To add a resource, add a descriptor; to add a field or a sort key, add or change a row
 * of a field table.  doc/architecture.md says what else there is to do.
 */
#ifndef PLF_RESOURCE_H
#define PLF_RESOURCE_H

#include "api/page.h"
#include "api/wire.h"

/* Fields that have a part of their own in a request. */
typedef enum PlfFieldRole
{
	PLF_ROLE_PLAIN,
	PLF_ROLE_ID,    /* an item can be asked for by this field */
	PLF_ROLE_STATUS /* the list can be filtered by this field */
} PlfFieldRole;

/*
 * A field: a row of the field table of a resource.
 *
 * A sort key is a row with "sort_by".  The API then sends the list in the order of the
 * default btree family of "type".  The items without a value are one block, before or
 * behind all others.
 */
typedef struct PlfFieldInfo
{
	const char *column; /* name of the column that is this field without an option */
	PlfPath path;       /* from the item to the field; no steps: the item itself */
	Oid type;           /* of the column that IMPORT FOREIGN SCHEMA makes */
	bool not_null;      /* by the API's documentation every item has a value */
	bool is_json;       /* left out by import_json 'false' */
	bool zero_is_null;  /* the instant 0001-01-01T00:00:00Z says that there is no value */
	PlfFieldRole role;
	const char *sort_by; /* the API's word in sort_by=WORD:asc; NULL: no sort key */
} PlfFieldInfo;

typedef struct PlfResource
{
	PlfWire wire;
	const char *table;          /* name of the table that IMPORT FOREIGN SCHEMA makes */
	const PlfFieldInfo *fields; /* the field table */
	int nfields;
	const char *parent; /* column with the id of the item that the list belongs to;
						 * NULL: there is one list */
} PlfResource;

/* Every resource, in the order in which IMPORT FOREIGN SCHEMA makes their tables. */
#define PLF_RESOURCE_COUNT 1
extern const PlfResource plf_resources[PLF_RESOURCE_COUNT];

/* Payment links: what the rows of every foreign table are, so far. */
#define PLF_PAYMENT_LINKS (&plf_resources[0])

#endif /* PLF_RESOURCE_H */
