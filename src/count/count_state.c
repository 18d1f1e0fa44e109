/*
 * count_state.c
 *		What all ways to count use: the verdicts on the conditions, the conditions
 *		themselves, and the source of pages.
 */
#include "postgres.h"

#include "executor/executor.h"

#include "compat.h"
#include "count/count_state.h"

/*
 * A count raises the error that reading its links would raise: the column may refuse the
 * status of a link for which a condition on the status holds.  Where the column may
 * refuse undocumented statuses, ALL becomes SOME, so that links with such a status are
 * read.
 */
PlfStatusVerdict *
plf_count_verdicts(const PlfCountState *state)
{
	PlfStatusVerdict *verdicts = palloc(sizeof(PlfStatusVerdict) * state->nselections);

	for (int i = 0; i < state->nselections; i++)
	{
		verdicts[i] = (PlfStatusVerdict){PLF_STATUS_ALL, PLF_OTHERS_ALL};
		if (state->selections[i].filter != NULL)
			verdicts[i] = plf_status_filter_evaluate_beside(state->selections[i].filter,
															&verdicts[0]);
	}
	for (int i = 0; i < state->nselections; i++)
		if (state->selections[i].filter != NULL && verdicts[i].others == PLF_OTHERS_ALL &&
			state->status->may_refuse_others)
			verdicts[i].others = PLF_OTHERS_SOME;
	return verdicts;
}

PlfSource *
plf_count_source(PlfCountState *state)
{
	if (state->source == NULL)
		state->source = plf_source_open(state->context, state->userid, state->options,
										&state->table->resource->wire, state->statement);
	return state->source;
}

bool
plf_count_holds(PlfCountState *state, int selection, Datum status, bool isnull)
{
	TupleTableSlot *slot = state->slot;

	if (selection > 0 && !plf_count_holds(state, 0, status, isnull))
		return false;
	if (state->selections[selection].filter == NULL)
		return true;
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, state->spec->ncolumns * sizeof(bool));
	slot->tts_values[0] = status;
	slot->tts_isnull[0] = isnull;
	ExecStoreVirtualTuple(slot);
	return plf_status_filter_holds(state->selections[selection].filter, slot);
}
