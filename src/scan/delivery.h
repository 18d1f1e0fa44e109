/*
 * delivery.h
 *		From the reader's links to rows in the order that was promised.
 */
#ifndef PLF_DELIVERY_H
#define PLF_DELIVERY_H

#include "executor/tuptable.h"
#include "plan/scan_spec.h"
#include "list/reader.h"
#include "rows/row.h"
#include "utils/tuplestore.h"

typedef struct PlfDelivery PlfDelivery;

/*
 * Returns a delivery of the links of "reader" as rows of "desc", in the order of a column
 * of "table" that "spec" promised. plf_delivery_unseen() is about "literals", a list of
 * String nodes.  Lives in the current context; the caller frees it.
 */
extern PlfDelivery *plf_delivery_create(PlfReader *reader, PlfRow *row,
										const PlfScanSpec *spec, const PlfTable *table,
										TupleDesc desc, List *literals);

/*
 * The next row, in "slot"; false at the end.  The row lives until the next call.  HV000
 * when the API does not keep the promised order.
 */
extern bool plf_delivery_next(PlfDelivery *delivery, TupleTableSlot *slot);

/*
 * Sends the requests for the next link, and returns whether the link has arrived.  The
 * next row may still have to wait, as that link may be left out or held back.
 */
extern bool plf_delivery_is_ready(PlfDelivery *delivery);

/*
 * The literals that were the status of no link so far, without those that cannot be
 * compared with what the API sends.  The caller knows whether all links were read.
 */
extern List *plf_delivery_unseen(const PlfDelivery *delivery);

/*
 * The next row of a tuplestore, in "minimal", a slot for minimal tuples.  A row that
 * comes from a file is a copy in "context", which the slot frees when it takes another
 * row, so "context" has to live as long as the slot.
 */
extern bool plf_tuplestore_get(Tuplestorestate *store, MemoryContext context,
							   TupleTableSlot *minimal);

/*
 * Lets "slot" show the row of "minimal", a slot for minimal tuples, which is what a
 * tuplestore and a sort can fill.  "slot" is valid as long as the row of "minimal" is.
 */
extern void plf_slot_show(TupleTableSlot *slot, TupleTableSlot *minimal);

/* Frees what is not in the context in which the delivery was made: its sort, its files.
 */
extern void plf_delivery_free(PlfDelivery *delivery);

#endif /* PLF_DELIVERY_H */
