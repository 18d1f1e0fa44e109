/*
 * request.h
 *		What is asked of the API, and the one place that spells it as a path
 *		and query.
 *
 * Server-free: no postgres.h, so that unit tests and fuzzers can link it.
 */
#ifndef PLF_REQUEST_H
#define PLF_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The API's page-size limit and default ("1 <= per_page <= 100"). */
#define PLF_MAX_PER_PAGE 100

/* The statuses the API documents, in the order of its documentation. */
#define PLF_STATUS_COUNT 5
extern const char *const plf_status_names[PLF_STATUS_COUNT];

/* A set of documented statuses: bit i stands for plf_status_names[i]. */
typedef uint32_t PlfStatusSet;

#define PLF_STATUS_NONE ((PlfStatusSet) 0)
#define PLF_STATUS_ALL  ((PlfStatusSet) ((1 << PLF_STATUS_COUNT) - 1))

/* One request for one page of the list. */
typedef struct PlfListRequest
{
	bool filtered;         /* send status[]; false: every status */
	PlfStatusSet statuses; /* which; not empty when filtered */
	const char *sort_by;   /* the API's word for the order, a string that outlives the
							* request; NULL: no order is asked for */
	bool descending;       /* false without "sort_by" */
	int64_t page;          /* from 1 */
	int per_page;          /* 1 to PLF_MAX_PER_PAGE */
} PlfListRequest;

/* Longest word for an order, in bytes. */
#define PLF_MAX_SORT_BY 32

/* Longest spelling of a list request, with its terminating NUL. */
#define PLF_REQUEST_SIZE 256

/* The documented status of that name, or -1. "length" is in bytes. */
extern int plf_status_lookup(const char *name, size_t length);

/*
 * Spells the request as "/v2/payment_links?status%5B%5D=open&page=1&..." into
 * "out" (PLF_REQUEST_SIZE bytes).  Returns the length without the NUL.
 * Parameters stand in the order status[], sort_by, page, per_page.
 */
extern size_t plf_list_request_spell(const PlfListRequest *request, char *out);

/* The same with its brackets and colons as people write them, for EXPLAIN and logs. */
extern size_t plf_list_request_show(const PlfListRequest *request, char *out);

#endif /* PLF_REQUEST_H */
