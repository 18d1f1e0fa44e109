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
 * Lives in the current context.  The order is that of "spec", by a column of "table".
 * "literals" are statuses, as String nodes, whose absence is to be noticed.
 */
extern PlfDelivery *plf_delivery_create(PlfReader *reader, PlfRow *row,
										const PlfScanSpec *spec, const PlfTable *table,
										TupleDesc desc, List *literals);

/*
 * The next row, in "slot"; false at the end.  HV000 when a row comes out of the
 * promised order.  The row lives until the next call.
 */
extern bool plf_delivery_next(PlfDelivery *delivery, TupleTableSlot *slot);

/*
 * Sends what the next row takes, and returns whether it is there; reading may still
 * have to wait for more.
 */
extern bool plf_delivery_is_ready(PlfDelivery *delivery);

/*
 * The literals that no link had so far, as far as they can be compared.  Whether the
 * links were all of the list is the caller's to know.
 */
extern List *plf_delivery_unseen(const PlfDelivery *delivery);

/*
 * The next row of a tuplestore, in a slot for minimal tuples.  From a file it comes as
 * a copy, which the slot frees when it gets another: "context" has to outlive that.
 */
extern bool plf_tuplestore_get(Tuplestorestate *store, MemoryContext context,
							   TupleTableSlot *minimal);

/*
 * Lets "slot" show the row of a slot for minimal tuples, which is what a tuplestore
 * and a sort can fill; valid as long as that row is.
 */
extern void plf_slot_show(TupleTableSlot *slot, TupleTableSlot *minimal);

extern void plf_delivery_free(PlfDelivery *delivery);

#endif /* PLF_DELIVERY_H */
