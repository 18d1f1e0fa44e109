/*
 * import.c
 *		IMPORT FOREIGN SCHEMA: a table for each resource, with a column for each row of
 *		its field table.  Makes no request.
 */
#include "postgres.h"

#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "compat.h"
#include "catalog/import.h"
#include "catalog/option.h"
#include "catalog/resource.h"

static char *table_command(const PlfResource *resource, bool with_json,
						   const char *server_name);

List *
plf_import_foreign_schema(ImportForeignSchemaStmt *stmt, Oid serverOid)
{
	bool with_json = plf_options_import_json(stmt->options);
	const char *server_name = GetForeignServer(serverOid)->servername;
	List *commands = NIL;

	/* The API has one schema, so every name of a remote schema means that one. */
	for (int i = 0; i < PLF_RESOURCE_COUNT; i++)
		if (IsImportableForeignTable(plf_resources[i].table, stmt))
			commands = lappend(commands,
							   table_command(&plf_resources[i], with_json, server_name));
	return commands;
}

static char *
table_command(const PlfResource *resource, bool with_json, const char *server_name)
{
	const char *separator = "";
	StringInfoData command;

	initStringInfo(&command);
	appendStringInfo(&command, "CREATE FOREIGN TABLE %s (",
					 quote_identifier(resource->table));
	for (int i = 0; i < resource->nfields; i++)
	{
		const PlfFieldInfo *field = &resource->fields[i];

		if (field->is_json && !with_json)
			continue;
		appendStringInfo(&command, "%s\n\t%s %s%s", separator,
						 quote_identifier(field->column), format_type_be(field->type),
						 field->not_null ? " NOT NULL" : "");
		separator = ",";
	}
	appendStringInfo(&command, "\n) SERVER %s", quote_identifier(server_name));
	return command.data;
}
