/*
 * field.h
 *		The fields of a payment link: one table that import, planning and
 *		decoding all read, and how a foreign table's columns map onto it.
 */
#ifndef PLF_FIELD_H
#define PLF_FIELD_H

#include "access/tupdesc.h"
#include "api/page.h"
#include "api/request.h"
#include "utils/rel.h"

/* Fields that have a part of their own in a request. */
typedef enum PlfFieldRole
{
	PLF_ROLE_PLAIN,
	PLF_ROLE_ID,    /* a link can be asked for by this field */
	PLF_ROLE_STATUS /* the list can be filtered by this field */
} PlfFieldRole;

/*
 * A field of a payment link: a row of the field table.
 *
 * A sort key is a row with "sort_by".  The API then sends the list in the order of the
 * default btree family of "type".  The links without a value are one block, before or
 * behind all others.
 */
typedef struct PlfFieldInfo
{
	const char *column; /* name of the column that is this field without an option */
	PlfPath path;       /* from the link to the field; no steps: the link itself */
	Oid type;           /* of the column that IMPORT FOREIGN SCHEMA makes */
	bool not_null;      /* by the API's documentation every link has a value */
	bool is_json;       /* left out by import_json 'false' */
	bool zero_is_null;  /* the instant 0001-01-01T00:00:00Z says that there is no value */
	PlfFieldRole role;
	const char *sort_by; /* the API's word in sort_by=WORD:asc; NULL: no sort key */
} PlfFieldInfo;

#define PLF_FIELD_COUNT 15
extern const PlfFieldInfo plf_fields[PLF_FIELD_COUNT];

/* How the text of a field becomes a datum. */
typedef enum PlfDecoding
{
	PLF_DECODE_TEXT,    /* any scalar's text through the type's input */
	PLF_DECODE_DECIMAL, /* numeric: a decimal string or a number */
	PLF_DECODE_UUID,
	PLF_DECODE_TIMESTAMP, /* RFC 3339 into timestamptz */
	PLF_DECODE_BOOLEAN,
	PLF_DECODE_JSON, /* raw text into json or jsonb */
	PLF_DECODE_TEXT_ARRAY,
	PLF_DECODE_CONSTANT
} PlfDecoding;

/* One column of a foreign table. */
typedef struct PlfColumn
{
	AttrNumber attnum; /* 0: nothing to read, dropped or virtual */
	char *name;
	const PlfFieldInfo *field; /* the row of the field table; NULL: a constant, or a
								* path that is not in the table */
	PlfFieldRole role;         /* the field's; PLF_ROLE_PLAIN without a field */
	bool natural;              /* declared with the field's own type, any modifier, or
								* a domain over it: order, range and lookup may be
								* pushed */
	bool not_null;             /* declared NOT NULL */
	bool never_null;           /* declared NOT NULL, and by the API's documentation
								* every link has a value: a count need not look */
	bool zero_is_null;         /* the field's */
	PlfPath path;
	PlfDecoding decoding;
	char *constant; /* for PLF_DECODE_CONSTANT */
	Oid type;       /* declared */
	int32 typmod;
	Oid base_type;    /* under any domains */
	bool constrained; /* a domain that may refuse what its base type
					   * takes, or NULL */

	/* Of the status: the values that the type may refuse when a link is read. */
	PlfStatusSet may_refuse; /* documented statuses */
	bool may_refuse_others;  /* undocumented statuses */
} PlfColumn;

typedef struct PlfTable
{
	int ncolumns;       /* as many as the relation has attributes */
	PlfColumn *columns; /* by attnum - 1 */
} PlfTable;

/*
 * How the relation's columns map onto fields; palloc'd in the current context.
 * HV005 for a column that is neither known nor has an option; HV004 for a
 * type the field cannot be read as.
 */
extern PlfTable *plf_table_describe(Relation relation);

/* The status column of a table, or NULL. */
extern const PlfColumn *plf_status_column(const PlfTable *table);

/*
 * The row of the field table by which the API can sort the list in the order of the
 * column; NULL when it cannot.
 */
extern const PlfFieldInfo *plf_sort_key_of(const PlfColumn *column);

/* True when links without a value of the sort key "column" are to be expected. */
extern bool plf_sort_key_is_nullable(const PlfColumn *column);

#endif /* PLF_FIELD_H */
