/*
 * query.h
 *		What is asked of a list: conditions, order, a window, and how the links are
 *		taken.
 */
#ifndef LIST_QUERY_H
#define LIST_QUERY_H

#include "links.h"

/* What a condition on the status says of undocumented statuses. */
typedef enum Others
{
	OTHERS_NONE, /* false, whatever the status */
	OTHERS_ALL,  /* true */
	OTHERS_SOME  /* it depends on the status */
} Others;

typedef enum KeyTest
{
	KEY_ANY,
	KEY_IN_RANGE,
	KEY_IS_NULL,
	KEY_IS_NOT_NULL
} KeyTest;

/* A bound of a range. */
typedef struct Bound
{
	bool is_set;
	bool is_open; /* the value itself is not in the range */
	int value;
} Bound;

#define MAX_STEPS_OF_CURSOR 6
#define TAKE_ALL            (-1)

typedef struct ModelQuery
{
	/* The condition on the status. */
	PlfStatusSet statuses; /* documented ones for which it holds */
	Others others;
	bool holds_for_others; /* for the one undocumented status that there is here */
	bool failed;           /* evaluating it ahead raised an error: links decide */

	/* The condition on the sort key, and the order. */
	ModelKey key;
	bool descending;
	bool nulls_first;
	KeyTest test;
	Bound lower;
	Bound upper;

	bool reusable; /* a condition that the API is not asked for */

	/* How many links are wanted; -1: all.  In a window the scan itself counts. */
	int offset;
	int limit;
	bool is_window;

	/* A cursor: how many links are taken, one time after the other. */
	int steps[MAX_STEPS_OF_CURSOR];
	int nsteps;
	bool is_told; /* the scan knows that there may be an end before the list's */

	bool counts; /* the size of the range is wanted, not its links */
} ModelQuery;

/* A query about the links of history's first state. */
extern void query_make(ModelQuery *query, Random *random, const History *history);

/*
 * Whether the list is asked for by status only after it was checked that no link has an
 * undocumented one.
 */
extern bool query_checks_statuses(const ModelQuery *query);

/* Whether a link belongs into the answer. */
extern bool query_holds(const ModelQuery *query, const ModelLink *link, int status);
extern bool query_status_holds(const ModelQuery *query, int status);
extern bool query_key_holds(const ModelQuery *query, const ModelLink *link);

/* Compares the places of two links in the order of the query. */
extern int query_compare(const ModelQuery *query, const ModelLink *one,
						 const ModelLink *other);

/* In SQL, more or less. */
extern void query_show(const ModelQuery *query, char *text, size_t size);

#endif /* LIST_QUERY_H */
