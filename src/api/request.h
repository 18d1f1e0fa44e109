/*
 * request.h
 *		Requests for a page or for one item, and their spelling as path and query.
 *
 * Server-free: no postgres.h, so that unit tests and fuzzers can link it.
 */
#ifndef PLF_REQUEST_H
#define PLF_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/wire.h"

/* The largest per_page that the API allows, and its default. */
#define PLF_MAX_PER_PAGE 100

/* A request for one page of the list. */
typedef struct PlfListRequest
{
	bool filtered;         /* only items of "statuses"; false: of every status */
	PlfStatusSet statuses; /* not empty when filtered */
	const char *sort_by; /* the API's word for the order, static; NULL: no order is asked
						  * for */
	bool descending;     /* false without "sort_by" */
	int64_t page;        /* from 1 */
	int per_page;        /* 1 to PLF_MAX_PER_PAGE */
} PlfListRequest;

/* Room for the longest request, with its terminating NUL. */
#define PLF_REQUEST_SIZE 384

/*
 * Spells a request for a page as "/v2/payment_links?status%5B%5D=open&page=1&..." into
 * "out", which has PLF_REQUEST_SIZE bytes.  Returns the length without the NUL.  The
 * parameters come in the order status, sort_by, page, per_page.
 */
extern size_t plf_list_request_spell(const PlfWire *wire, const PlfListRequest *request,
									 char *out);

/* Spells the same request for people: brackets and colons are not encoded. */
extern size_t plf_list_request_show(const PlfWire *wire, const PlfListRequest *request,
									char *out);

/*
 * Spells a request for one item as "/v2/payment_links/ID" into "out", which has
 * PLF_REQUEST_SIZE bytes.  "id" has at most PLF_MAX_ID bytes, letters, digits and "-".
 * Returns the length without the NUL.
 */
#define PLF_MAX_ID 64
extern size_t plf_item_request_spell(const PlfWire *wire, const char *id, char *out);

#endif /* PLF_REQUEST_H */
