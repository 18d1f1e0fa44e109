/*
 * authorize.c
 *		The SQL functions of the authorization.  They lead from a registered application
 *		to tokens in a user mapping.
 */
#include "postgres.h"

#include "catalog/pg_foreign_server.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "api/form.h"
#include "catalog/resource.h"
#include "catalog/server.h"
#include "catalog/typed_secret.h"
#include "oauth/job.h"
#include "oauth/mapping_check.h"
#include "oauth/proof.h"
#include "oauth/renew.h"

#define BEGIN_AGAIN "Begin again with payment_links_authorize_url()."

/* How many slots are searched for the state of an address: those of a day. */
#define KNOWN_SLOTS (24 * 3600 / PLF_SLOT_S)

PG_FUNCTION_INFO_V1(payment_links_authorize_url);
PG_FUNCTION_INFO_V1(payment_links_authorize);
PG_FUNCTION_INFO_V1(payment_links_refresh);

static void find_mapping(Oid userid, const PlfOptions *options, PlfMapping *mapping);
static void check_may_change(Oid userid, const PlfOptions *options);
static void check_token_host(const PlfMapping *mapping, const PlfOptions *options);
static char *palloced(char *text);
static char *trimmed(char *text);
static char *code_of(const char *text, const PlfMapping *mapping, int64 *slot);
static int64 slot_of_state(const char *state, const PlfMapping *mapping);
static int64 slot_of_bare_code(const PlfMapping *mapping);

/*
 * The last address that this session gave.  A bare code does not tell its slot, and a
 * code that is sent with the wrong verifier is used up.
 */
static struct
{
	Oid umid;
	int64 slot;
} last_address = {InvalidOid, 0};

/*
 * payment_links_authorize_url(server name): returns the address where the owner of the
 * account consents, for the mapping of the current user.
 */
Datum
payment_links_authorize_url(PG_FUNCTION_ARGS)
{
	PlfOptions *options = plf_options_get(
		plf_server_get(NameStr(*PG_GETARG_NAME(0)))->serverid, InvalidOid);
	int64 slot = plf_authorization_slot();
	PlfFailure failure = {0};
	PlfMapping mapping;
	char *query;

	find_mapping(GetUserId(), options, &mapping);
	if (!plf_mapping_is_authorizable(&mapping, options, &failure))
		plf_failure_raise(&failure);
	{
		const PlfFormField fields[] = {
			{"client_id", mapping.client_id},
			{"redirect_uri", mapping.redirect_uri},
			{"response_type", "code"},
			/* To read the list, and to get a refresh token. */
			{"scope", psprintf("%s offline_access", PLF_PAYMENT_LINKS->wire.scope)},
			{"state", plf_authorization_state(&mapping, slot)},
			{"code_challenge", plf_code_challenge(plf_code_verifier(&mapping, slot))},
			{"code_challenge_method", "S256"}};

		query = palloced(plf_form_encode(fields, lengthof(fields)));
	}
	if (query == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	last_address.umid = mapping.umid;
	last_address.slot = slot;
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s?%s", options->authorize_url, query)));
}

/*
 * payment_links_authorize(server name, code text, for_role name): exchanges a code for
 * tokens and stores them.  "code" is the code, or the whole address to which the browser
 * was sent back.  Returns when the access token ends.
 */
Datum
payment_links_authorize(PG_FUNCTION_ARGS)
{
	const char *role = NameStr(*PG_GETARG_NAME(2));
	PlfTypedSecret typed;
	char *given;
	PlfFailure failure = {0};
	PlfMapping mapping;
	PlfOptions *options;
	char *code;
	int64 slot;
	Oid userid;

	/* The statement's text holds the code, which may still be usable. */
	plf_typed_secret_begin(&typed);
	given = trimmed(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	options = plf_options_get(plf_server_get(NameStr(*PG_GETARG_NAME(0)))->serverid,
							  InvalidOid);
	userid = strcmp(role, "public") == 0 ? InvalidOid : get_role_oid(role, false);
	check_may_change(userid, options);
	find_mapping(userid, options, &mapping);
	if (mapping.userid != userid)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("role \"%s\" has no user mapping of its own on server \"%s\"", role,
					options->server_name),
			 errdetail("The role uses the user mapping of PUBLIC."),
			 errhint(
				 "Create one for the role, or let the owner of the server authorize for_role => 'public'.")));
	if (!plf_mapping_is_authorizable(&mapping, options, &failure) ||
		!plf_job_start_is_possible(&mapping, options, &failure))
		plf_failure_raise(&failure);
	code = code_of(given, &mapping, &slot);
	check_token_host(&mapping, options);
	if (!plf_oauth_authorize(&mapping, options, code, slot, &failure))
		plf_failure_raise(&failure);
	plf_typed_secret_end(&typed);
	PG_RETURN_TIMESTAMPTZ(mapping.access_token_expires_at);
}

/*
 * payment_links_refresh(server name): refreshes the access token of the current user's
 * mapping now, whether or not it is about to end.  Returns when the new one ends.  All
 * roles use the token of PUBLIC's mapping, so only the owner of the server may replace
 * that.
 */
Datum
payment_links_refresh(PG_FUNCTION_ARGS)
{
	PlfOptions *options = plf_options_get(
		plf_server_get(NameStr(*PG_GETARG_NAME(0)))->serverid, InvalidOid);
	PlfFailure failure = {0};
	PlfMapping mapping;

	find_mapping(GetUserId(), options, &mapping);
	if (!OidIsValid(mapping.userid))
		check_may_change(InvalidOid, options);
	if (!plf_mapping_is_renewed(&mapping))
	{
		plf_failure_no_refresh_token(&mapping, options, &failure);
		plf_failure_raise(&failure);
	}
	if (!plf_oauth_renew(&mapping, options,
						 mapping.access_token != NULL ? mapping.access_token : "",
						 &failure))
		plf_failure_raise(&failure);
	PG_RETURN_TIMESTAMPTZ(mapping.access_token_expires_at);
}

static void
find_mapping(Oid userid, const PlfOptions *options, PlfMapping *mapping)
{
	const char *role = OidIsValid(userid)
						   ? quote_identifier(GetUserNameFromId(userid, false))
						   : "PUBLIC";

	if (plf_mapping_find(userid, options->serverid, mapping))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
		 OidIsValid(userid)
			 ? errmsg("role \"%s\" has no user mapping on server \"%s\"",
					  GetUserNameFromId(userid, false), options->server_name)
			 : errmsg("there is no user mapping for PUBLIC on server \"%s\"",
					  options->server_name),
		 errhint(
			 "Create one with CREATE USER MAPPING FOR %s SERVER %s OPTIONS (client_id '...', client_secret '...', redirect_uri '...').",
			 role, quote_identifier(options->server_name))));
}

/* Raises an error unless the current user could CREATE the USER MAPPING. */
static void
check_may_change(Oid userid, const PlfOptions *options)
{
	if (plf_mapping_is_changeable(userid, options->serverid))
		return;
	aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FOREIGN_SERVER, options->server_name);
}

/*
 * Raises an error when the mapping is for another token host than the server's.
 * Authorizing for another role sends that role's client secret, so the server's token
 * host must be the one that the mapping names, if it names one.  Only the role itself may
 * change that.
 */
static void
check_token_host(const PlfMapping *mapping, const PlfOptions *options)
{
	if (!OidIsValid(mapping->userid) || mapping->userid == GetUserId() ||
		mapping->token_host == NULL ||
		plf_options_is_token_host(options, mapping->token_host))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("the user mapping for %s on server \"%s\" is for another token host",
					mapping->role, options->server_name),
			 errdetail("Its tokens come from %s, and the server's token host is %s.",
					   plf_shown_token_host(mapping), options->token_host),
			 errhint("Let the role authorize for itself.")));
}

/* Moves a malloc'd text into the current context; NULL stays NULL. */
static char *
palloced(char *text)
{
	char *copy = text == NULL ? NULL : MemoryContextStrdup(CurrentMemoryContext, text);

	free(text);
	return copy;
}

/* Cuts off the white space at both ends that copying a text often adds. */
static char *
trimmed(char *text)
{
	size_t length;

	text += strspn(text, " \t\r\n");
	length = strlen(text);
	while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
		length--;
	text[length] = '\0';
	return text;
}

/*
 * Returns the code, and the code's slot in *slot.  If "text" is an address, this mapping
 * must have given out the state in it.  Otherwise the code could be for somebody else's
 * account.
 */
static char *
code_of(const char *text, const PlfMapping *mapping, int64 *slot)
{
	char *code;

	if (strchr(text, '?') == NULL)
	{
		code = pstrdup(text);
		*slot = slot_of_bare_code(mapping);
	}
	else
	{
		const char *query = strchr(text, '?') + 1;

		if (palloced(plf_form_value(query, "error")) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
					 errmsg("the authorization was refused"), errhint(BEGIN_AGAIN)));
		code = palloced(plf_form_value(query, "code"));
		if (code == NULL)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no authorization code in the address"),
				 errhint(
					 "Give the whole address to which the browser was sent back, or the value of \"code\" in it.")));
		*slot = slot_of_state(palloced(plf_form_value(query, "state")), mapping);
	}
	if (code[0] == '\0' || strlen(code) >= PLF_MAX_CODE)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this is not an authorization code"),
			 errhint(
				 "It is the value of \"code\" in the address to which the browser was sent back.")));
	return code;
}

/*
 * Returns the slot of the state: the current slot or the one before.  Raises an error for
 * other states; the message for a state that is up to a day old says so.
 */
static int64
slot_of_state(const char *state, const PlfMapping *mapping)
{
	int64 now = plf_authorization_slot();
	int64 slot = now;

	/* Each state takes time that grows with the client secret. */
	while (state != NULL && slot > now - KNOWN_SLOTS &&
		   strcmp(state, plf_authorization_state(mapping, slot)) != 0)
	{
		CHECK_FOR_INTERRUPTS();
		slot--;
	}
	if (state == NULL || slot == now - KNOWN_SLOTS)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("this user mapping did not ask for the authorization"),
			 errdetail(
				 "The \"state\" in the address is none that payment_links_authorize_url() gave."),
			 errhint(BEGIN_AGAIN)));
	if (slot < now - 1)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("the authorization began too long ago"),
			 errdetail(
				 "An address that payment_links_authorize_url() gave can be used for at least %d minutes. The code was not sent.",
				 PLF_SLOT_S / 60),
			 errhint(BEGIN_AGAIN)));
	return slot;
}

/*
 * Returns the slot of the address that this session gave last, if the address was for
 * this mapping and its code can still be exchanged; else the current slot, to which most
 * codes belong.
 */
static int64
slot_of_bare_code(const PlfMapping *mapping)
{
	int64 now = plf_authorization_slot();

	return last_address.umid == mapping->umid && last_address.slot == now - 1
			   ? last_address.slot
			   : now;
}
