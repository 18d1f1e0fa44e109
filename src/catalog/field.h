/*
 * field.h
 *		How the columns of a foreign table map onto the fields of its resource.
 */
#ifndef PLF_FIELD_H
#define PLF_FIELD_H

#include "access/tupdesc.h"
#include "catalog/resource.h"
#include "utils/rel.h"

/* How the text of a field becomes a value of the column's type. */
typedef enum PlfDecoding
{
	PLF_DECODE_TEXT,    /* the text of any scalar, read by the type's input function */
	PLF_DECODE_DECIMAL, /* numeric: a decimal string or a number */
	PLF_DECODE_UUID,
	PLF_DECODE_TIMESTAMP, /* RFC 3339 into timestamptz */
	PLF_DECODE_BOOLEAN,
	PLF_DECODE_JSON,       /* the API's own text, into json or jsonb */
	PLF_DECODE_TEXT_ARRAY, /* an array of strings */
	PLF_DECODE_CONSTANT    /* no field: the option "constant" */
} PlfDecoding;

/* One column of a foreign table. */
typedef struct PlfColumn
{
	AttrNumber attnum; /* 0: the column is dropped or virtual, and nothing else is set */
	char *name;
	const PlfWire *wire;       /* what the table's rows are */
	const PlfFieldInfo *field; /* the row of the field table; NULL: a constant, or a
								* path that is not in the table */
	PlfFieldRole role;         /* the role of the field; PLF_ROLE_PLAIN without a field */
	bool natural;              /* declared with the field's own type, any modifier, or
								* a domain over it: order, range and lookup may be
								* pushed */
	bool not_null;             /* declared NOT NULL, and not NOT VALID */
	bool never_null;           /* declared NOT NULL, every link has a value by the API's
								* documentation, and the type takes each: a count need not look for
								* NULLs */
	bool zero_is_null;         /* the field's */
	PlfPath path;
	PlfDecoding decoding;
	char *constant; /* for PLF_DECODE_CONSTANT */
	Oid type;       /* declared */
	int32 typmod;
	Oid base_type;    /* the type under all domains */
	bool constrained; /* the type is a domain that may refuse NULL, or a value that its
					   * base type accepts */

	/* Of the status column: which statuses its type may refuse when a link is read. */
	PlfStatusSet may_refuse; /* among the documented ones */
	bool may_refuse_others;  /* any undocumented one */
} PlfColumn;

typedef struct PlfTable
{
	const PlfResource *resource; /* what the rows are */
	int ncolumns;                /* number of attributes of the relation */
	PlfColumn *columns;          /* by attnum - 1 */
} PlfTable;

/*
 * Describes the columns of a foreign table; palloc'd in the current context.  Raises
 * HV005 for a column that is no field of the resource and has no option "field" or
 * "constant", and HV004 for a type as which the field cannot be read.
 */
extern PlfTable *plf_table_describe(Relation relation);

/* The first column that is the status; NULL when the table has none. */
extern const PlfColumn *plf_status_column(const PlfTable *table);

/* The sort key that gives the list in the order of the column; NULL when there is none.
 */
extern const PlfFieldInfo *plf_sort_key_of(const PlfColumn *column);

/*
 * True when links without a value of "column", a sort key, are to be expected: the
 * documentation allows them, and the column is not declared NOT NULL.
 */
extern bool plf_sort_key_is_nullable(const PlfColumn *column);

#endif /* PLF_FIELD_H */
