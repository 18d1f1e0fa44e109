/*
 * bounds.c
 *		A range of a sort key: its bounds, and on which side of the range a link is.
 *
 * The bounds are conditions of the query.  The executor evaluates them on a row that
 * holds the key alone, so every type and operator that the query uses works here.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sortsupport.h"
#include "utils/typcache.h"

#include "compat.h"
#include "quals/attempt.h"
#include "rows/bounds.h"

/* The value with which a bound compares the key. */
typedef struct BoundValue
{
	Expr *expr;
	ExprState *state;
	int16 length;  /* of the value's type */
	bool by_value; /* the value's type is passed by value */
	bool is_key;   /* the value has the type of the key */
	bool is_lower; /* the bound is a lower one */
} BoundValue;

/* An evaluation of all bounds. */
typedef struct Evaluation
{
	PlfRange *range;
	PlfBounds bounds;
	StringInfoData image;
} Evaluation;

/* The value of one side's bounds that excludes most keys. */
typedef struct Innermost
{
	bool is_lower; /* the side */
	bool found;    /* a bound of that side has a value of the key's type */
	Datum value;
} Innermost;

struct PlfRange
{
	ExprContext *econtext; /* used by this range alone; each evaluation resets it */
	PlanState *parent;
	PlfAttempt attempt;          /* evaluates all values */
	MemoryContext state_context; /* holds all ExprStates */
	List *lower_clauses;
	List *upper_clauses;
	ExprState *lower;
	ExprState *upper;
	MemoryContext context;     /* in which the range lives */
	ExprContext *row_econtext; /* for plf_range_side(); NULL until it is called */
	ExprState *row_lower;
	ExprState *row_upper;
	bool has_begin;
	bool has_end;
	bool is_constant;
	bool descending;
	int nvalues;
	BoundValue *values;
	PlfRow *row;             /* decodes the key alone */
	int key;                 /* index of the key in "fields" and "nulls" */
	Datum *fields;           /* what "row" decoded */
	bool *nulls;             /* whether each of "fields" is NULL */
	SortSupportData support; /* compares keys in the list's order */
	TupleTableSlot *slot;    /* the row on which the bounds are evaluated */
	int place;               /* index of the key in "slot" */
};

static bool find_key(PlfRange *range, PlfPage *page, int from, int to, int step,
					 Datum *key);
static Expr *add_value(PlfRange *range, OpExpr *bound, bool is_lower, Oid key_type);
static void renew_states(PlfRange *range);
static void make_states(void *arg);
static void evaluate(void *arg);
static void append_image(StringInfo image, const BoundValue *bound, Datum value);
static void find_innermost(PlfRange *range, Innermost *innermost);
static bool satisfies(PlfRange *range, ExprContext *econtext, ExprState *bounds,
					  Datum key, bool isnull);
static void prepare_rows(PlfRange *range);

PlfRange *
plf_range_create(List *lower, List *upper, bool descending, PlanState *parent,
				 Relation relation, const PlfTable *table, AttrNumber key, TupleDesc desc,
				 AttrNumber place)
{
	PlfRange *range = palloc0(sizeof(PlfRange));
	List *bounds = list_concat_copy(lower, upper);
	List *exprs = NIL;
	TypeCacheEntry *type;
	ListCell *lc;

	range->parent = parent;
	range->context = CurrentMemoryContext;
	range->lower_clauses = lower;
	range->upper_clauses = upper;
	range->has_begin = (descending ? upper : lower) != NIL;
	range->has_end = (descending ? lower : upper) != NIL;
	range->is_constant = true;
	range->descending = descending;
	range->values = palloc0(sizeof(BoundValue) * Max(list_length(bounds), 1));
	foreach(lc, bounds)
		exprs = lappend(exprs, add_value(range, lfirst_node(OpExpr, lc),
										 foreach_current_index(lc) < list_length(lower),
										 table->columns[key - 1].type));
	range->attempt = plf_attempt_of(exprs);
	range->state_context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw bounds", ALLOCSET_SMALL_SIZES);
	renew_states(range);
	range->row = plf_row_create(relation, table, bms_make_singleton(key));
	range->key = key - 1;
	range->place = place - 1;
	range->fields = palloc(sizeof(Datum) * table->ncolumns);
	range->nulls = palloc(sizeof(bool) * table->ncolumns);
	type = lookup_type_cache(table->columns[key - 1].type,
							 TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
	range->support.ssup_cxt = CurrentMemoryContext;
	PrepareSortSupportFromOrderingOp(descending ? type->gt_opr : type->lt_opr,
									 &range->support);
	range->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc), &TTSOpsVirtual);
	return range;
}

/* Adds the value of a bound, and returns its expression. */
static Expr *
add_value(PlfRange *range, OpExpr *bound, bool is_lower, Oid key_type)
{
	BoundValue *value = &range->values[range->nvalues++];
	Expr *expr = lsecond(bound->args);

	value->expr = expr;
	value->is_key = exprType((Node *) expr) == key_type;
	value->is_lower = is_lower;
	range->is_constant &= IsA(expr, Const) && !((Const *) expr)->constisnull;
	get_typlenbyval(exprType((Node *) expr), &value->length, &value->by_value);
	return expr;
}

/* Makes the ExprStates, at first and after an error, which leaves them unusable. */
static void
renew_states(PlfRange *range)
{
	range->econtext = plf_attempt_renew(range->econtext, range->parent,
										range->state_context, make_states, range);
}

static void
make_states(void *arg)
{
	PlfRange *range = arg;

	range->lower = ExecInitQual(range->lower_clauses, range->parent);
	range->upper = ExecInitQual(range->upper_clauses, range->parent);
	for (int i = 0; i < range->nvalues; i++)
		range->values[i].state = ExecInitExpr(range->values[i].expr, range->parent);
}

PlfBounds
plf_range_evaluate(PlfRange *range, char **image)
{
	Evaluation evaluation = {.range = range, .bounds = PLF_BOUNDS_KNOWN};
	MemoryContext old;

	ResetExprContext(range->econtext);
	old = MemoryContextSwitchTo(range->econtext->ecxt_per_tuple_memory);
	if (!plf_attempt(&range->attempt, range->econtext, evaluate, &evaluation))
		evaluation.bounds = PLF_BOUNDS_FAILED;
	MemoryContextSwitchTo(old);
	*image = pstrdup(evaluation.bounds == PLF_BOUNDS_KNOWN ? evaluation.image.data : "");
	if (evaluation.bounds == PLF_BOUNDS_FAILED)
		renew_states(range);
	return evaluation.bounds;
}

static void
evaluate(void *arg)
{
	Evaluation *evaluation = arg;
	PlfRange *range = evaluation->range;

	initStringInfo(&evaluation->image);
	for (int i = 0; i < range->nvalues; i++)
	{
		bool isnull;
		Datum value = ExecEvalExpr(range->values[i].state, range->econtext, &isnull);

		if (isnull)
		{
			evaluation->bounds = PLF_BOUNDS_NULL;
			return;
		}
		append_image(&evaluation->image, &range->values[i], value);
	}
}

/*
 * Appends the value's bytes.  Its text does not tell values apart: in some styles of
 * dates and zones two moments have the same text.
 */
static void
append_image(StringInfo image, const BoundValue *bound, Datum value)
{
	const unsigned char *bytes = (unsigned char *) &value;
	Size size = sizeof(value);

	if (!bound->by_value)
	{
		if (bound->length == -1)
			value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
		bytes = (unsigned char *) DatumGetPointer(value);
		size = datumGetSize(value, false, bound->length);
	}
	for (Size i = 0; i < size; i++)
		appendStringInfo(image, "%02x", bytes[i]);
	appendStringInfoChar(image, ';');
}

bool
plf_range_is_constant(const PlfRange *range)
{
	return range->is_constant;
}

/*
 * No key is in the range when the value of a lower bound is beyond an upper bound: a key
 * that satisfies the lower bound is then beyond that upper bound, too.  Of the lower
 * bounds the greatest value is compared, and of the upper bounds the least: if these two
 * leave room for a key, so do all others.
 */
bool
plf_range_is_void(PlfRange *range)
{
	Innermost lower = {.is_lower = true};
	Innermost upper = {.is_lower = false};
	MemoryContext old;
	bool is_void;

	ResetExprContext(range->econtext);
	old = MemoryContextSwitchTo(range->econtext->ecxt_per_tuple_memory);
	find_innermost(range, &lower);
	find_innermost(range, &upper);
	is_void = (lower.found &&
			   !satisfies(range, range->econtext, range->upper, lower.value, false)) ||
			  (upper.found &&
			   !satisfies(range, range->econtext, range->lower, upper.value, false));
	MemoryContextSwitchTo(old);
	return is_void;
}

/* Finds the greatest value of the lower bounds, or the least of the upper ones. */
static void
find_innermost(PlfRange *range, Innermost *innermost)
{
	/* The order of the list runs from lower to upper keys unless it is descending. */
	bool later = innermost->is_lower != range->descending;

	for (int i = 0; i < range->nvalues; i++)
	{
		BoundValue *bound = &range->values[i];
		bool isnull;
		Datum value;
		int order;

		CHECK_FOR_INTERRUPTS();
		if (!bound->is_key || bound->is_lower != innermost->is_lower)
			continue;
		value = ExecEvalExpr(bound->state, range->econtext, &isnull);
		if (isnull)
			continue;
		order = innermost->found ? ApplySortComparator(value, false, innermost->value,
													   false, &range->support)
								 : 0;
		if (!innermost->found || (later ? order > 0 : order < 0))
			innermost->value = value;
		innermost->found = true;
	}
}

/* True when a key satisfies all bounds of one side. */
static bool
satisfies(PlfRange *range, ExprContext *econtext, ExprState *bounds, Datum key,
		  bool isnull)
{
	TupleTableSlot *slot = range->slot;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	slot->tts_values[range->place] = key;
	slot->tts_isnull[range->place] = isnull;
	ExecStoreVirtualTuple(slot);
	econtext->ecxt_scantuple = slot;
	return ExecQual(bounds, econtext);
}

/*
 * Makes the ExprStates that plf_range_side() evaluates.  "lower" and "upper" are others:
 * a row may run a subquery, whose result outlives these two.
 */
static void
prepare_rows(PlfRange *range)
{
	MemoryContext old = MemoryContextSwitchTo(range->context);

	range->row_lower = ExecInitQual(range->lower_clauses, range->parent);
	range->row_upper = ExecInitQual(range->upper_clauses, range->parent);
	range->row_econtext = CreateExprContext(range->parent->state);
	MemoryContextSwitchTo(old);
}

PlfSide
plf_range_side(PlfRange *range, const PlfLink *link)
{
	ExprContext *econtext;
	ExprState *begin;
	ExprState *end;
	MemoryContext old;
	PlfSide side;
	Datum key;

	if (range->row_econtext == NULL)
		prepare_rows(range);
	econtext = range->row_econtext;
	begin = range->descending ? range->row_upper : range->row_lower;
	end = range->descending ? range->row_lower : range->row_upper;
	ResetExprContext(econtext);
	old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	plf_row_decode(range->row, link, range->fields, range->nulls);
	key = range->fields[range->key];
	if (range->nulls[range->key])
		side = PLF_SIDE_NULL;
	else if (!satisfies(range, econtext, begin, key, false))
		side = PLF_SIDE_BEFORE;
	else if (!satisfies(range, econtext, end, key, false))
		side = PLF_SIDE_AFTER;
	else
		side = PLF_SIDE_IN;
	MemoryContextSwitchTo(old);
	return side;
}

bool
plf_range_is_sorted(PlfRange *range, PlfPage *page, int count)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw keys", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool has_previous = false;
	bool sorted = true;
	Datum previous = 0;

	for (int i = 0; sorted && i < count; i++)
	{
		PlfLink link = {page, i, 0};

		plf_row_decode(range->row, &link, range->fields, range->nulls);
		if (range->nulls[range->key])
			continue;
		if (has_previous)
			sorted = ApplySortComparator(previous, false, range->fields[range->key],
										 false, &range->support) <= 0;
		previous = range->fields[range->key];
		has_previous = true;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return sorted;
}

bool
plf_range_is_ascending(PlfRange *range, PlfPage *earlier, int earlier_count,
					   PlfPage *later, int later_count)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw keys", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum last;
	Datum first;
	bool ascending = true;

	if (find_key(range, earlier, earlier_count - 1, -1, -1, &last) &&
		find_key(range, later, 0, later_count, 1, &first))
		ascending = ApplySortComparator(last, false, first, false, &range->support) <= 0;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return ascending;
}

/* Finds the first key of the links "from", "from" + "step", ... before "to". */
static bool
find_key(PlfRange *range, PlfPage *page, int from, int to, int step, Datum *key)
{
	for (int i = from; i != to; i += step)
	{
		PlfLink link = {page, i, 0};

		plf_row_decode(range->row, &link, range->fields, range->nulls);
		*key = range->fields[range->key];
		if (!range->nulls[range->key])
			return true;
	}
	return false;
}

bool
plf_range_has_begin(const PlfRange *range)
{
	return range->has_begin;
}

bool
plf_range_has_end(const PlfRange *range)
{
	return range->has_end;
}
