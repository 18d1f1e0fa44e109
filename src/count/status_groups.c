/*
 * status_groups.c
 *		Links that were read, counted by their status.
 *
 * by_reading.c counts with them.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"
#include "count/status_groups.h"

/* A group, found by its status. */
typedef struct StatusEntry
{
	Datum value;
	PlfStatusGroup *group;
	uint32 hash;
	char status; /* simplehash's */
} StatusEntry;

/*
 * The type of the statuses.  The API chooses the statuses, and might choose many with the
 * same hash, so the hash depends on a seed that the API does not know.
 */
typedef struct StatusType
{
	bool by_value;
	int length;
	uint64 seed;
} StatusType;

static uint32 hash_status(const StatusType *type, Datum value);

#define STATUS_TYPE(table) ((const StatusType *) (table)->private_data)

#define SH_PREFIX            statuses
#define SH_ELEMENT_TYPE      StatusEntry
#define SH_KEY_TYPE          Datum
#define SH_KEY               value
#define SH_HASH_KEY(tb, key) hash_status(STATUS_TYPE(tb), key)
#define SH_EQUAL(tb, a, b) \
	datumIsEqual(a, b, STATUS_TYPE(tb)->by_value, STATUS_TYPE(tb)->length)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) ((entry)->hash)
#define SH_SCOPE               static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct PlfStatusGroups
{
	MemoryContext context; /* of everything here */
	const PlfWire *wire;   /* what the links are */
	StatusType type;
	statuses_hash *by_status;   /* the groups with a status */
	PlfStatusGroup *null_group; /* the group without a status; NULL: none yet */
	PlfStatusGroup *first;
};

static PlfStatusGroup *add_group(PlfStatusGroups *groups);

PlfStatusGroups *
plf_status_groups_create(const PlfWire *wire, Oid type)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw by status", ALLOCSET_DEFAULT_SIZES);
	PlfStatusGroups *groups = MemoryContextAllocZero(context, sizeof(PlfStatusGroups));

	groups->context = context;
	groups->wire = wire;
	if (OidIsValid(type))
	{
		int16 length;

		get_typlenbyval(type, &length, &groups->type.by_value);
		groups->type.length = length;
		groups->type.seed = pg_prng_uint64(&pg_global_prng_state);
	}
	groups->by_status = statuses_create(context, 8, &groups->type);
	return groups;
}

PlfStatusGroup *
plf_status_groups_get(PlfStatusGroups *groups, Datum status, bool isnull)
{
	StatusEntry *entry;

	if (isnull)
	{
		if (groups->null_group == NULL)
			groups->null_group = add_group(groups);
		return groups->null_group;
	}
	entry = statuses_lookup(groups->by_status, status);
	if (entry == NULL)
	{
		PlfStatusGroup *group = add_group(groups);
		MemoryContext old = MemoryContextSwitchTo(groups->context);
		bool found;

		group->isnull = false;
		group->status = datumCopy(status, groups->type.by_value, groups->type.length);
		entry = statuses_insert(groups->by_status, group->status, &found);
		entry->group = group;
		MemoryContextSwitchTo(old);
	}
	return entry->group;
}

/* Adds a group of links without a status; the caller may give it one. */
static PlfStatusGroup *
add_group(PlfStatusGroups *groups)
{
	PlfStatusGroup *group;

	if (MemoryContextMemAllocated(groups->context, false) > (Size) work_mem * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s have too many different statuses to be counted in memory",
						groups->wire->plural),
				 errhint("Raise work_mem, or set the option count_pushdown 'false'.")));
	group = MemoryContextAllocZero(groups->context, sizeof(PlfStatusGroup));
	group->isnull = true;
	group->next = groups->first;
	groups->first = group;
	return group;
}

static uint32
hash_status(const StatusType *type, Datum value)
{
	const unsigned char *bytes = (unsigned char *) &value;
	Size size = sizeof(value);

	if (!type->by_value)
	{
		bytes = (unsigned char *) DatumGetPointer(value);
		size = datumGetSize(value, false, type->length);
	}
	return (uint32) hash_bytes_extended(bytes, (int) size, type->seed);
}

PlfStatusGroup *
plf_status_groups_first(const PlfStatusGroups *groups)
{
	return groups->first;
}
