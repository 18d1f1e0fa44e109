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

/* The links that some column counts: by the conditions, and by the column's FILTER. */
typedef struct PlfSelection
{
	PlfStatusFilter *filter; /* NULL: every link */
	bool constant;           /* the same whenever it is evaluated */
} PlfSelection;

/* How the links were counted. */
typedef enum PlfCountedBy
{
	PLF_BY_TOTALS,
	PLF_BY_DISTANCE,
	PLF_BY_READING
} PlfCountedBy;

/* What was counted, for the values that the parameters had. */
typedef struct PlfCountRun
{
	MemoryContext context;      /* of everything here */
	PlfStatusVerdict *verdicts; /* by place of the selection */
	PlfBounds bounds;           /* of the range, if there is one */
	const char *bound_values;   /* as text, to compare; "" unless they are known */
	PlfCountedBy by;

	PlfTotals totals;               /* BY_TOTALS: the API's answers */
	Datum values[PLF_STATUS_COUNT]; /* BY_TOTALS: the status column of links that have a
									 * status; set for those that a row shows */
	int64 in_range;                 /* BY_DISTANCE: links */
	PlfStatusGroups *groups;        /* BY_READING: every link that was read, by status */

	bool all_documented; /* a status check found no undocumented status */
	bool read_all;       /* every link of the list is in "groups" */
} PlfCountRun;

/* A node that counts.  Begin sets all that follows, up to "source". */
typedef struct PlfCountState
{
	MemoryContext context; /* of everything here; deleted when the node ends */
	const PlfCountSpec *spec;
	const PlfOptions *options;
	PlfStatement *statement;
	Oid relid;
	Oid userid; /* who the node runs as */
	const PlfTable *table;
	const PlfColumn *status; /* NULL: not needed */
	TupleTableSlot *slot;    /* the scan tuple's; the conditions are evaluated on it */
	int nselections;
	PlfSelection *selections; /* the conditions alone; then with each FILTER */
	PlfRange *range;          /* NULL: no range */
	bool reads_range;         /* a column may refuse a value of some link in the range, so
							   * that the links have to be read */

	PlfSource *source; /* NULL until something is asked */
	PlfCountRun *run;  /* NULL before the first row is wanted */
	bool rescanned;    /* since the last row: whether the run serves again is found out
						* when the next row is wanted */
	int next_row;      /* how many rows, or statuses of "totals", were emitted */
	PlfStatusGroup *next_group; /* to be emitted next, where the links were read */
	List *literals; /* the spec's, until a NOTICE tells of them: once a node */
	int64 links;    /* read */
} PlfCountState;

/* The verdicts on the selections with the parameters as they are now, palloc'd. */
extern PlfStatusVerdict *plf_count_verdicts(const PlfCountState *state);

/* The source of the node's pages, opened when this is the first call. */
extern PlfSource *plf_count_source(PlfCountState *state);

/*
 * In which direction the list is searched for a range: the end at which the range has no
 * bound comes first, because the first page then shows what is there.
 */
static inline bool
plf_count_is_descending(const PlfCountSpec *spec)
{
	return spec->upper == NIL;
}

/* Whether a selection counts links of that status; "status" is NULL if "isnull". */
extern bool plf_count_holds(PlfCountState *state, int selection, Datum status,
							bool isnull);

#endif /* PLF_COUNT_STATE_H */
