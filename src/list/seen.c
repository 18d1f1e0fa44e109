/*
 * seen.c
 *		The ids that a reader has received.
 *
 * Each link takes 24 bytes: an id is kept as the 128 bits of its uuid.  An id that is
 * no uuid (the API documents none) is kept as 128 bits of its SHA-256, so that no two
 * ids are taken for one.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/pg_prng.h"

#include "catalog/digest.h"
#include "list/seen.h"
#include "rows/uuid_text.h"

typedef struct SeenKey
{
	uint64 high;
	uint64 low;
} SeenKey;

/* How many random numbers the hash of a key takes: one for each 32 bits, and one. */
#define FACTORS 5

typedef struct SeenEntry
{
	SeenKey key;
	char status;
	uint16 pass; /* the pass in which the id came last */
} SeenEntry;

static uint32 hash_key(const uint64 *factors, SeenKey key);

#define SH_PREFIX            ids
#define SH_ELEMENT_TYPE      SeenEntry
#define SH_KEY_TYPE          SeenKey
#define SH_KEY               key
#define SH_HASH_KEY(tb, key) hash_key((tb)->private_data, key)
#define SH_EQUAL(tb, a, b)   ((a).high == (b).high && (a).low == (b).low)
#define SH_SCOPE             static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct PlfSeen
{
	ids_hash *ids;
	uint64 factors[FACTORS]; /* of this set alone */
	uint16 pass;
	uint16 anchors_from; /* the pass from which on an id that came is an anchor */
	int64 repeats;
};

static SeenKey make_key(const char *id, size_t length);

PlfSeen *
plf_seen_create(MemoryContext context)
{
	PlfSeen *seen = MemoryContextAllocZero(context, sizeof(PlfSeen));

	for (int i = 0; i < FACTORS; i++)
		seen->factors[i] = pg_prng_uint64(&pg_global_prng_state);
	seen->ids = ids_create(context, 128, seen->factors);
	return seen;
}

/*
 * The API's server chooses the ids, and must not be able to choose ids that collide.  So
 * the hash is a random member of a family (a sum of products with random factors) in
 * which any two ids collide in one of 2^32 members.
 */
static uint32
hash_key(const uint64 *factors, SeenKey key)
{
	uint64 sum = factors[4];

	sum += factors[0] * (uint32) key.low + factors[1] * (key.low >> 32);
	sum += factors[2] * (uint32) key.high + factors[3] * (key.high >> 32);
	return murmurhash32((uint32) (sum >> 32));
}

bool
plf_seen_add(PlfSeen *seen, const char *id, size_t length)
{
	SeenEntry *entry;
	bool found;

	entry = ids_insert(seen->ids, make_key(id, length), &found);
	if (found && entry->pass == seen->pass)
		seen->repeats++;
	entry->pass = seen->pass;
	return !found;
}

bool
plf_seen_has(const PlfSeen *seen, const char *id, size_t length)
{
	const SeenEntry *entry = ids_lookup(seen->ids, make_key(id, length));

	return entry != NULL && entry->pass >= seen->anchors_from;
}

int64
plf_seen_count(const PlfSeen *seen)
{
	return seen->ids->members;
}

void
plf_seen_begin(PlfSeen *seen)
{
	seen->pass++;
	seen->repeats = 0;
}

void
plf_seen_begin_list(PlfSeen *seen)
{
	plf_seen_begin(seen);
	seen->anchors_from = seen->pass;
}

int64
plf_seen_repeats(const PlfSeen *seen)
{
	return seen->repeats;
}

static SeenKey
make_key(const char *id, size_t length)
{
	uint8 bytes[UUID_LEN];
	SeenKey key;

	if (plf_uuid_read(id, length, bytes))
		memcpy(&key, bytes, sizeof(key));
	else
	{
		uint8 digest[PLF_DIGEST_SIZE];

		plf_sha256(id, length, digest);
		memcpy(&key, digest, sizeof(key));
	}
	return key;
}
