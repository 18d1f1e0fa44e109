/*
 * statistics.c
 *		ANALYZE: stores how frequent each status is, as the API counts them.
 *
 * Six requests for one link tell how many links have each documented status.  A sample of
 * pages errs here most: the open links are on the newest pages, and a rare status is on
 * no page that is read.
 *
 * The API tells nothing of the other columns.  For them ANALYZE is entered again, and
 * takes the sample of analyze.c.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "executor/spi.h"
#include "foreign/foreign.h"
#include "nodes/value.h"
#include "pgstat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "catalog/field.h"
#include "catalog/option.h"
#include "exec/analyze.h"
#include "count/totals.h"
#include "quals/status_value.h"
#include "exec/statistics.h"

/* Requests for the counts: one for each documented status, and one for every link. */
#define REQUESTS (PLF_STATUS_COUNT + 1)

/* A documented status that some links have. */
typedef struct Frequency
{
	const char *status;
	int64 links;
} Frequency;

/* What the statistics of the status column are made of. */
typedef struct Frequencies
{
	int64 total;                    /* links */
	int count;                      /* statuses that some links have */
	Frequency of[PLF_STATUS_COUNT]; /* the most frequent first */
} Frequencies;

static bool is_importable(Relation relation, const PlfColumn *status, List *columns);
static List *other_columns(const PlfTable *table, const PlfColumn *status, List *columns);
static bool is_allowed(const PlfOptions *options, List *others);
static bool count_links(Relation relation, const PlfColumn *status,
						const PlfOptions *options, Frequencies *frequencies);
static int compare_frequencies(const void *a, const void *b);
static void take_sample(Relation relation, List *columns, int elevel);
static bool store_frequencies(Relation relation, const PlfColumn *status,
							  const Frequencies *frequencies);
static bool store_length(Relation relation, int64 total);
static bool call(const char *sql, int nargs, Oid *types, Datum *values);

/*
 * True when the statistics of all columns are stored.  False when nothing was stored;
 * core then takes a sample for all columns.
 */
bool
plf_import_foreign_statistics(Relation relation, List *columns, int elevel)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw statistics", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TimestampTz started = GetCurrentTimestamp();
	Oid relid = RelationGetRelid(relation);
	PlfOptions *options = plf_options_get(GetForeignServerIdByRelId(relid), relid);
	PlfTable *table = plf_table_describe(relation);
	const PlfColumn *status = plf_status_column(table);
	Frequencies frequencies;
	bool stored = false;

	if (status != NULL && is_importable(relation, status, columns))
	{
		List *others = other_columns(table, status, columns);

		if (is_allowed(options, others) &&
			count_links(relation, status, options, &frequencies))
		{
			if (others != NIL)
				take_sample(relation, others, elevel);
			stored = store_frequencies(relation, status, &frequencies) &&
					 (others != NIL || store_length(relation, frequencies.total));
			if (stored && others == NIL)
				plf_report_analyze(relation, frequencies.total, columns == NIL, started);
		}
	}
	if (stored)
		ereport(elevel,
				(errmsg("\"%s\": the API has " INT64_FORMAT " %s, counted by status",
						RelationGetRelationName(relation), frequencies.total,
						table->resource->wire.plural)));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return stored;
}

/*
 * True when ANALYZE is to fill the statistics of the status, and no statistics but those
 * of single columns of this table.  A table with children, or with statistics of several
 * columns together, takes the sample.
 */
static bool
is_importable(Relation relation, const PlfColumn *status, List *columns)
{
	ListCell *lc;

	if (!plf_is_analyzed(relation, status->attnum) || relation->rd_rel->relhassubclass ||
		RelationGetStatExtList(relation) != NIL)
		return false;
	foreach(lc, columns)
		if (strcmp(strVal(lfirst(lc)), status->name) == 0)
			return true;
	return columns == NIL;
}

/* The names of the columns to be analyzed, without the status. */
static List *
other_columns(const PlfTable *table, const PlfColumn *status, List *columns)
{
	List *others = NIL;
	ListCell *lc;

	foreach(lc, columns)
		if (strcmp(strVal(lfirst(lc)), status->name) != 0)
			others = lappend(others, lfirst(lc));
	for (int i = 0; i < table->ncolumns && columns == NIL; i++)
		if (table->columns[i].attnum > 0 && &table->columns[i] != status)
			others = lappend(others, makeString(table->columns[i].name));
	return others;
}

/* Whether the table's options allow counts and so many requests. */
static bool
is_allowed(const PlfOptions *options, List *others)
{
	int requests = REQUESTS + (others == NIL ? 0 : PLF_MAX_SAMPLE_PAGES);

	return options->count_pushdown &&
		   (options->max_requests == 0 || options->max_requests >= requests);
}

/*
 * Counts the links of each status, as the owner of the table sees them.  False when the
 * counts do not add up to the total: some links have an undocumented status, which a
 * sample shows, the list changed between two answers, or an answer contradicts itself.  A
 * status that the column's type refuses is an error, as it is in a sample that has such a
 * link.
 */
static bool
count_links(Relation relation, const PlfColumn *status, const PlfOptions *options,
			Frequencies *frequencies)
{
	PlfTotals totals = {0};

	for (int i = 0; i < PLF_STATUS_COUNT; i++)
		plf_totals_add(&totals, (PlfStatusSet) 1 << i);
	plf_totals_add(&totals, PLF_EVERY_LINK);
	Assert(totals.count == REQUESTS);
	if (!plf_totals_ask(&totals,
						plf_source_open(CurrentMemoryContext, relation->rd_rel->relowner,
										options, status->wire, NULL)))
		return false;

	frequencies->count = 0;
	frequencies->total = 0;
	for (int i = 0; i < PLF_STATUS_COUNT; i++)
	{
		int64 links = plf_totals_of(&totals, (PlfStatusSet) 1 << i);

		if (links == 0)
			continue;
		(void) plf_status_value(status, status->wire->statuses[i]);
		frequencies->of[frequencies->count++] = (Frequency){status->wire->statuses[i],
															links};
		frequencies->total += links;
	}
	qsort(frequencies->of, frequencies->count, sizeof(Frequency), compare_frequencies);

	return frequencies->total == plf_totals_of(&totals, PLF_EVERY_LINK);
}

static int
compare_frequencies(const void *a, const void *b)
{
	int64 left = ((const Frequency *) a)->links;
	int64 right = ((const Frequency *) b)->links;

	return left < right ? 1 : left > right ? -1 : 0;
}

/*
 * Enters ANALYZE again, for these columns alone.  The status is not one of them, so
 * is_importable() is false there.  The number of links is stored, too.
 */
static void
take_sample(Relation relation, List *columns, int elevel)
{
	VacuumParams params = {.options = VACOPT_ANALYZE |
									  (elevel >= INFO ? VACOPT_VERBOSE : 0)};

	analyze_rel(RelationGetRelid(relation), NULL, &params, columns, true, NULL);
}

/*
 * Stores the statistics of the status column in place of the old ones, through functions
 * of SQL: they keep their arguments between versions of PostgreSQL, and the functions of
 * C behind them do not.  False, after their warning, when they could not store something.
 */
static bool
store_frequencies(Relation relation, const PlfColumn *status,
				  const Frequencies *frequencies)
{
	static Oid types[] = {TEXTOID,   TEXTOID, TEXTOID,       INT4OID,
						  FLOAT4OID, TEXTOID, FLOAT4ARRAYOID};
	Datum values[lengthof(types)];
	Datum shares[PLF_STATUS_COUNT];
	int size = get_typlen(status->base_type); /* -1: a text */
	double width = 0;
	StringInfoData names;

	values[0] = CStringGetTextDatum(get_namespace_name(RelationGetNamespace(relation)));
	values[1] = CStringGetTextDatum(RelationGetRelationName(relation));
	values[2] = CStringGetTextDatum(status->name);
	call("SELECT pg_catalog.pg_clear_attribute_stats($1, $2, $3, false)", 3, types,
		 values);
	if (frequencies->count == 0)
		return true;

	initStringInfo(&names);
	for (int i = 0; i < frequencies->count; i++)
	{
		const Frequency *of = &frequencies->of[i];
		double share = (double) of->links / (double) frequencies->total;

		appendStringInfo(&names, "%c%s", i == 0 ? '{' : ',', of->status);
		shares[i] = Float4GetDatum((float4) share);
		width += share * (size > 0 ? size : (int) (VARHDRSZ_SHORT + strlen(of->status)));
	}
	appendStringInfoChar(&names, '}');
	values[3] = Int32GetDatum((int32) (width + 0.5));
	values[4] = Float4GetDatum((float4) frequencies->count);
	values[5] = CStringGetTextDatum(names.data);
	values[6] = PointerGetDatum(construct_array(shares, frequencies->count, FLOAT4OID,
												sizeof(float4), true, TYPALIGN_INT));
	return call("SELECT pg_catalog.pg_restore_attribute_stats("
				"'schemaname', $1, 'relname', $2, 'attname', $3, 'inherited', false, "
				"'null_frac', 0::pg_catalog.float4, 'avg_width', $4, 'n_distinct', $5, "
				"'most_common_vals', $6, 'most_common_freqs', $7)",
				lengthof(types), types, values);
}

/* Stores how many links there are; where a sample is taken, core does that. */
static bool
store_length(Relation relation, int64 total)
{
	static Oid types[] = {TEXTOID, TEXTOID, FLOAT4OID};
	Datum values[lengthof(types)];

	values[0] = CStringGetTextDatum(get_namespace_name(RelationGetNamespace(relation)));
	values[1] = CStringGetTextDatum(RelationGetRelationName(relation));
	values[2] = Float4GetDatum((float4) total);
	return call("SELECT pg_catalog.pg_restore_relation_stats("
				"'schemaname', $1, 'relname', $2, 'relpages', 1, 'reltuples', $3)",
				lengthof(types), types, values);
}

/* Calls a function of SQL, and returns whether its result was true. */
static bool
call(const char *sql, int nargs, Oid *types, Datum *values)
{
	bool isnull;
	bool done;

	SPI_connect();
	if (SPI_execute_with_args(sql, nargs, types, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not store statistics: %s", sql);
	done = DatumGetBool(
			   SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) &&
		   !isnull;
	SPI_finish();
	return done;
}
