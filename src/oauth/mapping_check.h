/*
 * mapping_check.h
 *		Whether a user mapping has what using, refreshing or authorizing takes.
 */
#ifndef PLF_MAPPING_CHECK_H
#define PLF_MAPPING_CHECK_H

#include "catalog/mapping.h"
#include "catalog/option.h"
#include "http/failure.h"

/*
 * Whether the mapping's access token may be used: it exists, plf_text_digest() of it is
 * not "stale", and it does not end within the next minute.
 */
extern bool plf_token_is_usable(const PlfMapping *mapping, uint64 stale);

/* Like plf_token_is_usable(), with "ms" milliseconds in place of the minute. */
extern bool plf_token_lasts(const PlfMapping *mapping, uint64 stale, int ms);

/*
 * Whether the mapping's refresh token may be used here and now: it belongs to this
 * database and this token host, and was not refused.  Returns false with *failure filled.
 */
extern bool plf_mapping_is_renewable(const PlfMapping *mapping, const PlfOptions *options,
									 PlfFailure *failure);

/* Whether the mapping has what an authorization takes.  Returns false with *failure
 * filled. */
extern bool plf_mapping_is_authorizable(const PlfMapping *mapping,
										const PlfOptions *options, PlfFailure *failure);

/*
 * How long a session and its worker wait together for the mapping's row, when another
 * transaction has locked or changed the row.  A worker waits for it PLF_LEAST_ROW_WAIT_MS
 * at least, and a session that has less time left starts no worker.
 */
#define PLF_ROW_WAIT_MS       5000
#define PLF_LEAST_ROW_WAIT_MS 500

/*
 * Whether a transaction has locked, changed or dropped the mapping's row and is under
 * way.  Does not wait.
 */
extern bool plf_mapping_is_locked(Oid umid);

/* Fills *failure for such a mapping. */
extern void plf_failure_mapping_locked(PlfFailure *failure);

/* Fills *failure for a mapping without a refresh token. */
extern void plf_failure_no_refresh_token(const PlfMapping *mapping,
										 const PlfOptions *options, PlfFailure *failure);

#endif /* PLF_MAPPING_CHECK_H */
