/*
 * field.c
 *		How the columns of a foreign table map onto the fields of its resource.
 *
 * The planner describes a table before any request, so that a wrong column is an error at
 * once.  The executor describes the table again, because a description does not travel in
 * a plan.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "catalog/field.h"
#include "catalog/field_path.h"
#include "catalog/nearest.h"

static void describe_column(Relation relation, const PlfResource *resource,
							Form_pg_attribute attr, PlfColumn *column);
static const PlfFieldInfo *field_by_column(const PlfResource *resource, const char *name);
static const PlfFieldInfo *field_by_path(const PlfResource *resource,
										 const PlfPath *path);
static bool is_path(const PlfPath *path, const PlfPath *other);
static bool choose_decoding(const PlfFieldInfo *info, Oid base_type,
							PlfDecoding *decoding);
static void check_labels(Relation relation, PlfColumn *column);
static bool takes_all(const PlfColumn *column, int32 typmod);
static void set_refusals(PlfColumn *column, int32 typmod);
static void report_unknown_column(Relation relation, const PlfResource *resource,
								  Form_pg_attribute attr) pg_attribute_noreturn();

PlfTable *
plf_table_describe(Relation relation)
{
	TupleDesc desc = RelationGetDescr(relation);
	PlfTable *table = palloc0(sizeof(PlfTable));

	table->resource = PLF_PAYMENT_LINKS;
	Assert(table->resource->parent == NULL);
	table->ncolumns = desc->natts;
	table->columns = palloc0(sizeof(PlfColumn) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		/* Before planning, core replaces a virtual column by its expression. */
		if (!attr->attisdropped && !plf_is_virtual(attr))
			describe_column(relation, table->resource, attr, &table->columns[i]);
	}
	return table;
}

static void
describe_column(Relation relation, const PlfResource *resource, Form_pg_attribute attr,
				PlfColumn *column)
{
	const PlfFieldInfo *info = NULL;
	const char *field = NULL;
	int32 typmod = attr->atttypmod;
	ListCell *lc;

	column->attnum = attr->attnum;
	column->wire = &resource->wire;
	column->name = pstrdup(NameStr(attr->attname));
	column->type = attr->atttypid;
	column->typmod = attr->atttypmod;
	column->not_null = plf_is_not_null(RelationGetDescr(relation), attr);
	column->base_type = getBaseTypeAndTypmod(attr->atttypid, &typmod);
	column->constrained =
		column->type != column->base_type &&
		lookup_type_cache(column->type, TYPECACHE_DOMAIN_CONSTR_INFO)->domainData != NULL;

	foreach(lc, GetForeignColumnOptions(RelationGetRelid(relation), attr->attnum))
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, "constant") == 0)
			column->constant = defGetString(def);
		else if (strcmp(def->defname, "field") == 0)
			field = defGetString(def);
	}
	if (column->constant != NULL)
	{
		column->decoding = PLF_DECODE_CONSTANT;
		column->never_null = column->not_null && takes_all(column, typmod);
		return;
	}

	if (field != NULL)
	{
		const char *why;

		if (!plf_path_parse(field, &column->path, &why))
			ereport(ERROR, (errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
							errmsg("invalid field path \"%s\" of column \"%s\": %s",
								   field, column->name, why)));
		info = field_by_path(resource, &column->path);
	}
	else
	{
		info = field_by_column(resource, column->name);
		if (info == NULL)
			report_unknown_column(relation, resource, attr);
	}
	if (!choose_decoding(info, column->base_type, &column->decoding))
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("column \"%s\" of foreign table \"%s\" cannot have type %s",
					column->name, RelationGetRelationName(relation),
					format_type_be(attr->atttypid)),
			 info != NULL
				 ? errdetail("Its field is of type %s.", format_type_be(info->type))
				 : errdetail(
					   "A field may be read as text, varchar, numeric, boolean, json, jsonb, text[] or an enum."),
			 info != NULL
				 ? errhint("Declare it with that type or as text, and cast it in a view.")
				 : errhint(
					   "Declare it with one of these types, and cast it in a view.")));
	if (info != NULL)
	{
		Assert(info->sort_by == NULL || strlen(info->sort_by) <= PLF_MAX_SORT_BY);
		column->field = info;
		column->role = info->role;
		column->natural = column->base_type == info->type;
		column->never_null = column->not_null && info->not_null &&
							 takes_all(column, typmod);
		column->zero_is_null = info->zero_is_null;
		column->path = info->path;
	}
	if (column->role == PLF_ROLE_STATUS)
	{
		if (type_is_enum(column->base_type))
			check_labels(relation, column);
		set_refusals(column, typmod);
	}
}

/*
 * Raises HV004 for an enum that lacks the label of a documented status.  A condition
 * cannot be evaluated for a status that the type does not have, so links with that status
 * would be missing from a result without an error.  A label that this transaction has
 * added counts, although the type refuses it until the commit.
 */
static void
check_labels(Relation relation, PlfColumn *column)
{
	StringInfoData missing;

	initStringInfo(&missing);
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
	{
		Oid label = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
									ObjectIdGetDatum(column->base_type),
									CStringGetDatum(column->wire->statuses[i]));

		if (!OidIsValid(label))
			appendStringInfo(&missing, "%s%s", missing.len > 0 ? ", " : "",
							 column->wire->statuses[i]);
		else if (EnumUncommitted(label))
			column->may_refuse |= (PlfStatusSet) 1 << i;
	}
	if (missing.len > 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("column \"%s\" of foreign table \"%s\" cannot have type %s",
					column->name, RelationGetRelationName(relation),
					format_type_be(column->type)),
			 errdetail("Its enum lacks labels of documented statuses: %s.", missing.data),
			 errhint(
				 "Add them with ALTER TYPE ... ADD VALUE, or declare the column as text.")));
}

/*
 * True when reading a link cannot fail for this column: its type takes every value that
 * the field has by the API's documentation, or every text for a constant.  "typmod" is
 * that of the base type.
 */
static bool
takes_all(const PlfColumn *column, int32 typmod)
{
	if (column->constrained || type_is_enum(column->base_type))
		return false;
	if (column->constant != NULL && column->base_type != TEXTOID &&
		column->base_type != VARCHAROID)
		return false;
	return typmod == -1 ||
		   (column->base_type != VARCHAROID && column->base_type != NUMERICOID);
}

/*
 * Sets which statuses the column's type may refuse.  Does not call the type's input
 * function, which would raise.  "typmod" is that of the base type.
 */
static void
set_refusals(PlfColumn *column, int32 typmod)
{
	column->may_refuse_others = column->constrained || type_is_enum(column->base_type) ||
								typmod >= (int32) VARHDRSZ;
	if (column->constrained)
		column->may_refuse = PLF_STATUS_ALL;
	else if (column->base_type == VARCHAROID && typmod >= (int32) VARHDRSZ)
		for (int i = 0; i < PLF_STATUS_COUNT; i++)
			if (strlen(column->wire->statuses[i]) > (size_t) typmod - VARHDRSZ)
				column->may_refuse |= (PlfStatusSet) 1 << i;
}

static const PlfFieldInfo *
field_by_column(const PlfResource *resource, const char *name)
{
	for (int i = 0; i < resource->nfields; i++)
		if (strcmp(resource->fields[i].column, name) == 0)
			return &resource->fields[i];
	return NULL;
}

/* The field at a path; the item itself has no path, and is found by its column's name. */
static const PlfFieldInfo *
field_by_path(const PlfResource *resource, const PlfPath *path)
{
	for (int i = 0; i < resource->nfields; i++)
	{
		const PlfFieldInfo *info = &resource->fields[i];
		PlfPath name = {1, {info->column}};

		if (is_path(info->path.count > 0 ? &info->path : &name, path))
			return info;
	}
	return NULL;
}

static bool
is_path(const PlfPath *path, const PlfPath *other)
{
	if (path->count != other->count)
		return false;
	for (int i = 0; i < path->count; i++)
		if (strcmp(path->steps[i], other->steps[i]) != 0)
			return false;
	return true;
}

/*
 * Chooses how a field is read as "base_type".  False for a type that is refused: the
 * input functions of money, date and timestamp would read some values wrongly without an
 * error, by the locale or in the session's time zone.  "info" is NULL for a path that is
 * not in the field table.
 */
static bool
choose_decoding(const PlfFieldInfo *info, Oid base_type, PlfDecoding *decoding)
{
	bool natural = info != NULL && base_type == info->type;
	bool any = info == NULL;

	switch (base_type)
	{
		case TEXTOID:
		case VARCHAROID:
			*decoding = PLF_DECODE_TEXT;
			return true;
		case NUMERICOID:
			*decoding = PLF_DECODE_DECIMAL;
			return natural || any;
		case BOOLOID:
			*decoding = PLF_DECODE_BOOLEAN;
			return natural || any;
		case TEXTARRAYOID:
			*decoding = PLF_DECODE_TEXT_ARRAY;
			return natural || any;
		case JSONBOID:
			*decoding = PLF_DECODE_JSON;
			return natural || any;
		case JSONOID:
			*decoding = PLF_DECODE_JSON;
			return any || info->type == JSONBOID;
		case UUIDOID:
			*decoding = PLF_DECODE_UUID;
			return natural;
		case TIMESTAMPTZOID:
			*decoding = PLF_DECODE_TIMESTAMP;
			return natural;
		default:
			*decoding = PLF_DECODE_TEXT;
			return type_is_enum(base_type) && (any || info->type == TEXTOID);
	}
}

static void
report_unknown_column(Relation relation, const PlfResource *resource,
					  Form_pg_attribute attr)
{
	const char *name = NameStr(attr->attname);
	const char **names = palloc(sizeof(char *) * (resource->nfields + 1));
	const char *nearest;
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < resource->nfields; i++)
	{
		names[i] = resource->fields[i].column;
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	}
	names[resource->nfields] = NULL;
	nearest = plf_nearest(name, names);

	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
		 errmsg("column \"%s\" of foreign table \"%s\" is no field of a %s", name,
				RelationGetRelationName(relation), resource->wire.noun),
		 errdetail("Known names: %s.", list.data),
		 attr->attgenerated == ATTRIBUTE_GENERATED_STORED
			 ? errhint(
				   "A stored generated column is read from the API. Compute it in a view, or, from PostgreSQL 18 on, declare it VIRTUAL.")
		 : nearest != NULL
			 ? errhint(
				   "Perhaps you meant \"%s\"; a column of another name needs the option \"field\" or \"constant\".",
				   nearest)
			 : errhint(
				   "A column of another name needs the option \"field\" or \"constant\".")));
}

const PlfColumn *
plf_status_column(const PlfTable *table)
{
	for (int i = 0; i < table->ncolumns; i++)
		if (table->columns[i].role == PLF_ROLE_STATUS)
			return &table->columns[i];
	return NULL;
}

const PlfFieldInfo *
plf_sort_key_of(const PlfColumn *column)
{
	return column->natural && column->field->sort_by != NULL ? column->field : NULL;
}

bool
plf_sort_key_is_nullable(const PlfColumn *column)
{
	return !column->field->not_null && !column->not_null;
}
