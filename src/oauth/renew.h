/*
 * renew.h
 *		Access tokens that are renewed in time: OAuth 2.0 with rotating refresh tokens.
 *
 * A refresh token can be used once, and only the answer to its use has the next one.
 * So a background worker sends it and stores the answer, in a transaction of its own
 * that the caller's rollback does not undo.
 */
#ifndef PLF_RENEW_H
#define PLF_RENEW_H

#include "catalog/mapping.h"
#include "catalog/option.h"
#include "http/failure.h"

/*
 * Sees to it that the mapping has an access token to use, and reads the mapping again.
 * "stale" is a token that must not be used because it was refused, or NULL.
 *
 * The token host is asked only if the mapping has no other token by then.  Sessions that
 * need the token of one mapping at the same time make one request and share the result. A
 * token that has not ended yet is used when the token host cannot be asked or the request
 * fails, and at once when another session has the turn.
 *
 * Returns false, with *failure filled, when there is no token.
 */
extern bool plf_oauth_renew(PlfMapping *mapping, const PlfOptions *options,
							const char *stale, PlfFailure *failure);

/*
 * Exchanges an authorization code for tokens at the token host of "options", and reads
 * the mapping again.  "slot" is the slot of the code (proof.h).  Returns false, with
 * *failure filled, when that failed.
 */
extern bool plf_oauth_authorize(PlfMapping *mapping, const PlfOptions *options,
								const char *code, int64 slot, PlfFailure *failure);

#endif /* PLF_RENEW_H */
