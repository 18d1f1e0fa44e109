/*
 * retry.h
 *		The outcome of one try of a request, and whether to try again.
 *
 * Server-free: no postgres.h.
 */
#ifndef PLF_RETRY_H
#define PLF_RETRY_H

#include <stdbool.h>
#include <stdint.h>

typedef enum PlfOutcome
{
	PLF_OUTCOME_ANSWER,    /* a complete answer came, with some status */
	PLF_OUTCOME_RESOLVE,   /* a host name could not be resolved */
	PLF_OUTCOME_CONNECT,   /* no connection: refused, unreachable, or not in time */
	PLF_OUTCOME_TLS,       /* the handshake failed, or the certificate is not valid */
	PLF_OUTCOME_PROXY,     /* the proxy refused */
	PLF_OUTCOME_TIMEOUT,   /* connected, but no complete answer in time */
	PLF_OUTCOME_DROPPED,   /* the connection was lost, or the body is too short */
	PLF_OUTCOME_TOO_LARGE, /* body or headers are larger than allowed */
	PLF_OUTCOME_NOT_HTTP,  /* the answer is not HTTP */
	PLF_OUTCOME_NO_MEMORY,
	PLF_OUTCOME_NO_DESCRIPTOR /* this process or the machine has no descriptor left */
} PlfOutcome;

typedef struct PlfRetryPolicy
{
	int max_retries;     /* further tries after the first */
	int64_t max_wait_ms; /* longest single wait */
} PlfRetryPolicy;

typedef enum PlfVerdict
{
	PLF_VERDICT_FINAL,        /* another try would not help, or none is left */
	PLF_VERDICT_RETRY,        /* try again after *wait_ms */
	PLF_VERDICT_WAIT_TOO_LONG /* the API asked for more than max_wait_ms */
} PlfVerdict;

/*
 * Decides whether to try again after try number "tries" (from 1).  TIMEOUT, DROPPED and
 * the answers 408, 425, 429 and 5xx are tried again.  "status" counts only with
 * PLF_OUTCOME_ANSWER.
 *
 * The wait is "retry_after_s" if the API asked for that many seconds (0: it did not).
 * Else it is the part "jitter", a random number in [0,1), of 250 ms, doubled with each
 * try up to 8 s, and never more than max_wait_ms.
 */
extern PlfVerdict plf_retry_verdict(const PlfRetryPolicy *policy, PlfOutcome outcome,
									int status, int tries, int64_t retry_after_s,
									double jitter, int64_t *wait_ms);

/*
 * Returns the seconds that a Retry-After header asks for, at most 10 years.  Its value is
 * a number of seconds, or an HTTP-date (in the forms IMF-fixdate, RFC 850 or asctime)
 * that is compared with "now" (Unix seconds).  Returns 0 for a date in the past and for a
 * value that cannot be read.  "length" is in bytes; white space around the value is
 * skipped.
 */
extern int64_t plf_retry_after_parse(const char *value, int length, int64_t now);

#endif /* PLF_RETRY_H */
