/*
 * test_list.c
 *		src/list/ without a server: random queries about lists that change between the
 *		answers of an API keep the promise of test/drift/guarantee.py.
 *
 *	test_list [--seconds S] [--seed N]      random schedules for S seconds (LIST_SECONDS
 *	                                        of the environment, or 2)
 *	test_list --seed N --only K             schedule K of that seed alone
 *	test_list --seed N --only K --verbose   likewise, and shows the list, the query, each
 *	                                        request, each answer and each change
 *	test_list --schedules M [--seed N]      M of them, however long that takes
 *	test_list --coverage                    also shows how often what occurred
 *
 * Without a seed the time of day is one.  It is printed, as is the number of each
 * schedule that fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tap.h"

#include "list/cases.h"
#include "list/cover.h"
#include "list/schedule.h"

/* Failures that are printed. */
#define MAX_SHOWN 5

typedef struct Arguments
{
	uint64_t seed;
	double seconds;
	int64_t schedules; /* -1: as many as there is time for */
	int64_t only;      /* -1: all */
	bool verbose;
	bool coverage; /* is shown */
} Arguments;

static bool read_arguments(int count, char **words, Arguments *arguments);
static int64_t run_all(const Arguments *arguments, int64_t *failed);
static bool run_one(const Arguments *arguments, int64_t number, bool verbose);
static void show_debug(const char *line);
static double now(clockid_t clock);

static Schedule schedule;

int
main(int argc, char **argv)
{
	const char *seconds = getenv("LIST_SECONDS");
	Arguments arguments = {.seconds = seconds != NULL ? strtod(seconds, NULL) : 2,
						   .schedules = -1,
						   .only = -1};
	int64_t failed = 0;
	int64_t count;

	arguments.seed = (uint64_t) time(NULL);
	if (!read_arguments(argc, argv, &arguments))
	{
		fprintf(stderr,
				"usage: test_list [--seconds S | --schedules M] [--seed N] [--coverage]\n"
				"       test_list --seed N --only K [--verbose]\n");
		return 2;
	}
	server_debug = show_debug;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# seed %llu\n", (unsigned long long) arguments.seed);
	if (arguments.only >= 0)
	{
		ok(run_one(&arguments, arguments.only, arguments.verbose), "schedule %lld",
		   (long long) arguments.only);
		return done_testing();
	}
	is_int(case_window_of_second_pass(), 8,
		   "a second pass leaves the window to the caller");
	is_int(case_statuses_of_second_pass(), 5,
		   "... also when all statuses are documented by then");
	is_int(case_anchor_of_second_pass(), 12,
		   "a repair of a second pass goes on from its own links");
	count = run_all(&arguments, &failed);
	is_int(failed, 0, "%lld schedules keep the promise", (long long) count);
	if (count >= COVER_LEAST)
		ok(cover_is_complete(), "all kinds of readings, changes and outcomes occur");
	return done_testing();
}

static bool
read_arguments(int count, char **words, Arguments *arguments)
{
	for (int i = 1; i < count; i++)
	{
		const char *value = i + 1 < count ? words[i + 1] : NULL;

		if (strcmp(words[i], "--verbose") == 0)
		{
			arguments->verbose = true;
			continue;
		}
		if (strcmp(words[i], "--coverage") == 0)
		{
			arguments->coverage = true;
			continue;
		}
		if (value == NULL)
			return false;
		if (strcmp(words[i], "--seed") == 0)
			arguments->seed = strtoull(value, NULL, 10);
		else if (strcmp(words[i], "--seconds") == 0)
			arguments->seconds = strtod(value, NULL);
		else if (strcmp(words[i], "--schedules") == 0)
			arguments->schedules = strtoll(value, NULL, 10);
		else if (strcmp(words[i], "--only") == 0)
			arguments->only = strtoll(value, NULL, 10);
		else
			return false;
		i++;
	}
	return true;
}

/* Returns how many schedules were run. */
static int64_t
run_all(const Arguments *arguments, int64_t *failed)
{
	double began = now(CLOCK_PROCESS_CPUTIME_ID);
	double end = now(CLOCK_MONOTONIC) + arguments->seconds;
	int64_t count = 0;
	double took;

	while (arguments->schedules >= 0 ? count < arguments->schedules
									 : count % 100 != 0 || now(CLOCK_MONOTONIC) < end)
	{
		if (!run_one(arguments, count++, arguments->verbose && *failed < MAX_SHOWN))
			if (++*failed == MAX_SHOWN)
				printf("# others that fail are counted alone\n");
	}
	took = now(CLOCK_PROCESS_CPUTIME_ID) - began;
	printf("# %lld schedules in %.1f s of processor time, %.0f a minute\n",
		   (long long) count, took, count / took * 60);
	if (arguments->coverage)
		cover_show();
	return count;
}

/* Shows the changes of the reader's state where everything is shown. */
static void
show_debug(const char *line)
{
	cover_debug(line);
	if (schedule.api.verbose)
		printf("#         %s\n", line);
}

static int64_t shown;

static bool
run_one(const Arguments *arguments, int64_t number, bool verbose)
{
	char problem[600];

	schedule_make(&schedule, arguments->seed, (uint64_t) number);
	schedule_run(&schedule, verbose);
	cover_schedule(&schedule);
	if (schedule_judge(&schedule, problem, sizeof(problem)))
		return true;
	if (shown++ < MAX_SHOWN)
		printf("# --seed %llu --only %lld: %s\n", (unsigned long long) arguments->seed,
			   (long long) number, problem);
	return false;
}

static double
now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}
