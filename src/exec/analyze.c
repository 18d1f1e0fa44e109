/*
 * analyze.c
 *		ANALYZE: takes a sample of pages spread over the list, and the number of links
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
#include "exec/analyze.h"
#include "list/reader.h"
#include "rows/row.h"
#include "pages/source.h"

/* The rows taken so far, and the memory that they may use. */
typedef struct Sample
{
	Relation relation;
	PlfRow *row;
	MemoryContext context; /* of the rows */
	HeapTuple *rows;
	int count;
	int most;        /* rows */
	Size bytes;      /* used by the rows */
	Size most_bytes; /* which the rows of the pages read so far may use */
	Size page_bytes; /* that each page adds to most_bytes */
} Sample;

static int sample_rows(Relation relation, int elevel, HeapTuple *rows, int targrows,
					   double *totalrows, double *totaldeadrows);
static PlfTicket request_page(PlfSource *source, int64 page, int size);
static void take_rows(Sample *sample, const PlfHeldPage *held);

bool
plf_analyze_foreign_table(Relation relation pg_attribute_unused(),
						  AcquireSampleRowsFunc *func, BlockNumber *totalpages)
{
	*func = sample_rows;
	/*
	 * Core only checks that this is not 0.  The API is not asked for the number of pages.
	 */
	*totalpages = 1;
	return true;
}

static int
sample_rows(Relation relation, int elevel, HeapTuple *rows, int targrows,
			double *totalrows, double *totaldeadrows)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "payment_links_fdw analyze",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Oid relid = RelationGetRelid(relation);
	PlfOptions *options = plf_options_get(GetForeignServerIdByRelId(relid), relid);
	PlfTable *table = plf_table_describe(relation);
	Bitmapset *columns = NULL;
	Sample sample = {
		.relation = relation, .context = caller, .rows = rows, .most = targrows};
	PlfSource *source;
	PlfHeldPage *held;
	PlfTicket in_flight[PLF_MAX_SAMPLE_PAGES];
	int64 pages;
	int wanted;
	int requested = 0;
	int64 total;

	for (int i = 0; i < table->ncolumns; i++)
		if (table->columns[i].attnum > 0)
			columns = bms_add_member(columns, i + 1);
	sample.row = plf_row_create(relation, table, columns);

	/* Reads as the table's owner: the current user may be the owner of a parent table. */
	source = plf_source_open(context, relation->rd_rel->relowner, options,
							 &table->resource->wire, NULL);

	held = plf_source_receive(source, request_page(source, 1, options->page_size)).page;
	total = held->total;

	/* The other pages of the sample lie at equal distances after the first one. */
	pages = total / options->page_size + (total % options->page_size != 0 ? 1 : 0);
	wanted = (int) Min(Min(pages, PLF_MAX_SAMPLE_PAGES),
					   targrows / options->page_size + 1);
	if (options->max_requests > 0)
		wanted = (int) Min(wanted, options->max_requests);

	/* Each page adds its part of the memory.  Later pages may use what a page leaves. */
	sample.page_bytes = (Size) maintenance_work_mem * 1024 / Max(wanted, 1);
	sample.most_bytes = sample.page_bytes;
	take_rows(&sample, held);
	plf_source_release(source, held);
	for (int i = 1; i < wanted; i++)
	{
		while (requested < wanted - 1 && requested - (i - 1) < options->concurrency)
		{
			requested++;
			in_flight[requested] = request_page(source, 1 + requested * pages / wanted,
												options->page_size);
		}
		held = plf_source_receive(source, in_flight[i]).page;
		sample.most_bytes += sample.page_bytes;
		if (held == NULL)
			continue;
		take_rows(&sample, held);
		plf_source_release(source, held);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	*totalrows = (double) total;
	*totaldeadrows = 0;
	ereport(elevel,
			(errmsg("\"%s\": the API has " INT64_FORMAT " %s; %d of them in sample",
					RelationGetRelationName(relation), total,
					table->resource->wire.plural, sample.count)));
	return sample.count;
}

static PlfTicket
request_page(PlfSource *source, int64 page, int size)
{
	PlfListRequest request = {.page = page, .per_page = size};

	return plf_source_request(source, &request);
}

/*
 * Adds the links of a page to the sample, as far as there is memory for them.  A link
 * larger than a whole page's part is left out, because many others have room in its
 * place.
 */
static void
take_rows(Sample *sample, const PlfHeldPage *held)
{
	TupleDesc desc = RelationGetDescr(sample->relation);
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int i = 0; i < held->count && sample->count < sample->most; i++)
	{
		PlfLink link = {held->page, i, held->request.page};
		Datum *values = palloc(sizeof(Datum) * desc->natts);
		bool *nulls = palloc(sizeof(bool) * desc->natts);
		HeapTuple tuple;
		Size bytes;

		plf_row_decode(sample->row, &link, values, nulls);
		tuple = heap_form_tuple(desc, values, nulls);
		bytes = HEAPTUPLESIZE + tuple->t_len;
		if (bytes <= sample->page_bytes && sample->bytes + bytes <= sample->most_bytes)
		{
			sample->bytes += bytes;
			MemoryContextSwitchTo(sample->context);
			sample->rows[sample->count++] = heap_copytuple(tuple);
			MemoryContextSwitchTo(context);
		}
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
