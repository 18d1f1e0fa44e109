/*
 * row.c
 *		Decodes a link into the values of a row: every field exactly, or an error that
 *		names the column.
 *
 * Scans, lookups and ANALYZE decode rows, bounds.c decodes sort keys.  list/ asks for the
 * ids of links and whether a link has a sort key.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "rows/row.h"
#include "rows/uuid_text.h"
#include "rows/value_text.h"

/* Longest piece of an answer that is repeated in a message, in bytes. */
#define MAX_QUOTED 64

/*
 * How a value is made without the type's input function, which is slower.  For a domain,
 * a type with a modifier or an unusual spelling, only the input function knows the
 * result.
 */
typedef enum Shortcut
{
	SHORTCUT_NONE,
	SHORTCUT_TEXT,
	SHORTCUT_UUID,
	SHORTCUT_TIMESTAMP
} Shortcut;

/* A column that is decoded, and how. */
typedef struct Target
{
	const PlfColumn *column;
	FmgrInfo input;
	Oid ioparam;
	Shortcut shortcut;
	bool is_domain;
	bool is_word;   /* no value of the type is longer than MAX_QUOTED */
	Datum constant; /* for PLF_DECODE_CONSTANT */
} Target;

struct PlfRow
{
	const PlfWire *wire;
	char *table_name;
	int natts;
	int ntargets;
	Target *targets;
	bool is_utf8; /* the database's encoding is UTF-8: texts need no conversion */
	StringInfoData buffer; /* text of one field, with a terminating NUL */

	/* What is decoded at the moment, for the error context. */
	const PlfLink *link;
	const Target *current;
};

static Shortcut shortcut_of(const PlfColumn *column);
static void constant_context(void *arg);
static void decode_context(void *arg);
static Datum decode_field(PlfRow *row, const Target *target, PlfField *field,
						  bool *isnull);
static Datum decode_text_array(PlfRow *row, const Target *target, bool *isnull);
static Datum input_value(PlfRow *row, const Target *target, const char *text,
						 size_t length);
static const char *to_server(PlfRow *row, const char *text, size_t length,
							 size_t *converted_length);
static const char *terminated(PlfRow *row, const char *text, size_t length);
static void report_invalid(const Target *target, const PlfField *field)
	pg_attribute_noreturn();

PlfRow *
plf_row_create(Relation relation, const PlfTable *table, const Bitmapset *columns)
{
	PlfRow *row = palloc0(sizeof(PlfRow));

	row->wire = &table->resource->wire;
	row->table_name = pstrdup(RelationGetRelationName(relation));
	row->natts = table->ncolumns;
	row->targets = palloc0(sizeof(Target) * Max(table->ncolumns, 1));
	row->is_utf8 = GetDatabaseEncoding() == PG_UTF8;
	initStringInfo(&row->buffer);

	for (int i = 0; i < table->ncolumns; i++)
	{
		const PlfColumn *column = &table->columns[i];
		Target *target;
		Oid input;

		if (column->attnum == 0 || !bms_is_member(column->attnum, columns))
			continue;
		target = &row->targets[row->ntargets++];
		target->column = column;
		target->is_domain = column->type != column->base_type;
		target->is_word = column->base_type == UUIDOID || column->base_type == BOOLOID ||
						  type_is_enum(column->base_type);
		target->shortcut = shortcut_of(column);
		getTypeInputInfo(column->type, &input, &target->ioparam);
		fmgr_info(input, &target->input);
		if (column->decoding == PLF_DECODE_CONSTANT)
		{
			ErrorContextCallback callback;

			callback.callback = constant_context;
			callback.arg = column->name;
			callback.previous = error_context_stack;
			error_context_stack = &callback;
			target->constant = InputFunctionCall(&target->input, column->constant,
												 target->ioparam, column->typmod);
			error_context_stack = callback.previous;
		}
	}
	return row;
}

static void
constant_context(void *arg)
{
	errcontext("option \"constant\" of column \"%s\"", (const char *) arg);
}

static Shortcut
shortcut_of(const PlfColumn *column)
{
	if (column->type == TEXTOID)
		return SHORTCUT_TEXT;
	if (column->type == UUIDOID)
		return SHORTCUT_UUID;
	if (column->type == TIMESTAMPTZOID && column->typmod == -1 &&
		column->decoding == PLF_DECODE_TIMESTAMP)
		return SHORTCUT_TIMESTAMP;
	return SHORTCUT_NONE;
}

void
plf_row_decode(PlfRow *row, const PlfLink *link, Datum *values, bool *isnull)
{
	ErrorContextCallback callback;

	memset(isnull, true, row->natts * sizeof(bool));
	memset(values, 0, row->natts * sizeof(Datum));
	row->link = link;
	callback.callback = decode_context;
	callback.arg = row;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	for (int i = 0; i < row->ntargets; i++)
	{
		const Target *target = &row->targets[i];
		const PlfColumn *column = target->column;
		int at = column->attnum - 1;
		PlfField field;

		row->current = target;

		/* Each column of a long link may take seconds. */
		CHECK_FOR_INTERRUPTS();
		if (column->decoding == PLF_DECODE_CONSTANT)
		{
			values[at] = target->constant;
			isnull[at] = false;
			continue;
		}
		field = plf_page_field(link->page, link->index, &column->path,
							   column->decoding == PLF_DECODE_JSON ? PLF_FORM_RAW
																   : PLF_FORM_VALUE);
		values[at] = decode_field(row, target, &field, &isnull[at]);
		if (isnull[at] && column->not_null)
			ereport(
				ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg(
					 "null value in column \"%s\" of foreign table \"%s\" violates not-null constraint",
					 column->name, row->table_name)));
	}
	error_context_stack = callback.previous;
}

static void
decode_context(void *arg)
{
	PlfRow *row = arg;
	PlfField id = plf_link_id(row->link);
	int length = (int) Min(id.length, MAX_QUOTED);

	/*
	 * An error context must not raise an error, so it leaves out an id that would need a
	 * conversion.
	 */
	for (int i = 0; i < length; i++)
		if (id.text[i] < ' ' || id.text[i] > '~')
			length = 0;
	if (row->link->page_number > 0)
		errcontext("column \"%s\" of %s %.*s, page " INT64_FORMAT,
				   row->current->column->name, row->wire->noun, length, id.text,
				   row->link->page_number);
	else
		errcontext("column \"%s\" of %s %.*s", row->current->column->name,
				   row->wire->noun, length, id.text);
}

static Datum
decode_field(PlfRow *row, const Target *target, PlfField *field, bool *isnull)
{
	const PlfColumn *column = target->column;

	*isnull = field->kind == PLF_FIELD_MISSING || field->kind == PLF_FIELD_NULL ||
			  (column->zero_is_null && field->kind == PLF_FIELD_STRING &&
			   plf_text_is_zero_instant(field->text, field->length));
	if (*isnull)
	{
		/* The constraints of a domain may refuse NULL. */
		if (target->is_domain)
			(void) InputFunctionCall((FmgrInfo *) &target->input, NULL, target->ioparam,
									 column->typmod);
		return (Datum) 0;
	}

	/* The input function's message would repeat the whole value. */
	if (target->is_word && field->length > MAX_QUOTED)
		report_invalid(target, field);

	switch (column->decoding)
	{
		case PLF_DECODE_TEXT:
		case PLF_DECODE_UUID:
		case PLF_DECODE_JSON:
			if (column->decoding == PLF_DECODE_UUID && field->kind != PLF_FIELD_STRING)
				report_invalid(target, field);
			break;
		case PLF_DECODE_DECIMAL:
			if ((field->kind != PLF_FIELD_STRING && field->kind != PLF_FIELD_NUMBER) ||
				!plf_text_is_decimal(field->text, field->length))
				report_invalid(target, field);
			break;
		case PLF_DECODE_BOOLEAN:
			if (field->kind != PLF_FIELD_TRUE && field->kind != PLF_FIELD_FALSE &&
				field->kind != PLF_FIELD_STRING)
				report_invalid(target, field);
			if (!target->is_domain && field->kind != PLF_FIELD_STRING)
				return BoolGetDatum(field->kind == PLF_FIELD_TRUE);
			break;
		case PLF_DECODE_TIMESTAMP:
			if (field->kind != PLF_FIELD_STRING ||
				!plf_text_is_rfc3339(field->text, field->length))
				ereport(ERROR, (errcode(ERRCODE_INVALID_DATETIME_FORMAT),
								errmsg("invalid RFC 3339 timestamp in column \"%s\"",
									   column->name)));
			break;
		case PLF_DECODE_TEXT_ARRAY:
			return decode_text_array(row, target, isnull);
		case PLF_DECODE_CONSTANT:
			break;
	}
	return input_value(row, target, field->text, field->length);
}

static Datum
decode_text_array(PlfRow *row, const Target *target, bool *isnull)
{
	const PlfColumn *column = target->column;
	PlfField few[16];
	PlfField *elements = few;
	int count;
	Datum *values;
	bool *nulls;
	int dims[1];
	int bounds[1] = {1};
	ArrayType *array;

	count = plf_page_elements(row->link->page, row->link->index, &column->path,
							  PLF_FORM_VALUE, few, lengthof(few));
	if (count > (int) lengthof(few))
	{
		elements = palloc(sizeof(PlfField) * count);
		plf_page_elements(row->link->page, row->link->index, &column->path,
						  PLF_FORM_VALUE, elements, count);
	}
	if (count < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid value for text[] column \"%s\": not an array",
							   column->name)));

	values = palloc(sizeof(Datum) * Max(count, 1));
	nulls = palloc(sizeof(bool) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		size_t length;
		const char *text;

		nulls[i] = elements[i].kind == PLF_FIELD_NULL;
		if (nulls[i])
			continue;
		if (elements[i].kind != PLF_FIELD_STRING)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg(
					 "invalid value for text[] column \"%s\": element %d is not a string",
					 column->name, i + 1)));
		text = to_server(row, elements[i].text, elements[i].length, &length);
		values[i] = PointerGetDatum(cstring_to_text_with_len(text, length));
	}
	dims[0] = count;
	array = count == 0 ? construct_empty_array(TEXTOID)
					   : construct_md_array(values, nulls, 1, dims, bounds, TEXTOID, -1,
											false, TYPALIGN_INT);
	*isnull = false;
	if (target->is_domain)
	{
		/* Only the input function checks the constraints of a domain. */
		char *text = OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(array));

		return InputFunctionCall((FmgrInfo *) &target->input, text, target->ioparam,
								 column->typmod);
	}
	return PointerGetDatum(array);
}

/* Makes the value of "text", which is UTF-8 and need not be NUL-terminated. */
static Datum
input_value(PlfRow *row, const Target *target, const char *text, size_t length)
{
	const char *converted;
	size_t converted_length;

	if (target->shortcut == SHORTCUT_UUID)
	{
		pg_uuid_t uuid;

		if (plf_uuid_read(text, length, uuid.data))
			return UUIDPGetDatum(memcpy(palloc(sizeof(uuid)), &uuid, sizeof(uuid)));
	}
	if (target->shortcut == SHORTCUT_TIMESTAMP)
	{
		TimestampTz instant;

		if (plf_text_read_utc(text, length, &instant))
			return TimestampTzGetDatum(instant);
	}
	converted = to_server(row, text, length, &converted_length);
	if (target->shortcut == SHORTCUT_TEXT)
		return PointerGetDatum(cstring_to_text_with_len(converted, converted_length));
	if (converted == text)
		converted = terminated(row, text, length);
	return InputFunctionCall((FmgrInfo *) &target->input, (char *) converted,
							 target->ioparam, target->column->typmod);
}

/*
 * Returns "text" in the database's encoding: "text" itself, or a copy with a terminating
 * NUL that is valid until the next call.  Raises 22P05 for a character that the encoding
 * does not have.
 */
static const char *
to_server(PlfRow *row, const char *text, size_t length, size_t *converted_length)
{
	const char *from;
	const char *converted;

	if (memchr(text, '\0', length) != NULL)
		ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
						errmsg("unsupported Unicode escape sequence"),
						errdetail("\\u0000 cannot be converted to text.")));
	*converted_length = length;
	/* page.c has checked that the page is valid UTF-8. */
	if (row->is_utf8)
		return text;
	from = terminated(row, text, length);
	converted = pg_any_to_server(from, length, PG_UTF8);
	if (converted != from)
		*converted_length = strlen(converted);
	return converted;
}

/* Returns a copy of "text" with a terminating NUL, valid until the next call. */
static const char *
terminated(PlfRow *row, const char *text, size_t length)
{
	resetStringInfo(&row->buffer);
	appendBinaryStringInfo(&row->buffer, text, length);
	return row->buffer.data;
}

/*
 * Raises 22P02.  The message repeats a short string of printable ASCII; other values may
 * be too long for a message, or have characters that the database's encoding has not.
 */
static void
report_invalid(const Target *target, const PlfField *field)
{
	static const char *const kinds[] = {
		[PLF_FIELD_MISSING] = "nothing", [PLF_FIELD_NULL] = "null",
		[PLF_FIELD_STRING] = "a string", [PLF_FIELD_NUMBER] = "a number",
		[PLF_FIELD_TRUE] = "a boolean",  [PLF_FIELD_FALSE] = "a boolean",
		[PLF_FIELD_ARRAY] = "an array",  [PLF_FIELD_OBJECT] = "an object",
	};
	bool quotable = field->kind == PLF_FIELD_STRING && field->length <= MAX_QUOTED;

	for (size_t i = 0; quotable && i < field->length; i++)
		quotable = field->text[i] >= ' ' && field->text[i] <= '~';
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					quotable ? errmsg("invalid input syntax for type %s: \"%.*s\"",
									  format_type_be(target->column->type),
									  (int) field->length, field->text)
							 : errmsg("invalid input for type %s",
									  format_type_be(target->column->type)),
					errdetail("The API sent %s.", kinds[field->kind])));
}

PlfKeyKind
plf_link_key_kind(const PlfLink *link, const PlfFieldInfo *key)
{
	PlfField field = plf_page_field(link->page, link->index, &key->path, PLF_FORM_VALUE);

	if (field.kind == PLF_FIELD_MISSING || field.kind == PLF_FIELD_NULL)
		return PLF_KEY_ABSENT;
	if (key->zero_is_null && field.kind == PLF_FIELD_STRING &&
		plf_text_is_zero_instant(field.text, field.length))
		return PLF_KEY_ZERO;
	return PLF_KEY_PRESENT;
}

PlfField
plf_link_id(const PlfLink *link)
{
	return plf_page_id(link->page, link->index);
}

PlfField
plf_link_status(const PlfLink *link)
{
	return plf_page_status(link->page, link->index);
}
