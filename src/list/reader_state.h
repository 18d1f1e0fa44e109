/*
 * reader_state.h
 *		The inside of a reader, for reader.c, opening.c, page_table.c, course_range.c,
 *		course_nulls.c and resync.c.
 */
#ifndef PLF_READER_STATE_H
#define PLF_READER_STATE_H

#include "list/reader.h"
#include "list/seen.h"

/* "concurrency" goes to 32 */
#define MAX_IN_FLIGHT 32

/* Which links a segment is for, once its places alone no longer tell. */
typedef enum SegmentKind
{
	SEGMENT_ANY,
	SEGMENT_KEYS,       /* those with a sort key; the others come
						 * before it in the list */
	SEGMENT_KEYS_AHEAD, /* likewise; the others come after it */
	SEGMENT_NULLS,      /* those without one; the others come before */
	SEGMENT_NULLS_AHEAD /* likewise; the others come after it */
} SegmentKind;

/* Places of the list that are served one after the other: [from, to). */
typedef struct Segment
{
	int64 from;
	int64 to;
	SegmentKind kind;
} Segment;

typedef struct InFlight
{
	PlfListRequest request;
	PlfTicket ticket;
	int64 sent;    /* its number among all that were sent */
	int64 arrived; /* how many were sent when it came; page_table.c's */
} InFlight;

/* What was noticed of a list that does not hold still. */
typedef struct Drift
{
	int64 page;       /* where; 0: nowhere in particular */
	char *detail;     /* a sentence or two; in the reader's context */
	bool is_disorder; /* the links were not in order; that alone */
} Drift;

/* What a reading begins with, sent together. */
typedef struct Opening
{
	PlfSizes sizes;
	PlfListRequest request;
	PlfTicket first; /* none: nothing of a documented status is wanted */
	PlfTicket all;   /* none without the status check; likewise */
	PlfTicket documented;
} Opening;

struct PlfReader
{
	MemoryContext context;
	const PlfPageSource *source;
	const PlfOptions *options;
	PlfReading asked; /* what is wanted */
	PlfReading what;  /* the same as the API is asked for it: in an
					   * open world unfiltered */
	PlfWorld world;
	bool opened; /* "opening" was sent, and is not looked at yet */
	Opening opening;
	bool started;
	bool ended;
	bool unsorted;
	bool sizing; /* only the size of the range is wanted */
	bool moved;  /* the list did not hold still: "drift" */
	Drift drift;
	int searches;       /* for the ends of the range */
	int64 range_end;    /* where it is searched for as well */
	bool nulls_before;  /* the list begins with links without a key */
	bool bounded_range; /* the reading may end before the list does */
	int page_size;      /* per_page of all requests but the first */
	bool clipped;       /* "skip" and "take" are in the segments */

	int64 total;         /* links in the list */
	Segment segments[2]; /* the second one where the list is rotated */
	int nsegments;
	int segment;
	int64 position; /* of the next link */

	PlfHeldPage *current;                  /* being delivered */
	PlfHeldPage *kept;                     /* others in memory */
	InFlight in_flight[MAX_IN_FLIGHT + 1]; /* one of them is answered */
	int nin_flight;
	int64 sent;  /* requests, that were in flight some time */
	int window;  /* most pages in flight */
	int64 pages; /* made current so far */

	PlfSeen *seen;
	int64 links; /* received */
	int64 delivered;
	bool at_nulls;  /* the end of the list was looked at */
	bool scattered; /* links without a sort key stand among others */
	bool no_nulls;  /* there was none at either end */
	bool all_null;  /* there was nothing else at both ends, and they are
					 * wanted last */

	/* Since the list changed: */
	int repairs;
	int passed;       /* links before the place of the last one */
	bool cautious;    /* one page at a time */
	bool catching_up; /* what sorts before the last link delivered was
					   * inserted meanwhile */
	bool rereading;   /* what does so may also have been missed */
	bool in_segment;  /* a link of the segment's kind was met, or one
					   * without a key */
	bool opened_late; /* a link got an undocumented status meanwhile: the
					   * world stays open, whatever becomes of the link */
};

/*
 * The page that holds a place of the list, fetched unless it is in memory; it
 * stays in memory ("kept") until its last use.  NULL, and the reader has moved,
 * when the list is no longer what it was.
 */
extern PlfHeldPage *plf_reader_page_at(PlfReader *reader, int64 position);

/* Likewise of a page of "page_size" links, whether some of them are in memory or not. */
extern PlfHeldPage *plf_reader_keep(PlfReader *reader, int64 page);

/*
 * Fetches a page of "page_size" links, whatever the list is by now; the caller
 * releases it.  NULL, and the reader has moved, when the API refuses it, which
 * never happens to page 1.
 */
extern PlfHeldPage *plf_reader_fetch(PlfReader *reader, int64 page);

/* Whether a page is one of the list as it was; notes the drift if not. */
extern bool plf_reader_fits(PlfReader *reader, const PlfHeldPage *held);

/* Whether a page holds as many links as it should by the total it reports. */
extern bool plf_page_is_whole(const PlfHeldPage *held);

/*
 * Asks for the first page and decides which places of the list are served;
 * anew when the list changes meanwhile.
 */
extern void plf_reader_start(PlfReader *reader);

/* Whether a link has an undocumented status by now, which none had. */
extern bool plf_reader_world_opened(PlfReader *reader);

/* Sends what the reading begins with. */
extern void plf_reader_open(PlfReader *reader);

/* Lets go of all pages and requests; nothing is delivered from them any more. */
extern void plf_reader_forget_pages(PlfReader *reader);

/* Whether a page is still to be served, or served from. */
extern bool plf_reader_needs(const PlfReader *reader, const PlfHeldPage *held);

/* Whether what the list's first page and last page say of it will do. */
extern bool plf_reader_is_bounded(const PlfReader *reader);

/* Whether a page holds that place of the list. */
static inline bool
plf_page_holds(const PlfHeldPage *held, int64 position)
{
	return position >= held->first && position < held->first + held->count;
}

/* What the sort key of the link at a place in a page is. */
extern PlfKeyKind plf_reader_kind(const PlfReader *reader, const PlfHeldPage *held,
								  int index);

/* The page in memory that holds a place of the list, or NULL. */
extern PlfHeldPage *plf_reader_find_kept(const PlfReader *reader, int64 position);

/* page_table.c */

/*
 * Requests pages from "position" on, in the order of their use, until "window"
 * of them are on their way.
 */
extern void plf_flight_send(PlfReader *reader, int64 position, int window);

/*
 * Waits until the request for a page is answered, if there is one; whether it
 * brought the page.
 */
extern bool plf_flight_await(PlfReader *reader, int64 page);

/*
 * The ticket of a page, if the page was requested; the caller owns the ticket.  "arrived"
 * is for the page that comes for it.
 */
extern PlfTicket plf_flight_take(PlfReader *reader, int64 page, int64 *arrived);

/*
 * Waits for all that were sent before a page came, so that it can be delivered, and
 * keeps "window" requests on their way meanwhile.  False when the reader moved.
 */
extern bool plf_flight_confirm(PlfReader *reader, const PlfHeldPage *held, int window);

/*
 * Whether the page that holds a place is there and need not wait for another.  If
 * not, it is asked for.
 */
extern bool plf_flight_prepare(PlfReader *reader, int64 position);

/* Lets go of all of them. */
extern void plf_flight_forget(PlfReader *reader);

/* resync.c */

/* Notes that the list is not what it was; "detail" is a sentence. */
extern void plf_reader_note_drift(PlfReader *reader, int64 page, const char *detail);

/* Counts a repair of what was noted; 40001 when it is not to be, or one too many. */
extern void plf_reader_count_repair(PlfReader *reader);

/*
 * After drift: finds a place up to which everything was received and goes on
 * from there.
 */
extern void plf_reader_repair(PlfReader *reader);

/* After links that came twice: reads the list once more, or raises 40001. */
extern void plf_reader_reread(PlfReader *reader);

/* Where a link is, after a repair, with respect to the segment being served. */
extern PlfPlace plf_reader_side(PlfReader *reader, const PlfLink *link);

/* course_nulls.c */

/*
 * Decides in which order the places of the list are served, so that links
 * whose sort key is NULL come where they are wanted.  "first" is the first page.
 * The reader may have moved.
 */
extern void plf_reader_place_nulls(PlfReader *reader, PlfHeldPage *first);

/* What becomes of a link, its sort key or the lack of it being what it is. */
typedef enum NullService
{
	NULL_SERVED,
	NULL_SKIPPED,
	NULL_ENDS,   /* neither it nor anything after it is served */
	NULL_UNKNOWN /* the reader moved */
} NullService;

extern NullService plf_reader_serves_null(PlfReader *reader, const PlfLink *link);

/* course_range.c */

/*
 * Lets the reading begin at the first link that does not lie before the range,
 * found by bisecting pages.  The reader may have moved.
 */
extern void plf_reader_seek(PlfReader *reader, PlfHeldPage *first);

/* Searches for the place at which the range ends, too. */
extern void plf_reader_seek_end(PlfReader *reader);

/* Whether all of a page lies before the end of the range. */
extern bool plf_reader_goes_on(const PlfReader *reader, const PlfHeldPage *held);

/* Whether a link lies before the range, in the direction of reading. */
extern bool plf_reader_is_before(const PlfReader *reader, const PlfLink *link);

#endif /* PLF_READER_STATE_H */
