/*
 * tap.h
 *		What a unit test needs to speak TAP.  Include once, in the file that has
 *		main(); end main() with "return done_testing();".
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int tap_run = 0;
static int tap_failed = 0;

static inline bool
tap_report(bool passed, const char *name, va_list args)
{
	char line[200];
	char *at;

	vsnprintf(line, sizeof(line), name, args);
	for (at = line; *at != '\0'; at++)
		if (*at == '\n' || *at == '#')
			*at = ' ';
	tap_run++;
	if (!passed)
		tap_failed++;
	printf("%sok %d - %s\n", passed ? "" : "not ", tap_run, line);
	return passed;
}

__attribute__((format(printf, 2, 3))) static inline bool
ok(bool passed, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	tap_report(passed, name, args);
	va_end(args);
	return passed;
}

/* Two NUL-terminated strings; NULL equals only NULL. */
__attribute__((format(printf, 3, 4))) static inline bool
is_str(const char *got, const char *expected, const char *name, ...)
{
	bool passed = got == NULL || expected == NULL ? got == expected
												  : strcmp(got, expected) == 0;
	va_list args;

	va_start(args, name);
	tap_report(passed, name, args);
	va_end(args);
	if (!passed)
		printf("#      got: %s\n# expected: %s\n", got ? got : "(null)",
			   expected ? expected : "(null)");
	return passed;
}

__attribute__((format(printf, 3, 4))) static inline bool
is_int(int64_t got, int64_t expected, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	tap_report(got == expected, name, args);
	va_end(args);
	if (got != expected)
		printf("#      got: %lld\n# expected: %lld\n", (long long) got,
			   (long long) expected);
	return got == expected;
}

/* Prints the plan; the exit code of the program. */
static inline int
done_testing(void)
{
	printf("1..%d\n", tap_run);
	if (tap_failed > 0)
		printf("# %d of %d failed\n", tap_failed, tap_run);
	return tap_failed > 0;
}

#endif /* TAP_H */
