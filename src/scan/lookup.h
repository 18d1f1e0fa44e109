/*
 * lookup.h
 *		Links by their ids, a request for each.
 */
#ifndef PLF_LOOKUP_H
#define PLF_LOOKUP_H

#include "executor/tuptable.h"
#include "rows/row.h"
#include "pages/source.h"

typedef struct PlfLookup PlfLookup;

/*
 * Returns a lookup in the current context, without ids.  "row" decodes links into rows of
 * "desc".  At most "most_in_flight" requests are under way at a time.  Answers are
 * remembered as long as the lookup lives.
 */
extern PlfLookup *plf_lookup_create(const PlfWire *wire, PlfRow *row, TupleDesc desc,
									int most_in_flight);

/* Begins anew, without ids.  At most "most" may be added, 1 to PLF_MAX_LOOKUPS. */
extern void plf_lookup_start(PlfLookup *lookup, int most);

/*
 * Adds the ids of "value", a uuid or an array of uuids, without NULLs and ids that were
 * added before.  False when there are more ids than plf_lookup_start() allows: then the
 * list is to be read instead.
 */
extern bool plf_lookup_add(PlfLookup *lookup, Datum value, Oid type);

typedef enum PlfLookupStep
{
	PLF_LOOKUP_ROW, /* the next link is in the slot */
	PLF_LOOKUP_ASK, /* plf_lookup_ask() is to be called before the next link is known */
	PLF_LOOKUP_END  /* there is no further link */
} PlfLookupStep;

/* Puts the next link into "slot", if the answer about it is known. */
extern PlfLookupStep plf_lookup_next(PlfLookup *lookup, TupleTableSlot *slot);

/*
 * Asks for the next link and for as many behind it as may be under way, and waits for the
 * answer about the next one.  "source" is the same in all calls.
 */
extern void plf_lookup_ask(PlfLookup *lookup, PlfSource *source);

/* Links received so far, without answers that there is no link. */
extern int64 plf_lookup_links(const PlfLookup *lookup);

#endif /* PLF_LOOKUP_H */
