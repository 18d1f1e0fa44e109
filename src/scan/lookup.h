/*
 * lookup.h
 *		Links by their ids, a request for each.
 */
#ifndef PLF_LOOKUP_H
#define PLF_LOOKUP_H

#include "catalog/option.h"
#include "executor/tuptable.h"
#include "rows/row.h"
#include "pages/source.h"

typedef struct PlfLookup PlfLookup;

/* Lives in the current context; remembers answers as long as it does. */
extern PlfLookup *plf_lookup_create(const PlfOptions *options, PlfRow *row,
									TupleDesc desc, PlfStatement *statement);

/* Begins anew, for at most "most" ids, which is at most PLF_MAX_LOOKUPS. */
extern void plf_lookup_start(PlfLookup *lookup, int most);

/*
 * Adds the ids of "value", a uuid or an array of them; NULLs are left out, and so are
 * ids that are there.  False when there are more than plf_lookup_start() allows: the
 * list is to be read instead.
 */
extern bool plf_lookup_add(PlfLookup *lookup, Datum value, Oid type);

/*
 * The next link that there is, in "slot"; false at the end.  What is asked is asked
 * of *source, which is opened for "userid" in "context" when first needed.
 */
extern bool plf_lookup_next(PlfLookup *lookup, PlfSource **source, MemoryContext context,
							Oid userid, TupleTableSlot *slot);

/* Links received so far. */
extern int64 plf_lookup_links(const PlfLookup *lookup);

#endif /* PLF_LOOKUP_H */
