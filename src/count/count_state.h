/*
 * count_state.h
 *		The inside of a node that counts, for the files of count/ alone.
 *
 * There are three ways to count.  by_totals.c asks the API how many links there are of
 * some statuses.  by_distance.c finds the ends of a range.  by_reading.c reads the links
 * where the other two cannot tell.
 */
#ifndef PLF_COUNT_STATE_H
#define PLF_COUNT_STATE_H

#include "catalog/field.h"
#include "catalog/option.h"
#include "count/status_groups.h"
#include "count/totals.h"
#include "list/reader.h"
#include "nodes/execnodes.h"
#include "pages/source.h"
#include "plan/count_spec.h"
#include "quals/status_filter.h"
#include "rows/bounds.h"

/* Which links a column of the result counts. */
typedef struct PlfSelection
{
	PlfStatusFilter *filter; /* of the first selection: the query's conditions, NULL
							  * without any; of the others: the column's FILTER, which
							  * holds for a link beside the conditions */
	bool constant;           /* the verdict on the selection is always the same */
} PlfSelection;

/* How the links were counted. */
typedef enum PlfCountedBy
{
	PLF_BY_TOTALS,
	PLF_BY_DISTANCE,
	PLF_BY_READING
} PlfCountedBy;

/* One counting of the links.  A rescan with other values begins another. */
typedef struct PlfCountRun
{
	MemoryContext context;      /* of everything here */
	PlfStatusVerdict *verdicts; /* on the selections, in their order */
	PlfBounds bounds;           /* of the range, if there is one */
	const char *bound_values;   /* the bounds' bytes, to compare; "" unless known */
	PlfCountedBy by;

	/* The result; each member is set by one of the ways to count. */
	PlfTotals totals;               /* BY_TOTALS: the API's answers */
	Datum values[PLF_STATUS_COUNT]; /* BY_TOTALS: the documented statuses that some
									 * counted link has, as values of the column */
	int64 in_range;                 /* BY_DISTANCE: how many links lie in the range */
	PlfStatusGroups *groups;        /* BY_READING: the links in the range, or all */

	bool all_documented; /* a status check found that all statuses are documented */
	bool read_all;       /* every link of the list was read and is in "groups" */
} PlfCountRun;

/* A node that counts.  plf_count_begin() sets the members before "source". */
typedef struct PlfCountState
{
	MemoryContext context; /* of everything here; deleted when the node ends */
	const PlfCountSpec *spec;
	const PlfOptions *options;
	PlfStatement *statement;
	Oid relid;
	Oid userid; /* who the node runs as */
	const PlfTable *table;
	const PlfColumn *status; /* NULL when neither conditions nor rows have the status */
	TupleTableSlot *slot;    /* the scan tuple's, on which conditions are evaluated */
	int nselections;
	PlfSelection *selections; /* the query's conditions alone, then with each FILTER */
	PlfRange *range;          /* the range whose links are counted; NULL: without one */
	bool reads_range; /* a column may refuse a value of a link in the range, so these
					   * links are read */

	PlfSource *source; /* NULL until something is asked */
	PlfCountRun *run;  /* NULL before the first row is wanted */
	bool rescanned;    /* the node was rescanned after the last row: the next row is the
						* first of a run, which may be the same run again */
	int next_row;      /* without groups: rows emitted; with groups by totals: documented
						* statuses looked at */
	PlfStatusGroup *next_group; /* to be emitted next, where the links were read */
	List *literals;             /* the spec's unknown literals; NIL after the NOTICE */
	int64 links;                /* read so far, by all runs */
} PlfCountState;

/* The verdicts on the selections with the parameters as they are now, palloc'd. */
extern PlfStatusVerdict *plf_count_verdicts(const PlfCountState *state);

/* The source of the node's pages, opened when this is the first call. */
extern PlfSource *plf_count_source(PlfCountState *state);

/*
 * True when the list is searched for a range in descending order: then the end of the
 * list at which the range has no bound comes first, and the first page is within the
 * range.
 */
static inline bool
plf_count_is_descending(const PlfCountSpec *spec)
{
	return spec->upper == NIL;
}

/*
 * True when a selection counts links of that status.  May raise an error of its
 * conditions.
 */
extern bool plf_count_holds(PlfCountState *state, int selection, Datum status,
							bool isnull);

#endif /* PLF_COUNT_STATE_H */
