/*
 * totals.h
 *		How many links there are of some statuses: the total_count of requests for one
 *link.
 */
#ifndef PLF_TOTALS_H
#define PLF_TOTALS_H

#include "api/request.h"
#include "pages/source.h"

/* A set of statuses, or every link whatever its status. */
#define PLF_EVERY_LINK (PLF_STATUS_ALL + 1)

/* As many as there are such sets, without the empty one. */
#define PLF_MAX_TOTALS (PLF_STATUS_ALL + 1)

/* The links of some statuses, and how many there are. */
typedef struct PlfTotal
{
	PlfStatusSet of; /* documented statuses, or PLF_EVERY_LINK */
	PlfTicket ticket;
	int64 links; /* as the API said when it was asked last */
} PlfTotal;

/* Totals that are asked for together.  Zeroes: none. */
typedef struct PlfTotals
{
	int count;
	PlfTotal totals[PLF_MAX_TOTALS];
} PlfTotals;

/* Adds the total of a set, unless it is there or the set is empty. */
extern void plf_totals_add(PlfTotals *totals, PlfStatusSet of);

/* Replaces sets of several statuses by single statuses where that takes fewer requests.
 */
extern void plf_totals_split(PlfTotals *totals);

/* Asks for all of them, and waits for the answers.  May be called again. */
extern void plf_totals_ask(PlfTotals *totals, PlfSource *source);

/*
 * How many links there are of a set, put together from single statuses where these were
 * asked for; -1 when what was asked for does not tell.
 */
extern int64 plf_totals_of(const PlfTotals *totals, PlfStatusSet of);

/* The request for the total of a set. */
extern PlfListRequest plf_total_request(PlfStatusSet of);

#endif /* PLF_TOTALS_H */
