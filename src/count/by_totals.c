/*
 * by_totals.c
 *		Counts the links of some statuses by the API's own totals.
 *
 * A selection is the links of certain documented statuses, or all links, or all links but
 * those of certain documented statuses.  The requests that all selections take are sent
 * together.
 */
#include "postgres.h"

#include "compat.h"
#include "count/by_totals.h"
#include "quals/status_value.h"

static bool any_unknown(const PlfCountState *state, const PlfCountRun *run);
static void add_statuses(const PlfCountState *state, int selection, PlfStatusSet statuses,
						 PlfTotals *totals);
static bool totals_agree(const PlfCountState *state, const PlfCountRun *run);
static bool groups_agree(const PlfCountRun *run);
static void make_values(PlfCountState *state, PlfCountRun *run);

bool
plf_count_by_totals(PlfCountState *state, PlfCountRun *run)
{
	bool agree = true;

	run->by = PLF_BY_TOTALS;
	if (any_unknown(state, run))
		return false;
	plf_count_plan_totals(state, run->verdicts, &run->totals);
	if (run->totals.count > 0)
	{
		agree = plf_totals_ask(&run->totals, plf_count_source(state)) &&
				totals_agree(state, run);

		/* The list may have changed between the answers. */
		if (!agree && state->spec->grouped)
			agree = plf_totals_ask(&run->totals, plf_count_source(state)) &&
					totals_agree(state, run);
	}
	if (agree && state->status != NULL)
		make_values(state, run);
	return agree;
}

/* True when a condition raised an error as it was evaluated ahead of the links. */
static bool
any_unknown(const PlfCountState *state, const PlfCountRun *run)
{
	for (int i = 0; i < state->nselections; i++)
		if (run->verdicts[i].others == PLF_OTHERS_UNKNOWN)
			return true;
	return false;
}

void
plf_count_plan_totals(const PlfCountState *state, const PlfStatusVerdict *verdicts,
					  PlfTotals *totals)
{
	if (state->spec->grouped)
	{
		const PlfStatusVerdict *verdict = &verdicts[0];

		for (int i = 0; i < PLF_STATUS_COUNT; i++)
			plf_totals_add(totals, verdict->statuses & ((PlfStatusSet) 1 << i));
		if (verdict->others == PLF_OTHERS_NONE)
			plf_totals_add(totals, verdict->statuses);
		else
		{
			plf_totals_add(totals, PLF_EVERY_LINK);
			if (verdict->statuses != PLF_STATUS_ALL)
				plf_totals_add(totals, PLF_STATUS_ALL);
		}
		return;
	}

	for (int i = 0; i < state->spec->ncolumns; i++)
	{
		const PlfCountColumn *column = &state->spec->columns[i];
		int selection = column->filter + 1;
		const PlfStatusVerdict *verdict = &verdicts[selection];

		if (column->kind != PLF_COUNT_LINKS && column->kind != PLF_COUNT_SUM)
			continue;
		switch (verdict->others)
		{
			case PLF_OTHERS_NONE:
				add_statuses(state, selection, verdict->statuses, totals);
				break;
			case PLF_OTHERS_ALL:
				plf_totals_add(totals, PLF_EVERY_LINK);
				plf_totals_add(totals, PLF_STATUS_ALL & ~verdict->statuses);
				break;
			case PLF_OTHERS_SOME:
			case PLF_OTHERS_UNKNOWN:
				plf_totals_add(totals, PLF_EVERY_LINK);
				plf_totals_add(totals, PLF_STATUS_ALL);
				add_statuses(state, selection, verdict->statuses, totals);
				break;
		}
	}
	plf_totals_split(totals);
}

/*
 * Adds the total of the statuses of a selection.  If the column may refuse one of them,
 * adds a total for each, to find out whether a link has the refused status.
 */
static void
add_statuses(const PlfCountState *state, int selection, PlfStatusSet statuses,
			 PlfTotals *totals)
{
	if (state->selections[selection].filter == NULL ||
		!(statuses & state->status->may_refuse))
	{
		plf_totals_add(totals, statuses);
		return;
	}
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		plf_totals_add(totals, statuses & ((PlfStatusSet) 1 << i));
}

/* True when the totals add up and no link has an undocumented status that matters. */
static bool
totals_agree(const PlfCountState *state, const PlfCountRun *run)
{
	int64 every_link = plf_totals_of(&run->totals, PLF_EVERY_LINK);
	int64 documented = plf_totals_of(&run->totals, PLF_STATUS_ALL);

	if (state->spec->grouped)
		return groups_agree(run);
	for (int i = 0; i < state->nselections; i++)
		if (run->verdicts[i].others == PLF_OTHERS_SOME && every_link >= 0 &&
			documented >= 0)
			return every_link == documented;
	return true;
}

/* True when the totals of the groups add up to the total of all groups. */
static bool
groups_agree(const PlfCountRun *run)
{
	const PlfStatusVerdict *verdict = &run->verdicts[0];
	int64 every_link = plf_totals_of(&run->totals, PLF_EVERY_LINK);
	int64 groups = 0;

	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		groups += plf_totals_of(&run->totals,
								verdict->statuses & ((PlfStatusSet) 1 << i));
	if (verdict->others == PLF_OTHERS_NONE)
		return groups == plf_totals_of(&run->totals, verdict->statuses);
	if (verdict->statuses == PLF_STATUS_ALL)
		return groups == every_link;
	return every_link == plf_totals_of(&run->totals, PLF_STATUS_ALL);
}

/*
 * Makes the values of the statuses that some counted link has.  If the column refuses
 * such a status, raises the error of reading such a link.  All values are made before the
 * first row, because reading would have met all links by then.
 */
static void
make_values(PlfCountState *state, PlfCountRun *run)
{
	PlfStatusSet wanted = PLF_STATUS_NONE;

	for (int i = 0; i < state->nselections; i++)
	{
		if (i == 0 && state->spec->grouped)
			wanted |= run->verdicts[i].statuses;
		else if (state->selections[i].filter != NULL)
			wanted |= run->verdicts[i].statuses & state->status->may_refuse;
	}
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		if ((wanted & ((PlfStatusSet) 1 << i)) &&
			plf_totals_of(&run->totals, (PlfStatusSet) 1 << i) > 0)
			run->values[i] = plf_status_value(state->status,
											  state->status->wire->statuses[i]);
}

int64
plf_count_of_totals(const PlfCountRun *run, int selection)
{
	const PlfStatusVerdict *verdict = &run->verdicts[selection];

	/* Negative when the list changed between the two answers. */
	if (verdict->others == PLF_OTHERS_ALL)
		return Max(plf_totals_of(&run->totals, PLF_EVERY_LINK) -
					   plf_totals_of(&run->totals, PLF_STATUS_ALL & ~verdict->statuses),
				   0);
	return plf_totals_of(&run->totals, verdict->statuses);
}
