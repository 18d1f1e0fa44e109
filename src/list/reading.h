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

/* What is wanted of the list.  No member depends on a parameter any more. */
typedef struct PlfReading
{
	bool filtered;         /* only links whose status is in "statuses" */
	PlfStatusSet statuses; /* with "filtered" */
	bool check_statuses;   /* "statuses" leaves no link out that is wanted, as long as
							* each link has a documented status: the status check
							* asks */
	const PlfFieldInfo *sort_key; /* a row of the field table; NULL: no order */
	bool descending;              /* the order, with a sort key */
	PlfNulls nulls;               /* with "nullable" */
	bool nullable;                /* links without a sort key are to be expected */
	PlfRange *range;              /* only links in the range; NULL: all */
	bool early_stop;              /* the caller may not take every link */
	int64 row_hint;               /* links the caller will take at most; 0: unknown */
	int64 skip;                   /* links to leave out at the beginning */
	int64 take; /* links wanted after "skip"; -1: all.  "skip" and "take"
				 * are not applied to a list that is read unfiltered for
				 * the sake of other statuses, nor to one that is sorted
				 * by the caller */
} PlfReading;

/* What the status check found: whether all statuses are documented. */
typedef enum PlfStatusCheck
{
	PLF_STATUSES_UNCHECKED,  /* no check was wanted, or none is made yet */
	PLF_STATUSES_DOCUMENTED, /* each link has a documented status */
	PLF_STATUSES_OTHERS      /* some links may have others; the list is read unfiltered */
} PlfStatusCheck;

/* The order in which a reader delivers links, and what is left to the caller. */
typedef enum PlfOrder
{
	PLF_ORDER_AS_SENT,         /* the order that was asked for, if one was */
	PLF_ORDER_NULLS_HELD_BACK, /* links without a sort key are wanted last, but may come
								* before others: the caller holds them back */
	PLF_ORDER_SORTED_HERE      /* any order: the caller sorts the links */
} PlfOrder;

/* The pages with which a list is read. */
typedef struct PlfSizes
{
	int64 first_page; /* number of the page that is asked for first, from 1 */
	int first_size;   /* per_page of that request */
	int page_size;    /* per_page of all other requests */
} PlfSizes;

/*
 * The sizes of pages: "largest", unless the links wanted are known to be fewer, or to lie
 * in a window that fewer pages of another size cover.
 */
extern PlfSizes plf_reading_sizes(const PlfReading *what, int largest);

/* The request for a page of the list. */
extern PlfListRequest plf_reading_request(const PlfReading *what, int64 page,
										  int per_page);

/*
 * True when a page for one link, which was asked for its total, does not contradict that
 * total: the page has a link of a status that was asked for, or the total is 0.  An API
 * or a cache that ignores the statuses reports the total of all links.
 */
extern bool plf_page_confirms_total(const PlfWire *wire, const PlfHeldPage *held);

/* What reads the list: list/reader.h. */
typedef struct PlfReader PlfReader;

#endif /* PLF_READING_H */
