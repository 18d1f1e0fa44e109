/*
 * server.c
 *		Foreign servers of this wrapper, by name, for SQL functions.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "compat.h"
#include "catalog/server.h"

/* The C function that validates this wrapper's options, and its library. */
#define LIBRARY   "payment_links_fdw"
#define VALIDATOR "payment_links_fdw_validator"

static bool is_our_library(const char *path);

ForeignServer *
plf_server_get(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	AclResult allowed = plf_server_aclcheck(server->serverid, GetUserId());

	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_FOREIGN_SERVER, server->servername);
	if (!plf_server_is_ours(server->serverid))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("server \"%s\" does not belong to payment_links_fdw",
							   server->servername)));
	return server;
}

/*
 * A wrapper can be renamed, so it is recognized by its validator.  The validator is
 * recognized by its entry in pg_proc and not loaded: payment_links_credentials looks at
 * the servers of all wrappers, and another wrapper's library may be missing.
 */
bool
plf_server_is_ours(Oid serverid)
{
	HeapTuple tuple = SearchSysCache1(FOREIGNSERVEROID, ObjectIdGetDatum(serverid));
	ForeignDataWrapper *wrapper;
	Oid fdwid;
	Datum source;
	Datum library;
	bool no_source;
	bool no_library;
	bool ours = false;

	if (!HeapTupleIsValid(tuple))
		return false;
	fdwid = ((Form_pg_foreign_server) GETSTRUCT(tuple))->srvfdw;
	ReleaseSysCache(tuple);
	wrapper = GetForeignDataWrapperExtended(fdwid, FDW_MISSING_OK);
	if (wrapper == NULL || !OidIsValid(wrapper->fdwvalidator))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(wrapper->fdwvalidator));
	if (!HeapTupleIsValid(tuple))
		return false;
	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &no_source);
	library = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &no_library);
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId && !no_source &&
		!no_library)
		ours = strcmp(TextDatumGetCString(source), VALIDATOR) == 0 &&
			   is_our_library(TextDatumGetCString(library));
	ReleaseSysCache(tuple);
	return ours;
}

/* Whether the last component of a path, without its suffix, is the name of this library.
 */
static bool
is_our_library(const char *path)
{
	const char *name = last_dir_separator(path);
	size_t length = strlen(LIBRARY);

	name = name != NULL ? name + 1 : path;
	return strncmp(name, LIBRARY, length) == 0 &&
		   (name[length] == '\0' || strcmp(name + length, DLSUFFIX) == 0);
}
