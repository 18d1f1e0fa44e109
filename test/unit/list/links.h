/*
 * links.h
 *		Links, and a list of them that changes: what test/drift/links.py has for the
 *		drift test over a server.
 */
#ifndef LIST_LINKS_H
#define LIST_LINKS_H

#include "../wires.h"
#include "api/request.h"
#include "random.h"

/* Of one schedule, whether they are in the list at the same time or not. */
#define MAX_LINKS  160
#define MAX_STATES 24

/* More links at a time are not put in. */
#define MAX_LENGTH 70

/* A status: a place in link_wire.statuses, or one of these. */
#define UNDOCUMENTED PLF_STATUS_COUNT
#define STATUSES     (PLF_STATUS_COUNT + 1)
#define ABSENT       255

/* What a list can be sorted by. */
typedef enum ModelKey
{
	BY_NOTHING,
	BY_AMOUNT,
	BY_DATE /* of expiry; a link may have none */
} ModelKey;

/* As requests spell them; NULL without one. */
extern const char *const model_sort_by[3];

/* What a link has always.  Its status differs from state to state. */
typedef struct ModelLink
{
	char id[37];
	uint64_t rank; /* links sort by their ids as they do by these */
	int amount;
	int expires;   /* 0: never */
	bool dateless; /* then there is no date, instead of the zero date */
	int created;
	bool reusable;
} ModelLink;

/* Where the API sorts the links that never expire. */
typedef enum NullBlock
{
	BLOCK_LOWEST, /* as if their date were the first of all */
	BLOCK_FIRST,
	BLOCK_LAST,
	BLOCK_AMONG, /* between the others */
	BLOCK_BOTH   /* half of them at either end */
} NullBlock;
#define NULL_BLOCKS (BLOCK_BOTH + 1)

/* How the API orders links. */
typedef struct Listing
{
	bool newest_first; /* without a sort key */
	bool highest_id_first;
	NullBlock null_block;
} Listing;

/* Which links are made. */
typedef struct Maker
{
	int never;      /* so many of a hundred never expire, */
	int dateless;   /* and of these so many have no date at all */
	int documented; /* so many of a hundred have a documented status */
	int restated;   /* so many of a hundred changes are of statuses */
} Maker;

/*
 * The lengths of the listings that a reading may ask for, in the states so far, with the
 * links that they had then.  No reader of numbered pages can tell two listings of one
 * length apart; no two states may differ in that way.
 */
typedef struct Lengths
{
	bool is_known[2][MAX_LENGTH + 1];
	uint64_t links[2][MAX_LENGTH + 1]; /* a sum over the links' ranks */
} Lengths;

typedef struct History
{
	Random *random;
	Maker maker;
	ModelKey column;    /* near whose values links come and go */
	PlfStatusSet asked; /* the statuses that are asked for, all or some */
	ModelLink links[MAX_LINKS];
	int nlinks;
	uint8_t states[MAX_STATES][MAX_LINKS]; /* of each link: its status or ABSENT */
	int nstates;
	bool is_balanced; /* states of one length may have different links */
	Lengths lengths;

	/* All links in the API's orders, by sort key and direction, once one is asked for. */
	bool is_sorted[3][2];
	uint8_t sorted[3][2][MAX_LINKS];
} History;

/* A history of one state, with "count" links. */
extern void history_start(History *history, Random *random, const Maker *maker,
						  ModelKey column, int count);

/* To be called once, before history_go_on(). */
extern void history_watch(History *history, PlfStatusSet asked, bool is_balanced);

/*
 * Appends a state that differs from the last one; false where none was found.  The
 * lengths of the listings tell each state from all others, unless "is_balanced".
 */
extern bool history_go_on(History *history, const Maker *maker);

/* Links in a state. */
extern int history_length(const History *history, int state);

/*
 * The links of a state in the order in which the API lists them, as places in
 * history->links; returns how many there are.
 */
extern int history_list(History *history, int state, const Listing *listing,
						const PlfListRequest *request, int *links);

extern void sort_ints(int *values, int count);

static inline ModelKey
request_key(const PlfListRequest *request)
{
	return request->sort_by == NULL                     ? BY_NOTHING
		   : request->sort_by == model_sort_by[BY_DATE] ? BY_DATE
														: BY_AMOUNT;
}

/* A link's key; 0 stands for none where the key is the date of expiry. */
static inline int
link_key(const ModelLink *link, ModelKey key)
{
	return key == BY_AMOUNT ? link->amount
		   : key == BY_DATE ? link->expires
							: link->created;
}

static inline bool
link_has_key(const ModelLink *link, ModelKey key)
{
	return key != BY_DATE || link->expires != 0;
}

static inline const char *
status_name(int status)
{
	return status == UNDOCUMENTED ? "refunded" : link_wire.statuses[status];
}

/* Whether a set of documented statuses has a status. */
static inline bool
status_in(PlfStatusSet statuses, int status)
{
	return status < PLF_STATUS_COUNT && (statuses & ((PlfStatusSet) 1 << status)) != 0;
}

#endif /* LIST_LINKS_H */
