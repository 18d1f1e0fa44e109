/*
 * store.h
 *		What the wrapper writes into a user mapping, and reads back: tokens and the last
 *		failure.
 */
#ifndef PLF_STORE_H
#define PLF_STORE_H

#include "oauth/token.h"

/*
 * Raises the errors that storing would raise.  Core and the validator check all options
 * of a mapping whenever one changes.
 */
extern void plf_store_rehearse(const PlfMapping *mapping);

/*
 * Write into the mapping, in the current transaction.  "stored_by" is what
 * plf_stored_by() returned before the token host was asked, because that can fail.
 */
extern void plf_store_tokens(const PlfMapping *mapping, const PlfOptions *options,
							 const char *stored_by, const PlfTokens *tokens);
extern void plf_store_failure(const PlfMapping *mapping, const PlfFailure *failure);

/*
 * Returns true, with *failure filled, when the mapping remembers a failure that is final
 * and about the refresh token and application that the mapping has now.
 */
extern bool plf_stored_refusal(const PlfMapping *mapping, const PlfOptions *options,
							   PlfFailure *failure);

/*
 * Returns true, with *failure filled, when the mapping remembers a failure that came at
 * "since" or later and is about what the mapping has now.
 */
extern bool plf_failure_since(const PlfMapping *mapping, TimestampTz since,
							  PlfFailure *failure);

/*
 * Returns true when the mapping remembers a failure about the refresh token and
 * application that it has now. *when is the time of the failure (DT_NOBEGIN: the time
 * cannot be read), and *what the message, palloc'd.
 */
extern bool plf_stored_failure(const PlfMapping *mapping, TimestampTz *when,
							   const char **what);

#endif /* PLF_STORE_H */
