/*
 * page_table.c
 *		The pages of a list that are in memory, and the requests for others.
 *
 * Requests may be answered in any order.  Suppose that the list changes, and changes back
 * as far as its length tells.  A page A that was read after that reports the expected
 * length.  A page B was read in between and shows the change, but may come after A.  If A
 * were delivered at once, all links before A would count as received.  So a page is
 * delivered when all requests that were sent before the page came are answered, too.  A
 * page that shows a change was then requested after all pages delivered so far had come.
 */
#include "postgres.h"

#include "pages/page_table.h"

/* the greatest value of the option "concurrency" */
#define MAX_IN_FLIGHT 32

/* A request that is not answered yet. */
#define NOT_ARRIVED (-1)

/*
 * Up to so many pages in memory, those of a search included, never keep other pages from
 * being requested.
 */
#define FEW_PAGES 16

/* "kept" is enlarged for so many pages at a time. */
#define MORE_KEPT 16

typedef struct InFlight
{
	PlfListRequest request;
	PlfTicket ticket;
	int64 sent;    /* its number among all requests that were sent */
	int64 arrived; /* requests sent when its page came, or NOT_ARRIVED */
} InFlight;

/* A page in memory. */
typedef struct Kept
{
	PlfHeldPage *page;
	int64 arrived; /* how many requests had been sent when the page came, at most */
} Kept;

struct PlfPageTable
{
	MemoryContext context;
	const PlfPageSource *source;
	int concurrency;

	PlfListRequest list; /* what every request asks for, but for its page */
	int64 total;         /* links in the list */

	Kept *kept; /* in the order in which they came */
	int nkept;
	int room;     /* how many pages "kept" has room for */
	Kept current; /* the page that was delivered and not left yet, or none */
	InFlight in_flight[MAX_IN_FLIGHT + 1]; /* one more: an answered request
											* stays until its page is received */
	int nin_flight;
	int64 sent; /* how many requests were sent so far */

	PlfPace pace;
	int most_in_flight; /* how many requests may be under way, by the pace */
	bool delivered;     /* a page was delivered */
	bool slow;          /* the list changed: one page at a time */
	bool agreed; /* a page received since the last change reports the expected length */
};

static PlfListRequest make_request(const PlfPageTable *table, int64 page);
static PlfLook judge(PlfPageTable *table, PlfHeldPage *page);
static PlfLook change(int64 page, const char *detail);
static void keep(PlfPageTable *table, PlfHeldPage *page, int64 arrived);
static PlfHeldPage *find_kept(const PlfPageTable *table, int64 position);
static int kept_index(const PlfPageTable *table, const PlfHeldPage *page);
static PlfAnswer take_answer(PlfPageTable *table, int64 page, int64 *arrived);
static PlfLook receive(PlfPageTable *table, int64 page);
static void send(PlfPageTable *table, const PlfAhead *ahead, int most_in_flight);
static PlfAhead ahead_from(const PlfAhead *ahead, int64 position);
static InFlight *find(PlfPageTable *table, int64 page);
static void note_arrivals(PlfPageTable *table);
static InFlight *first_before(PlfPageTable *table, int64 arrived);
static PlfLook confirm(PlfPageTable *table, PlfHeldPage *page, const PlfAhead *ahead,
					   int most_in_flight);

PlfPageTable *
plf_page_table_create(MemoryContext context, const PlfPageSource *source, int concurrency)
{
	PlfPageTable *table = MemoryContextAllocZero(context, sizeof(PlfPageTable));

	table->context = context;
	table->source = source;
	table->concurrency = concurrency;
	return table;
}

void
plf_page_table_forget(PlfPageTable *table)
{
	while (table->nin_flight > 0)
		table->source->cancel(table->source->arg,
							  table->in_flight[--table->nin_flight].ticket);
	if (table->current.page != NULL)
		plf_page_table_release(table, table->current.page);
	table->current.page = NULL;
	while (table->nkept > 0)
		plf_page_table_release(table, table->kept[--table->nkept].page);
}

PlfLook
plf_page_table_begin(PlfPageTable *table, const PlfListRequest *list, int page_size,
					 PlfHeldPage *first)
{
	PlfLook look;

	table->list = *list;
	table->list.per_page = page_size;
	table->total = first->total;
	look = judge(table, first);
	if (look.kind == PLF_LOOK_PAGE)
		keep(table, first, table->sent);
	return look;
}

void
plf_page_table_begin_none(PlfPageTable *table)
{
	table->total = 0;
}

void
plf_page_table_resume(PlfPageTable *table, PlfHeldPage *page)
{
	table->total = page->total;
	keep(table, page, table->sent);
}

int64
plf_page_table_total(const PlfPageTable *table)
{
	return table->total;
}

int
plf_page_table_size(const PlfPageTable *table)
{
	return table->list.per_page;
}

PlfLook
plf_page_table_at(PlfPageTable *table, int64 position)
{
	PlfHeldPage *page = table->current.page;

	if (page == NULL || !plf_page_holds(page, position))
		page = find_kept(table, position);
	return page != NULL ? (PlfLook){.kind = PLF_LOOK_PAGE, .page = page}
						: receive(table, position / table->list.per_page + 1);
}

int
plf_page_table_count(const PlfPageTable *table)
{
	return table->nkept;
}

PlfHeldPage *
plf_page_table_get(const PlfPageTable *table, int index)
{
	return table->kept[index].page;
}

PlfAnswer
plf_page_table_receive(PlfPageTable *table, int64 page)
{
	int64 arrived;

	return take_answer(table, page, &arrived);
}

void
plf_page_table_release(PlfPageTable *table, PlfHeldPage *page)
{
	table->source->release(table->source->arg, page);
}

/* The answer to the request for a page, which is sent unless it is under way. */
static PlfAnswer
take_answer(PlfPageTable *table, int64 page, int64 *arrived)
{
	const PlfPageSource *source = table->source;
	InFlight *in_flight = find(table, page);
	PlfTicket ticket;

	*arrived = table->sent;
	if (in_flight == NULL)
	{
		PlfListRequest request = make_request(table, page);

		ticket = source->request(source->arg, &request);
	}
	else
	{
		if (in_flight->arrived != NOT_ARRIVED)
			*arrived = in_flight->arrived;
		ticket = in_flight->ticket;
		*in_flight = table->in_flight[--table->nin_flight];
	}
	return source->receive(source->arg, ticket);
}

static PlfListRequest
make_request(const PlfPageTable *table, int64 page)
{
	PlfListRequest request = table->list;

	request.page = page;
	return request;
}

/* Receives a page and judges it.  A page that shows no change stays in memory. */
static PlfLook
receive(PlfPageTable *table, int64 page)
{
	int64 arrived;
	PlfAnswer answer = take_answer(table, page, &arrived);
	PlfLook look;

	if (answer.page == NULL)
		return change(page,
					  psprintf("The API refused the page, which the list had before.%s",
							   answer.refusal));
	look = judge(table, answer.page);
	if (look.kind == PLF_LOOK_PAGE)
	{
		table->agreed = true;
		keep(table, answer.page, arrived);
	}
	return look;
}

/*
 * Returns PLF_LOOK_CHANGED, and releases the page, when the page reports another length
 * than the list had, or holds too few or too many links.
 */
static PlfLook
judge(PlfPageTable *table, PlfHeldPage *page)
{
	PlfLook look = {.kind = PLF_LOOK_PAGE, .page = page};

	if (page->total != table->total)
		look = change(page->request.page, psprintf("The list had " INT64_FORMAT
												   " links, now it has " INT64_FORMAT ".",
												   table->total, page->total));
	else if (!plf_page_is_whole(page))
		look = change(page->request.page,
					  psprintf("The page holds %d links of a list of " INT64_FORMAT
							   ", too few or too many.",
							   page->count, page->total));
	if (look.kind != PLF_LOOK_PAGE)
		plf_page_table_release(table, page);
	return look;
}

bool
plf_page_is_whole(const PlfHeldPage *page)
{
	return page->count == Max(Min(page->request.per_page, page->total - page->first), 0);
}

static PlfLook
change(int64 page, const char *detail)
{
	return (PlfLook){.kind = PLF_LOOK_CHANGED, .change = {page, detail}};
}

static void
keep(PlfPageTable *table, PlfHeldPage *page, int64 arrived)
{
	if (table->nkept == table->room)
	{
		table->room += MORE_KEPT;
		table->kept = table->kept == NULL
						  ? MemoryContextAlloc(table->context, table->room * sizeof(Kept))
						  : repalloc(table->kept, table->room * sizeof(Kept));
	}
	table->kept[table->nkept++] = (Kept){page, arrived};
}

/*
 * The page in memory that holds a place.  The first page may be smaller than the others.
 * If the first page and a later one both hold the place, the later page is returned.
 */
static PlfHeldPage *
find_kept(const PlfPageTable *table, int64 position)
{
	for (int i = table->nkept - 1; i >= 0; i--)
		if (plf_page_holds(table->kept[i].page, position))
			return table->kept[i].page;
	return NULL;
}

static int
kept_index(const PlfPageTable *table, const PlfHeldPage *page)
{
	int i = 0;

	while (table->kept[i].page != page)
		i++;
	return i;
}

void
plf_page_table_set_pace(PlfPageTable *table, PlfPace pace)
{
	table->pace = pace;
	table->most_in_flight = pace == PLF_PACE_ALL ? table->concurrency : 0;
}

void
plf_page_table_slow(PlfPageTable *table)
{
	table->slow = true;
	table->agreed = false;
}

void
plf_page_table_hurry(PlfPageTable *table)
{
	if (table->agreed)
		table->slow = false;
}

PlfLook
plf_page_table_deliver(PlfPageTable *table, const PlfAhead *ahead)
{
	int64 position = ahead->spans[0].from;
	int most_in_flight;
	InFlight *in_flight;
	PlfLook look;

	if (table->pace == PLF_PACE_GROWS && table->delivered)
		table->most_in_flight = table->most_in_flight == 0
									? 1
									: Min(table->most_in_flight * 2, table->concurrency);
	table->delivered = true;
	most_in_flight = table->slow ? 0 : table->most_in_flight;
	send(table, ahead, most_in_flight);

	/*
	 * An answered request makes room for another one, which goes out before the page is
	 * parsed and delivered: parsing must not hold up the network.
	 */
	if (table->pace != PLF_PACE_ALL)
		most_in_flight = 0;
	in_flight = find(table, position / table->list.per_page + 1);
	if (most_in_flight > 0 && in_flight != NULL &&
		table->source->wait(table->source->arg, in_flight->ticket))
		send(table, ahead, most_in_flight + 1);

	look = plf_page_table_at(table, position);
	if (look.kind == PLF_LOOK_PAGE)
		look = confirm(table, look.page, ahead, most_in_flight);
	if (look.kind == PLF_LOOK_PAGE)
	{
		int place = kept_index(table, look.page);

		table->current = table->kept[place];
		table->nkept--;
		memmove(&table->kept[place], &table->kept[place + 1],
				(table->nkept - place) * sizeof(Kept));
	}
	return look;
}

PlfHeldPage *
plf_page_table_current(const PlfPageTable *table)
{
	return table->current.page;
}

/*
 * Waits for all requests that were sent before a page came, so that the page can be
 * delivered, and keeps "most_in_flight" requests under way meanwhile.
 */
static PlfLook
confirm(PlfPageTable *table, PlfHeldPage *page, const PlfAhead *ahead, int most_in_flight)
{
	int64 arrived = table->kept[kept_index(table, page)].arrived;
	PlfAhead behind = ahead_from(ahead, page->first + page->count);
	InFlight *in_flight;

	while ((in_flight = first_before(table, arrived)) != NULL)
	{
		PlfLook look;

		/*
		 * A failed request tells nothing of the list.  Its error is raised when its page
		 * is wanted.
		 */
		if (!table->source->wait_page_or_refusal(table->source->arg, in_flight->ticket))
		{
			in_flight->sent = ++table->sent;
			continue;
		}
		look = receive(table, in_flight->request.page);
		if (look.kind != PLF_LOOK_PAGE)
			return look;
		send(table, &behind, most_in_flight);
	}
	return (PlfLook){.kind = PLF_LOOK_PAGE, .page = page};
}

void
plf_page_table_send_one(PlfPageTable *table, const PlfAhead *ahead)
{
	if (table->pace == PLF_PACE_ONE && !table->slow)
		send(table, ahead, 1);
}

void
plf_page_table_leave(PlfPageTable *table, const PlfAhead *ahead)
{
	Kept left = table->current;

	if (left.page == NULL)
		return;
	table->current.page = NULL;
	if (plf_ahead_needs(ahead, left.page))
		keep(table, left.page, left.arrived);
	else
		plf_page_table_release(table, left.page);
}

bool
plf_page_table_is_ready(PlfPageTable *table, const PlfAhead *ahead)
{
	const PlfPageSource *source = table->source;
	int64 position = ahead->spans[0].from;
	PlfHeldPage *page = find_kept(table, position);
	int64 arrived;

	if (page == NULL)
	{
		InFlight *in_flight;

		send(table, ahead, Max(table->nin_flight, 1));
		in_flight = find(table, position / table->list.per_page + 1);
		if (in_flight == NULL)
			return true;
		if (!source->is_answered(source->arg, in_flight->ticket))
			return false;
		note_arrivals(table);
		arrived = in_flight->arrived;
	}
	else
		arrived = table->kept[kept_index(table, page)].arrived;
	for (int i = 0; i < table->nin_flight; i++)
		if (table->in_flight[i].sent <= arrived &&
			!source->is_answered(source->arg, table->in_flight[i].ticket))
			return false;
	return true;
}

bool
plf_ahead_needs(const PlfAhead *ahead, const PlfHeldPage *page)
{
	for (int i = 0; i < ahead->nspans; i++)
	{
		const PlfSpan *span = &ahead->spans[i];

		if (page->first < span->to && span->from < page->first + page->count &&
			span->from < span->to)
			return true;
	}
	return false;
}

/* The places of "ahead", without those before "position" in the first span. */
static PlfAhead
ahead_from(const PlfAhead *ahead, int64 position)
{
	PlfAhead behind = *ahead;

	behind.spans[0].from = position;
	return behind;
}

/*
 * Requests the pages of the places ahead, in the order of their use, until
 * "most_in_flight" requests are under way.  Pages that came and are not delivered take
 * memory, so their number is limited.
 */
static void
send(PlfPageTable *table, const PlfAhead *ahead, int most_in_flight)
{
	const PlfPageSource *source = table->source;
	int size = table->list.per_page;
	int64 most = ahead->most;

	note_arrivals(table);
	for (int i = 0; i < ahead->nspans; i++)
	{
		int64 position = ahead->spans[i].from;
		int64 to = ahead->spans[i].to;

		while (position < to && most > 0 && table->nin_flight < most_in_flight &&
			   table->nkept < Max(most_in_flight, FEW_PAGES))
		{
			int64 page = position / size + 1;
			int64 end = Min(page * size, to);

			if (find_kept(table, position) == NULL && find(table, page) == NULL)
			{
				InFlight *in_flight = &table->in_flight[table->nin_flight];

				in_flight->request = make_request(table, page);
				in_flight->ticket = source->request(source->arg, &in_flight->request);
				in_flight->sent = ++table->sent;
				in_flight->arrived = NOT_ARRIVED;
				table->nin_flight++;
			}
			most -= end - position;
			position = end;
		}
	}
}

static InFlight *
find(PlfPageTable *table, int64 page)
{
	for (int i = 0; i < table->nin_flight; i++)
		if (table->in_flight[i].request.page == page)
			return &table->in_flight[i];
	return NULL;
}

/*
 * Notes which pages have come.  To be called before a request is sent, so that these
 * pages are known to have come before it.
 */
static void
note_arrivals(PlfPageTable *table)
{
	for (int i = 0; i < table->nin_flight; i++)
	{
		InFlight *in_flight = &table->in_flight[i];

		/* A failed request may be sent again, so only a page counts. */
		if (in_flight->arrived == NOT_ARRIVED &&
			table->source->has_page(table->source->arg, in_flight->ticket))
			in_flight->arrived = table->sent;
	}
}

/*
 * The request under way that was sent first, if its number is at most "arrived"; else
 * NULL.
 */
static InFlight *
first_before(PlfPageTable *table, int64 arrived)
{
	InFlight *first = NULL;

	for (int i = 0; i < table->nin_flight; i++)
	{
		InFlight *in_flight = &table->in_flight[i];

		if (in_flight->sent <= arrived &&
			(first == NULL || in_flight->sent < first->sent))
			first = in_flight;
	}
	return first;
}
