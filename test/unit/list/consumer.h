/*
 * consumer.h
 *		Takes the links of a reading as the executor does: what src/exec/delivery.c,
 *		scan.c and count_pages.c do with a reader.
 */
#ifndef LIST_CONSUMER_H
#define LIST_CONSUMER_H

#include "api.h"
#include "guarantee.h"
#include "query.h"
#include "server.h"

/* How a query is run. */
typedef struct Settings
{
	int page_size;
	int concurrency;
	bool error_on_drift;
	bool prepares; /* asks whether a row is there, before each */
} Settings;

/* What came of a query. */
typedef struct Outcome
{
	bool is_error;
	Raised raised;
	Row rows[MAX_LINKS];
	int nrows;
	int64_t number; /* of a query that counts */

	int repairs;
	int early_repairs; /* before the first link */
	int left_out;      /* links that came out of order after a repair */
	bool is_clipped;
	bool is_unsorted;
	bool is_scattered;
	bool is_open; /* undocumented statuses were found */
	bool is_checked;
	const char *leak; /* what the reader did not give back, or NULL */
} Outcome;

extern void consumer_run(const ModelQuery *query, const Settings *settings, Api *api,
						 Outcome *outcome);

#endif /* LIST_CONSUMER_H */
