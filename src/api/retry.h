/*
 * retry.h
 *		What became of one try of a request, and whether to try again.
 *
 * Server-free: no postgres.h.
 */
#ifndef PLF_RETRY_H
#define PLF_RETRY_H

#include <stdbool.h>
#include <stdint.h>

typedef enum PlfOutcome
{
	PLF_OUTCOME_ANSWER,    /* a whole answer came; its status says more */
	PLF_OUTCOME_RESOLVE,   /* a host name could not be resolved */
	PLF_OUTCOME_CONNECT,   /* refused, unreachable, or not in time */
	PLF_OUTCOME_TLS,       /* handshake or certificate */
	PLF_OUTCOME_PROXY,     /* the proxy refused */
	PLF_OUTCOME_TIMEOUT,   /* connected, but no whole answer in time */
	PLF_OUTCOME_DROPPED,   /* connection lost, short body */
	PLF_OUTCOME_TOO_LARGE, /* body or headers beyond the cap */
	PLF_OUTCOME_NOT_HTTP,  /* what came is no HTTP answer */
	PLF_OUTCOME_NO_MEMORY,
	PLF_OUTCOME_NO_DESCRIPTOR /* this process, or the machine, has none left */
} PlfOutcome;

typedef struct PlfRetryPolicy
{
	int max_retries;     /* further tries after the first */
	int64_t max_wait_ms; /* longest single wait */
} PlfRetryPolicy;

typedef enum PlfVerdict
{
	PLF_VERDICT_FINAL,        /* not worth another try, or none left */
	PLF_VERDICT_RETRY,        /* after *wait_ms */
	PLF_VERDICT_WAIT_TOO_LONG /* the API asked for more than max_wait_ms */
} PlfVerdict;

/*
 * Whether to try again after try number "tries" (from 1).  "status" counts
 * only with PLF_OUTCOME_ANSWER.  "retry_after_s" is what the API asked for,
 * in seconds, 0 for nothing; it wins over the backoff.  "jitter" is a random
 * number in [0,1): the wait is that part of 250 ms, doubled with each try, at
 * most 8 s ("full jitter"), and never more than max_wait_ms.
 *
 * Worth a retry: TIMEOUT, DROPPED, and the answers 408, 425, 429 and 5xx.
 */
extern PlfVerdict plf_retry_verdict(const PlfRetryPolicy *policy, PlfOutcome outcome,
									int status, int tries, int64_t retry_after_s,
									double jitter, int64_t *wait_ms);

/*
 * Seconds that a Retry-After header asks for: delta-seconds, or an HTTP-date
 * (IMF-fixdate, RFC 850 or asctime form) relative to "now" (Unix seconds).
 * 0 when it asks for nothing, lies in the past or cannot be read; values are
 * capped at 10 years.  "length" in bytes, surrounding white space allowed.
 */
extern int64_t plf_retry_after_parse(const char *value, int length, int64_t now);

#endif /* PLF_RETRY_H */
