/*
 * worker.c
 *		The background worker: renews the tokens of one user mapping in a transaction
 *		of its own.
 *
 * The worker locks the mapping, reads it again (another worker may have renewed it
 * meanwhile), asks the token host, stores the answer, and commits.  Before the commit
 * nobody sees the new tokens; after the commit no rollback can take them back.  Once
 * the request is sent, only a shutdown ends the worker, and only a second later, for
 * the answer may come.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/bufmgr.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "catalog/digest.h"
#include "oauth/advice.h"
#include "oauth/job.h"
#include "oauth/mapping_check.h"
#include "oauth/origin.h"
#include "oauth/store.h"

/* After a request to shut down the worker waits that long for the answer; ms. */
#define LAST_WAIT_MS 1000

/* How often the worker looks for a request to shut down while it waits for the answer;
 * ms. */
#define LOOK_UP_MS 200

extern PGDLLEXPORT void plf_oauth_worker_main(Datum arg);

static void do_job(PlfJob *job, const char *code);
static void report(PlfJob *job, const PlfFailure *failure);
static void copy_text(char *to, const char *text, size_t size);
static void settings(void);
static bool renew(const PlfJob *job, const char *code, volatile bool *asked,
				  PlfFailure *failure);
static void set_lock_timeout(const PlfJob *job);
static bool lock_mapping(Oid umid);
static void lock_server(Oid umid);
static bool receive(PlfTokenRequest *request, PlfTokens *tokens, PlfFailure *failure);

void
plf_oauth_worker_main(Datum arg)
{
	dsm_segment *segment;
	PlfJob *job;
	char *code;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	CurrentResourceOwner = ResourceOwnerCreate(NULL, "payment_links_fdw token refresh");
	segment = dsm_attach(DatumGetUInt32(arg));
	if (segment == NULL)
		proc_exit(0); /* the session that started this worker is gone */
	dsm_pin_mapping(segment);
	job = dsm_segment_address(segment);
	code = MemoryContextStrdup(TopMemoryContext, job->code);
	explicit_bzero(job->code, sizeof(job->code));

	BackgroundWorkerInitializeConnectionByOid(job->database, InvalidOid, 0);
	pgstat_report_activity(STATE_RUNNING, "payment_links_fdw token refresh");
	do_job(job, code);
	explicit_bzero(code, strlen(code));
	pgstat_report_activity(STATE_IDLE, NULL);
	proc_exit(0);
}

static void
do_job(PlfJob *job, const char *code)
{
	uint32 state = PLF_JOB_REGISTERED;
	MemoryContext context = AllocSetContextCreate(
		TopMemoryContext, "payment_links_fdw token refresh", ALLOCSET_DEFAULT_SIZES);
	PlfFailure failure = {0};
	volatile bool renewed = false;
	volatile bool asked = false;

	settings();
	StartTransactionCommand();
	plf_turn_join(&job->turn);
	if (!pg_atomic_compare_exchange_u32(&job->state, &state, PLF_JOB_BEGUN))
	{
		AbortCurrentTransaction();
		return;
	}
	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		MemoryContextSwitchTo(context);
		renewed = renew(job, code, &asked, &failure);
		PopActiveSnapshot();

		/* A refused code changes nothing, so the rehearsal is rolled back. */
		if (renewed || job->grant == PLF_GRANT_REFRESH_TOKEN)
			CommitTransactionCommand();
		else
			AbortCurrentTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE && !asked)
			plf_failure_mapping_locked(&failure);
		else
			plf_failure_set(
				&failure, NULL, error->sqlerrcode,
				psprintf("could not store a new access token: %s", error->message),
				error->detail, error->hint);
		renewed = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	report(job, renewed ? NULL : &failure);
}

/*
 * Replaces settings of the role or database that could keep a token from being stored.
 *
 * The commit does not wait for a synchronous standby.  The token host has accepted the
 * old refresh token by then, so the copy of it on the standby is used up as well, and
 * waiting would protect nothing.  Queries that only read would hang as long as a standby
 * is away.
 */
static void
settings(void)
{
	static const char *const values[][2] = {
		{"lock_timeout", "0"},
		{"statement_timeout", "0"},
		PLF_TRANSACTION_TIMEOUT("0"){"role", "none"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_isolation", "read committed"},
		{"synchronous_commit", "local"},
		{"search_path", ""}};

	for (size_t i = 0; i < lengthof(values); i++)
		SetConfigOption(values[i][0], values[i][1], PGC_SUSET, PGC_S_OVERRIDE);
}

static void
report(PlfJob *job, const PlfFailure *failure)
{
	if (failure != NULL)
	{
		job->sqlstate = failure->sqlstate;
		copy_text(job->message, failure->message, sizeof(job->message));
		copy_text(job->detail, failure->detail, sizeof(job->detail));
		copy_text(job->hint, failure->hint, sizeof(job->hint));
	}
	job->finished = true;
}

/*
 * Copies a text, as many whole characters as "size" bytes hold with a NUL. NULL becomes
 * "".
 */
static void
copy_text(char *to, const char *text, size_t size)
{
	int length = text == NULL ? 0 : pg_mbcliplen(text, strlen(text), size - 1);

	if (length > 0)
		memcpy(to, text, length);
	to[length] = '\0';
}

/*
 * Renews the tokens and stores them.  Returns false with *failure filled.  *asked is set
 * before anything is sent to the token host.
 */
static bool
renew(const PlfJob *job, const char *code, volatile bool *asked, PlfFailure *failure)
{
	bool received;
	PlfMapping mapping;
	PlfOptions *options;
	PlfTokenRequest *request;
	PlfTokens tokens;
	const char *stored_by;

	set_lock_timeout(job);
	AcceptInvalidationMessages();
	lock_server(job->turn.umid);
	if (!lock_mapping(job->turn.umid) || !plf_mapping_get(job->turn.umid, &mapping))
	{
		plf_failure_set(
			failure, NULL, ERRCODE_UNDEFINED_OBJECT,
			"the user mapping does not exist, or is not committed yet", NULL,
			"Commit first: another transaction, of a background worker, stores the tokens.");
		return false;
	}
	options = plf_options_get(mapping.serverid, InvalidOid);
	if (job->grant == PLF_GRANT_REFRESH_TOKEN)
	{
		if (plf_token_is_usable(&mapping, job->stale))
			return true;
		if (!plf_mapping_is_renewed(&mapping) ||
			!plf_mapping_is_renewable(&mapping, options, failure))
		{
			if (failure->sqlstate == 0)
				plf_failure_no_refresh_token(&mapping, options, failure);
			return false;
		}
	}
	else
	{
		if (!plf_mapping_is_authorizable(&mapping, options, failure))
			return false;
		if (plf_text_digest(options->token_url) != job->token_url)
		{
			plf_failure_set(
				failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
				psprintf(
					"the token host of server \"%s\" changed before the code was sent",
					options->server_name),
				NULL, PLF_AUTHORIZE_HINT);
			return false;
		}
	}

	/*
	 * The request uses the old token up, so what can fail is done before: storing is
	 * rehearsed, and the files that "stored_by" needs are read.
	 */
	stored_by = plf_stored_by();
	plf_store_rehearse(&mapping);

	/*
	 * From here on no signal ends the worker at once; receive() heeds a request to shut
	 * down.  A signal that came before is heeded now.  A cancel that comes before the
	 * answer is ignored.
	 */
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	if (ShutdownRequestPending)
		ProcDiePending = InterruptPending = true;
	CHECK_FOR_INTERRUPTS();
	HOLD_CANCEL_INTERRUPTS();
	*asked = true;
	request = plf_token_request(&mapping, options, job->grant, code, job->slot);
	received = receive(request, &tokens, failure);
	QueryCancelPending = false;
	RESUME_CANCEL_INTERRUPTS();
	if (received)
	{
		plf_store_tokens(&mapping, options, stored_by, &tokens);
		return true;
	}
	if (job->grant == PLF_GRANT_REFRESH_TOKEN)
		plf_store_failure(&mapping, failure);
	return false;
}

/*
 * Limits the wait for each lock that the transaction takes from here on.  The time that
 * the session has waited counts.  So if another transaction has locked a mapping, the
 * sessions that need it fail together, and not one after the other.
 */
static void
set_lock_timeout(const PlfJob *job)
{
	int ms = Max(PLF_ROW_WAIT_MS - job->waited_ms, PLF_LEAST_ROW_WAIT_MS);

	SetConfigOption("lock_timeout", psprintf("%dms", ms), PGC_SUSET, PGC_S_OVERRIDE);
}

/*
 * Keeps the mapping's server from being renamed or dropped until the end of the
 * transaction.  Core finds the mapping by the server's name when the tokens are stored.
 */
static void
lock_server(Oid umid)
{
	PlfMapping mapping;

	if (plf_mapping_get(umid, &mapping))
		LockDatabaseObject(ForeignServerRelationId, mapping.serverid, 0, AccessShareLock);
	AcceptInvalidationMessages();
}

/*
 * Locks the newest version of the mapping's row until the end of the transaction. Returns
 * false when there is none.  Raises 55P03 when another transaction holds the row for too
 * long; nothing was sent to the token host by then.
 */
static bool
lock_mapping(Oid umid)
{
	Relation relation = table_open(UserMappingRelationId, RowExclusiveLock);
	bool found = false;

	for (;;)
	{
		HeapTuple tuple = SearchSysCacheCopy1(USERMAPPINGOID, ObjectIdGetDatum(umid));
		TM_FailureData changed;
		TM_Result result;
		Buffer buffer;

		if (!HeapTupleIsValid(tuple))
			break;
		result = heap_lock_tuple(relation, tuple, GetCurrentCommandId(true),
								 LockTupleNoKeyExclusive, LockWaitBlock, false, &buffer,
								 &changed);
		ReleaseBuffer(buffer);
		found = result == TM_Ok;
		if (found || result == TM_Deleted)
			break;

		/* A newer version was committed while this one was read. */
		CHECK_FOR_INTERRUPTS();
		AcceptInvalidationMessages();
	}
	table_close(relation, NoLock);
	if (found)
		AcceptInvalidationMessages();
	return found;
}

/*
 * Waits for the answer.  Process barriers are served meanwhile, so no other process waits
 * for the worker.  A request to shut down is heeded after LAST_WAIT_MS, so that an answer
 * that comes in that time is stored. (The old refresh token works for another minute.)
 */
static bool
receive(PlfTokenRequest *request, PlfTokens *tokens, PlfFailure *failure)
{
	TimestampTz end = 0;
	bool done;
	bool received;

	for (;;)
	{
		received = plf_token_receive(request, LOOK_UP_MS, &done, tokens, failure);
		if (done)
			return received;
		if (!ShutdownRequestPending)
			continue;
		if (end == 0)
			end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LAST_WAIT_MS);
		else if (GetCurrentTimestamp() >= end)
			ereport(
				FATAL,
				(errcode(ERRCODE_ADMIN_SHUTDOWN),
				 errmsg(
					 "terminating the refresh of an access token due to administrator command")));
	}
}
