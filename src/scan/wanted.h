/*
 * wanted.h
 *		What a scan wants of the list, evaluated with the parameters as they are when a
 *		scan or a rescan begins.
 */
#ifndef PLF_WANTED_H
#define PLF_WANTED_H

#include "catalog/field.h"
#include "list/reader.h"
#include "plan/scan_spec.h"
#include "quals/param_values.h"
#include "quals/status_filter.h"
#include "rows/bounds.h"

/* What is wanted, in values.  Everything by which the rows of a scan are chosen. */
typedef struct PlfWanted
{
	PlfStatusVerdict verdict; /* of the conditions on status */
	PlfBounds bounds;         /* of the range */
	const char *bound_values; /* as text, to compare; "" unless they are known */
	bool is_void;             /* no key lies between the bounds */
	int64 skip;               /* OFFSET: links left out at the beginning */
	int64 take;               /* LIMIT: links wanted after them; -1: all */
	PlfParamValues *params;   /* of the conditions on status; NULL without a window,
							   * which alone leaves out rows by evaluating them */
} PlfWanted;

/* What evaluates it. */
typedef struct PlfWantedState PlfWantedState;

/*
 * Prepares the evaluation for the node "parent" that scans "relation" as "spec" has it.
 * Lives in the current context, and keeps "spec" and "table".
 */
extern PlfWantedState *plf_wanted_init(const PlfScanSpec *spec, const PlfTable *table,
									   Relation relation, PlanState *parent);

/*
 * Evaluates it with the parameters as they are now; the result is in the current context.
 * 2201X and 2201W when OFFSET or LIMIT is negative; the conditions and the bounds raise
 * nothing.
 */
extern PlfWanted *plf_wanted_evaluate(PlfWantedState *state);

/*
 * The part that constants tell, for EXPLAIN; what depends on parameters is as if it were
 * not there.
 */
extern PlfWanted plf_wanted_constant(PlfWantedState *state);

/* Whether OFFSET and LIMIT are constants, or not there. */
extern bool plf_wanted_window_is_constant(const PlfScanSpec *spec);

/*
 * Whether rows that were chosen by "before" are those that "now" chooses.  "checked" says
 * that the node evaluated the conditions on status to choose them; then the parameters
 * in these conditions have to be the same, too.
 */
extern bool plf_wanted_same(const PlfWanted *before, const PlfWanted *now, bool checked);

/*
 * Sets *reading to what is asked of the list for that, and returns NULL.  When no link
 * can be wanted, returns why: a phrase for EXPLAIN.
 */
extern const char *plf_wanted_reading(const PlfWantedState *state,
									  const PlfWanted *wanted, PlfReading *reading);

/* Whether a row satisfies the conditions on status. */
extern bool plf_wanted_holds(PlfWantedState *state, TupleTableSlot *slot);

/* Asks for the list in the order of a column that is a sort key. */
extern void plf_reading_sort_by(const PlfColumn *column, bool descending,
								PlfReading *reading);

/*
 * Sets the statuses that *reading asks for, by the verdict on the conditions; false when
 * no link can qualify.  "exact" says that places in the list are relied on, so that every
 * link in it has to satisfy the conditions; else they are checked on each link.
 */
extern bool plf_reading_statuses(const PlfStatusVerdict *verdict, bool exact,
								 PlfReading *reading);

#endif /* PLF_WANTED_H */
