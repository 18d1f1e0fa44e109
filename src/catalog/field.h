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

/* What plan/ and read/ need to recognise beyond a field's path. */
typedef enum PlfFieldRole
{
	PLF_ROLE_PLAIN,
	PLF_ROLE_ID,
	PLF_ROLE_STATUS,
	PLF_ROLE_AMOUNT,
	PLF_ROLE_EXPIRATION_DATE /* the zero instant reads as NULL */
} PlfFieldRole;

typedef struct PlfFieldInfo
{
	const char *column; /* the column's own name */
	const char *path;   /* dotted path into the link; "" is the link */
	Oid type;           /* natural type */
	bool not_null;      /* by contract */
	bool is_json;       /* left out by import_json 'false' */
	PlfFieldRole role;
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
	PlfFieldRole role; /* PLF_ROLE_PLAIN for constants too */
	bool natural;      /* declared with the field's natural type, any
						* modifier, or a domain over it: order, range
						* and lookup may be pushed */
	bool not_null;     /* declared */
	bool never_null;   /* and true of every link, so that a count need not
						* look */
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
 * Splits a dotted path into "path"; the steps are palloc'd, in UTF-8.  False, with *why
 * set to a static phrase, for an empty path or step, an array index, or more
 * than PLF_PATH_MAX_STEPS steps.
 */
extern bool plf_path_parse(const char *text, PlfPath *path, const char **why);

#endif /* PLF_FIELD_H */
