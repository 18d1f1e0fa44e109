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

/* What is wanted of the list, in values that are known: nothing here is an expression. */
typedef struct PlfReading
{
	bool filtered; /* only links of "statuses" */
	PlfStatusSet statuses;
	bool check_statuses; /* "statuses" chooses the links wanted only while all statuses
						  * are documented: the reader makes the status check first */
	const PlfFieldInfo *sort_key; /* a row of the field table; NULL: no order */
	bool descending;
	PlfNulls nulls;  /* with a sort key that may be NULL */
	bool nullable;   /* the sort key may be NULL */
	PlfRange *range; /* only links in it; NULL: all */
	bool early_stop; /* the consumer may not take every link */
	int64 row_hint;  /* the consumer takes at most so many links; 0: unknown */
	int64 skip;      /* links to leave out at the beginning */
	int64 take; /* links wanted after those; -1: all.  "skip" and "take" do not apply to a
				 * list that is read unfiltered after the status check, nor to one that
				 * the caller sorts */
} PlfReading;

/* What the status check found out. */
typedef enum PlfStatusCheck
{
	PLF_CHECK_NOT_MADE,   /* not asked */
	PLF_CHECK_DOCUMENTED, /* all links have documented statuses */
	PLF_CHECK_OTHERS      /* some links may have others; the list is read unfiltered */
} PlfStatusCheck;

/* The order in which a reader delivers links, and what is left to the caller. */
typedef enum PlfOrder
{
	PLF_ORDER_AS_SENT,         /* the order that was asked for, if one was */
	PLF_ORDER_NULLS_HELD_BACK, /* links without a sort key are wanted last, but may come
								* before others: the caller holds them back */
	PLF_ORDER_SORTED_HERE      /* any order: the caller sorts the links */
} PlfOrder;

/* The page sizes of a reading. */
typedef struct PlfSizes
{
	int64 first_page; /* number of the page that is asked for first, from 1 */
	int first_size;   /* per_page of that request */
	int page_size;    /* per_page of all other requests */
} PlfSizes;

/*
 * The page sizes of a reading.  They are "largest", the option page_size, unless the
 * links wanted are known to be fewer, or lie in a window that fewer pages of another size
 * cover.
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
