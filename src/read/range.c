/*
 * range.c
 *		Where a link lies with respect to the bounds of a sort key.
 *
 * The bounds are conditions, evaluated by the executor on a row that holds the
 * key alone: whatever the types, the operators are those of the query.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "read/range.h"

/* What the key is compared with in one bound. */
typedef struct BoundValue
{
	ExprState  *state;
	Oid			output;			/* its type's output function */
} BoundValue;

struct PlfRange
{
	ExprContext *econtext;
	ExprState  *lower;
	ExprState  *upper;
	bool		has_end;
	bool		descending;
	int			nvalues;
	BoundValue *values;
	PlfRow	   *row;			/* decodes the key */
	int			attnum;
	TupleTableSlot *slot;
};

static void add_value(PlfRange *range, OpExpr *bound, PlanState *parent);

PlfRange *
plf_range_create(const PlfScanSpec *spec, PlanState *parent, Relation relation,
				 const PlfTable *table)
{
	PlfRange   *range = palloc0(sizeof(PlfRange));
	List	   *bounds = list_concat_copy(spec->lower, spec->upper);
	ListCell   *lc;

	range->econtext = parent->ps_ExprContext;
	range->lower = ExecInitQual(spec->lower, parent);
	range->upper = ExecInitQual(spec->upper, parent);
	range->has_end = (spec->descending ? spec->lower : spec->upper) != NIL;
	range->descending = spec->descending;
	range->values = palloc0(sizeof(BoundValue) * Max(list_length(bounds), 1));
	foreach(lc, bounds)
		add_value(range, lfirst_node(OpExpr, lc), parent);
	range->attnum = spec->sort_attnum;
	range->row = plf_row_create(relation, table, bms_make_singleton(spec->sort_attnum));
	range->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(relation)),
										   &TTSOpsVirtual);
	return range;
}

static void
add_value(PlfRange *range, OpExpr *bound, PlanState *parent)
{
	BoundValue *value = &range->values[range->nvalues++];
	Expr	   *expr = lsecond(bound->args);
	bool		is_varlena;

	value->state = ExecInitExpr(expr, parent);
	getTypeOutputInfo(exprType((Node *) expr), &value->output, &is_varlena);
}

char *
plf_range_values(PlfRange *range)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < range->nvalues; i++)
	{
		bool		isnull;
		Datum		value = ExecEvalExprSwitchContext(range->values[i].state,
													  range->econtext, &isnull);

		if (isnull)
			return NULL;
		appendStringInfo(&text, "%s;", OidOutputFunctionCall(range->values[i].output, value));
	}
	return text.data;
}

PlfPlace
plf_range_place(PlfRange *range, const PlfLink *link)
{
	TupleTableSlot *slot = range->slot;
	ExprContext *econtext = range->econtext;
	TupleTableSlot *saved = econtext->ecxt_scantuple;
	MemoryContext old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	PlfPlace	place;

	ExecClearTuple(slot);
	plf_row_decode(range->row, link, slot->tts_values, slot->tts_isnull);
	ExecStoreVirtualTuple(slot);
	econtext->ecxt_scantuple = slot;
	if (slot->tts_isnull[range->attnum - 1])
		place = PLF_PLACE_NULL;
	else if (!ExecQual(range->descending ? range->upper : range->lower, econtext))
		place = PLF_PLACE_BEFORE;
	else if (!ExecQual(range->descending ? range->lower : range->upper, econtext))
		place = PLF_PLACE_AFTER;
	else
		place = PLF_PLACE_IN;
	econtext->ecxt_scantuple = saved;
	MemoryContextSwitchTo(old);
	return place;
}

bool
plf_range_has_end(const PlfRange *range)
{
	return range->has_end;
}
