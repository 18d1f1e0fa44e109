/*
 * analyze.c
 *		ANALYZE: a sample of pages spread over the list, and the number of links
 *		from total_count.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/vacuum.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "read/analyze.h"
#include "read/reader.h"
#include "read/row.h"
#include "read/source.h"

static int	sample_rows(Relation relation, int elevel, HeapTuple *rows,
						int targrows, double *totalrows, double *totaldeadrows);
static PlfTransfer *request_page(PlfSource *source, int64 page, int size);
static int	take_rows(PlfHeldPage *held, Relation relation, PlfRow *row,
					  HeapTuple *rows, int have, int targrows);

bool
plf_analyze_foreign_table(Relation relation pg_attribute_unused(),
						  AcquireSampleRowsFunc *func, BlockNumber *totalpages)
{
	*func = sample_rows;
	/* Nothing is asked yet; the pages of a table elsewhere mean nothing. */
	*totalpages = 1;
	return true;
}

static int
sample_rows(Relation relation, int elevel, HeapTuple *rows, int targrows,
			double *totalrows, double *totaldeadrows)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "payment links analyze",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Oid			relid = RelationGetRelid(relation);
	PlfOptions *options = plf_options_get(GetForeignServerIdByRelId(relid), relid);
	PlfTable   *table = plf_table_describe(relation);
	Bitmapset  *columns = NULL;
	PlfSource  *source;
	PlfRow	   *row;
	PlfListRequest request;
	PlfHeldPage *held;
	PlfTransfer *in_flight[PLF_MAX_SAMPLE_PAGES];
	int64		pages;
	int			wanted;
	int			requested = 0;
	int			have = 0;
	int64		total;

	for (int i = 0; i < table->ncolumns; i++)
		if (table->columns[i].attnum > 0)
			columns = bms_add_member(columns, i + 1);
	row = plf_row_create(relation, table, columns);
	source = plf_source_open(context, GetUserId(), options);

	request = (PlfListRequest) {.page = 1, .per_page = options->page_size};
	held = plf_source_receive(source, request_page(source, 1, options->page_size), &request);
	total = held->total;
	MemoryContextSwitchTo(caller);
	have = take_rows(held, relation, row, rows, have, targrows);
	MemoryContextSwitchTo(context);
	plf_source_release(source, held);

	/* The other pages of the sample lie at equal distances after the first one. */
	pages = total / options->page_size + (total % options->page_size != 0 ? 1 : 0);
	wanted = (int) Min(Min(pages, PLF_MAX_SAMPLE_PAGES), targrows / options->page_size + 1);
	if (options->max_requests > 0)
		wanted = (int) Min(wanted, options->max_requests);
	for (int i = 1; i < wanted; i++)
	{
		while (requested < wanted - 1 && requested - (i - 1) < options->concurrency)
		{
			requested++;
			in_flight[requested] = request_page(source, 1 + requested * pages / wanted,
												options->page_size);
		}
		request.page = 1 + i * pages / wanted;
		held = plf_source_receive(source, in_flight[i], &request);
		if (held == NULL)
			continue;
		MemoryContextSwitchTo(caller);
		have = take_rows(held, relation, row, rows, have, targrows);
		MemoryContextSwitchTo(context);
		plf_source_release(source, held);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	*totalrows = total;
	*totaldeadrows = 0;
	ereport(elevel,
			(errmsg("\"%s\": the API has " INT64_FORMAT " payment links; %d of them in sample",
					RelationGetRelationName(relation), total, have)));
	return have;
}

static PlfTransfer *
request_page(PlfSource *source, int64 page, int size)
{
	PlfListRequest request = {.page = page, .per_page = size};

	return plf_source_request(source, &request);
}

/* Adds the links of a page to the sample, which is in the current context. */
static int
take_rows(PlfHeldPage *held, Relation relation, PlfRow *row, HeapTuple *rows,
		  int have, int targrows)
{
	TupleDesc	desc = RelationGetDescr(relation);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "payment links row",
												  ALLOCSET_DEFAULT_SIZES);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);

	for (int i = 0; i < held->count && have < targrows; i++)
	{
		PlfLink		link = {held->page, i, held->request.page};

		MemoryContextSwitchTo(context);
		plf_row_decode(row, &link, values, nulls);
		MemoryContextSwitchTo(caller);
		rows[have++] = heap_form_tuple(desc, values, nulls);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	pfree(values);
	pfree(nulls);
	return have;
}
