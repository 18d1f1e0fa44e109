/*
 * wanted.c
 *		What a scan wants, evaluated with the parameters as they are when the scan or a
 *		rescan begins; and the reading of the list that brings the links wanted.
 *
 * scan.c evaluates, and explain.c shows what is constant.  Nodes that count use only
 * plf_reading_statuses() and plf_reading_sort_by(), for their readings.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "scan/wanted.h"

struct PlfWantedState
{
	const PlfScanSpec *spec;
	const PlfTable *table;
	PlfStatusFilter *filter; /* NULL without conditions on status */
	PlfRange *range;         /* NULL without bounds */
	ExprContext *econtext;   /* of the expressions that follow; only plf_wanted_evaluate()
							  * resets it */
	ExprState *offset;       /* NULL without OFFSET */
	ExprState *limit;        /* NULL without LIMIT */
	PlfParams *params;       /* of the conditions on status; NULL without a window */
};

static int64 evaluate_row_count(ExprState *expr, ExprContext *econtext, int64 otherwise,
								int sqlstate, const char *clause);
static bool is_constant(const Expr *expr);
static int64 constant_row_count(const Expr *expr, int64 otherwise);

/* What a scan without conditions, bounds, OFFSET and LIMIT wants. */
static const PlfWanted all_links = {
	.verdict = {PLF_STATUS_ALL, PLF_OTHERS_ALL},
	.bounds = PLF_BOUNDS_KNOWN,
	.bound_values = "",
	.take = -1,
};

PlfWantedState *
plf_wanted_init(const PlfScanSpec *spec, const PlfTable *table, Relation relation,
				PlanState *parent)
{
	PlfWantedState *state = palloc0(sizeof(PlfWantedState));
	TupleDesc desc = RelationGetDescr(relation);

	state->spec = spec;
	state->table = table;
	if (spec->status_clauses != NIL)
		state->filter = plf_status_filter_init(
			spec->status_clauses, parent, &table->columns[spec->status_attnum - 1], desc);
	if (spec->lower != NIL || spec->upper != NIL)
		state->range = plf_range_create(spec->lower, spec->upper, spec->descending,
										parent, relation, table, spec->sort_attnum, desc,
										spec->sort_attnum);
	state->econtext = CreateExprContext(parent->state);
	state->offset = ExecInitExpr(spec->offset, parent);
	state->limit = ExecInitExpr(spec->limit, parent);
	if (state->filter != NULL && spec->has_window)
		state->params = plf_params_create(spec->status_clauses, parent);
	return state;
}

PlfWanted *
plf_wanted_evaluate(PlfWantedState *state)
{
	ExprContext *econtext = state->econtext;
	PlfWanted *wanted = palloc(sizeof(PlfWanted));

	*wanted = all_links;
	ResetExprContext(econtext);

	/*
	 * OFFSET and LIMIT come first, as in the executor, which evaluates no condition below
	 * LIMIT 0.
	 */
	wanted->skip = evaluate_row_count(state->offset, econtext, wanted->skip,
									  ERRCODE_INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE,
									  "OFFSET");
	wanted->take = evaluate_row_count(state->limit, econtext, wanted->take,
									  ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT");
	if (wanted->take == 0)
		return wanted;
	if (state->filter != NULL)
		wanted->verdict = plf_status_filter_evaluate(state->filter);
	if (state->range != NULL)
	{
		char *values;

		wanted->bounds = plf_range_evaluate(state->range, &values);
		wanted->bound_values = values;
		wanted->is_void = wanted->bounds == PLF_BOUNDS_KNOWN &&
						  plf_range_is_void(state->range);
	}
	if (state->params != NULL)
		wanted->params = plf_param_values_take(state->params, econtext);
	return wanted;
}

/* As in core's nodeLimit.c, NULL is no clause, and a negative value is an error. */
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

PlfWanted
plf_wanted_constant(PlfWantedState *state)
{
	const PlfScanSpec *spec = state->spec;
	PlfWanted wanted = all_links;

	if (state->filter != NULL && plf_status_clauses_are_constant(spec->status_clauses))
		wanted.verdict = plf_status_filter_evaluate(state->filter);
	if (state->range != NULL && plf_range_is_constant(state->range))
		wanted.is_void = plf_range_is_void(state->range);
	if (plf_wanted_window_is_constant(spec))
	{
		wanted.skip = constant_row_count(spec->offset, wanted.skip);
		wanted.take = constant_row_count(spec->limit, wanted.take);
	}
	return wanted;
}

bool
plf_wanted_window_is_constant(const PlfScanSpec *spec)
{
	return is_constant(spec->offset) && is_constant(spec->limit);
}

static bool
is_constant(const Expr *expr)
{
	return expr == NULL || IsA(expr, Const);
}

/* A negative constant counts as no clause: its error comes when the scan starts. */
static int64
constant_row_count(const Expr *expr, int64 otherwise)
{
	const Const *value = (const Const *) expr;

	if (expr == NULL || value->constisnull || DatumGetInt64(value->constvalue) < 0)
		return otherwise;
	return DatumGetInt64(value->constvalue);
}

bool
plf_wanted_same(const PlfWanted *before, const PlfWanted *now, bool checked)
{
	return plf_same_verdict(&before->verdict, &now->verdict) &&
		   before->bounds == now->bounds && before->is_void == now->is_void &&
		   strcmp(before->bound_values, now->bound_values) == 0 &&
		   before->skip == now->skip && before->take == now->take &&
		   (!checked || now->params == NULL ||
			plf_param_values_same(before->params, now->params));
}

bool
plf_reading_statuses(const PlfStatusVerdict *verdict, bool exact, PlfReading *reading)
{
	reading->statuses = verdict->statuses;
	switch (verdict->others)
	{
		case PLF_OTHERS_UNKNOWN:
			return true;
		case PLF_OTHERS_NONE:
			reading->filtered = true;
			return verdict->statuses != PLF_STATUS_NONE;
		case PLF_OTHERS_ALL:
		case PLF_OTHERS_SOME:
			break;
	}
	/*
	 * A condition that holds for all documented statuses leaves out no link with one of
	 * them.  A filter and a status check are needed only if the condition may leave out
	 * links with other statuses, and the places of links in the list must be exact.
	 */
	reading->filtered = reading->check_statuses = verdict->statuses != PLF_STATUS_ALL ||
												  (exact &&
												   verdict->others == PLF_OTHERS_SOME);
	return true;
}

void
plf_reading_sort_by(const PlfColumn *column, bool descending, PlfReading *reading)
{
	reading->sort_key = plf_sort_key_of(column);
	reading->descending = descending;
	reading->nullable = plf_sort_key_is_nullable(column);
}

const char *
plf_wanted_reading(const PlfWantedState *state, const PlfWanted *wanted,
				   PlfReading *reading)
{
	const PlfScanSpec *spec = state->spec;

	memset(reading, 0, sizeof(*reading));
	if (wanted->take == 0)
		return "no row is wanted";
	if (wanted->bounds == PLF_BOUNDS_NULL)
		return "a bound is NULL";
	if (wanted->is_void)
		return "the bounds exclude each other";
	if (spec->nulls == PLF_NULLS_ONLY &&
		((state->range != NULL && wanted->bounds == PLF_BOUNDS_KNOWN) ||
		 state->table->columns[spec->sort_attnum - 1].not_null))
		return "the key is never NULL";
	if (!plf_reading_statuses(&wanted->verdict, spec->has_window, reading))
		return "no status satisfies the conditions";

	if (spec->sort_attnum > 0)
		plf_reading_sort_by(&state->table->columns[spec->sort_attnum - 1],
							spec->descending, reading);
	reading->nulls = spec->nulls;
	reading->range = wanted->bounds == PLF_BOUNDS_KNOWN ? state->range : NULL;
	reading->early_stop = spec->early_stop;
	reading->row_hint = spec->row_hint;
	if (wanted->verdict.others == PLF_OTHERS_UNKNOWN)
	{
		/* The list is not filtered, so OFFSET and LIMIT are applied by scan.c. */
		reading->early_stop = reading->early_stop || wanted->take >= 0;
		reading->skip = 0;
		reading->take = -1;
		return NULL;
	}
	/* No list is longer; larger numbers might overflow when places are computed. */
	reading->skip = Min(wanted->skip, PLF_MAX_COUNT);
	reading->take = Min(wanted->take, PLF_MAX_COUNT);
	return NULL;
}

bool
plf_wanted_holds(PlfWantedState *state, TupleTableSlot *slot)
{
	return state->filter == NULL || plf_status_filter_holds(state->filter, slot);
}
