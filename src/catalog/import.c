/*
 * import.c
 *		IMPORT FOREIGN SCHEMA: one table with every known field, from the field
 *		table alone; the API is not asked.
 */
#include "postgres.h"

#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "compat.h"
#include "catalog/field.h"
#include "catalog/import.h"
#include "catalog/option.h"

#define TABLE_NAME "payment_links"

List *
plf_import_foreign_schema(ImportForeignSchemaStmt *stmt, Oid serverOid)
{
	bool with_json = plf_options_import_json(stmt->options);
	const char *separator = "";
	StringInfoData command;

	/* the API has one schema, so whatever the statement calls it is right */
	if (!IsImportableForeignTable(TABLE_NAME, stmt))
		return NIL;

	initStringInfo(&command);
	appendStringInfo(&command, "CREATE FOREIGN TABLE %s (", TABLE_NAME);
	for (int i = 0; i < PLF_FIELD_COUNT; i++)
	{
		const PlfFieldInfo *field = &plf_fields[i];

		if (field->is_json && !with_json)
			continue;
		appendStringInfo(&command, "%s\n\t%s %s%s", separator,
						 quote_identifier(field->column), format_type_be(field->type),
						 field->not_null ? " NOT NULL" : "");
		separator = ",";
	}
	appendStringInfo(&command, "\n) SERVER %s",
					 quote_identifier(GetForeignServer(serverOid)->servername));

	return list_make1(command.data);
}
