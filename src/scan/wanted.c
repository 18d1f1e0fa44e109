/*
 * wanted.c
 *		What is pushed down, with the parameters as they are: evaluated at each
 *		(re)scan, and what it means for the list.
 *
 * scan.c asks when it starts, explain.c to show the first request, count.c which
 * statuses a verdict asks for.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "utils/memutils.h"

#include "compat.h"
#include "scan/scan.h"

static void renew_lookup_values(PlfScan *scan);
static void make_lookup_values(void *arg);
static void add_ids(void *arg);
static int64 evaluate_row_count(ExprState *expr, ExprContext *econtext, int64 otherwise,
								int sqlstate, const char *clause);

void
plf_pushed_init(PlfScan *scan, PlanState *parent)
{
	scan->parent = parent;
	scan->lookup_context = AllocSetContextCreate(scan->context, "payment links ids",
												 ALLOCSET_SMALL_SIZES);
	renew_lookup_values(scan);
	scan->lookup_attempt = plf_attempt_of(scan->spec->lookups);
	scan->offset = ExecInitExpr(scan->spec->offset, parent);
	scan->limit = ExecInitExpr(scan->spec->limit, parent);
}

/* Prepares the evaluation of ids, also after an error had ended one half-way. */
static void
renew_lookup_values(PlfScan *scan)
{
	scan->econtext = plf_attempt_renew(scan->econtext, scan->parent, scan->lookup_context,
									   make_lookup_values, scan);
}

static void
make_lookup_values(void *arg)
{
	PlfScan *scan = arg;

	scan->lookup_values = ExecInitExprList(scan->spec->lookups, scan->parent);
}

bool
plf_pushed_ids(PlfScan *scan)
{
	if (plf_attempt(&scan->lookup_attempt, scan->econtext, add_ids, scan))
		return scan->looking_up;
	renew_lookup_values(scan);
	return false;
}

/* Evaluates the ids, until they are too many. */
static void
add_ids(void *arg)
{
	PlfScan *scan = arg;
	ListCell *lc;
	ListCell *lc_value;

	forboth(lc, scan->spec->lookups, lc_value, scan->lookup_values)
	{
		bool isnull;
		Datum value = ExecEvalExprSwitchContext(lfirst(lc_value), scan->econtext,
												&isnull);

		if (!isnull && !plf_lookup_add(scan->lookup, value, exprType(lfirst(lc))))
		{
			scan->looking_up = false;
			return;
		}
	}
}

PlfPushed
plf_pushed_evaluate(PlfScan *scan)
{
	ExprContext *econtext = scan->econtext;
	PlfPushed pushed = PLF_NOTHING_PUSHED;
	MemoryContext old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);

	if (scan->filter != NULL)
		pushed.verdict = plf_status_filter_evaluate(scan->filter);
	if (scan->range != NULL)
	{
		char *bounds;

		pushed.bounds_kind = plf_range_evaluate(scan->range, &bounds);
		pushed.bounds = bounds;
		pushed.is_void = pushed.bounds_kind == PLF_BOUNDS_KNOWN &&
						 plf_range_is_void(scan->range);
	}
	pushed.skip = evaluate_row_count(scan->offset, econtext, 0,
									 ERRCODE_INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE,
									 "OFFSET");
	pushed.take = evaluate_row_count(scan->limit, econtext, -1,
									 ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT");
	MemoryContextSwitchTo(old);
	return pushed;
}

/* As nodeLimit.c has it: NULL is no clause, and a negative value an error. */
static int64
evaluate_row_count(ExprState *expr, ExprContext *econtext, int64 otherwise, int sqlstate,
				   const char *clause)
{
	Datum value;
	bool isnull;

	if (expr == NULL)
		return otherwise;
	value = ExecEvalExprSwitchContext(expr, econtext, &isnull);
	if (isnull)
		return otherwise;
	if (DatumGetInt64(value) < 0)
		ereport(ERROR, (errcode(sqlstate), errmsg("%s must not be negative", clause)));
	return DatumGetInt64(value);
}

bool
plf_reading_statuses(const PlfStatusVerdict *verdict, bool exact, PlfReading *what)
{
	what->statuses = verdict->statuses;
	if (verdict->failed)
		return true;
	if (verdict->rest == PLF_REST_NO)
	{
		what->filtered = true;
		return verdict->statuses != PLF_STATUS_NONE;
	}
	/* For every documented status: only others could make a difference. */
	what->filtered = what->check_world = verdict->statuses != PLF_STATUS_ALL ||
										 (exact && verdict->rest == PLF_REST_SOME);
	return true;
}

void
plf_reading_sort_by(const PlfColumn *column, bool descending, PlfReading *what)
{
	what->sort_key = plf_sort_key_of(column);
	what->descending = descending;
	what->nullable = plf_sort_key_is_nullable(column);
}

bool
plf_scan_reading(const PlfScan *scan, const PlfPushed *pushed, PlfReading *what,
				 const char **why)
{
	const PlfScanSpec *spec = scan->spec;

	memset(what, 0, sizeof(*what));
	if (pushed->take == 0)
	{
		*why = "no row is wanted";
		return false;
	}
	if (pushed->bounds_kind == PLF_BOUNDS_NULL)
	{
		*why = "a bound is NULL";
		return false;
	}
	if (pushed->is_void)
	{
		*why = "the bounds exclude each other";
		return false;
	}
	if (spec->nulls == PLF_NULLS_ONLY &&
		(scan->range != NULL || scan->table->columns[spec->sort_attnum - 1].not_null))
	{
		*why = "the key is never NULL";
		return false;
	}
	if (!plf_reading_statuses(&pushed->verdict, spec->has_window, what))
	{
		*why = "no status satisfies the conditions";
		return false;
	}
	if (spec->sort_attnum > 0)
		plf_reading_sort_by(&scan->table->columns[spec->sort_attnum - 1],
							spec->descending, what);
	what->nulls = spec->nulls;
	what->range = pushed->bounds_kind == PLF_BOUNDS_KNOWN ? scan->range : NULL;
	what->early_stop = spec->early_stop;
	what->row_hint = spec->row_hint;
	if (pushed->verdict.failed)
	{
		/* Places in a list that was not filtered say nothing: next_wanted_row() counts.
		 */
		what->early_stop = what->early_stop || pushed->take >= 0;
		what->skip = 0;
		what->take = -1;
		return true;
	}
	/* What is computed with places beyond the end of every list might overflow. */
	what->skip = Min(pushed->skip, PLF_MAX_COUNT);
	what->take = Min(pushed->take, PLF_MAX_COUNT);
	return true;
}
