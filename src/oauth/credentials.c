/*
 * credentials.c
 *		The rows of the view payment_links_credentials: the state of user mappings,
 *		without their secrets.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "catalog/server.h"
#include "oauth/store.h"

typedef enum CredentialColumn
{
	CREDENTIAL_SERVER,
	CREDENTIAL_ROLE,
	CREDENTIAL_HOST,
	CREDENTIAL_KIND,
	CREDENTIAL_ACCESS_TOKEN_EXPIRES_AT,
	CREDENTIAL_REFRESH_TOKEN_EXPIRES_AT,
	CREDENTIAL_REFRESHED_AT,
	CREDENTIAL_LAST_FAILURE_AT,
	CREDENTIAL_LAST_FAILURE,
	CREDENTIAL_COLUMNS
} CredentialColumn;

PG_FUNCTION_INFO_V1(payment_links_credentials);

static bool is_visible(const FormData_pg_user_mapping *form, bool all);
static void add_row(ReturnSetInfo *result, Oid umid, const ForeignServer *server);
static void set_text(Datum *values, bool *nulls, CredentialColumn column,
					 const char *text);
static void set_time(Datum *values, bool *nulls, CredentialColumn column,
					 TimestampTz when);

/*
 * Returns the caller's own mappings and those of PUBLIC that the caller may use; all
 * mappings to members of pg_monitor.  Other roles typed the options, and may be dropping
 * the mappings now.  So a mapping that is gone has no row, and a value that cannot be
 * read is NULL; neither is an error.
 */
Datum
payment_links_credentials(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool all = has_privs_of_role(GetUserId(), ROLE_PG_MONITOR);
	MemoryContext row_context;
	Relation relation;
	SysScanDesc scan;
	HeapTuple tuple;

	PLF_MATERIALIZED_SRF(fcinfo);
	row_context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw credentials", ALLOCSET_DEFAULT_SIZES);
	relation = table_open(UserMappingRelationId, AccessShareLock);
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_user_mapping form = (Form_pg_user_mapping) GETSTRUCT(tuple);
		MemoryContext old;
		ForeignServer *server;

		CHECK_FOR_INTERRUPTS();
		if (!is_visible(form, all) || !plf_server_is_ours(form->umserver))
			continue;
		MemoryContextReset(row_context);
		old = MemoryContextSwitchTo(row_context);
		server = GetForeignServerExtended(form->umserver, FSV_MISSING_OK);
		if (server != NULL)
			add_row(result, form->oid, server);
		MemoryContextSwitchTo(old);
	}
	MemoryContextDelete(row_context);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return (Datum) 0;
}

/*
 * Whether the current user sees the mapping.  Does not read the options of the server,
 * which its owner can make as long as there is memory.
 */
static bool
is_visible(const FormData_pg_user_mapping *form, bool all)
{
	if (OidIsValid(form->umuser) && !all)
		return form->umuser == GetUserId();
	return SearchSysCacheExists1(FOREIGNSERVEROID, ObjectIdGetDatum(form->umserver)) &&
		   (all || plf_server_aclcheck(form->umserver, GetUserId()) == ACLCHECK_OK);
}

static void
add_row(ReturnSetInfo *result, Oid umid, const ForeignServer *server)
{
	Datum values[CREDENTIAL_COLUMNS];
	bool nulls[CREDENTIAL_COLUMNS];
	PlfMapping mapping;
	TimestampTz failed_at;
	const char *failure;
	bool renewed;

	if (!plf_mapping_get(umid, &mapping))
		return;
	memset(nulls, true, sizeof(nulls));
	memset(values, 0, sizeof(values));
	renewed = plf_mapping_is_renewed(&mapping);
	set_text(values, nulls, CREDENTIAL_SERVER, server->servername);
	set_text(values, nulls, CREDENTIAL_ROLE, mapping.role);
	set_text(values, nulls, CREDENTIAL_HOST, plf_options_host(server));
	set_text(values, nulls, CREDENTIAL_KIND,
			 renewed                             ? "refresh_token"
			 : mapping.access_token_file != NULL ? "access_token_file"
			 : mapping.access_token != NULL      ? "access_token"
												 : NULL);
	set_time(values, nulls, CREDENTIAL_ACCESS_TOKEN_EXPIRES_AT,
			 mapping.access_token_expires_at);
	set_time(values, nulls, CREDENTIAL_REFRESH_TOKEN_EXPIRES_AT,
			 mapping.refresh_token_expires_at);
	set_time(values, nulls, CREDENTIAL_REFRESHED_AT, mapping.refreshed_at);
	if (renewed && plf_stored_failure(&mapping, &failed_at, &failure))
	{
		set_time(values, nulls, CREDENTIAL_LAST_FAILURE_AT, failed_at);
		set_text(values, nulls, CREDENTIAL_LAST_FAILURE, failure);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
set_text(Datum *values, bool *nulls, CredentialColumn column, const char *text)
{
	nulls[column] = text == NULL;
	if (text != NULL)
		values[column] = CStringGetTextDatum(text);
}

/* A time that is unknown is infinite, and NULL in the row. */
static void
set_time(Datum *values, bool *nulls, CredentialColumn column, TimestampTz when)
{
	nulls[column] = TIMESTAMP_NOT_FINITE(when);
	values[column] = TimestampTzGetDatum(when);
}
