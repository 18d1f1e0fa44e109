/*
 * reading.h
 *		What is wanted of the list, and with which requests.
 */
#ifndef PLF_READING_H
#define PLF_READING_H

#include "plan/scan_spec.h"
#include "rows/bounds.h"
#include "rows/row.h"
#include "pages/page_source.h"

/* What is wanted; everything in it is known. */
typedef struct PlfReading
{
	bool filtered; /* only links of "statuses" */
	PlfStatusSet statuses;
	bool check_world;             /* "statuses" is exact only as long as no link
								   * has another status: ask before trusting it */
	const PlfFieldInfo *sort_key; /* a row of the field table; NULL: no order */
	bool descending;
	PlfNulls nulls;  /* with a sort key that may be NULL */
	bool nullable;   /* the sort key may be NULL */
	PlfRange *range; /* only links in it; NULL: all */
	bool early_stop; /* the consumer may not take every link */
	int64 row_hint;  /* links it will take at most, 0: unknown */
	int64 skip;      /* links to leave out at the beginning; */
	int64 take;      /* links wanted after them, -1: all.  Not
					  * applied to an open world's unfiltered list,
					  * nor to one that is sorted here. */
} PlfReading;

/* What the status check found out about undocumented statuses. */
typedef enum PlfWorld
{
	PLF_WORLD_UNKNOWN, /* not asked */
	PLF_WORLD_CLOSED,  /* no link has one */
	PLF_WORLD_OPEN     /* some may have; the list is read unfiltered */
} PlfWorld;

/* In which order the links come, and what that leaves to the caller. */
typedef enum PlfOrder
{
	PLF_ORDER_AS_SENT,         /* the order that was asked for, if one was */
	PLF_ORDER_NULLS_HELD_BACK, /* links without a sort key, though wanted last, may come
								* before others: the caller holds them back */
	PLF_ORDER_SORTED_HERE      /* any: the caller sorts the links */
} PlfOrder;

/* With which pages a reading is done. */
typedef struct PlfSizes
{
	int64 first_page; /* the page asked for first */
	int first_size;   /* its per_page */
	int page_size;    /* and that of the others */
} PlfSizes;

/*
 * Page sizes: "largest", the option's, unless the links wanted are known to be
 * fewer, or to lie in a window that fewer pages of another size cover.
 */
extern PlfSizes plf_reading_sizes(const PlfReading *what, int largest);

/* The first request that asks for links, as plf_list_request_show() takes it. */
extern PlfListRequest plf_reading_request(const PlfReading *what, int64 page,
										  int per_page);

/*
 * True when a page for one link, which was asked for its total, does not contradict that
 * total: the page has a link of a status that was asked for, or the total is 0.  An API
 * or a cache that ignores the statuses reports the total of all links.
 */
extern bool plf_page_bears_total(const PlfWire *wire, const PlfHeldPage *held);

/* Reads the list; list/reader.h. */
typedef struct PlfReader PlfReader;

#endif /* PLF_READING_H */
