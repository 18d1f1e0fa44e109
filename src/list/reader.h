/*
 * reader.h
 *		From what is wanted of the list to its links, one after the other, with
 *		the fewest requests.
 */
#ifndef PLF_READER_H
#define PLF_READER_H

#include "plan/scan_spec.h"
#include "rows/bounds.h"
#include "rows/row.h"
#include "catalog/option.h"
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

typedef struct PlfReader PlfReader;

/*
 * A reader in a memory context of its own below the current one.  Nothing is
 * sent before the first plf_reader_next().
 */
extern PlfReader *plf_reader_create(const PlfPageSource *source,
									const PlfOptions *options, const PlfReading *what);

/*
 * The next link; false at the end, which has then been verified to be the end.
 * No link comes twice.  The link lives until the next call.  A list that changes is
 * repaired; 40001 when it is not to be, or changes too often.
 */
extern bool plf_reader_next(PlfReader *reader, PlfLink *link);

/*
 * Sends what the next link takes, if that is not under way, and returns whether it is
 * there: plf_reader_next() then has something to begin with, though it may have to wait
 * for more.
 */
extern bool plf_reader_prepare(PlfReader *reader);

/* Whether the next link is on another page than the one before. */
extern bool plf_reader_is_between_pages(const PlfReader *reader);

/*
 * How many links lie in the range, instead of reading them: the distance of its
 * ends, which are searched for.  -1 in an open world, where they have to be read.
 */
extern int64 plf_reader_range_size(PlfReader *reader);

/*
 * The caller found that the link sorts before the one it took last.  After a
 * repair that is one that was inserted behind it, which is left out: true.  False when
 * the list is out of order.
 */
extern bool plf_reader_leave_out(PlfReader *reader);

/* The caller took a link that sorts after all before it. */
extern void plf_reader_caught_up(PlfReader *reader);

/*
 * Whether the links come in the API's order but are to be sorted here, because
 * those without a sort key are not in one block.  Known after the first link.
 */
extern bool plf_reader_is_unsorted(const PlfReader *reader);

/*
 * Whether links without a sort key, though wanted last, may come before others:
 * the caller then holds them back.
 */
extern bool plf_reader_is_scattered(const PlfReader *reader);

/* Whether "skip" and "take" have been applied.  Known after the first link. */
extern bool plf_reader_is_clipped(const PlfReader *reader);

extern PlfWorld plf_reader_world(const PlfReader *reader);

/* Links in the list, as the first page said. */
extern int64 plf_reader_total(const PlfReader *reader);

/* Links received so far. */
extern int64 plf_reader_links(const PlfReader *reader);

/* Ends its requests and frees everything. */
extern void plf_reader_free(PlfReader *reader);

/*
 * True when a page for one link, which was asked for its total, does not contradict that
 * total: the page has a link of a status that was asked for, or the total is 0.  An API
 * or a cache that ignores the statuses reports the total of all links.
 */
extern bool plf_page_bears_total(const PlfWire *wire, const PlfHeldPage *held);

#endif /* PLF_READER_H */
