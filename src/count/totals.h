/*
 * totals.h
 *		How many links there are of some statuses, by the total_count of requests for
 *		one link.
 */
#ifndef PLF_TOTALS_H
#define PLF_TOTALS_H

#include "api/request.h"
#include "pages/source.h"

/* Every link, whatever its status; in place of a set of documented statuses. */
#define PLF_EVERY_LINK (PLF_STATUS_ALL + 1)

/* The sets of documented statuses, without the empty one, and PLF_EVERY_LINK. */
#define PLF_MAX_TOTALS (PLF_STATUS_ALL + 1)

/* How many links there are of a set of statuses. */
typedef struct PlfTotal
{
	PlfStatusSet of; /* documented statuses, or PLF_EVERY_LINK */
	PlfTicket ticket;
	int64 links; /* how many links there are, as the API said last */
} PlfTotal;

/* Totals that are asked for together.  All zeroes: none yet. */
typedef struct PlfTotals
{
	int count;
	PlfTotal totals[PLF_MAX_TOTALS];
} PlfTotals;

/* Adds the total of a set, unless it was added before or the set is empty. */
extern void plf_totals_add(PlfTotals *totals, PlfStatusSet of);

/* Replaces sets of several statuses by single statuses where that takes fewer requests.
 */
extern void plf_totals_split(PlfTotals *totals);

/*
 * Asks for all totals and waits for the answers.  A further call asks again.  Returns
 * false when the link that came with a total contradicts that total.
 */
extern bool plf_totals_ask(PlfTotals *totals, PlfSource *source);

/*
 * How many links there are of a set; the sum of the totals of its statuses if the set
 * itself was not asked for.  -1 when neither was.
 */
extern int64 plf_totals_of(const PlfTotals *totals, PlfStatusSet of);

/* The request for the total of a set. */
extern PlfListRequest plf_total_request(PlfStatusSet of);

#endif /* PLF_TOTALS_H */
