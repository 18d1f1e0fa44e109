/*
 * count_state.c
 *		What all ways to count have in common: the conditions and the source.
 */
#include "postgres.h"

#include "executor/executor.h"

#include "compat.h"
#include "count/count_state.h"

/*
 * A link that a condition on the status lets into a count must have a status that the
 * column can hold; else the count fails, as reading that link does.  Where the column may
 * refuse some undocumented statuses, links that have one are read, whether the condition
 * lets in all of them or only some.
 */
PlfStatusVerdict *
plf_count_verdicts(const PlfCountState *state)
{
	PlfStatusVerdict *verdicts = palloc(sizeof(PlfStatusVerdict) * state->nselections);

	for (int i = 0; i < state->nselections; i++)
	{
		verdicts[i] = (PlfStatusVerdict){PLF_STATUS_ALL, PLF_OTHERS_ALL};
		if (state->selections[i].filter == NULL)
			continue;
		verdicts[i] = plf_status_filter_evaluate(state->selections[i].filter);
		if (verdicts[i].others == PLF_OTHERS_ALL && state->status->may_refuse_others)
			verdicts[i].others = PLF_OTHERS_SOME;
	}
	return verdicts;
}

PlfSource *
plf_count_source(PlfCountState *state)
{
	if (state->source == NULL)
		state->source = plf_source_open(state->context, state->userid, state->options,
										state->statement);
	return state->source;
}

bool
plf_count_holds(PlfCountState *state, int selection, Datum status, bool isnull)
{
	TupleTableSlot *slot = state->slot;

	if (state->selections[selection].filter == NULL)
		return true;
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, state->spec->ncolumns * sizeof(bool));
	slot->tts_values[0] = status;
	slot->tts_isnull[0] = isnull;
	ExecStoreVirtualTuple(slot);
	return plf_status_filter_holds(state->selections[selection].filter, slot);
}
