/*
 * renew.c
 *		A session's part in the renewal of tokens: decides whether a token has to be
 *		asked for, sees to it that one session does, and has the worker do it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "oauth/job.h"
#include "oauth/oauth.h"

/* How often a session looks whether another one's renewal is over; ms. */
#define LOOK_AGAIN_MS	20

static bool renew_alone(PlfMapping *mapping, const PlfOptions *options, uint64 stale,
						PlfFailure *failure);
static bool server_is_committed(Oid serverid);

uint64
plf_token_digest(const char *token)
{
	pg_cryptohash_ctx *context;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	uint64		result = 0;

	if (token == NULL)
		return 0;
	context = pg_cryptohash_create(PG_SHA256);
	if (pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) token, strlen(token)) < 0 ||
		pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute a digest: %s", pg_cryptohash_error(context));
	pg_cryptohash_free(context);
	for (int i = 0; i < 8; i++)
		result = result << 8 | digest[i];
	return result;
}

bool
plf_token_is_usable(const PlfMapping *mapping, uint64 stale)
{
	return mapping->access_token != NULL &&
		plf_token_digest(mapping->access_token) != stale &&
		(TIMESTAMP_IS_NOEND(mapping->access_token_expires_at) ||
		 mapping->access_token_expires_at >
		 TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PLF_TOKEN_MARGIN_S * 1000));
}

bool
plf_oauth_renew(PlfMapping *mapping, const PlfOptions *options, const char *stale,
				PlfFailure *failure)
{
	uint64		stale_digest = plf_token_digest(stale);

	if (!plf_mapping_is_renewed(mapping) || plf_token_is_usable(mapping, stale_digest))
		return true;
	if (plf_job_start_is_possible(mapping, options, failure) &&
		renew_alone(mapping, options, stale_digest, failure))
		return true;

	/* One that is about to end has not ended. */
	if (stale == NULL && mapping->access_token != NULL &&
		mapping->access_token_expires_at > GetCurrentTimestamp())
	{
		memset(failure, 0, sizeof(*failure));
		return true;
	}
	return false;
}

bool
plf_job_start_is_possible(const PlfMapping *mapping, const PlfOptions *options,
						  PlfFailure *failure)
{
	const char *message = NULL;
	const char *hint = NULL;
	int			sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;

	if (RecoveryInProgress())
	{
		sqlstate = ERRCODE_READ_ONLY_SQL_TRANSACTION;
		message = "the access token cannot be refreshed on a standby server";
		hint = "Refresh it on the primary server, with payment_links_refresh(); what is stored there comes over by replication.";
	}
	else if (TransactionIdIsCurrentTransactionId(mapping->xmin) ||
			 !server_is_committed(options->serverid))
	{
		message = "the access token cannot be refreshed in the transaction that made or changed its user mapping or server";
		hint = "Commit first: the new refresh token is stored by a transaction of its own.";
	}
	else
		return true;
	plf_failure_set(failure, NULL, sqlstate, message, NULL, hint);
	return false;
}

static bool
server_is_committed(Oid serverid)
{
	HeapTuple	tuple = SearchSysCache1(FOREIGNSERVEROID, ObjectIdGetDatum(serverid));
	bool		committed = HeapTupleIsValid(tuple) &&
		!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return committed;
}

/*
 * Waits until no other session renews this mapping, looks whether one did, and has it
 * renewed if not.  Not by waiting for a lock: neither lock_timeout nor the deadlock
 * detector should have a say in it.
 */
static bool
renew_alone(PlfMapping *mapping, const PlfOptions *options, uint64 stale,
			PlfFailure *failure)
{
	LOCKTAG		tag;
	bool		renewed;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, UserMappingRelationId, mapping->umid,
					   PLF_LOCK_OF_SESSION);
	while (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LOOK_AGAIN_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}

	AcceptInvalidationMessages();
	if (!plf_mapping_get(mapping->umid, mapping))
	{
		LockRelease(&tag, ExclusiveLock, false);
		plf_failure_set(failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
						"the user mapping was dropped", NULL, NULL);
		return false;
	}
	renewed = plf_token_is_usable(mapping, stale) ||
		(plf_mapping_is_renewable(mapping, options, failure) &&
		 plf_job_run(PLF_JOB_REFRESH, mapping, stale, NULL, failure));
	LockRelease(&tag, ExclusiveLock, false);

	AcceptInvalidationMessages();
	return renewed && plf_mapping_get(mapping->umid, mapping);
}

bool
plf_mapping_is_renewable(const PlfMapping *mapping, const PlfOptions *options,
						 PlfFailure *failure)
{
	const char *missing = mapping->client_id == NULL ? "client_id" :
	mapping->client_secret == NULL ? "client_secret" : NULL;

	if (missing != NULL)
		plf_failure_set(failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
						psprintf("user mapping for %s on server \"%s\" has a refresh token but no %s",
								 mapping->role, options->server_name, missing),
						NULL,
						psprintf("Add it with ALTER USER MAPPING ... OPTIONS (ADD %s '...').",
								 missing));
	else if (mapping->stored_by != NULL && strcmp(mapping->stored_by, plf_stored_by()) != 0)
		plf_failure_set(failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
						psprintf("the refresh token of the user mapping for %s on server \"%s\" was stored by another database",
								 mapping->role, options->server_name),
						"This database is a copy. A refresh token can be used once: if the copy used it, the original would be locked out.",
						"Authorize again with payment_links_authorize_url() and payment_links_authorize(), or, if the original is gone, ALTER USER MAPPING ... OPTIONS (DROP stored_by).");
	else if (mapping->token_host != NULL &&
			 strcmp(mapping->token_host, options->token_host) != 0)
		plf_failure_set(failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
						psprintf("the refresh token of the user mapping for %s on server \"%s\" is for another host",
								 mapping->role, options->server_name),
						psprintf("It was stored for %s, and the server's token host is %s.",
								 mapping->token_host, options->token_host),
						PLF_AUTHORIZE_HINT);
	else
		return !plf_stored_refusal(mapping, options, failure);
	return false;
}

/*
 * The worker goes on when this session is cancelled or killed: what it was started for
 * is then done for the next one.
 */
bool
plf_job_run(PlfJobKind kind, const PlfMapping *mapping, uint64 stale, const char *code,
			PlfFailure *failure)
{
	dsm_segment *segment = dsm_create(sizeof(PlfJob), 0);
	PlfJob	   *job = dsm_segment_address(segment);
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;
	bool		done;

	memset(job, 0, sizeof(*job));
	job->kind = kind;
	job->database = MyDatabaseId;
	job->umid = mapping->umid;
	job->stale = stale;
	if (code != NULL)
		strlcpy(job->code, code, sizeof(job->code));

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(segment));
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "payment_links_fdw", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "plf_oauth_worker_main",
			sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "payment_links_fdw token refresh", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "payment_links_fdw token refresh", sizeof(worker.bgw_type));

	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		dsm_detach(segment);
		plf_failure_set(failure, NULL, ERRCODE_INSUFFICIENT_RESOURCES,
						"no background worker is free to refresh the access token",
						"The setting max_worker_processes limits their number; the token host was not asked.",
						"Try again, or raise max_worker_processes.");
		return false;
	}
	if (WaitForBackgroundWorkerShutdown(handle) == BGWH_POSTMASTER_DIED)
		proc_exit(1);

	if (!job->finished)
		plf_failure_set(failure, NULL, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						"the background worker that refreshes the access token ended early",
						NULL, "The server log may say why; try again.");
	else if (job->sqlstate != 0)
		plf_failure_set(failure, NULL, job->sqlstate, job->message,
						job->detail[0] != '\0' ? job->detail : NULL,
						job->hint[0] != '\0' ? job->hint : NULL);
	done = job->finished && job->sqlstate == 0;
	explicit_bzero(job->code, sizeof(job->code));
	dsm_detach(segment);
	return done;
}
