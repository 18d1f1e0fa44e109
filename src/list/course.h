/*
 * course.h
 *		The course of a reading: which places of the list are served, in which order, and
 *		what becomes of each link there.
 *
 * A course is laid when the first page is there.  Laying a course may look at other
 * pages, through the page table.  There are three kinds: the whole list (course.c), a key
 * range (course_range.c), and a list that may have a block of links without a sort key
 * (course_nulls.c).
 */
#ifndef PLF_COURSE_H
#define PLF_COURSE_H

#include "list/reading.h"
#include "pages/page_table.h"

/*
 * Which links a span is for.  After a change of the list, the places of a span no longer
 * tell which links are in the span, but its kind does.  "key" is the sort key.
 */
typedef enum PlfSpanKind
{
	PLF_SPAN_ANY,
	PLF_SPAN_KEYS,       /* links with a key; links without precede the span */
	PLF_SPAN_KEYS_AHEAD, /* links with a key; links without follow the span */
	PLF_SPAN_NULLS,      /* links without a key; links with one precede the span */
	PLF_SPAN_NULLS_AHEAD /* links without a key; links with one follow the span */
} PlfSpanKind;

/* Where the links without a key are, as far as the course knows. */
typedef enum PlfKeyless
{
	PLF_KEYLESS_UNKNOWN, /* the course has not looked, or the list changed since then */
	PLF_KEYLESS_NONE,    /* the list's first and last link have a key */
	PLF_KEYLESS_HEAD,    /* the list begins with links without a key */
	PLF_KEYLESS_TAIL,    /* the list ends with links without a key */
	PLF_KEYLESS_ALL,     /* the first and the last link have no key; the links between
						  * are taken to have none either */
	PLF_KEYLESS_AMONG    /* they are among the others: the course looks at each link */
} PlfKeyless;

/* What becomes of a link. */
typedef enum PlfService
{
	PLF_SERVICE_SERVED,
	PLF_SERVICE_SKIPPED,
	PLF_SERVICE_ENDS,   /* neither this link nor any link after it is served */
	PLF_SERVICE_CHANGED /* the course looked at a page, which shows a change */
} PlfService;

typedef struct PlfServed
{
	PlfService service;
	PlfChange change; /* of PLF_SERVICE_CHANGED */
} PlfServed;

/*
 * Whether a link of a page that is read again after a change is an anchor.  No link that
 * precedes an anchor is missing.
 */
typedef enum PlfAnchor
{
	PLF_ANCHOR_YES,        /* the link precedes the span */
	PLF_ANCHOR_NO,         /* the link follows the span */
	PLF_ANCHOR_IF_RECEIVED /* an anchor if the reader has received the link before */
} PlfAnchor;

typedef struct PlfCourse PlfCourse;

/* What the kinds of courses do differently. */
typedef struct PlfCourseKind
{
	const char *name; /* for the log */

	/*
	 * Decides which spans are served, in which order.  "first" is the page of the first
	 * request, in the table.  The course is one span, the whole list, when this is
	 * called, and the list has at least one link.
	 */
	PlfLook (*lay)(PlfCourse *course, PlfHeldPage *first);

	/* What becomes of a link of the current page and of the span that is served. */
	PlfServed (*serve)(PlfCourse *course, const PlfLink *link);

	/* Whether a link is an anchor for the span that is served. */
	PlfAnchor (*is_anchor)(PlfCourse *course, const PlfLink *link);

	/*
	 * Once the list has changed: whether a link lies BEFORE, IN or AFTER the span that is
	 * served.
	 */
	PlfSide (*side)(PlfCourse *course, const PlfLink *link);

	/*
	 * True when the links served may end before the list does, on any page: the range has
	 * an end, or only the links without a key that the list begins with are wanted.
	 */
	bool (*ends_inside)(const PlfCourse *course);

	/* With ends_inside(): false when no link after a page is served. */
	bool (*goes_on)(const PlfCourse *course, const PlfHeldPage *page);
} PlfCourseKind;

extern const PlfCourseKind plf_course_whole;

struct PlfCourse
{
	const PlfCourseKind *kind;
	const PlfReading *what;      /* what is asked of the API */
	const PlfPageSource *source; /* for errors */
	PlfPageTable *table;

	PlfSpan spans[PLF_MAX_SPANS]; /* served one after the other */
	PlfSpanKind kinds[PLF_MAX_SPANS];
	int nspans;
	int at;       /* the span that is served; nspans: all spans were served */
	bool clipped; /* the spans leave out what "skip" and "take" leave out */
	bool shifted; /* the list has changed since the reader's first request: places no
				   * longer tell which links a span holds, and each link is looked at */
	bool met;     /* when "shifted": since the last change, a link that the span is for,
				   * or a link without a key, was met in the span */
	PlfKeyless keyless;
	PlfOrder order;

	/* Of a key range: */
	PlfSide null_side; /* BEFORE or AFTER: where links without a key are with respect to
						* every range */
	int64 range_end;   /* once plf_course_find_end() was called; else the list's end */
};

/*
 * Makes *course a course of the kind "kind" for the reading "what", not laid yet.  Keeps
 * "shifted".
 */
extern void plf_course_begin(PlfCourse *course, const PlfCourseKind *kind,
							 const PlfReading *what);

/* Makes the course one span, the whole list, which the caller sorts. */
extern void plf_course_sort_here(PlfCourse *course);

/*
 * Lays the course: decides which spans are served.  Returns PLF_LOOK_CHANGED or
 * PLF_LOOK_DISORDER when a page that was looked at shows a change, or links out of order.
 */
extern PlfLook plf_course_lay(PlfCourse *course, PlfHeldPage *first);

/*
 * Ends the reading of one page at a time after a change of the list, if a page received
 * since then has the expected length.  Such a page tells where a span ends only if the
 * span ends where the list does; for other spans the function does nothing.
 */
extern void plf_course_hurry(PlfCourse *course);

/* Sets the pace of the page table, by what the course knows now. */
extern void plf_course_set_pace(PlfCourse *course);

/*
 * Shortens the spans to the window: leaves out the first "skip" links, and all after the
 * next "take".
 */
extern void plf_course_clip(PlfCourse *course);

/* Makes "span" the number of the span that is served. */
extern void plf_course_enter(PlfCourse *course, int span);

/* The list changed: the span that is served goes on at "from", up to the list's end. */
extern void plf_course_resume(PlfCourse *course, int64 from);

/*
 * The places that will be served from "position" on, which is in the current span or at
 * its end.  "most" is how many links will be taken at most.
 */
extern PlfAhead plf_course_ahead(const PlfCourse *course, int64 position, int64 most);

/* True when the consumer, or the window, may end before the list does. */
extern bool plf_course_may_stop(const PlfCourse *course);

/* True when a link has a key. */
extern bool plf_course_has_key(const PlfCourse *course, const PlfHeldPage *page,
							   int index);
extern bool plf_course_link_has_key(const PlfCourse *course, const PlfLink *link);

/*
 * True when a page has, from link "from" on, a link with a key ("with_key") or a link
 * without one.
 */
extern bool plf_course_page_has(const PlfCourse *course, const PlfHeldPage *page,
								int from, bool with_key);

/* What became of a link, and the same for a look that shows a change. */
static inline PlfServed
plf_served(PlfService service)
{
	return (PlfServed){.service = service};
}

static inline PlfServed
plf_served_change(const PlfLook *look)
{
	return (PlfServed){PLF_SERVICE_CHANGED, look->change};
}

/* What lay() returns when the course is laid. */
#define PLF_LAID ((PlfLook){.kind = PLF_LOOK_PAGE})

#endif /* PLF_COURSE_H */
