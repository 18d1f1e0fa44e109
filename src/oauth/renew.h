/*
 * renew.h
 *		Access tokens that renew themselves: OAuth 2.0 with rotating refresh tokens.
 *
 * A refresh token dies when it is used, and its successor is the only way to the
 * next access token.  So it is asked for and stored by a background worker, in a
 * transaction of its own, whatever becomes of the caller's.
 */
#ifndef PLF_RENEW_H
#define PLF_RENEW_H

#include "catalog/mapping.h"
#include "catalog/option.h"
#include "http/failure.h"

/*
 * Sees to it that the mapping has an access token to use, and reads it again.  "stale"
 * is one that must not be used (it was refused), or NULL.  Asks the token host only if
 * the mapping does not have another one by then; any number of sessions ask once, and
 * share what comes of it.  A token that still works is kept where asking is not possible
 * or fails, and used at once where another session asks.  False, with *failure filled,
 * when there is none.
 */
extern bool plf_oauth_renew(PlfMapping *mapping, const PlfOptions *options,
							const char *stale, PlfFailure *failure);

/*
 * Exchanges an authorization code of a slot of time for tokens, at the token host that
 * "options" have, and reads the mapping again; likewise.
 */
extern bool plf_oauth_authorize(PlfMapping *mapping, const PlfOptions *options,
								const char *code, int64 slot, PlfFailure *failure);

#endif /* PLF_RENEW_H */
