/*
 * reader_state.h
 *		The members of a reader, for reader.c, opening.c and resync.c alone.  The top of
 *		reader.c describes the states.
 */
#ifndef PLF_READER_STATE_H
#define PLF_READER_STATE_H

#include "compat.h"
#include "catalog/option.h"
#include "list/course.h"
#include "list/seen.h"

typedef enum PlfReaderState
{
	PLF_READER_NEW,
	PLF_READER_OPENING,
	PLF_READER_LAYING,
	PLF_READER_SERVING,
	PLF_READER_RESYNC,
	PLF_READER_ENDED
} PlfReaderState;

/* Why the reader is in PLF_READER_RESYNC. */
typedef enum PlfResyncCause
{
	PLF_RESYNC_LIST_CHANGED, /* a page shows a change */
	PLF_RESYNC_LINKS_TWICE   /* links came twice on pages that report one length */
} PlfResyncCause;

/* The requests that a reading begins with, sent together. */
typedef struct PlfOpening
{
	PlfSizes sizes;
	PlfListRequest request; /* for the first page */
	PlfTicket first;        /* none when no documented status is wanted */

	/* The status check; none without one. */
	PlfTicket all;        /* how many links there are */
	PlfTicket documented; /* how many of them have a documented status */
} PlfOpening;

struct PlfReader
{
	/* As long as the reader lives: */
	MemoryContext context;
	const PlfPageSource *source;
	const PlfOptions *options;
	PlfReading asked; /* what is wanted */
	bool measures;    /* only the size of the range is wanted */
	PlfReaderState state;
	PlfSeen *seen;
	PlfPageTable *table;
	int64 links;     /* received */
	int64 delivered; /* to the caller, less those that the caller left out */

	/* From OPENING on: */
	PlfReading what;    /* what the API is asked for: "asked", but unfiltered if links of
						 * other statuses may be wanted */
	PlfOpening opening; /* the tickets are valid in OPENING alone */
	PlfStatusCheck status_check; /* what the status check found */
	bool opened_late; /* a link got an undocumented status after the check: the list is
					   * read unfiltered from then on */
	int searches;     /* for the ends of the range, since NEW or RESYNC */

	/* From LAYING on: */
	PlfHeldPage *first; /* in LAYING: the page of the first request, in the table */
	PlfCourse course;

	/* From SERVING on: */
	int64 position; /* of the next link; in the course's current span or at its end */

	/* Since the list changed for the first time: */
	PlfResyncCause cause; /* in RESYNC */
	PlfChange change;     /* what was noticed last; in "context" */
	int repairs;          /* counted, for the limit */
	int passed;           /* links that were passed over since the last repair */
	bool catching_up;     /* since the last repair no link was taken in order: a link that
						   * sorts before the last one delivered was inserted meanwhile */
	bool second_pass; /* the list is read once more, because links came twice: a link that
					   * sorts before the last one delivered may have been missed */
};

/* The one function that changes the state; "why" is for the log. */
extern void plf_reader_enter(PlfReader *reader, PlfReaderState state, const char *why);

/* Notes a change of the list; copies *change. */
extern void plf_reader_note_change(PlfReader *reader, const PlfChange *change);

/*
 * Counts a repair of what was noted last.  Raises 40001 when the list is not to be
 * repaired, or was repaired too often.
 */
extern void plf_reader_count_repair(PlfReader *reader);

/* Raises 40001 about what was noted last. */
extern void plf_reader_report_change(PlfReader *reader) pg_attribute_noreturn();

#endif /* PLF_READER_STATE_H */
