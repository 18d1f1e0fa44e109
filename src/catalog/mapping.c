/*
 * mapping.c
 *		Reads the options of a user mapping.
 *
 * GetUserMapping() is not used, because it raises an error, without a hint, for a missing
 * mapping.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/reloptions.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "catalog/mapping.h"
#include "catalog/option_value.h"

/* The most bytes of a token host that are shown: the longest name, and a port. */
#define LONGEST_SHOWN_HOST 260

static void fill(PlfMapping *mapping, HeapTuple tuple);

bool
plf_mapping_find(Oid userid, Oid serverid, PlfMapping *mapping)
{
	HeapTuple tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(userid),
									  ObjectIdGetDatum(serverid));

	if (!HeapTupleIsValid(tuple))
		tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
								ObjectIdGetDatum(serverid));
	if (!HeapTupleIsValid(tuple))
		return false;
	fill(mapping, tuple);
	ReleaseSysCache(tuple);
	return true;
}

bool
plf_mapping_get(Oid umid, PlfMapping *mapping)
{
	HeapTuple tuple = SearchSysCache1(USERMAPPINGOID, ObjectIdGetDatum(umid));

	if (!HeapTupleIsValid(tuple))
		return false;
	fill(mapping, tuple);
	ReleaseSysCache(tuple);
	return true;
}

char *
plf_shown_token_host(const PlfMapping *mapping)
{
	const char *host = mapping->token_host;

	/* The validator allows ASCII only. */
	return psprintf("%.*s%s", LONGEST_SHOWN_HOST, host,
					strlen(host) > LONGEST_SHOWN_HOST ? "..." : "");
}

bool
plf_mapping_is_changeable(Oid userid, Oid serverid)
{
	/* The checks of core raise an error for a server that is gone. */
	return SearchSysCacheExists1(FOREIGNSERVEROID, ObjectIdGetDatum(serverid)) &&
		   (plf_server_ownercheck(serverid, GetUserId()) ||
			(userid == GetUserId() &&
			 plf_server_aclcheck(serverid, userid) == ACLCHECK_OK));
}

const char *
plf_mapping_advice(const PlfMapping *mapping, const char *advice)
{
	ForeignServer *server = GetForeignServerExtended(mapping->serverid, FSV_MISSING_OK);

	if (server == NULL)
		return "The server was dropped meanwhile.";
	if (plf_mapping_is_changeable(mapping->userid, mapping->serverid))
		return advice;
	return psprintf(
		"Ask the owner of server \"%s\", who may change the user mapping for %s with ALTER USER MAPPING.",
		server->servername, mapping->role);
}

/*
 * Fills *mapping.  Raises no error, whatever the options are: the mapping may be another
 * role's, shown in payment_links_credentials, and its options may be older than the
 * validator or written for another wrapper.  An option whose value cannot be read counts
 * as absent.
 */
static void
fill(PlfMapping *mapping, HeapTuple tuple)
{
	Form_pg_user_mapping form = (Form_pg_user_mapping) GETSTRUCT(tuple);
	struct
	{
		const char *name;
		char **value;
	} strings[] = {{"access_token", &mapping->access_token},
				   {"access_token_file", &mapping->access_token_file},
				   {"staging_token", &mapping->staging_token},
				   {"client_id", &mapping->client_id},
				   {"client_secret", &mapping->client_secret},
				   {"redirect_uri", &mapping->redirect_uri},
				   {"refresh_token", &mapping->refresh_token},
				   {"token_host", &mapping->token_host},
				   {"stored_by", &mapping->stored_by},
				   {"last_failure", &mapping->last_failure}};
	struct
	{
		const char *name;
		TimestampTz *value;
	} times[] = {{"access_token_expires_at", &mapping->access_token_expires_at},
				 {"refresh_token_expires_at", &mapping->refresh_token_expires_at},
				 {"refreshed_at", &mapping->refreshed_at}};
	Datum options;
	bool isnull;
	ListCell *lc;

	memset(mapping, 0, sizeof(*mapping));
	mapping->umid = form->oid;
	mapping->serverid = form->umserver;
	mapping->userid = form->umuser;
	mapping->role = OidIsValid(form->umuser) ? GetUserNameFromId(form->umuser, true)
											 : pstrdup("PUBLIC");
	if (mapping->role == NULL)
		mapping->role = psprintf("%u", form->umuser);
	mapping->xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	TIMESTAMP_NOEND(mapping->access_token_expires_at);
	TIMESTAMP_NOEND(mapping->refresh_token_expires_at);
	TIMESTAMP_NOBEGIN(mapping->refreshed_at);

	options = SysCacheGetAttr(USERMAPPINGOID, tuple, Anum_pg_user_mapping_umoptions,
							  &isnull);
	foreach(lc, isnull ? NIL : untransformRelOptions(options))
	{
		DefElem *def = lfirst_node(DefElem, lc);
		const char *value = def->arg != NULL ? defGetString(def) : NULL;

		mapping->names = lappend(mapping->names, def->defname);
		if (value == NULL)
			continue;
		for (size_t i = 0; i < lengthof(strings); i++)
			if (strcmp(def->defname, strings[i].name) == 0)
				*strings[i].value = pstrdup(value);
		for (size_t i = 0; i < lengthof(times); i++)
			if (strcmp(def->defname, times[i].name) == 0)
				(void) plf_time_parse(value, times[i].value);
	}
}
