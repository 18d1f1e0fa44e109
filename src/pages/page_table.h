/*
 * page_table.h
 *		The pages of one list that are in memory, the requests for others, and when a page
 *		may be delivered.
 *
 * The table is told which places of the list will be wanted.  It knows nothing of what
 * links hold.  Its pages and tickets come from a PlfPageSource.
 */
#ifndef PLF_PAGE_TABLE_H
#define PLF_PAGE_TABLE_H

#include "pages/page_source.h"

typedef struct PlfPageTable PlfPageTable;

/* Places of the list, from 0: [from, to). */
typedef struct PlfSpan
{
	int64 from;
	int64 to;
} PlfSpan;

/* A list is served in two parts at most. */
#define PLF_MAX_SPANS 2

/* The places that will be served from now on, in the order of their use. */
typedef struct PlfAhead
{
	PlfSpan spans[PLF_MAX_SPANS];
	int nspans;
	int64 most; /* no more links than that will be taken, as far as is known; from 1 */
} PlfAhead;

/* How many pages are requested before they are wanted. */
typedef enum PlfPace
{
	PLF_PACE_ALL,   /* every place ahead will be wanted: "concurrency" requests */
	PLF_PACE_GROWS, /* the caller may stop at any page: none at first, then 1, 2, 4 ... */
	PLF_PACE_ONE,   /* the places wanted may end on any page: one, where the caller calls
					 * plf_page_table_send_one() */
	PLF_PACE_NONE   /* the same where the caller may stop: none */
} PlfPace;

/* A change of the list, as a page showed it. */
typedef struct PlfChange
{
	int64 page;         /* the page that shows the change; 0: none in particular */
	const char *detail; /* one or more sentences, in the memory that was current when the
						 * change was noticed */
} PlfChange;

typedef enum PlfLookKind
{
	PLF_LOOK_PAGE,    /* no change shows */
	PLF_LOOK_CHANGED, /* a page reports another length, is too short, or is refused */
	PLF_LOOK_DISORDER /* the links are not in the order that was asked for; only
					   * list/course_range.c, which looks at keys, returns this */
} PlfLookKind;

/* What came of looking at a page, or at several. */
typedef struct PlfLook
{
	PlfLookKind kind;
	PlfHeldPage *page; /* of PLF_LOOK_PAGE; NULL when no single page was asked for */
	PlfChange change;  /* of the other kinds */
} PlfLook;

/*
 * Returns an empty table in "context".  Its pages and tickets belong to the source:
 * plf_page_table_forget() gives them back, else they end with the source.
 */
extern PlfPageTable *plf_page_table_create(MemoryContext context,
										   const PlfPageSource *source, int concurrency);

/* Gives back all pages and ends all requests. */
extern void plf_page_table_forget(PlfPageTable *table);

/*
 * From now on the table holds pages of the list "list", with "page_size" links each.
 * "first" is the first page that was received; it may have another size, and it reports
 * the length of the list.  The table must be empty and takes the page over.  Returns
 * PLF_LOOK_CHANGED when the page holds too few or too many links.
 */
extern PlfLook plf_page_table_begin(PlfPageTable *table, const PlfListRequest *list,
									int page_size, PlfHeldPage *first);

/*
 * "page" is the first page that was received after a change of the list, and reports the
 * new length.  The table must be empty and takes the page over.
 */
extern void plf_page_table_resume(PlfPageTable *table, PlfHeldPage *page);

/*
 * No link of the list is wanted: the length is 0 from then on.  The table must be empty.
 */
extern void plf_page_table_begin_none(PlfPageTable *table);

/* The length of the list. */
extern int64 plf_page_table_total(const PlfPageTable *table);

/*
 * How many links a page has, but for the list's last page and perhaps the first one
 * received.
 */
extern int plf_page_table_size(const PlfPageTable *table);

/*
 * Looks at the page that holds a place of the list.  The page is requested unless it is
 * in memory, and stays in memory.
 */
extern PlfLook plf_page_table_at(PlfPageTable *table, int64 position);

/* How many pages are in memory, without the one that is delivered, and each of them. */
extern int plf_page_table_count(const PlfPageTable *table);
extern PlfHeldPage *plf_page_table_get(const PlfPageTable *table, int index);

/*
 * Receives a page whatever the length of the list is by now.  The caller releases the
 * page, or gives it to plf_page_table_resume().
 */
extern PlfAnswer plf_page_table_receive(PlfPageTable *table, int64 page);
extern void plf_page_table_release(PlfPageTable *table, PlfHeldPage *page);

/* Sets the pace, and begins it: PLF_PACE_GROWS begins without a request ahead. */
extern void plf_page_table_set_pace(PlfPageTable *table, PlfPace pace);

/*
 * slow() is called after a change of the list: one page at a time, whatever the pace is.
 * hurry() ends that, if a page received since then reports the expected length.
 */
extern void plf_page_table_slow(PlfPageTable *table);
extern void plf_page_table_hurry(PlfPageTable *table);

/*
 * Delivers the page that holds the first place of "ahead": the page leaves the table, and
 * is plf_page_table_current().  Requests other pages ahead, as the pace says.
 */
extern PlfLook plf_page_table_deliver(PlfPageTable *table, const PlfAhead *ahead);
extern PlfHeldPage *plf_page_table_current(const PlfPageTable *table);

/* With PLF_PACE_ONE: requests the page of the first place of "ahead". */
extern void plf_page_table_send_one(PlfPageTable *table, const PlfAhead *ahead);

/*
 * Ends the use of the delivered page, if there is one: keeps it in memory if "ahead" has
 * places of it, else releases it.
 */
extern void plf_page_table_leave(PlfPageTable *table, const PlfAhead *ahead);

/*
 * True when plf_page_table_deliver() need not wait for the page.  Requests the page if it
 * is neither in memory nor under way.
 */
extern bool plf_page_table_is_ready(PlfPageTable *table, const PlfAhead *ahead);

/* True when "ahead" has places of the page. */
extern bool plf_ahead_needs(const PlfAhead *ahead, const PlfHeldPage *page);

static inline bool
plf_page_holds(const PlfHeldPage *page, int64 position)
{
	return position >= page->first && position < page->first + page->count;
}

/* True when a page holds as many links as it should, by the length that it reports. */
extern bool plf_page_is_whole(const PlfHeldPage *page);

#endif /* PLF_PAGE_TABLE_H */
