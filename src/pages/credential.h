/*
 * credential.h
 *		Credentials: from a user mapping to the tokens of a request, and which of them the
 *		API refused.
 */
#ifndef PLF_CREDENTIAL_H
#define PLF_CREDENTIAL_H

#include "catalog/mapping.h"
#include "catalog/option.h"
#include "http/endpoint.h"
#include "http/failure.h"

/* Strings are palloc'd in the context that was current. */
typedef struct PlfCredential
{
	char *role; /* the role that the mapping is for, or "PUBLIC" */
	char *access_token;
	char *staging_token;    /* or NULL */
	const char *secrets[4]; /* what no message may show, ended by NULL: both tokens, and
							 * the access token that this credential replaced */
	PlfMapping *mapping;    /* where the tokens come from */
	uint64 fingerprint;     /* of the tokens, the API's URL, the mapping and its file */
	uint32 mapping_hash;    /* of the mapping's entry in the syscache */
	uint32 server_hash;     /* of the server's entry in the syscache */
} PlfCredential;

/*
 * Fills *credential for the role "userid" on the server of "options".  To be called at
 * execution, for the role that the scan runs as.  A mapping with a refresh token first
 * gets a new access token if the old one ends soon.
 *
 * Returns false, with *failure filled, when there is no token to send: 28000 for no
 * mapping, no token, or a token that the API refused and that is not sent yet; 42501,
 * 42809, 58P01 or 58030 for the token file.  credential->role is filled if there is a
 * mapping.
 */
extern bool plf_credential_get(Oid userid, const PlfOptions *options,
							   PlfCredential *credential, PlfFailure *failure);

/*
 * Replaces *credential, which the API has just refused, by one of the same user mapping
 * with a new access token.  Returns false, with *failure filled, where there is none.
 * Where the mapping was dropped, no other mapping of the role takes its place (28000): a
 * scan that began with one account must not go on with another.
 */
extern bool plf_credential_renew(const PlfOptions *options, PlfCredential *credential,
								 PlfFailure *failure);

/*
 * Notes that the API answered 401 to this credential.  This backend does not send it
 * again for 1 minute, doubled at each further refusal up to 1 hour, unless the mapping,
 * the server or the token file changes.  (The API throttles an address that collects
 * answers of 401.)
 */
extern void plf_credential_refused(const PlfCredential *credential);

/* Notes that the API accepted this credential: earlier refusals are forgotten. */
extern void plf_credential_accepted(const PlfCredential *credential);

/*
 * Fills *endpoint for requests to the API with this credential.  Its strings are those of
 * "options" and "credential".
 */
extern void plf_endpoint_set(PlfEndpoint *endpoint, const PlfOptions *options,
							 const PlfCredential *credential);

#endif /* PLF_CREDENTIAL_H */
