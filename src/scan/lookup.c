/*
 * lookup.c
 *		Links by their ids, a request for each, several at a time.
 *
 * lookup_scan.c uses it for "id = x", "id = ANY (...)" and joins on id.  The executor
 * checks every condition again, the one on the id too.  Answers are remembered as long as
 * the node exists, because a join looks up the same ids again and again.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "compat.h"
#include "plan/lookup_path.h"
#include "scan/delivery.h"
#include "scan/lookup.h"

/*
 * All answers are forgotten when there are more than this, or when they use more than
 * work_mem.
 */
#define MAX_ANSWERS 10000

/* The answer about an id. */
typedef struct Answer
{
	pg_uuid_t id;     /* hash key */
	MinimalTuple row; /* NULL: there is no such link */
} Answer;

struct PlfLookup
{
	const PlfWire *wire; /* what is looked up */
	PlfRow *row;
	MemoryContext context;
	MemoryContext answer_context; /* of the answers */
	HTAB *answers;
	TupleTableSlot *minimal; /* the row of an answer */
	TupleTableSlot *decoded; /* the row of a link that was just received */
	int most_in_flight;
	pg_uuid_t ids[PLF_MAX_LOOKUPS];
	int nids;
	int most;                           /* ids that may be added */
	int next;                           /* index of the id to deliver next */
	int requested;                      /* index of the id to send a request for next */
	PlfTicket tickets[PLF_MAX_LOOKUPS]; /* of requests under way, by index of the id */
	PlfSource *asked; /* the source of the tickets; NULL: no request was sent yet */
	int in_flight;    /* requests under way */
	int64 links;      /* received so far */
};

static void forget_answers(PlfLookup *lookup);
static bool add_id(PlfLookup *lookup, const pg_uuid_t *id);
static Answer *find_answer(const PlfLookup *lookup, int place);
static int unknown_ids(const PlfLookup *lookup);
static void request_ahead(PlfLookup *lookup, PlfSource *source);
static void request_link(PlfLookup *lookup, PlfSource *source, int place);
static void receive_answer(PlfLookup *lookup, PlfSource *source, int place);
static char *spell_id(const pg_uuid_t *id);
static bool is_that_link(const PlfLink *link, const char *id);

PlfLookup *
plf_lookup_create(const PlfWire *wire, PlfRow *row, TupleDesc desc, int most_in_flight)
{
	PlfLookup *lookup = palloc0(sizeof(PlfLookup));

	lookup->wire = wire;
	lookup->row = row;
	lookup->most_in_flight = most_in_flight;
	lookup->context = CurrentMemoryContext;
	lookup->minimal = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc),
											   &TTSOpsMinimalTuple);
	lookup->decoded = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc), &TTSOpsVirtual);
	forget_answers(lookup);
	return lookup;
}

static void
forget_answers(PlfLookup *lookup)
{
	HASHCTL control = {0};

	ExecClearTuple(lookup->minimal);
	if (lookup->answer_context != NULL)
		MemoryContextDelete(lookup->answer_context);
	lookup->answer_context = AllocSetContextCreate(
		lookup->context, "payment_links_fdw by id", ALLOCSET_DEFAULT_SIZES);
	control.keysize = sizeof(pg_uuid_t);
	control.entrysize = sizeof(Answer);
	control.hcxt = lookup->answer_context;
	lookup->answers = hash_create("payment_links_fdw by id", 64, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
plf_lookup_start(PlfLookup *lookup, int most)
{
	for (int i = 0; i < lookup->nids; i++)
	{
		if (plf_ticket_is_valid(lookup->tickets[i]))
			plf_source_cancel(lookup->asked, lookup->tickets[i]);
		lookup->tickets[i] = PLF_NO_TICKET;
	}
	lookup->nids = lookup->next = lookup->requested = lookup->in_flight = 0;
	lookup->most = most;
	if (hash_get_num_entries(lookup->answers) > MAX_ANSWERS)
		forget_answers(lookup);
}

bool
plf_lookup_add(PlfLookup *lookup, Datum value, Oid type)
{
	bool added = true;
	ArrayIterator iterator;
	Datum element;
	bool isnull;

	if (!OidIsValid(get_base_element_type(type)))
		return add_id(lookup, DatumGetUUIDP(value));
	iterator = array_create_iterator(DatumGetArrayTypeP(value), 0, NULL);
	while (added && array_iterate(iterator, &element, &isnull))
	{
		CHECK_FOR_INTERRUPTS();
		if (!isnull)
			added = add_id(lookup, DatumGetUUIDP(element));
	}
	array_free_iterator(iterator);
	return added;
}

/* Adds an id unless it was added before; false when there may be no more ids. */
static bool
add_id(PlfLookup *lookup, const pg_uuid_t *id)
{
	for (int i = 0; i < lookup->nids; i++)
		if (memcmp(&lookup->ids[i], id, sizeof(pg_uuid_t)) == 0)
			return true;
	if (lookup->nids == lookup->most)
		return false;
	lookup->ids[lookup->nids++] = *id;
	return true;
}

PlfLookupStep
plf_lookup_next(PlfLookup *lookup, TupleTableSlot *slot)
{
	for (; lookup->next < lookup->nids; lookup->next++)
	{
		Answer *answer = find_answer(lookup, lookup->next);

		if (answer == NULL)
			return PLF_LOOKUP_ASK;
		if (answer->row != NULL)
		{
			ExecStoreMinimalTuple(answer->row, lookup->minimal, false);
			plf_slot_show(slot, lookup->minimal);
			lookup->next++;
			return PLF_LOOKUP_ROW;
		}
	}
	return PLF_LOOKUP_END;
}

/* The answer about the id with the index "place"; NULL when it is not known. */
static Answer *
find_answer(const PlfLookup *lookup, int place)
{
	return hash_search(lookup->answers, &lookup->ids[place], HASH_FIND, NULL);
}

void
plf_lookup_ask(PlfLookup *lookup, PlfSource *source)
{
	int place = lookup->next;

	request_ahead(lookup, source);
	/*
	 * No request was sent for an id whose answer was known, but the answer may be
	 * forgotten by now.
	 */
	if (!plf_ticket_is_valid(lookup->tickets[place]))
		request_link(lookup, source, place);
	receive_answer(lookup, source, place);
}

/* How many ids have no answer yet. */
static int
unknown_ids(const PlfLookup *lookup)
{
	int unknown = 0;

	for (int i = 0; i < lookup->nids; i++)
		unknown += find_answer(lookup, i) == NULL;
	return unknown;
}

/* Sends requests until as many are under way as are allowed. */
static void
request_ahead(PlfLookup *lookup, PlfSource *source)
{
	if (lookup->requested == 0)
		plf_source_expect(source, unknown_ids(lookup));
	while (lookup->requested < lookup->nids && lookup->in_flight < lookup->most_in_flight)
	{
		int place = lookup->requested++;

		if (find_answer(lookup, place) == NULL)
			request_link(lookup, source, place);
	}
}

static void
request_link(PlfLookup *lookup, PlfSource *source, int place)
{
	lookup->asked = source;
	lookup->tickets[place] = plf_source_request_link(source,
													 spell_id(&lookup->ids[place]));
	lookup->in_flight++;
}

/* Waits for the answer about an id and remembers it. */
static void
receive_answer(PlfLookup *lookup, PlfSource *source, int place)
{
	TupleTableSlot *decoded = lookup->decoded;
	PlfHeldPage *held;
	MinimalTuple row = NULL;
	Answer *answer;

	held = plf_source_receive_link(source, lookup->tickets[place]);
	lookup->tickets[place] = PLF_NO_TICKET;
	lookup->in_flight--;
	if (MemoryContextMemAllocated(lookup->answer_context, true) > (Size) work_mem * 1024)
		forget_answers(lookup);
	if (held != NULL)
	{
		PlfLink link = {held->page, 0, 0};
		char *id = spell_id(&lookup->ids[place]);
		MemoryContext old;

		/*
		 * Without this error, the executor's check would drop the link, as if it did not
		 * exist.
		 */
		if (!is_that_link(&link, id))
			plf_source_raise(source, 0, ERRCODE_PROTOCOL_VIOLATION,
							 psprintf("payment links API sent another %s than asked for",
									  lookup->wire->item),
							 psprintf("Asked for %s.", id), NULL);
		ExecClearTuple(decoded);
		plf_row_decode(lookup->row, &link, decoded->tts_values, decoded->tts_isnull);
		ExecStoreVirtualTuple(decoded);
		old = MemoryContextSwitchTo(lookup->answer_context);
		row = ExecCopySlotMinimalTuple(decoded);
		MemoryContextSwitchTo(old);
		ExecClearTuple(decoded);
		plf_source_release(source, held);
		lookup->links++;
	}
	answer = hash_search(lookup->answers, &lookup->ids[place], HASH_ENTER, NULL);
	answer->row = row;
}

static char *
spell_id(const pg_uuid_t *id)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}

/*
 * Whether a link has that id.  The digits are compared, because the API may write an id
 * in any form that a uuid may have.
 */
static bool
is_that_link(const PlfLink *link, const char *id)
{
	PlfField sent = plf_link_id(link);

	for (size_t i = 0; i < sent.length; i++)
	{
		if (strchr("{}-", sent.text[i]) != NULL && sent.text[i] != '\0')
			continue;
		if (*id == '-')
			id++;
		if (*id == '\0' ||
			pg_ascii_tolower((unsigned char) sent.text[i]) != (unsigned char) *id++)
			return false;
	}
	return *id == '\0';
}

int64
plf_lookup_links(const PlfLookup *lookup)
{
	return lookup->links;
}
