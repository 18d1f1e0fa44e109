/*
 * test_retry.c
 *		Which tries are repeated, after how long, and how Retry-After is read.
 */
#include "../../src/api/retry.c"

#include "tap.h"

/* Sun, 06 Nov 1994 08:49:37 GMT, the example date of RFC 9110. */
#define NOV_1994 INT64_C(784111777)

static const PlfRetryPolicy usual = {5, 30000};

static PlfVerdict
verdict(PlfOutcome outcome, int status, int tries, int64_t retry_after_s, double jitter,
		int64_t *wait_ms)
{
	return plf_retry_verdict(&usual, outcome, status, tries, retry_after_s, jitter,
							 wait_ms);
}

/* What "value" asks for at "now". */
static void
check_after(const char *value, int64_t now, int64_t expected)
{
	is_int(plf_retry_after_parse(value, (int) strlen(value), now), expected,
		   "Retry-After \"%s\"", value);
}

static void
test_what_is_retried(void)
{
	static const int retried[] = {408, 425, 429, 500, 502, 503, 504, 599};
	static const int final[] = {200, 204, 301, 400, 401, 403, 404, 409, 422, 499, 600};
	static const PlfOutcome hopeless[] = {
		PLF_OUTCOME_RESOLVE,   PLF_OUTCOME_CONNECT,      PLF_OUTCOME_TLS,
		PLF_OUTCOME_PROXY,     PLF_OUTCOME_TOO_LARGE,    PLF_OUTCOME_NOT_HTTP,
		PLF_OUTCOME_NO_MEMORY, PLF_OUTCOME_NO_DESCRIPTOR};
	int64_t wait_ms;
	size_t i;

	for (i = 0; i < sizeof(retried) / sizeof(retried[0]); i++)
		is_int(verdict(PLF_OUTCOME_ANSWER, retried[i], 1, 0, 0, &wait_ms),
			   PLF_VERDICT_RETRY, "%d is retried", retried[i]);
	for (i = 0; i < sizeof(final) / sizeof(final[0]); i++)
		is_int(verdict(PLF_OUTCOME_ANSWER, final[i], 1, 1, 0, &wait_ms),
			   PLF_VERDICT_FINAL, "%d is final", final[i]);
	for (i = 0; i < sizeof(hopeless) / sizeof(hopeless[0]); i++)
		is_int(verdict(hopeless[i], 503, 1, 0, 0, &wait_ms), PLF_VERDICT_FINAL,
			   "outcome %d is final", (int) hopeless[i]);
	is_int(verdict(PLF_OUTCOME_TIMEOUT, 0, 1, 0, 0, &wait_ms), PLF_VERDICT_RETRY,
		   "a timeout is retried");
	is_int(verdict(PLF_OUTCOME_DROPPED, 0, 1, 0, 0, &wait_ms), PLF_VERDICT_RETRY,
		   "a dropped connection is retried");
}

static void
test_how_often(void)
{
	PlfRetryPolicy never = {0, 30000};
	int64_t wait_ms;

	is_int(verdict(PLF_OUTCOME_ANSWER, 503, 5, 0, 0, &wait_ms), PLF_VERDICT_RETRY,
		   "five retries: a sixth try");
	is_int(verdict(PLF_OUTCOME_ANSWER, 503, 6, 0, 0, &wait_ms), PLF_VERDICT_FINAL,
		   "five retries: no seventh");
	is_int(verdict(PLF_OUTCOME_ANSWER, 429, 6, 3600, 0, &wait_ms), PLF_VERDICT_FINAL,
		   "the last refusal is final however long the wait");
	is_int(plf_retry_verdict(&never, PLF_OUTCOME_TIMEOUT, 0, 1, 0, 0, &wait_ms),
		   PLF_VERDICT_FINAL, "max_retries 0: one try");
}

static void
test_how_long(void)
{
	static const int64_t limits[] = {250, 500, 1000, 2000, 4000, 8000, 8000};
	PlfRetryPolicy many = {20, 30000};
	PlfRetryPolicy brief = {20, 300};
	int64_t wait_ms;
	int tries;

	for (tries = 1; tries <= 7; tries++)
	{
		plf_retry_verdict(&many, PLF_OUTCOME_TIMEOUT, 0, tries, 0, 0.5, &wait_ms);
		is_int(wait_ms, limits[tries - 1] / 2, "backoff after try %d", tries);
	}
	plf_retry_verdict(&many, PLF_OUTCOME_TIMEOUT, 0, 20, 0, 0.999999, &wait_ms);
	is_int(wait_ms, 7999, "backoff stays below 8 s");
	plf_retry_verdict(&many, PLF_OUTCOME_TIMEOUT, 0, 3, 0, 0, &wait_ms);
	is_int(wait_ms, 0, "full jitter starts at 0");
	plf_retry_verdict(&brief, PLF_OUTCOME_TIMEOUT, 0, 4, 0, 0.5, &wait_ms);
	is_int(wait_ms, 150, "backoff is bounded by max_wait_ms");

	is_int(verdict(PLF_OUTCOME_ANSWER, 429, 1, 30, 0.1, &wait_ms), PLF_VERDICT_RETRY,
		   "Retry-After of max_wait_ms is waited for");
	is_int(wait_ms, 30000, "Retry-After wins over the backoff");
	is_int(verdict(PLF_OUTCOME_ANSWER, 503, 1, 31, 0.1, &wait_ms),
		   PLF_VERDICT_WAIT_TOO_LONG, "Retry-After beyond max_wait_ms");
	is_int(verdict(PLF_OUTCOME_ANSWER, 503, 1, INT64_MAX, 0.1, &wait_ms),
		   PLF_VERDICT_WAIT_TOO_LONG, "Retry-After beyond all bounds");
}

static void
test_retry_after(void)
{
	static const char *const unreadable[] = {"",
											 " ",
											 "-1",
											 "+1",
											 "1.5",
											 "1e3",
											 "0x10",
											 "10 s",
											 "soon",
											 "Sun, 06 Nov 1994 08:49:37",
											 "Sun, 06 Nov 1994 08:49:37 CET",
											 "Sun, 6 Nov 1994 08:49:37 GMT",
											 "Sun, 06 Nov 1994 08:49:37 GMT x",
											 "Sun, 31 Nov 1994 08:49:37 GMT",
											 "Sun, 00 Nov 1994 08:49:37 GMT",
											 "Wed, 29 Feb 1995 08:49:37 GMT",
											 "Sun, 06 Nov 1994 24:49:37 GMT",
											 "Sun, 06 Nov 1994 08:60:37 GMT",
											 "Sun, 06 Nov 1994 08:49:61 GMT",
											 "Sun, 06 Nox 1994 08:49:37 GMT",
											 "Nix, 06 Nov 1994 08:49:37 GMT",
											 "Sunday, 06 Nov 1994 08:49:37 GMT",
											 "Sun Nov 6 08:49:37 1994"};
	int64_t ten_years = INT64_C(315360000);
	size_t i;

	check_after("0", 0, 0);
	check_after("1", 0, 1);
	is_int(plf_retry_after_parse(" \t120 \r\n", 8, NOV_1994), 120,
		   "Retry-After between white space");
	check_after("0000000000000000000000030", 0, 30);
	check_after("315360000", 0, ten_years);
	check_after("315360001", 0, ten_years);
	check_after("99999999999999999999999999999999", 0, ten_years);

	check_after("Sun, 06 Nov 1994 08:49:37 GMT", NOV_1994 - 60, 60);
	check_after("Sunday, 06-Nov-94 08:49:37 GMT", NOV_1994 - 60, 60);
	check_after("Sun Nov  6 08:49:37 1994", NOV_1994 - 60, 60);
	check_after("Wed Nov 16 08:49:37 1994", NOV_1994, 864000);
	check_after("sun, 06 nov 1994 08:49:37 gmt", NOV_1994 - 60, 60);
	check_after("Sun, 06 Nov 1994 08:49:37 GMT", NOV_1994, 0);
	check_after("Sun, 06 Nov 1994 08:49:37 GMT", NOV_1994 + 1, 0);
	check_after("Thu, 01 Jan 1970 00:00:01 GMT", 0, 1);
	check_after("Tue, 29 Feb 2000 00:00:00 GMT", INT64_C(951782399), 1);
	check_after("Sat, 31 Dec 2016 23:59:60 GMT", INT64_C(1483228799), 1);
	check_after("Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300798), 1);
	check_after("Fri, 31 Dec 9999 23:59:59 GMT", INT64_MIN, ten_years);
	check_after("Fri, 31 Dec 9999 23:59:59 GMT", INT64_MAX, 0);
	check_after("Sat, 01 Jan 0000 00:00:00 GMT", INT64_MIN, ten_years);

	/* Two digits: 2026 sees 76 ahead of it, and 77 behind. */
	check_after("Wednesday, 01-Jan-76 00:00:00 GMT", INT64_C(1767225600), ten_years);
	check_after("Friday, 01-Jan-77 00:00:00 GMT", INT64_C(1767225600), 0);
	/* 2080: the next century's first years are nearer than this one's */
	check_after("Monday, 01-Jan-80 00:00:09 GMT", INT64_C(3471292800), 9);
	check_after("Thursday, 01-Jan-03 00:00:00 GMT", INT64_C(3471292800),
				INT64_C(10) * 365 * 24 * 60 * 60);
	check_after("Thursday, 01-Jan-26 00:00:01 GMT", INT64_C(1767225600), 1);
	check_after("Friday, 31-Dec-99 23:59:59 GMT", INT64_MAX, 0);
	check_after("Friday, 31-Dec-69 23:59:59 GMT", INT64_MIN, ten_years);

	for (i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++)
		check_after(unreadable[i], 0, 0);
	is_int(plf_retry_after_parse("1234", 2, 0), 12, "length is respected");
	is_int(plf_retry_after_parse("12", -1, 0), 0, "a negative length is empty");
	is_int(plf_retry_after_parse(NULL, 0, 0), 0, "no value at all");
}

int
main(void)
{
	test_what_is_retried();
	test_how_often();
	test_how_long();
	test_retry_after();
	return done_testing();
}
