/*
 * wanted.h
 *		What a scan wants, evaluated with the parameters as they are when the scan or a
 *		rescan begins; and the reading of the list that brings the links wanted.
 */
#ifndef PLF_WANTED_H
#define PLF_WANTED_H

#include "catalog/field.h"
#include "list/reader.h"
#include "plan/scan_spec.h"
#include "quals/param_values.h"
#include "quals/status_filter.h"
#include "rows/bounds.h"

/* What a scan wants: all values by which its rows are chosen. */
typedef struct PlfWanted
{
	PlfStatusVerdict verdict; /* of the conditions on status */
	PlfBounds bounds;         /* of the range */
	const char *bound_values; /* the bounds' bytes, to compare; "" unless known */
	bool is_void;             /* no key lies between the bounds */
	int64 skip;               /* OFFSET: links left out at the beginning */
	int64 take;               /* LIMIT: links wanted after them; -1: all */
	PlfParamValues *params; /* of the conditions on status; NULL without a window, as only
							 * a window leaves out rows by evaluating conditions */
} PlfWanted;

/* The expressions that give these values, prepared for evaluation. */
typedef struct PlfWantedState PlfWantedState;

/*
 * Prepares the expressions of "spec" for the node "parent", which scans "relation". Lives
 * in the current context, and keeps "spec" and "table".
 */
extern PlfWantedState *plf_wanted_init(const PlfScanSpec *spec, const PlfTable *table,
									   Relation relation, PlanState *parent);

/*
 * Evaluates the expressions with the parameters as they are now, into the current
 * context. 2201X and 2201W when OFFSET or LIMIT is negative.  Errors of the conditions
 * and of the bounds are dropped; verdict and bounds say so.
 */
extern PlfWanted *plf_wanted_evaluate(PlfWantedState *state);

/*
 * Evaluates the constant expressions alone, for EXPLAIN.  The result is as if the query
 * had no other.
 */
extern PlfWanted plf_wanted_constant(PlfWantedState *state);

/* Whether OFFSET and LIMIT are constants; a clause that is missing is one. */
extern bool plf_wanted_window_is_constant(const PlfScanSpec *spec);

/*
 * True when "before" and "now" choose the same rows.  With "checked", the node chose the
 * rows of "before" by evaluating the conditions on status itself: then the parameters of
 * these conditions are compared, too.
 */
extern bool plf_wanted_same(const PlfWanted *before, const PlfWanted *now, bool checked);

/*
 * Sets *reading to the reading that brings the links wanted, and returns NULL. When no
 * link can be wanted, returns the reason: a phrase for EXPLAIN.
 */
extern const char *plf_wanted_reading(const PlfWantedState *state,
									  const PlfWanted *wanted, PlfReading *reading);

/* Whether a row satisfies the conditions on status. */
extern bool plf_wanted_holds(PlfWantedState *state, TupleTableSlot *slot);

/* Sets in *reading that the list comes in the order of "column", which is a sort key. */
extern void plf_reading_sort_by(const PlfColumn *column, bool descending,
								PlfReading *reading);

/*
 * Sets in *reading that the links come for which the conditions with this verdict hold;
 * false when the conditions hold for no link.  With "exact", every link that comes
 * satisfies the conditions, because the caller relies on the places of links.  Otherwise
 * some links may not, and the caller checks each.
 */
extern bool plf_reading_statuses(const PlfStatusVerdict *verdict, bool exact,
								 PlfReading *reading);

#endif /* PLF_WANTED_H */
