/*
 * cover.c
 *		Counts what the schedules cover, so that the test fails when a kind of reading, of
 *		change or of outcome does not occur any more.
 */
#include <stdio.h>
#include <string.h>

#include "cover.h"

/* How the links without a key lie in the list that is asked for. */
typedef enum NullPlace
{
	PLACE_NONE,
	PLACE_HEAD,
	PLACE_TAIL,
	PLACE_ALL,
	PLACE_AMONG,
	PLACE_BOTH_ENDS
} NullPlace;
static const char *const null_sides[] = {"none", "at the head", "at the tail",
										 "all",  "among",       "at both ends"};
#define NULL_PLACES 6

/* What becomes of them. */
static const char *const null_wishes[] = {"first", "last", "out", "only"};
#define NULL_WISHES 4

static const char *const range_kinds[] = {"lower bound", "upper bound", "both bounds"};
#define RANGE_KINDS 3

typedef enum Event
{
	WHOLE_LIST,
	FILTERED,
	CHECKED,
	WINDOW_SKIP,
	WINDOW_TAKE,
	WINDOW_BOTH,
	WINDOW_CLIPPED,
	LIMIT_ABOVE,
	CURSOR_STOPS,
	CURSOR_TO_END,
	CURSOR_AS_IF_TO_END,
	UNDER_APPEND,
	ON_DRIFT_ERROR,
	TIES,
	DATELESS,
	CHANGED,
	CHANGED_BACK,
	REPAIRED_EARLY,
	REPAIRED,
	REPAIRED_OFTEN,
	OPENED,
	OPENED_LATE,
	LEFT_OUT,
	SORTED_HERE,
	HELD_BACK,
	OUT_OF_ORDER,
	PAGE_REFUSED,
	PAGE_EMPTY,
	PAGE_INSTEAD,
	EXCUSED,
	FAILED,
	CONFLICT,
	CONFLICT_BY_OPTION,
	DISORDER,
	EVENTS
} Event;

static const char *const event_names[EVENTS] = {
	[WHOLE_LIST] = "the whole list, in no order",
	[FILTERED] = "documented statuses alone",
	[CHECKED] = "statuses that are checked",
	[WINDOW_SKIP] = "windows: OFFSET",
	[WINDOW_TAKE] = "windows: LIMIT",
	[WINDOW_BOTH] = "windows: both",
	[WINDOW_CLIPPED] = "windows that the reader clips",
	[LIMIT_ABOVE] = "LIMIT above the scan",
	[CURSOR_STOPS] = "cursors that stop early",
	[CURSOR_TO_END] = "cursors that go to the end",
	[CURSOR_AS_IF_TO_END] = "cursors that are planned to go to the end",
	[UNDER_APPEND] = "plf_reader_prepare() before each link",
	[ON_DRIFT_ERROR] = "on_drift 'error'",
	[TIES] = "rows of one key after each other",
	[DATELESS] = "links without a date, instead of the zero date",
	[CHANGED] = "the list changes between the first request and the last",
	[CHANGED_BACK] = "... and is again what it was",
	[REPAIRED_EARLY] = "repairs before the first link",
	[REPAIRED] = "repairs after links: resynchronized",
	[REPAIRED_OFTEN] = "five repairs or more",
	[OPENED] = "undocumented statuses are found",
	[OPENED_LATE] = "... after pages of documented ones",
	[LEFT_OUT] = "links that come out of order after a repair",
	[SORTED_HERE] = "rows that are sorted by the scan",
	[HELD_BACK] = "rows without a key that are held back",
	[OUT_OF_ORDER] = "answers that come in another order than requests",
	[PAGE_REFUSED] = "a page past the end is refused",
	[PAGE_EMPTY] = "... or is empty",
	[PAGE_INSTEAD] = "... or the last page comes instead",
	[EXCUSED] = "links that the status check cannot see",
	[FAILED] = "a request fails",
	[CONFLICT] = "40001 after too many changes",
	[CONFLICT_BY_OPTION] = "40001 for on_drift 'error'",
	[DISORDER] = "a list out of order is refused",
};

/* The changes of a reader's state, as src/list/reader.c lists them; 40001 is above. */
static const struct
{
	const char *from;
	const char *to;
} transitions[] = {
	{"new", "opening"},    {"opening", "laying"}, {"opening", "opening"},
	{"opening", "ended"},  {"laying", "serving"}, {"laying", "laying"},
	{"laying", "opening"}, {"serving", "resync"}, {"serving", "ended"},
	{"resync", "serving"}, {"resync", "opening"},
};
#define TRANSITIONS ((int) (sizeof(transitions) / sizeof(*transitions)))

static struct
{
	int64_t transitions[TRANSITIONS];
	int64_t events[EVENTS];
	int64_t nulls[NULL_WISHES][NULL_PLACES];
	int64_t sorted[2]; /* by amount, up and down */
	int64_t ranges[2][RANGE_KINDS][2];
	int64_t sizes[2][RANGE_KINDS + 2][2]; /* likewise, and IS NULL, IS NOT NULL */
	int64_t concurrency[8];
	int64_t page_size[MAX_PAGE_SIZE];
	int64_t repairs;
} seen;

static void cover_query(const Schedule *schedule);
static void cover_changes(const Schedule *schedule);
static void cover_outcome(const Schedule *schedule);
static NullPlace null_side(const Schedule *schedule);
static bool opened_late(const Api *api);

void
cover_schedule(const Schedule *schedule)
{
	if (schedule->api.nlog == 0)
		return;
	seen.concurrency[schedule->settings.concurrency - 1]++;
	seen.page_size[schedule->settings.page_size - 1]++;
	seen.repairs += schedule->outcome.repairs;
	cover_query(schedule);
	cover_changes(schedule);
	cover_outcome(schedule);
}

void
cover_debug(const char *line)
{
	char from[16];
	char to[16];

	if (sscanf(line, "reader of %*[^:]: %15s to %15[^:]", from, to) == 2)
		for (int i = 0; i < TRANSITIONS; i++)
			seen.transitions[i] += strcmp(from, transitions[i].from) == 0 &&
								   strcmp(to, transitions[i].to) == 0;
}

static void
note(Event event, bool occurs)
{
	seen.events[event] += occurs;
}

static void
cover_query(const Schedule *schedule)
{
	const ModelQuery *query = &schedule->query;
	bool is_date = query->key == BY_DATE;
	int kind = query->test == KEY_IS_NULL       ? RANGE_KINDS
			   : query->test == KEY_IS_NOT_NULL ? RANGE_KINDS + 1
			   : !query->upper.is_set           ? 0
			   : !query->lower.is_set           ? 1
												: 2;

	if (query->counts)
		seen.sizes[is_date][kind][query->descending]++;
	else if (query->test == KEY_IN_RANGE)
		seen.ranges[is_date][kind][query->descending]++;
	else if (query->key == BY_AMOUNT)
		seen.sorted[query->descending]++;
	else if (is_date)
		seen.nulls[query->test == KEY_IS_NULL       ? 3
				   : query->test == KEY_IS_NOT_NULL ? 2
				   : query->nulls_first             ? 0
													: 1][null_side(schedule)]++;
	else
		note(WHOLE_LIST, query->limit < 0 && query->offset == 0);
	note(FILTERED, query->others == OTHERS_NONE);
	note(CHECKED, schedule->outcome.is_checked);
	note(WINDOW_SKIP, query->is_window && query->limit < 0);
	note(WINDOW_TAKE, query->is_window && query->offset == 0);
	note(WINDOW_BOTH, query->is_window && query->limit >= 0 && query->offset > 0);
	note(WINDOW_CLIPPED, schedule->outcome.is_clipped);
	note(LIMIT_ABOVE, !query->is_window && query->limit >= 0);
	note(CURSOR_STOPS, query->nsteps > 0 && query->steps[query->nsteps - 1] != TAKE_ALL);
	note(CURSOR_TO_END, query->nsteps > 0 && query->steps[query->nsteps - 1] == TAKE_ALL);
	note(CURSOR_AS_IF_TO_END, query->nsteps > 0 && !query->is_told);
	note(UNDER_APPEND, schedule->settings.prepares);
	note(ON_DRIFT_ERROR, schedule->settings.error_on_drift);
}

/* Of the first answer that has links of the listing. */
static NullPlace
null_side(const Schedule *schedule)
{
	const History *history = &schedule->history;
	PlfListRequest request = {.sort_by = model_sort_by[schedule->query.key],
							  .descending = schedule->query.descending};
	int links[MAX_LINKS];
	int length = history_list((History *) history, 0, &schedule->api.listing, &request,
							  links);
	int without = 0;
	bool head;
	bool tail;

	for (int i = 0; i < length; i++)
		without += !link_has_key(&history->links[links[i]], schedule->query.key);
	if (without == 0)
		return PLACE_NONE;
	head = !link_has_key(&history->links[links[0]], schedule->query.key);
	tail = !link_has_key(&history->links[links[length - 1]], schedule->query.key);
	return without == length ? PLACE_ALL
		   : head && tail    ? PLACE_BOTH_ENDS
		   : head            ? PLACE_HEAD
		   : tail            ? PLACE_TAIL
							 : PLACE_AMONG;
}

static void
cover_changes(const Schedule *schedule)
{
	const Api *api = &schedule->api;
	const History *history = &schedule->history;
	Span span = schedule_span(schedule);
	bool excused = false;
	bool came_back = false;

	for (int i = 0; i < history->nlinks; i++)
		excused |= span.excused[i];
	for (int state = span.first + 2; state <= span.last; state++)
		came_back |= memcmp(history->states[state], history->states[state - 2],
							MAX_LINKS) == 0;
	note(CHANGED, span.last > span.first);
	note(CHANGED_BACK, came_back);
	note(EXCUSED, excused);
	note(OUT_OF_ORDER, api->out_of_order > 0);
	note(PAGE_REFUSED, api->refused > 0 && api->past_end == PAST_END_REFUSED);
	note(PAGE_INSTEAD, api->refused > 0 && api->past_end == PAST_END_LAST);
	note(PAGE_EMPTY, api->empty > 0);
}

static void
cover_outcome(const Schedule *schedule)
{
	const Outcome *outcome = &schedule->outcome;
	const ModelLink *links = schedule->history.links;
	bool is_conflict = outcome->is_error &&
					   strcmp(outcome->raised.sqlstate, "40001") == 0;
	bool failed = outcome->is_error && strcmp(outcome->raised.message, API_FAILURE) == 0;
	bool ties = false;
	bool dateless = false;

	for (int i = 0; i < outcome->nrows; i++)
	{
		const ModelLink *link = &links[outcome->rows[i].link];

		ties |= i > 0 && schedule->query.key != BY_NOTHING &&
				query_compare(&schedule->query, &links[outcome->rows[i - 1].link],
							  link) == 0;
		dateless |= link->expires == 0 && link->dateless;
	}
	note(TIES, ties);
	note(DATELESS, dateless);
	note(REPAIRED_EARLY, outcome->early_repairs > 0);
	note(REPAIRED, outcome->repairs > outcome->early_repairs);
	note(REPAIRED_OFTEN, outcome->repairs >= 5);
	note(OPENED, outcome->is_open);
	note(OPENED_LATE, outcome->is_open && opened_late(&schedule->api));
	note(LEFT_OUT, outcome->left_out > 0);
	note(SORTED_HERE, outcome->is_unsorted);
	note(HELD_BACK, outcome->is_scattered);
	note(FAILED, failed);
	note(CONFLICT, is_conflict && !schedule->settings.error_on_drift);
	note(CONFLICT_BY_OPTION, is_conflict && schedule->settings.error_on_drift);
	note(DISORDER, outcome->is_error && !is_conflict && !failed);
}

/* Whether a page of all links was asked for after a second page of some. */
static bool
opened_late(const Api *api)
{
	bool some = false;

	for (int i = 0; i < api->nlog; i++)
	{
		const PlfListRequest *request = &api->log[i].request;

		if (request->filtered && request->page > 1)
			some = true;
		else if (some && !request->filtered && request->page > 1)
			return true;
	}
	return false;
}

/* Prints how often something was seen, if "shows"; false if never. */
static bool
tell(bool shows, int64_t count, const char *what, const char *more, const char *and)
{
	if (shows || count == 0)
		printf("# %9lld  %s%s%s%s\n", (long long) count, what, more,
			   *and != '\0' ? ", " : "", and);
	return count > 0;
}

static bool
go_through(bool shows)
{
	static const char *const keys[] = {"amount", "expiration date"};
	static const char *const directions[] = {"", "down"};
	static const char *const tests[] = {"IS NULL", "IS NOT NULL"};
	bool all = true;
	char text[100];

	for (int i = 0; i < TRANSITIONS; i++)
	{
		snprintf(text, sizeof(text), "%s to %s", transitions[i].from, transitions[i].to);
		all &= tell(shows, seen.transitions[i], text, "", "");
	}
	for (int event = 0; event < EVENTS; event++)
		all &= tell(shows, seen.events[event], event_names[event], "", "");
	for (int i = 0; i < 2; i++)
		all &= tell(shows, seen.sorted[i], "by amount", "", directions[i]);
	for (int wish = 0; wish < NULL_WISHES; wish++)
		for (int place = 0; place < NULL_PLACES; place++)
			all &= tell(shows, seen.nulls[wish][place], "NULLs ", null_wishes[wish],
						null_sides[place]);
	for (int i = 0; i < 2 * RANGE_KINDS * 2; i++)
	{
		const char *kind = range_kinds[i / 2 % RANGE_KINDS];

		snprintf(text, sizeof(text), "%s of %s", kind, keys[i / 2 / RANGE_KINDS]);
		all &= tell(shows, seen.ranges[i / 2 / RANGE_KINDS][i / 2 % RANGE_KINDS][i % 2],
					"range, ", text, directions[i % 2]);
		all &= tell(shows, seen.sizes[i / 2 / RANGE_KINDS][i / 2 % RANGE_KINDS][i % 2],
					"size of a range, ", text, directions[i % 2]);
	}
	for (int i = 0; i < 4; i++)
		all &= tell(shows, seen.sizes[1][RANGE_KINDS + i / 2][i % 2], "size of a range, ",
					tests[i / 2], directions[i % 2]);
	for (int i = 0; i < 8; i++)
	{
		snprintf(text, sizeof(text), "%d", i + 1);
		all &= tell(shows, seen.concurrency[i], "concurrency ", text, "");
		if (i < MAX_PAGE_SIZE)
			all &= tell(shows, seen.page_size[i], "page_size ", text, "");
	}
	return all;
}

void
cover_show(void)
{
	printf(
		"# %lld repairs; changes of a reader's state, and schedules by what they have:\n",
		(long long) seen.repairs);
	go_through(true);
}

bool
cover_is_complete(void)
{
	return go_through(false);
}
