/*
 * resync.c
 *		What a reader does when the list changes while it is read.
 *
 * Pages are numbered, not anchored: what is inserted or removed before a page moves
 * its links to other pages.  As long as all pages report one total nothing can have
 * moved (but for changes that balance exactly, which nobody can see).  When a page
 * reports another total, or is refused, or is too short, everything ahead is dropped
 * and the reader steps back until a page, read again, holds a link that was received
 * before.  Whatever precedes that link in the list was received before it, or was
 * inserted later.  So the reading goes on there.
 *
 * reader.c notices, and calls this; opening.c starts anew, as nothing has been
 * delivered then.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "compat.h"
#include "list/reader_state.h"

/* A list that changes more often while it is read is not read to its end. */
#define MAX_REPAIRS 8

/*
 * Pages that are looked at for one repair, and passed after it until its place is
 * reached again: a list that moved further is another one.
 */
#define MAX_STEPS 100

#define DRIFT_HINT \
	"Run the query again. If this persists, the order of the API's pages is not stable: set concurrency '1' or sort_pushdown 'false'."

static void report_drift(PlfReader *reader) pg_attribute_noreturn();
static PlfHeldPage *step_back(PlfReader *reader);
static bool holds_anchor(PlfReader *reader, const PlfHeldPage *held);
static bool wants_keys(SegmentKind kind);
static bool is_ahead(SegmentKind kind);
static PlfPlace pass(PlfReader *reader);

void
plf_reader_note_drift(PlfReader *reader, int64 page, const char *detail)
{
	reader->moved = true;
	reader->drift.page = page;
	reader->drift.is_disorder = false;
	reader->drift.detail = MemoryContextStrdup(reader->context, detail);
}

static void
report_drift(PlfReader *reader)
{
	reader->source->raise(reader->source->arg, reader->drift.page,
						  ERRCODE_T_R_SERIALIZATION_FAILURE,
						  psprintf("the list of %s changed while it was read",
								   reader->source->wire->plural),
						  reader->drift.detail, DRIFT_HINT);
	pg_unreachable();
}

void
plf_reader_count_repair(PlfReader *reader)
{
	if (reader->options->on_drift == PLF_ON_DRIFT_ERROR || reader->repairs == MAX_REPAIRS)
		report_drift(reader);
	reader->repairs++;
	reader->passed = 0;
	reader->source->note_repair(reader->source->arg);
	reader->moved = false;
}

void
plf_reader_repair(PlfReader *reader)
{
	PlfHeldPage *held;

	plf_reader_count_repair(reader);
	plf_reader_forget_pages(reader);
	plf_seen_begin(reader->seen);
	reader->cautious = true;
	if (plf_seen_count(reader->seen) == 0)
	{
		plf_reader_start(reader);
		return;
	}
	reader->catching_up = true;
	held = step_back(reader);

	/*
	 * A link that was asked for by its status may have got one that nobody
	 * documented.  Then the list has to be another one, from its beginning; what was
	 * received is known, and a window is from there on the caller's business.  The
	 * statuses are checked after the page from which the reading goes on came: a link
	 * that left the list before that page was read has its new status by now.
	 */
	if (reader->world == PLF_WORLD_CLOSED && plf_reader_world_opened(reader))
	{
		reader->source->release(reader->source->arg, held);
		plf_reader_start(reader);
		return;
	}
	reader->total = held->total;
	held->next = reader->kept;
	reader->kept = held;
	reader->position = held->first;
	reader->in_segment = reader->at_nulls = false;
	reader->segments[reader->segment].from = held->first;
	for (int i = reader->segment; i < reader->nsegments; i++)
		reader->segments[i].to = reader->total;
}

/*
 * The last page, at or before the place that was to be read next, that holds what
 * was received before; or the first one.
 */
static PlfHeldPage *
step_back(PlfReader *reader)
{
	int64 page = Max(reader->position - 1, 0) / reader->page_size + 1;

	for (int steps = 0; steps < MAX_STEPS; steps++)
	{
		PlfHeldPage *held = plf_reader_fetch(reader, page);
		bool is_whole = held != NULL && plf_page_is_whole(held);

		if (is_whole && (page == 1 || holds_anchor(reader, held)))
			return held;
		if (held == NULL)
			held = plf_reader_fetch(reader, 1); /* how long is the list? */
		else if (!is_whole)
			plf_reader_count_repair(reader);
		if (is_whole || held->request.page != page)
			page = Max(Min(page - 1, (held->total - 1) / reader->page_size + 1), 1);
		reader->source->release(reader->source->arg, held);
	}
	report_drift(reader);
}

static bool
holds_anchor(PlfReader *reader, const PlfHeldPage *held)
{
	SegmentKind kind = reader->segments[reader->segment].kind;

	for (int i = 0; i < held->count; i++)
	{
		PlfLink link = {held->page, i, held->request.page};
		PlfField id = plf_link_id(&link);

		if (reader->what.range != NULL && plf_reader_is_before(reader, &link))
			return true;
		if (kind != SEGMENT_ANY &&
			(plf_reader_kind(reader, held, i) == PLF_KEY_PRESENT) != wants_keys(kind))
		{
			/* The segment begins at or behind it. */
			if (!is_ahead(kind))
				return true;
		}
		else if (plf_seen_has(reader->seen, id.text, id.length))
			return true;
	}
	return false;
}

static bool
wants_keys(SegmentKind kind)
{
	return kind == SEGMENT_KEYS || kind == SEGMENT_KEYS_AHEAD;
}

static bool
is_ahead(SegmentKind kind)
{
	return kind == SEGMENT_KEYS_AHEAD || kind == SEGMENT_NULLS_AHEAD;
}

/* Passes a link on the way to the place of the repair. */
static PlfPlace
pass(PlfReader *reader)
{
	if (++reader->passed > MAX_STEPS * reader->page_size)
		report_drift(reader);
	return PLF_PLACE_BEFORE;
}

PlfPlace
plf_reader_side(PlfReader *reader, const PlfLink *link)
{
	SegmentKind kind = reader->segments[reader->segment].kind;

	if (reader->what.range != NULL && plf_reader_is_before(reader, link))
		return pass(reader);
	if (kind == SEGMENT_ANY)
		return PLF_PLACE_IN;
	if ((plf_link_key_kind(link, reader->what.sort_key) == PLF_KEY_PRESENT) ==
		wants_keys(kind))
		reader->in_segment = true;
	else if (is_ahead(kind))
		/* Whether what is wanted alone has ended is course_nulls.c's business. */
		return reader->what.nulls == PLF_NULLS_ONLY ? PLF_PLACE_IN : PLF_PLACE_AFTER;
	else if (!reader->in_segment)
		return pass(reader);

	/* Links without a key among others are course_nulls.c's business. */
	return PLF_PLACE_IN;
}

void
plf_reader_reread(PlfReader *reader)
{
	plf_reader_note_drift(
		reader, 0,
		psprintf("%lld of the links came more than once, so that others may be missing.",
				 (long long) plf_seen_repeats(reader->seen)));
	if (reader->rereading || (reader->clipped && reader->repairs > 0))
		report_drift(reader);
	plf_reader_count_repair(reader);
	plf_reader_forget_pages(reader);
	plf_seen_begin(reader->seen);
	reader->cautious = reader->catching_up = reader->rereading = true;
	if (reader->clipped)
	{
		reader->segment = 0;
		reader->position = reader->segments[0].from;
	}
	else
		plf_reader_start(reader);
}

bool
plf_reader_leave_out(PlfReader *reader)
{
	if (!reader->catching_up)
		return false;
	if (reader->rereading)
	{
		plf_reader_note_drift(
			reader, 0,
			"A link that was missing when its place in the order was read came too late.");
		report_drift(reader);
	}
	reader->delivered--;
	return true;
}

void
plf_reader_caught_up(PlfReader *reader)
{
	reader->catching_up = false;
}
