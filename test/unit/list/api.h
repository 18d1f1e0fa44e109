/*
 * api.h
 *		An API whose list changes between its answers, for one reading.
 *
 * Time is counted in ticks.  A request is read by the API some ticks after it was sent,
 * and its answer comes some ticks later; both differ from request to request, so that
 * requests are read, and answers come, in any order.  The list is what it is when the
 * API reads the request.
 */
#ifndef LIST_API_H
#define LIST_API_H

#include "links.h"

#define MAX_PAGE_SIZE 5
#define MAX_UNDER_WAY 48
#define MAX_LOG       2000

/* The message of the error that a request which fails is for the reader. */
#define API_FAILURE "a request failed"

/* How long requests take. */
typedef enum Pace
{
	PACE_EVEN, /* all of them as long: answers come in order */
	PACE_ANY,
	PACE_SLOW_REQUESTS, /* some reach the API late */
	PACE_SLOW_ANSWERS   /* some answers come late */
} Pace;

/* What the API does when a page past the end of the list is asked for. */
typedef enum PastEnd
{
	PAST_END_REFUSED,
	PAST_END_EMPTY,
	PAST_END_LAST /* the last page is sent instead, and says so */
} PastEnd;

/* Links as they were when the API read the request. */
typedef struct PlfPage
{
	int count;
	struct
	{
		const ModelLink *link;
		uint8_t status;
	} links[MAX_PAGE_SIZE];
} PlfPage;

typedef struct Answer
{
	bool is_refused;
	bool is_failure; /* a server that failed, after all tries */
	int64_t total;
	PlfPage page;
} Answer;

/* A request that is under way, or whose answer nobody has taken. */
typedef struct Request
{
	PlfListRequest request;
	int number; /* from 1; 0: unused */
	int64_t read_at;
	int64_t answered_at;
	bool is_read;
	int entry; /* of the log, once it is read */
	Answer answer;
} Request;

/* What the API has read: in which state of the list, and what was asked. */
typedef struct LogEntry
{
	PlfListRequest request;
	int state;
	bool is_taken; /* the reader has looked at the answer */
} LogEntry;

typedef struct Api
{
	History *history;
	Random *random; /* of the schedule: times and all else */
	Listing listing;
	Pace pace;
	PastEnd past_end;
	int failing; /* the number of a request that fails; 0: none */
	bool verbose;

	/* The list changes before it reads this many requests, the first being 1. */
	int changes[MAX_STATES];
	int nchanges;

	int64_t now;
	int state;
	int sent;
	Request requests[MAX_UNDER_WAY];
	int under_way;
	int most_under_way;
	LogEntry log[MAX_LOG];
	int nlog;
	int refused;      /* answers that refused a page past the end, */
	int empty;        /* that were such a page, */
	int out_of_order; /* that came before the answer to an earlier request */
} Api;

extern void api_start(Api *api);

/* Sends a request; NULL where there are more than any reader has reason to send. */
extern Request *api_send(Api *api, const PlfListRequest *request);

/* Lets time pass. */
extern void api_pass(Api *api, int ticks);

/* Lets as much time pass as an answer takes. */
extern const Answer *api_wait(Api *api, Request *request);

extern bool api_is_answered(const Api *api, const Request *request);

/* The reader has the answer, or does not want one any more. */
extern void api_take(Api *api, Request *request);
extern void api_drop(Api *api, Request *request);

/* Prints a row that was taken, where everything is printed. */
extern void api_say_row(const Api *api, int link, int status);

/* A request as the log shows it. */
extern void request_show(const PlfListRequest *request, char *text, size_t size);

#endif /* LIST_API_H */
