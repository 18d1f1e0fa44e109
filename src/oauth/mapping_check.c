/*
 * mapping_check.c
 *		Whether a user mapping has what using, refreshing or authorizing takes.
 */
#include "postgres.h"

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
					 mapping->token_host, options->token_host),
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

void
plf_failure_no_refresh_token(const PlfMapping *mapping, const PlfOptions *options,
							 PlfFailure *failure)
{
	plf_failure_set(failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
					psprintf("user mapping for %s on server \"%s\" has no refresh token",
							 mapping->role, options->server_name),
					NULL, PLF_AUTHORIZE_HINT);
}
