/*
 * credential.h
 *		From a user mapping to the tokens of a request, and the memory of
 *		tokens that were refused.
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
	char *role; /* whose mapping it is; "PUBLIC" for the
				 * public one */
	char *access_token;
	char *staging_token;    /* or NULL */
	const char *secrets[3]; /* both, ended by NULL: what no message may show */
	PlfMapping *mapping;    /* where it comes from */
	uint64 fingerprint;     /* of everything above and where it came from;
							 * for plf_credential_refused() */
	uint32 mapping_hash;    /* of the syscache entries of mapping and */
	uint32 server_hash;     /* server, whose changes end a refusal */
} PlfCredential;

/*
 * The credential of "userid" on the server; resolved at execution, for the user
 * the scan runs as.  False with *failure filled (28000: no mapping, no token, a
 * token that this backend saw refused and does not send yet; 42501 or 58P01:
 * token file) when there is none to send.  cred->role is filled
 * whenever a mapping exists.  A mapping with a refresh token is given a new access token
 * first, if the old one ends soon or is "stale": the one that the API just refused, or
 * NULL.
 */
extern bool plf_credential_get(Oid userid, const PlfOptions *options, const char *stale,
							   PlfCredential *credential, PlfFailure *failure);

/*
 * The API answered 401 to this credential.  This backend does not send it
 * again for 1 minute, doubling to 1 hour with each refusal, until the mapping or
 * the token file changes (the API throttles an address that collects 401s).
 */
extern void plf_credential_refused(const PlfCredential *credential);

/* The API accepted it: forget earlier refusals. */
extern void plf_credential_accepted(const PlfCredential *credential);

/*
 * Everything the client must know to speak to the API with this credential.
 * The endpoint points into both.
 */
extern void plf_endpoint_set(PlfEndpoint *endpoint, const PlfOptions *options,
							 const PlfCredential *credential);

#endif /* PLF_CREDENTIAL_H */
