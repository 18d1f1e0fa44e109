/*
 * reader_state.h
 *		The inside of a reader, for reader.c, reader_start.c, seek.c and
 *		null_block.c.
 */
#ifndef PLF_READER_STATE_H
#define PLF_READER_STATE_H

#include "read/reader.h"
#include "read/seen.h"

/* "concurrency" goes to 32 */
#define MAX_IN_FLIGHT	32

/* Places of the list that are served one after the other: [from, to). */
typedef struct Segment
{
	int64		from;
	int64		to;
} Segment;

typedef struct InFlight
{
	PlfListRequest request;
	PlfTransfer *transfer;
} InFlight;

struct PlfReader
{
	MemoryContext context;
	PlfSource  *source;
	const PlfOptions *options;
	PlfReading	what;
	PlfWorld	world;
	bool		started;
	bool		ended;
	bool		unsorted;
	bool		sizing;			/* only the size of the range is wanted */
	bool		searching;		/* pages that contradict each other are no error */
	bool		unsettled;		/* but this */
	int64		range_end;		/* where it is searched for as well */
	bool		nulls_before;	/* the list begins with links without a key */
	bool		bounded_range;	/* the reading may end before the list does */
	int			page_size;		/* per_page of all requests but the first */
	bool		clipped;		/* "skip" and "take" are in the segments */

	int64		total;			/* links in the list */
	Segment		segments[2];	/* the second one where the list is rotated */
	int			nsegments;
	int			segment;
	int64		position;		/* of the next link */

	PlfHeldPage *current;		/* being delivered */
	PlfHeldPage *kept;			/* others in memory */
	InFlight	in_flight[MAX_IN_FLIGHT + 1];	/* one of them is answered */
	int			nin_flight;
	int			window;			/* most pages in flight */
	int64		pages;			/* made current so far */

	PlfSeen    *seen;
	int64		links;			/* received */
	int64		delivered;
	bool		at_nulls;		/* the end of the list was looked at */
	bool		scattered;		/* links without a sort key stand among others */
};

/*
 * The page that holds a place of the list, fetched unless it is in memory; it
 * stays in memory ("kept") until its last use.  NULL, and the reader is unsettled,
 * when the list changed while it is being searched.
 */
extern PlfHeldPage *plf_reader_page_at(PlfReader *reader, int64 position);

/* Asks for the first page and decides which places of the list are served. */
extern void plf_reader_start(PlfReader *reader);

/* 40001 when a page does not fit what is known of the list. */
extern void plf_reader_check_page(PlfReader *reader, const PlfHeldPage *held);

/* Raises 40001; page 0: none in particular. */
extern void plf_reader_report_drift(PlfReader *reader, int64 page,
									const char *detail) pg_attribute_noreturn();

/* Whether a page is still to be served, or served from. */
extern bool plf_reader_needs(const PlfReader *reader, const PlfHeldPage *held);

/* Lets go of all pages in memory but the one being delivered. */
extern void plf_reader_release_kept(PlfReader *reader);

/* Whether what the list's first page and last page say of it will do. */
extern bool plf_reader_is_bounded(const PlfReader *reader);

/* Whether a page holds that place of the list. */
static inline bool
plf_page_holds(const PlfHeldPage *held, int64 position)
{
	return position >= held->first && position < held->first + held->count;
}

/* What the sort key of the link at a place in a page is. */
extern PlfKeyKind plf_reader_kind(const PlfReader *reader,
								  const PlfHeldPage *held, int index);

/*
 * Decides in which order the places of the list are served, so that links
 * whose sort key is NULL come where they are wanted.  "first" is the first page.
 */
extern void plf_reader_place_nulls(PlfReader *reader, PlfHeldPage *first);

/*
 * Whether a link is served although its sort key may be NULL; ends the reading
 * where neither it nor anything after it is.
 */
extern bool plf_reader_serves_null(PlfReader *reader, const PlfLink *link);

/*
 * Lets the reading begin at the first link that does not lie before the range,
 * found by bisecting pages.
 */
extern void plf_reader_seek(PlfReader *reader, PlfHeldPage *first);

/* Searches for the place at which the range ends, too. */
extern void plf_reader_seek_end(PlfReader *reader);

/* Whether all of a page lies before the end of the range. */
extern bool plf_reader_goes_on(const PlfReader *reader, const PlfHeldPage *held);

#endif							/* PLF_READER_STATE_H */
