/*
 * job.c
 *		The session's side of a job: starts a background worker, waits for it, and reports
 *		what went wrong.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_foreign_server.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "oauth/job.h"

/*
 * How long a worker may take to begin, in ms: when a session with limited patience waits
 * for it, and when a session gives up.  Once a worker has begun, its own locks show that
 * the turn is taken.
 */
#define PATIENT_BEGIN_MS 10000
#define BEGIN_MS         500

/* A worker that was started; on the stack of plf_job_run(). */
typedef struct Run
{
	PlfJob *job;
	BackgroundWorkerHandle *handle;
	bool begun; /* is_over() has seen that the worker has begun */
} Run;

static bool server_is_committed(Oid serverid);
static bool is_over(Run *run, int patience_ms, TimestampTz *end);
static bool is_stopped(BackgroundWorkerHandle *handle);
static void leave(Run *run, int ms);
static void leave_for_error(int code, Datum arg);

bool
plf_job_start_is_possible(const PlfMapping *mapping, const PlfOptions *options,
						  PlfFailure *failure)
{
	const char *message = NULL;
	const char *hint = NULL;
	int sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;

	if (RecoveryInProgress())
	{
		sqlstate = ERRCODE_READ_ONLY_SQL_TRANSACTION;
		message = "the access token cannot be refreshed on a standby server";
		hint =
			"Refresh it on the primary server, with payment_links_refresh(). This server receives the new token by replication.";
	}
	else if (!IsUnderPostmaster)
	{
		message = "the access token cannot be refreshed in single-user mode";
		hint =
			"Start the server as usual: a background worker requests the token and stores it.";
	}
	else if (TransactionIdIsCurrentTransactionId(mapping->xmin) ||
			 !server_is_committed(options->serverid))
	{
		message =
			"the access token cannot be refreshed in the transaction that created or changed its user mapping or server";
		hint =
			"Commit first: another transaction, of a background worker, stores the new refresh token.";
	}
	else
		return true;
	plf_failure_set(failure, NULL, sqlstate, message, NULL, hint);
	return false;
}

static bool
server_is_committed(Oid serverid)
{
	HeapTuple tuple = SearchSysCache1(FOREIGNSERVEROID, ObjectIdGetDatum(serverid));
	bool committed = HeapTupleIsValid(tuple) &&
					 !TransactionIdIsCurrentTransactionId(
						 HeapTupleHeaderGetXmin(tuple->t_data));

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return committed;
}

PlfJobEnd
plf_job_run(const PlfTurn *turn, const PlfJobRequest *request, PlfFailure *failure)
{
	dsm_segment *segment = dsm_create(sizeof(PlfJob), 0);
	PlfJob *job = dsm_segment_address(segment);
	BackgroundWorker worker = {0};
	TimestampTz end = 0;
	PlfJobEnd result = PLF_JOB_FAILED;
	Run run = {.job = job};
	bool stopped;

	memset(job, 0, sizeof(*job));
	pg_atomic_init_u32(&job->state, PLF_JOB_REGISTERED);
	job->grant = request->grant;
	job->database = MyDatabaseId;
	job->turn = *turn;
	job->stale = request->stale;
	job->token_url = request->token_url;
	job->waited_ms = request->waited_ms;
	if (request->code != NULL)
		strlcpy(job->code, request->code, sizeof(job->code));
	job->slot = request->slot;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(segment));
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "payment_links_fdw",
			sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "plf_oauth_worker_main",
			sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "payment_links_fdw token refresh", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "payment_links_fdw token refresh", sizeof(worker.bgw_type));

	if (!RegisterDynamicBackgroundWorker(&worker, &run.handle))
	{
		explicit_bzero(job->code, sizeof(job->code));
		dsm_detach(segment);
		return PLF_JOB_NO_WORKER;
	}
	PG_ENSURE_ERROR_CLEANUP(leave_for_error, PointerGetDatum(&run));
	{
		while (!(stopped = is_stopped(run.handle)) &&
			   !is_over(&run, request->patience_ms, &end))
		{
			plf_turn_wait();
			CHECK_FOR_INTERRUPTS();
		}
	}
	PG_END_ENSURE_ERROR_CLEANUP(leave_for_error, PointerGetDatum(&run));

	if (!stopped)
	{
		leave(&run, BEGIN_MS);
		result = PLF_JOB_GOES_ON;
	}
	else if (!job->finished)
		plf_failure_set(
			failure, NULL, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"the background worker that refreshes the access token ended early", NULL,
			"The server log may say why; try again.");
	else if (job->sqlstate != 0)
		plf_failure_set(failure, NULL, job->sqlstate, job->message,
						job->detail[0] != '\0' ? job->detail : NULL,
						job->hint[0] != '\0' ? job->hint : NULL);
	else
		result = PLF_JOB_DONE;
	if (stopped)
		explicit_bzero(job->code, sizeof(job->code));
	dsm_detach(segment);
	return result;
}

/*
 * True when the session has waited long enough: "patience_ms" since it saw that the
 * worker had begun, or PATIENT_BEGIN_MS for a worker that does not begin. *end is 0 at
 * the first call, and then the time at which the wait is over.
 */
static bool
is_over(Run *run, int patience_ms, TimestampTz *end)
{
	TimestampTz now = GetCurrentTimestamp();

	if (patience_ms < 0)
		return false;
	if (*end == 0)
		*end = TimestampTzPlusMilliseconds(now, PATIENT_BEGIN_MS);
	if (!run->begun && pg_atomic_read_u32(&run->job->state) == PLF_JOB_BEGUN)
	{
		run->begun = true;
		*end = TimestampTzPlusMilliseconds(now, patience_ms);
	}
	return now >= *end;
}

/*
 * True when the worker has ended.  If the postmaster has ended, this session ends, too.
 */
static bool
is_stopped(BackgroundWorkerHandle *handle)
{
	pid_t pid;
	BgwHandleStatus status = GetBackgroundWorkerPid(handle, &pid);

	if (status == BGWH_POSTMASTER_DIED)
		proc_exit(1);
	return status == BGWH_STOPPED;
}

/*
 * Stops waiting for the worker.  A worker that has begun goes on, and the next session
 * uses its result.  A worker that has not begun after "ms" milliseconds must not begin
 * any more, because no lock would show the next session that there is one.
 */
static void
leave(Run *run, int ms)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);
	uint32 state = PLF_JOB_REGISTERED;

	while (ms > 0 && pg_atomic_read_u32(&run->job->state) == PLF_JOB_REGISTERED &&
		   GetCurrentTimestamp() < end && !is_stopped(run->handle))
		plf_turn_wait();
	if (!pg_atomic_compare_exchange_u32(&run->job->state, &state, PLF_JOB_ABANDONED))
		return;
	explicit_bzero(run->job->code, sizeof(run->job->code));
	if (PostmasterIsAlive())
		TerminateBackgroundWorker(run->handle);
}

/*
 * Stops waiting for the worker.  Called at an error; a session that itself ends does not
 * wait.
 */
static void
leave_for_error(int code pg_attribute_unused(), Datum arg)
{
	leave((Run *) DatumGetPointer(arg), proc_exit_inprogress ? 0 : BEGIN_MS);
}
