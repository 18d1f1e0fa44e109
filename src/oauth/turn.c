/*
 * turn.c
 *		Whose turn it is to have a mapping renewed, and how many workers run at once.
 *
 * A turn is two locks, in share mode: one on the mapping, one on the number of a worker.
 * The session takes both before it starts a worker, and the worker takes both again
 * before it does anything.  When the session gives up, the worker still holds the turn,
 * and every other session sees that the mapping is being renewed.
 *
 * Nobody waits for these locks, because neither lock_timeout nor the deadlock detector
 * may decide whether a token is renewed.
 */
#include "postgres.h"

#include "catalog/pg_user_mapping.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lock.h"

#include "compat.h"
#include "oauth/turn.h"

/* How often a session looks whether a turn is over; ms. */
#define LOOK_AGAIN_MS 20

/* The last number of the locks' tags, by what is locked.  Core's own locks have 0. */
#define LOCK_OF_MAPPING 1
#define LOCK_OF_WORKER  2

static void set_mapping_tag(LOCKTAG *tag, Oid umid);
static void set_worker_tag(LOCKTAG *tag, int worker);
static bool take(const LOCKTAG *tag);

/* Half of the server's workers: parallel queries have the other half. */
int
plf_most_workers(void)
{
	return Max(max_worker_processes / 2, 2);
}

PlfTurnResult
plf_turn_take(Oid umid, PlfTurn *turn)
{
	LOCKTAG tag;

	turn->umid = umid;
	set_mapping_tag(&tag, umid);
	if (!take(&tag))
		return PLF_TURN_OF_ANOTHER;
	for (turn->worker = 0; turn->worker < plf_most_workers(); turn->worker++)
	{
		LOCKTAG worker;

		set_worker_tag(&worker, turn->worker);
		if (take(&worker))
			return PLF_TURN_TAKEN;
	}
	LockRelease(&tag, ShareLock, false);
	return PLF_TURN_ALL_BUSY;
}

void
plf_turn_end(const PlfTurn *turn)
{
	LOCKTAG tag;

	set_worker_tag(&tag, turn->worker);
	LockRelease(&tag, ShareLock, false);
	set_mapping_tag(&tag, turn->umid);
	LockRelease(&tag, ShareLock, false);
}

void
plf_turn_join(const PlfTurn *turn)
{
	LOCKTAG tag;

	set_mapping_tag(&tag, turn->umid);
	(void) LockAcquire(&tag, ShareLock, false, false);
	set_worker_tag(&tag, turn->worker);
	(void) LockAcquire(&tag, ShareLock, false, false);
}

void
plf_turn_wait(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 LOOK_AGAIN_MS, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
}

static void
set_mapping_tag(LOCKTAG *tag, Oid umid)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, UserMappingRelationId, umid, LOCK_OF_MAPPING);
}

/* The numbers are those of the whole server, so the tag names no database. */
static void
set_worker_tag(LOCKTAG *tag, int worker)
{
	SET_LOCKTAG_OBJECT(*tag, InvalidOid, UserMappingRelationId, worker, LOCK_OF_WORKER);
}

/*
 * Takes the share lock if nobody has a lock with this tag; a granted exclusive lock
 * proves that.  The exclusive lock is released at once, so that the worker can take a
 * share lock, too.
 */
static bool
take(const LOCKTAG *tag)
{
	if (LockAcquire(tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	(void) LockAcquire(tag, ShareLock, false, true);
	LockRelease(tag, ExclusiveLock, false);
	return true;
}
