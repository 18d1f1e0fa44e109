/*
 * fuzz_retry.c
 *		Any bytes as a Retry-After header, and any outcome: no wait may leave
 *		its limits.  And any time, in each of the forms a date has, must be read as
 *		that time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/api/retry.c"

#define CHECK(condition) \
	do \
	{ \
		if (!(condition)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What comes before the header's text in the input. */
typedef struct Input
{
	uint64_t now;
	uint64_t max_wait_ms;
	uint16_t status;
	uint16_t jitter;
	uint8_t outcome;
	uint8_t tries;
	uint8_t max_retries;
} Input;

/* In the C locale, which a fuzzer has. */
static void
check_date(const char *form, int64_t now, int64_t ahead)
{
	time_t when = now + ahead;
	struct tm parts;
	char text[64];
	int length;

	if (gmtime_r(&when, &parts) == NULL || parts.tm_year + 1900 > 9999)
		return;
	length = (int) strftime(text, sizeof(text), form, &parts);
	CHECK(length > 0);
	if (ahead > MAX_RETRY_AFTER_S)
		ahead = MAX_RETRY_AFTER_S;
	CHECK(plf_retry_after_parse(text, length, now) == ahead);
	length = snprintf(text, sizeof(text), "%lld", (long long) ahead);
	CHECK(plf_retry_after_parse(text, length, now) == ahead);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input;
	int64_t now;
	int64_t after;
	int64_t ahead;
	int64_t wait_ms = 0;
	PlfRetryPolicy policy;
	PlfVerdict verdict;

	if (size < sizeof(input))
		return 0;
	memcpy(&input, data, sizeof(input));
	now = input.now % ((int64_t) 1 << 40);

	after = plf_retry_after_parse((const char *) data + sizeof(input),
								  (int) (size - sizeof(input)), now);
	CHECK(after >= 0 && after <= (int64_t) 3653 * 24 * 60 * 60);

	ahead = input.max_wait_ms % ((int64_t) 1 << 38);
	check_date("%a, %d %b %Y %H:%M:%S GMT", now, ahead);
	check_date("%a %b %e %H:%M:%S %Y", now, ahead);
	/* Two digits tell a year of the next fifty. */
	check_date("%A, %d-%b-%y %H:%M:%S GMT", now,
			   ahead % ((int64_t) 49 * 365 * 24 * 60 * 60));

	policy.max_retries = input.max_retries % 21;
	policy.max_wait_ms = input.max_wait_ms % INT32_MAX;
	verdict = plf_retry_verdict(&policy, input.outcome % (PLF_OUTCOME_NO_MEMORY + 1),
								input.status % 600, 1 + input.tries, after,
								input.jitter / 65536.0, &wait_ms);
	if (verdict == PLF_VERDICT_RETRY)
	{
		CHECK(1 + input.tries <= policy.max_retries);
		CHECK(wait_ms >= 0 && wait_ms <= policy.max_wait_ms);
		CHECK(after > 0 || wait_ms <= 8000);
		CHECK(wait_ms >= after * 1000);
	}
	if (verdict == PLF_VERDICT_WAIT_TOO_LONG)
		CHECK(after * 1000 > policy.max_wait_ms);
	return 0;
}
