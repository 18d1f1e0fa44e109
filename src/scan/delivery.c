/*
 * delivery.c
 *		Delivers rows in the order that was promised to the plan above.
 *
 * As a rule the API sends the links in the promised order, and each row is only compared
 * with the one before.  If the links without a sort key are not in one block, these links
 * are held back until the end, or all links are sorted here.
 */
#include "postgres.h"

#include "common/string.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/datum.h"
#include "utils/sortsupport.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "compat.h"
#include "scan/delivery.h"

/* Where the next row comes from. */
typedef enum Phase
{
	PHASE_FIRST,  /* the reader's first link, after which it is known whether to sort here
				   */
	PHASE_LINKS,  /* the reader's next link */
	PHASE_SORTED, /* "sort"; the reader is at its end */
	PHASE_HELD_BACK /* "held_back"; the reader is at its end */
} Phase;

struct PlfDelivery
{
	PlfReader *reader;
	PlfRow *row;
	const PlfScanSpec *spec;
	const PlfWire *wire;          /* what the links are */
	const PlfFieldInfo *sort_key; /* NULL: no order was promised */
	TupleDesc desc;
	MemoryContext context;
	MemoryContext row_context; /* of one row: reset before the next one */
	Phase phase;

	/* The comparison of a row with the last one delivered; set only with a sort key. */
	SortSupportData support;
	Form_pg_attribute attribute; /* the sort key's */
	bool has_previous; /* a row was delivered; the next two members are its key */
	bool previous_isnull;
	Datum previous; /* in "context" */

	TupleTableSlot *minimal;    /* the row that comes from one of the next two members */
	Tuplesortstate *sort;       /* all rows; NULL when they are not sorted here */
	Tuplestorestate *held_back; /* rows without a sort key; NULL: none so far */

	List *unseen; /* String nodes: literals that were the status of no link so far */
};

static bool next_ordered_row(PlfDelivery *delivery, TupleTableSlot *slot);
static bool is_to_be_held_back(const PlfDelivery *delivery, TupleTableSlot *slot);
static void hold_back(PlfDelivery *delivery, TupleTableSlot *slot);
static bool next_held_back(PlfDelivery *delivery, TupleTableSlot *slot);
static bool next_link_row(PlfDelivery *delivery, TupleTableSlot *slot);
static bool next_sorted_row(PlfDelivery *delivery, TupleTableSlot *slot);
static void sort_everything(PlfDelivery *delivery, TupleTableSlot *slot);
static bool follows_previous(PlfDelivery *delivery, TupleTableSlot *slot);
static List *comparable(List *literals);
static void note_status(PlfDelivery *delivery, const PlfLink *link);

PlfDelivery *
plf_delivery_create(PlfReader *reader, PlfRow *row, const PlfScanSpec *spec,
					const PlfTable *table, TupleDesc desc, List *literals)
{
	PlfDelivery *delivery = palloc0(sizeof(PlfDelivery));

	delivery->reader = reader;
	delivery->row = row;
	delivery->spec = spec;
	delivery->wire = &table->resource->wire;
	delivery->desc = desc;
	delivery->context = CurrentMemoryContext;
	delivery->row_context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw row", ALLOCSET_DEFAULT_SIZES);
	delivery->unseen = comparable(literals);
	delivery->minimal = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc),
												 &TTSOpsMinimalTuple);
	if (spec->sort_attnum > 0)
	{
		TypeCacheEntry *type;

		delivery->sort_key = plf_sort_key_of(&table->columns[spec->sort_attnum - 1]);
		delivery->attribute = TupleDescAttr(desc, spec->sort_attnum - 1);
		type = lookup_type_cache(delivery->attribute->atttypid,
								 TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
		delivery->support.ssup_cxt = CurrentMemoryContext;
		delivery->support.ssup_collation = delivery->attribute->attcollation;
		delivery->support.ssup_nulls_first = spec->nulls == PLF_NULLS_FIRST;
		delivery->support.ssup_attno = spec->sort_attnum;
		PrepareSortSupportFromOrderingOp(spec->descending ? type->gt_opr : type->lt_opr,
										 &delivery->support);
	}
	return delivery;
}

bool
plf_delivery_next(PlfDelivery *delivery, TupleTableSlot *slot)
{
	switch (delivery->phase)
	{
		case PHASE_FIRST:
		case PHASE_LINKS:
			return next_ordered_row(delivery, slot) ||
				   (delivery->phase == PHASE_SORTED ? next_sorted_row(delivery, slot)
													: next_held_back(delivery, slot));
		case PHASE_SORTED:
			return next_sorted_row(delivery, slot);
		case PHASE_HELD_BACK:
			return next_held_back(delivery, slot);
	}
	pg_unreachable();
}

/*
 * The next row, in the order of the reader's links.  False when no further row comes in
 * that order; "phase" then says where the next row comes from.
 */
static bool
next_ordered_row(PlfDelivery *delivery, TupleTableSlot *slot)
{
	while (next_link_row(delivery, slot))
	{
		if (delivery->sort_key == NULL)
			return true;
		if (delivery->phase == PHASE_FIRST &&
			plf_reader_order(delivery->reader) == PLF_ORDER_SORTED_HERE)
		{
			sort_everything(delivery, slot);
			delivery->phase = PHASE_SORTED;
			return false;
		}
		delivery->phase = PHASE_LINKS;
		if (is_to_be_held_back(delivery, slot))
			hold_back(delivery, slot);
		else if (follows_previous(delivery, slot))
			return true;
	}
	delivery->phase = PHASE_HELD_BACK;
	return false;
}

/*
 * True when a row has no sort key and is wanted last, but the reader may bring it before
 * rows with a key.
 */
static bool
is_to_be_held_back(const PlfDelivery *delivery, TupleTableSlot *slot)
{
	return slot->tts_isnull[delivery->spec->sort_attnum - 1] &&
		   plf_reader_order(delivery->reader) == PLF_ORDER_NULLS_HELD_BACK;
}

static void
hold_back(PlfDelivery *delivery, TupleTableSlot *slot)
{
	if (delivery->held_back == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(delivery->context);

		delivery->held_back = tuplestore_begin_heap(false, false, work_mem);
		MemoryContextSwitchTo(old);
	}
	tuplestore_puttupleslot(delivery->held_back, slot);
}

static bool
next_held_back(PlfDelivery *delivery, TupleTableSlot *slot)
{
	if (delivery->held_back == NULL ||
		!plf_tuplestore_get(delivery->held_back, delivery->context, delivery->minimal))
		return false;
	plf_slot_show(slot, delivery->minimal);
	return true;
}

bool
plf_tuplestore_get(Tuplestorestate *store, MemoryContext context, TupleTableSlot *minimal)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	bool found = tuplestore_gettupleslot(store, true, false, minimal);

	MemoryContextSwitchTo(old);
	return found;
}

bool
plf_delivery_is_ready(PlfDelivery *delivery)
{
	return delivery->phase == PHASE_SORTED || delivery->phase == PHASE_HELD_BACK ||
		   plf_reader_prepare(delivery->reader);
}

static bool
next_sorted_row(PlfDelivery *delivery, TupleTableSlot *slot)
{
	if (!tuplesort_gettupleslot(delivery->sort, true, false, delivery->minimal, NULL))
		return false;
	plf_slot_show(slot, delivery->minimal);
	return true;
}

void
plf_slot_show(TupleTableSlot *slot, TupleTableSlot *minimal)
{
	int natts = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	slot_getallattrs(minimal);
	memcpy(slot->tts_values, minimal->tts_values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, minimal->tts_isnull, natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
}

/* The next link as a row, in the memory of the row before. */
static bool
next_link_row(PlfDelivery *delivery, TupleTableSlot *slot)
{
	PlfLink link;
	MemoryContext old;
	bool found;

	ExecClearTuple(slot);
	MemoryContextReset(delivery->row_context);
	old = MemoryContextSwitchTo(delivery->row_context);
	found = plf_reader_next(delivery->reader, &link);
	if (found)
	{
		if (delivery->unseen != NIL)
			note_status(delivery, &link);
		plf_row_decode(delivery->row, &link, slot->tts_values, slot->tts_isnull);
		ExecStoreVirtualTuple(slot);
	}
	MemoryContextSwitchTo(old);
	return found;
}

/*
 * Reads all remaining links and sorts them with the row in "slot", which was read first.
 */
static void
sort_everything(PlfDelivery *delivery, TupleTableSlot *slot)
{
	AttrNumber attnum = delivery->spec->sort_attnum;
	TypeCacheEntry *type = lookup_type_cache(delivery->attribute->atttypid,
											 TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
	Oid operator= delivery->spec->descending ? type->gt_opr : type->lt_opr;
	Oid collation = delivery->attribute->attcollation;
	bool nulls_first = delivery->spec->nulls == PLF_NULLS_FIRST;
	MemoryContext old = MemoryContextSwitchTo(delivery->context);

	delivery->sort = tuplesort_begin_heap(delivery->desc, 1, &attnum,
										  &operator, & collation, &nulls_first, work_mem,
										  NULL, TUPLESORT_NONE);
	MemoryContextSwitchTo(old);
	do
		tuplesort_puttupleslot(delivery->sort, slot);
	while (next_link_row(delivery, slot));
	tuplesort_performsort(delivery->sort);
}

/*
 * True when a row does not sort before the last one delivered; the row then becomes the
 * last one delivered.  False when the row is to be left out, because its link was
 * inserted into a part of the list that had been read.  Any other row out of order is an
 * error: the plan above relies on the order, and a merge join or a LIMIT would lose rows
 * in silence.
 */
static bool
follows_previous(PlfDelivery *delivery, TupleTableSlot *slot)
{
	int at = delivery->spec->sort_attnum - 1;
	Datum value = slot->tts_values[at];
	bool isnull = slot->tts_isnull[at];
	bool by_value = delivery->attribute->attbyval;
	MemoryContext old;

	if (delivery->has_previous &&
		ApplySortComparator(delivery->previous, delivery->previous_isnull, value, isnull,
							&delivery->support) > 0)
	{
		if (plf_reader_leave_out(delivery->reader))
			return false;
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("payment links API did not send the %s in the order of \"%s:%s\"",
						delivery->wire->items, delivery->sort_key->sort_by,
						delivery->spec->descending ? "desc" : "asc"),
				 errhint("Set the option sort_pushdown 'false' to sort here.")));
	}
	plf_reader_caught_up(delivery->reader);

	if (delivery->has_previous && !delivery->previous_isnull && !by_value)
		pfree(DatumGetPointer(delivery->previous));
	old = MemoryContextSwitchTo(delivery->context);
	delivery->previous = isnull ? (Datum) 0
								: datumCopy(value, by_value, delivery->attribute->attlen);
	MemoryContextSwitchTo(old);
	delivery->previous_isnull = isnull;
	delivery->has_previous = true;
	return true;
}

/*
 * The literals that can be compared with what the API sends, which is UTF-8: all literals
 * in a database in UTF-8, else those in ASCII.
 */
static List *
comparable(List *literals)
{
	List *result = NIL;
	ListCell *lc;

	foreach(lc, literals)
	{
		const char *literal = strVal(lfirst(lc));

		if (GetDatabaseEncoding() == PG_UTF8 || pg_is_ascii(literal))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/* Takes the status of a link out of the unseen literals. */
static void
note_status(PlfDelivery *delivery, const PlfLink *link)
{
	PlfField status = plf_link_status(link);
	ListCell *lc;

	foreach(lc, delivery->unseen)
	{
		const char *literal = strVal(lfirst(lc));

		if (strlen(literal) == status.length &&
			memcmp(literal, status.text, status.length) == 0)
			delivery->unseen = foreach_delete_current(delivery->unseen, lc);
	}
}

List *
plf_delivery_unseen(const PlfDelivery *delivery)
{
	return delivery->unseen;
}

void
plf_delivery_free(PlfDelivery *delivery)
{
	ExecDropSingleTupleTableSlot(delivery->minimal);
	if (delivery->sort != NULL)
		tuplesort_end(delivery->sort);
	if (delivery->held_back != NULL)
		tuplestore_end(delivery->held_back);
}
