/*
 * lookup.c
 *		Links by their ids, a request for each, several at a time.
 *
 * scan.c uses it for "id = x", "id = ANY (...)" and joins on id; every condition
 * is checked again above, the id too.
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
 * Answers that are remembered, as long as they fit in work_mem; then they are
 * forgotten together.
 */
#define MAX_ANSWERS 10000

/* "concurrency" goes to 32 */
#define MAX_IN_FLIGHT 32

/* What the API said of an id. */
typedef struct Answer
{
	pg_uuid_t id;     /* hash key */
	MinimalTuple row; /* NULL: there is no such link */
} Answer;

struct PlfLookup
{
	const PlfOptions *options;
	PlfRow *row;
	PlfStatement *statement;
	MemoryContext context;
	MemoryContext answer_context; /* of the answers */
	HTAB *answers;
	TupleTableSlot *minimal;
	pg_uuid_t ids[PLF_MAX_LOOKUPS];
	int nids;
	int most;                           /* of them */
	int next;                           /* id to deliver next */
	int requested;                      /* ids looked at for requests */
	PlfTicket tickets[PLF_MAX_LOOKUPS]; /* of requests under way, by place of the id */
	PlfSource *asked;                   /* who gave them; NULL: nobody was asked yet */
	int in_flight;
	int64 links;
};

static void forget_answers(PlfLookup *lookup);
static bool add_id(PlfLookup *lookup, const pg_uuid_t *id);
static int unknown_ids(const PlfLookup *lookup);
static void request_ahead(PlfLookup *lookup, PlfSource *source);
static void request_link(PlfLookup *lookup, PlfSource *source, int place);
static void receive_answer(PlfLookup *lookup, PlfSource *source, int place,
						   TupleTableSlot *slot);
static char *spell_id(const pg_uuid_t *id);
static bool is_that_link(const PlfLink *link, const char *id);

PlfLookup *
plf_lookup_create(const PlfOptions *options, PlfRow *row, TupleDesc desc,
				  PlfStatement *statement)
{
	PlfLookup *lookup = palloc0(sizeof(PlfLookup));

	lookup->options = options;
	lookup->row = row;
	lookup->statement = statement;
	lookup->context = CurrentMemoryContext;
	lookup->minimal = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc),
											   &TTSOpsMinimalTuple);
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
	lookup->answer_context = AllocSetContextCreate(lookup->context, "payment links by id",
												   ALLOCSET_DEFAULT_SIZES);
	control.keysize = sizeof(pg_uuid_t);
	control.entrysize = sizeof(Answer);
	control.hcxt = lookup->answer_context;
	lookup->answers = hash_create("payment links by id", 64, &control,
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

/* False when there is no room for one more. */
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

bool
plf_lookup_next(PlfLookup *lookup, PlfSource **source, MemoryContext context, Oid userid,
				TupleTableSlot *slot)
{
	while (lookup->next < lookup->nids)
	{
		int place = lookup->next;
		Answer *answer = hash_search(lookup->answers, &lookup->ids[place], HASH_FIND,
									 NULL);

		if (answer == NULL)
		{
			if (*source == NULL)
				*source = plf_source_open(context, userid, lookup->options,
										  lookup->statement);
			request_ahead(lookup, *source);
			/* It was not asked for if its answer was known and forgotten since. */
			if (!plf_ticket_is_valid(lookup->tickets[place]))
				request_link(lookup, *source, place);
			receive_answer(lookup, *source, place, slot);
			continue;
		}
		lookup->next++;
		if (answer->row != NULL)
		{
			ExecStoreMinimalTuple(answer->row, lookup->minimal, false);
			plf_slot_show(slot, lookup->minimal);
			return true;
		}
	}
	return false;
}

/* How many have no answer yet. */
static int
unknown_ids(const PlfLookup *lookup)
{
	int unknown = 0;

	for (int i = 0; i < lookup->nids; i++)
		unknown += hash_search(lookup->answers, &lookup->ids[i], HASH_FIND, NULL) == NULL;
	return unknown;
}

/* Keeps as many requests in flight as are allowed. */
static void
request_ahead(PlfLookup *lookup, PlfSource *source)
{
	int most = Min(lookup->options->concurrency, MAX_IN_FLIGHT);

	if (lookup->requested == 0)
		plf_source_expect(source, unknown_ids(lookup));
	while (lookup->requested < lookup->nids && lookup->in_flight < most)
	{
		int place = lookup->requested++;

		if (hash_search(lookup->answers, &lookup->ids[place], HASH_FIND, NULL) == NULL)
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

static void
receive_answer(PlfLookup *lookup, PlfSource *source, int place, TupleTableSlot *slot)
{
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

		/* The condition would drop it, as if there were no link with this id. */
		if (!is_that_link(&link, id))
			plf_source_raise(source, 0, ERRCODE_PROTOCOL_VIOLATION,
							 "payment links API sent another link than asked for",
							 psprintf("Asked for %s.", id), NULL);
		ExecClearTuple(slot);
		plf_row_decode(lookup->row, &link, slot->tts_values, slot->tts_isnull);
		ExecStoreVirtualTuple(slot);
		old = MemoryContextSwitchTo(lookup->answer_context);
		row = ExecCopySlotMinimalTuple(slot);
		MemoryContextSwitchTo(old);
		ExecClearTuple(slot);
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

/* By the digits: the API may write an id in another of the forms of a uuid. */
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
		if (*id == '\0' || pg_ascii_tolower((unsigned char) sent.text[i]) != *id++)
			return false;
	}
	return *id == '\0';
}

int64
plf_lookup_links(const PlfLookup *lookup)
{
	return lookup->links;
}
