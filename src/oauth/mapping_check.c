/*
 * mapping_check.c
 *		Whether a user mapping has what using, refreshing or authorizing takes.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_user_mapping.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "catalog/digest.h"
#include "oauth/advice.h"
#include "oauth/mapping_check.h"
#include "oauth/origin.h"
#include "oauth/store.h"

/* An access token is not used any more when less than this is left; ms. */
#define TOKEN_MARGIN_MS 60000

bool
plf_token_is_usable(const PlfMapping *mapping, uint64 stale)
{
	return plf_token_lasts(mapping, stale, TOKEN_MARGIN_MS);
}

bool
plf_token_lasts(const PlfMapping *mapping, uint64 stale, int ms)
{
	return mapping->access_token != NULL &&
		   plf_text_digest(mapping->access_token) != stale &&
		   (TIMESTAMP_IS_NOEND(mapping->access_token_expires_at) ||
			mapping->access_token_expires_at >
				TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms));
}

bool
plf_mapping_is_renewable(const PlfMapping *mapping, const PlfOptions *options,
						 PlfFailure *failure)
{
	const char *missing = mapping->client_id == NULL       ? "client_id"
						  : mapping->client_secret == NULL ? "client_secret"
														   : NULL;
	PlfOrigin origin = mapping->stored_by == NULL ? PLF_ORIGIN_HERE
												  : plf_origin(mapping->stored_by);

	if (missing != NULL)
		plf_failure_set(
			failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
			psprintf("user mapping for %s on server \"%s\" has a refresh token but no %s",
					 mapping->role, options->server_name, missing),
			NULL,
			plf_mapping_advice(
				mapping,
				psprintf("Add it with ALTER USER MAPPING ... OPTIONS (ADD %s '...').",
						 missing)));
	else if (origin == PLF_ORIGIN_OTHER_DATABASE)
		plf_failure_set(
			failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
			psprintf(
				"the refresh token of the user mapping for %s on server \"%s\" was stored by another database",
				mapping->role, options->server_name),
			"This database is a copy. A refresh token can be used once: if the copy used the token, the original would be locked out.",
			plf_mapping_advice(
				mapping,
				"Authorize again with payment_links_authorize_url() and payment_links_authorize(), or, if the original is gone, ALTER USER MAPPING ... OPTIONS (DROP stored_by)."));
	else if (origin == PLF_ORIGIN_OTHER_COPY)
		plf_failure_set(
			failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
			psprintf(
				"the refresh token of the user mapping for %s on server \"%s\" was stored by another copy of this database",
				mapping->role, options->server_name),
			"The files of this database were copied, restored or moved since. A refresh token can be used once: if a copy used the token, the original would be locked out.",
			plf_mapping_advice(
				mapping,
				"If this is the original, ALTER USER MAPPING ... OPTIONS (DROP stored_by). If it is a copy, authorize again with payment_links_authorize_url() and payment_links_authorize()."));
	else if (mapping->token_host != NULL &&
			 !plf_options_is_token_host(options, mapping->token_host))
		plf_failure_set(
			failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
			psprintf(
				"the refresh token of the user mapping for %s on server \"%s\" is for another host",
				mapping->role, options->server_name),
			psprintf("The token was stored for %s, and the server's token host is %s.",
					 plf_shown_token_host(mapping), options->token_host),
			PLF_AUTHORIZE_HINT);
	else
		return !plf_stored_refusal(mapping, options, failure);
	return false;
}

bool
plf_mapping_is_authorizable(const PlfMapping *mapping, const PlfOptions *options,
							PlfFailure *failure)
{
	const char *missing = mapping->client_id == NULL       ? "client_id"
						  : mapping->client_secret == NULL ? "client_secret"
						  : mapping->redirect_uri == NULL  ? "redirect_uri"
														   : NULL;

	if (missing == NULL)
		return true;
	plf_failure_set(
		failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
		psprintf("user mapping for %s on server \"%s\" has no %s", mapping->role,
				 options->server_name, missing),
		NULL,
		plf_mapping_advice(
			mapping,
			psprintf("Add it with ALTER USER MAPPING ... OPTIONS (ADD %s '...').",
					 missing)));
	return false;
}

bool
plf_mapping_is_locked(Oid umid)
{
	Relation relation = table_open(UserMappingRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(relation, 0, NULL);
	Buffer buffer;
	HeapTuple tuple;
	bool is_locked = false;

	/* The header of the row's version tells, which index scans and caches do not have. */
	while (!is_locked && (tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		if (((Form_pg_user_mapping) GETSTRUCT(tuple))->oid != umid)
			continue;
		buffer = ((HeapScanDesc) scan)->rs_cbuf;
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		is_locked = HeapTupleSatisfiesUpdate(tuple, GetCurrentCommandId(false), buffer) ==
					TM_BeingModified;
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	return is_locked;
}

void
plf_failure_mapping_locked(PlfFailure *failure)
{
	plf_failure_set(
		failure, NULL, ERRCODE_LOCK_NOT_AVAILABLE,
		"the access token cannot be refreshed while another transaction changes or locks the user mapping",
		"The token host was not asked.", "Commit or roll back that transaction.");
}

void
plf_failure_no_refresh_token(const PlfMapping *mapping, const PlfOptions *options,
							 PlfFailure *failure)
{
	plf_failure_set(failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
					psprintf("user mapping for %s on server \"%s\" has no refresh token",
							 mapping->role, options->server_name),
					NULL, PLF_AUTHORIZE_HINT);
}
