/*
 * scan_spec.c
 *		Puts a scan spec into the fdw_private and fdw_exprs of a plan, and reads it back.
 */
#include "postgres.h"

#include <limits.h>

#include "nodes/makefuncs.h"
#include "nodes/value.h"

#include "compat.h"
#include "plan/scan_spec.h"

/* The fdw_private is a list, whose members have these indexes. */
typedef enum SpecPlace
{
	SPEC_STATUS_CLAUSES, /* how many; fdw_exprs begins with them */
	SPEC_STATUS_ATTNUM,
	SPEC_LITERALS,
	SPEC_SORT_ATTNUM,
	SPEC_DESCENDING,
	SPEC_NULLS,
	SPEC_LOWER, /* how many; next in fdw_exprs */
	SPEC_UPPER, /* how many; next */
	SPEC_HAS_WINDOW,
	SPEC_HAS_OFFSET, /* if so, OFFSET is next */
	SPEC_HAS_LIMIT,  /* if so, LIMIT is next */
	SPEC_LOOKUPS,    /* how many; the last of fdw_exprs */
	SPEC_LOOKUP_MOST,
	SPEC_EARLY_STOP,
	SPEC_ROW_HINT, /* an int is enough: set_demand() leaves out larger numbers */
	SPEC_REPLAY,
	SPEC_COLUMNS,
	SPEC_PLACES
} SpecPlace;

static int
int_at(const List *list, SpecPlace place)
{
	return intVal(list_nth(list, place));
}

List *
plf_scan_spec_private(const PlfScanSpec *spec)
{
	Node *places[SPEC_PLACES];
	List *columns = NIL;
	List *result = NIL;
	int column = -1;

	while ((column = bms_next_member(spec->columns, column)) >= 0)
		columns = lappend_int(columns, column);

	places[SPEC_STATUS_CLAUSES] = (Node *) makeInteger(list_length(spec->status_clauses));
	places[SPEC_STATUS_ATTNUM] = (Node *) makeInteger(spec->status_attnum);
	places[SPEC_LITERALS] = (Node *) spec->literals;
	places[SPEC_SORT_ATTNUM] = (Node *) makeInteger(spec->sort_attnum);
	places[SPEC_DESCENDING] = (Node *) makeInteger(spec->descending);
	places[SPEC_NULLS] = (Node *) makeInteger(spec->nulls);
	places[SPEC_LOWER] = (Node *) makeInteger(list_length(spec->lower));
	places[SPEC_UPPER] = (Node *) makeInteger(list_length(spec->upper));
	places[SPEC_HAS_WINDOW] = (Node *) makeInteger(spec->has_window);
	places[SPEC_HAS_OFFSET] = (Node *) makeInteger(spec->offset != NULL);
	places[SPEC_HAS_LIMIT] = (Node *) makeInteger(spec->limit != NULL);
	places[SPEC_LOOKUPS] = (Node *) makeInteger(list_length(spec->lookups));
	places[SPEC_LOOKUP_MOST] = (Node *) makeInteger(spec->lookup_most);
	places[SPEC_EARLY_STOP] = (Node *) makeInteger(spec->early_stop);
	places[SPEC_ROW_HINT] = (Node *) makeInteger((int) Min(spec->row_hint, INT_MAX));
	places[SPEC_REPLAY] = (Node *) makeInteger(spec->replay);
	places[SPEC_COLUMNS] = (Node *) columns;
	for (int i = 0; i < SPEC_PLACES; i++)
		result = lappend(result, places[i]);
	return result;
}

List *
plf_scan_spec_exprs(const PlfScanSpec *spec)
{
	List *exprs = copyObject(spec->status_clauses);

	exprs = list_concat(exprs, copyObject(spec->lower));
	exprs = list_concat(exprs, copyObject(spec->upper));
	if (spec->offset != NULL)
		exprs = lappend(exprs, copyObject(spec->offset));
	if (spec->limit != NULL)
		exprs = lappend(exprs, copyObject(spec->limit));
	return list_concat(exprs, copyObject(spec->lookups));
}

bool
plf_plan_looks_up(const ForeignScan *plan)
{
	return int_at(plan->fdw_private, SPEC_LOOKUPS) > 0;
}

PlfScanSpec *
plf_scan_spec_from_plan(const ForeignScan *plan)
{
	PlfScanSpec *spec = palloc0(sizeof(PlfScanSpec));
	const List *list = plan->fdw_private;
	int next;
	ListCell *lc;

	Assert(list_length(list) == SPEC_PLACES);
	next = int_at(list, SPEC_STATUS_CLAUSES);
	spec->status_clauses = list_truncate(list_copy(plan->fdw_exprs), next);
	for (int i = int_at(list, SPEC_LOWER); i > 0; i--)
		spec->lower = lappend(spec->lower, list_nth(plan->fdw_exprs, next++));
	for (int i = int_at(list, SPEC_UPPER); i > 0; i--)
		spec->upper = lappend(spec->upper, list_nth(plan->fdw_exprs, next++));
	spec->has_window = int_at(list, SPEC_HAS_WINDOW);
	if (int_at(list, SPEC_HAS_OFFSET))
		spec->offset = list_nth(plan->fdw_exprs, next++);
	if (int_at(list, SPEC_HAS_LIMIT))
		spec->limit = list_nth(plan->fdw_exprs, next++);
	spec->lookups = list_copy_tail(plan->fdw_exprs, next);
	Assert(list_length(spec->lookups) == int_at(list, SPEC_LOOKUPS));
	spec->status_attnum = int_at(list, SPEC_STATUS_ATTNUM);
	spec->literals = list_nth(list, SPEC_LITERALS);
	spec->sort_attnum = int_at(list, SPEC_SORT_ATTNUM);
	spec->descending = int_at(list, SPEC_DESCENDING);
	spec->nulls = int_at(list, SPEC_NULLS);
	spec->lookup_most = int_at(list, SPEC_LOOKUP_MOST);
	spec->early_stop = int_at(list, SPEC_EARLY_STOP);
	spec->row_hint = int_at(list, SPEC_ROW_HINT);
	spec->replay = int_at(list, SPEC_REPLAY);
	foreach(lc, (List *) list_nth(list, SPEC_COLUMNS))
		spec->columns = bms_add_member(spec->columns, lfirst_int(lc));
	return spec;
}
