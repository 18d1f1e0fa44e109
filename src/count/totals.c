/*
 * totals.c
 *		How many links there are of some statuses, by the total_count of requests for
 *		one link.
 *
 * by_totals.c counts with them, exec/statistics.c has them stored by ANALYZE.
 */
#include "postgres.h"

#include "port/pg_bitutils.h"

#include "compat.h"
#include "count/totals.h"
#include "list/reader.h"

void
plf_totals_add(PlfTotals *totals, PlfStatusSet of)
{
	if (of == PLF_STATUS_NONE)
		return;
	for (int i = 0; i < totals->count; i++)
		if (totals->totals[i].of == of)
			return;
	totals->totals[totals->count++] = (PlfTotal){.of = of};
}

/*
 * True when a set may be split.  The set of all documented statuses may not, because its
 * total is compared with that of every link.
 */
static bool
is_split(PlfStatusSet of)
{
	return of != PLF_EVERY_LINK && of != PLF_STATUS_ALL;
}

void
plf_totals_split(PlfTotals *totals)
{
	PlfStatusSet singles = PLF_STATUS_NONE;
	PlfTotals split = {0};
	int sets = 0;

	for (int i = 0; i < totals->count; i++)
	{
		PlfStatusSet of = totals->totals[i].of;

		if (is_split(of))
		{
			singles |= of;
			sets++;
		}
		else
			plf_totals_add(&split, of);
	}
	if (pg_popcount32(singles) >= sets)
		return;
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		plf_totals_add(&split, singles & ((PlfStatusSet) 1 << i));
	*totals = split;
}

PlfListRequest
plf_total_request(PlfStatusSet of)
{
	PlfListRequest request = {.page = 1, .per_page = 1};

	request.filtered = of != PLF_EVERY_LINK;
	request.statuses = of & PLF_STATUS_ALL;
	return request;
}

bool
plf_totals_ask(PlfTotals *totals, PlfSource *source)
{
	const PlfWire *wire = plf_source_pages(source)->wire;
	bool borne_out = true;

	plf_source_expect(source, totals->count);
	for (int i = 0; i < totals->count; i++)
	{
		PlfListRequest request = plf_total_request(totals->totals[i].of);

		totals->totals[i].ticket = plf_source_request(source, &request);
	}
	for (int i = 0; i < totals->count; i++)
	{
		PlfHeldPage *held = plf_source_receive(source, totals->totals[i].ticket).page;

		totals->totals[i].links = held->total;
		borne_out &= plf_page_confirms_total(wire, held);
		plf_source_release(source, held);
	}
	return borne_out;
}

int64
plf_totals_of(const PlfTotals *totals, PlfStatusSet of)
{
	int64 sum = 0;

	for (int i = 0; i < totals->count; i++)
		if (totals->totals[i].of == of)
			return totals->totals[i].links;
	if (of == PLF_EVERY_LINK || pg_popcount32(of) == 1)
		return -1;
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
	{
		PlfStatusSet status = of & ((PlfStatusSet) 1 << i);
		int64 links = status == PLF_STATUS_NONE ? 0 : plf_totals_of(totals, status);

		if (links < 0)
			return -1;
		sum += links;
	}
	return sum;
}
