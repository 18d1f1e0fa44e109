/*
 * server.c
 *		Foreign servers of this wrapper, for SQL functions that are given their names.
 */
#include "postgres.h"

#include "catalog/pg_foreign_server.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "compat.h"
#include "catalog/option.h"
#include "catalog/server.h"

ForeignServer *
plf_server_get(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	AclResult	allowed = plf_server_aclcheck(server->serverid, GetUserId());

	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_FOREIGN_SERVER, server->servername);
	if (!plf_server_is_ours(server))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" is not one of payment_links_fdw",
						server->servername)));
	return server;
}

/* By the validator rather than by the name of the wrapper, which can be changed. */
bool
plf_server_is_ours(const ForeignServer *server)
{
	ForeignDataWrapper *wrapper = GetForeignDataWrapper(server->fdwid);
	FmgrInfo	validator;

	if (!OidIsValid(wrapper->fdwvalidator))
		return false;
	fmgr_info(wrapper->fdwvalidator, &validator);
	return validator.fn_addr == payment_links_fdw_validator;
}
