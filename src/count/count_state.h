/*
 * count_state.h
 *		The inside of a counting node, for count.c and count_pages.c; its requests
 *		serve statistics.c, too.
 */
#ifndef PLF_COUNT_STATE_H
#define PLF_COUNT_STATE_H

#include "catalog/field.h"
#include "catalog/option.h"
#include "nodes/execnodes.h"
#include "plan/count_spec.h"
#include "quals/status_filter.h"
#include "rows/bounds.h"
#include "list/reader.h"
#include "pages/source.h"

/* Every set of statuses that may be asked for: the documented ones, and all. */
#define PLF_MAX_PROBES (PLF_STATUS_ALL + 2)

/* How many links there are of some statuses, as the API says. */
typedef struct PlfProbe
{
	bool filtered;
	PlfStatusSet statuses;
	PlfTicket ticket;
	int64 total;
} PlfProbe;

/* How many links of one status were read, documented or not. */
typedef struct PlfTally
{
	Datum status;
	bool isnull;
	int64 links;
	struct PlfTally *next;
} PlfTally;

/* A condition and what it came to: the conditions alone, or with a FILTER. */
typedef struct PlfCountUnit
{
	PlfStatusFilter *filter; /* NULL: every link */
	bool constant;
	PlfStatusVerdict verdict;
} PlfCountUnit;

typedef struct PlfCountState
{
	MemoryContext context;
	MemoryContext run_context; /* of one run */
	const PlfCountSpec *spec;
	const PlfOptions *options;
	PlfStatement *statement;
	Oid relid;
	Oid userid;
	TupleTableSlot *slot;    /* the scan tuple's */
	const PlfColumn *status; /* as it is in the table; NULL: not needed */
	int nunits;
	PlfCountUnit *units;            /* 0: the conditions; then with each FILTER */
	Datum values[PLF_STATUS_COUNT]; /* of the column, of statuses that links
									 * were counted of; in "run_context" */
	PlfRange *range;                /* NULL: no range */
	bool must_read; /* links in it may have values that a column refuses */
	PlfBounds bounds_kind;
	char *bounds;   /* its values in this run, to compare */
	int64 in_range; /* links */
	PlfSource *source;

	PlfProbe probes[PLF_MAX_PROBES];
	int nprobes;
	PlfTally *tallies;               /* where the links were read; in "run_context" */
	struct statuses_hash *by_status; /* those with a status; count_pages.c's */
	PlfTally *null_tally;            /* the one without; NULL: none */
	bool read;
	List *literals; /* the spec's, until they are told of: once a node */
	bool read_all;  /* every link, whatever its status or key */
	bool closed;    /* a reader's status check: every status is documented */
	int64 links;    /* read */

	bool counted;
	int next_group; /* status to emit next */
	PlfTally *next_tally;
} PlfCountState;

/* Decides which requests tell all that is to be known. */
extern void plf_probes_plan(PlfCountState *state);

/* Sends them and takes the answers. */
extern void plf_probes_run(PlfCountState *state);

/* Whether the parts add up to the whole, and no undocumented status matters. */
extern bool plf_probes_agree(const PlfCountState *state);

/* The request of a probe. */
extern PlfListRequest plf_probe_request(const PlfProbe *probe);

/*
 * How many links there are of a set of statuses, put together from single
 * statuses if need be; -1: not asked.
 */
extern int64 plf_probed(const PlfCountState *state, bool filtered, PlfStatusSet statuses);

/*
 * The fallback: reads the links, those of the range if there is one, and counts them by
 * status.
 */
extern void plf_count_by_reading(PlfCountState *state);

/* Whether a unit's conditions hold for a link of that status. */
extern bool plf_count_holds(PlfCountState *state, int unit, Datum status, bool isnull);

/* Counts the links of the range: "in_range", or tallies where they had to be read. */
extern void plf_count_range(PlfCountState *state);

/*
 * In which direction the list is searched for a range: the end at which it has no
 * bound comes first, so that the first page shows what is there.
 */
static inline bool
plf_count_is_descending(const PlfCountSpec *spec)
{
	return spec->upper == NIL;
}

/* Whether no key can be NULL as the conditions want it. */
static inline bool
plf_count_is_impossible(const PlfCountSpec *spec, const PlfReading *what)
{
	return spec->nulls_only &&
		   (!what->nullable || spec->lower != NIL || spec->upper != NIL);
}

/* What is asked of the list for that, but for the statuses. */
extern void plf_count_range_reading(const PlfCountState *state, PlfReading *what);

#endif /* PLF_COUNT_STATE_H */
