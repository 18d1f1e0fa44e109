/*
 * renew.c
 *		The session's part in renewing tokens: decides whether a new token is needed,
 *		waits for the mapping's turn, and has the worker renew it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "catalog/digest.h"
#include "oauth/job.h"
#include "oauth/mapping_check.h"
#include "oauth/renew.h"
#include "oauth/store.h"

/*
 * An access token that has more than GOOD_FOR_NOW_MS left is used at once when another
 * session or its worker renews it.  When this session has it renewed, such a token is
 * used after PATIENCE_MS, while the worker goes on.
 */
#define GOOD_FOR_NOW_MS 5000
#define PATIENCE_MS     2000

/* How long a session waits for a worker, or for a free worker number; ms. */
#define WAIT_FOR_WORKER_MS 10000

/* A session's wait for its turn. */
typedef struct Wait
{
	TimestampTz began;
	TransactionId xmin;          /* of the version that the mapping had then */
	uint64 access_token;         /* digest of the access token that it had then */
	uint64 stale;                /* digest of a token that must not be used, or 0 */
	TimestampTz no_worker_since; /* since when there was no worker, or no free worker
								  * number; 0: there always was */
} Wait;

/* What has to be done about a mapping. */
typedef enum Look
{
	LOOK_READY,     /* the mapping has a token to use */
	LOOK_DUE,       /* a token has to be requested */
	LOOK_NO_WORKER, /* a token has to be requested, but the server had no worker */
	LOOK_FAILED,    /* there is no token, and *failure says why */
	LOOK_GONE       /* the mapping was dropped, and *failure says so */
} Look;

static Look take_turns(PlfMapping *mapping, const PlfOptions *options, uint64 stale,
					   PlfFailure *failure);
static bool is_due_still(const Wait *wait, PlfTurnResult turn, Oid umid,
						 const PlfOptions *options);
static Look look(const Wait *wait, PlfTurnResult turn, PlfMapping *mapping,
				 const PlfOptions *options, PlfFailure *failure);
static Look have_renewed(const Wait *wait, const PlfTurn *turn, PlfMapping *mapping,
						 PlfFailure *failure);
static bool reread(PlfMapping *mapping, PlfFailure *failure);
static bool wait_more(Wait *wait, PlfTurnResult turn, PlfFailure *failure);
static int ms_since(TimestampTz when);

bool
plf_oauth_renew(PlfMapping *mapping, const PlfOptions *options, const char *stale,
				PlfFailure *failure)
{
	uint64 stale_digest = plf_text_digest(stale);
	Look found = LOOK_FAILED;

	if (!plf_mapping_is_renewed(mapping) || plf_token_is_usable(mapping, stale_digest))
		return true;
	if (plf_job_start_is_possible(mapping, options, failure))
		found = take_turns(mapping, options, stale_digest, failure);

	/* A token that ends soon has not ended yet, and is used. */
	if (found == LOOK_FAILED && plf_token_lasts(mapping, stale_digest, 0))
		found = LOOK_READY;
	if (found == LOOK_READY)
		memset(failure, 0, sizeof(*failure));
	return found == LOOK_READY;
}

/*
 * Looks at the mapping until it has a token to use or cannot have one.  Has it renewed
 * when this session gets the turn.
 */
static Look
take_turns(PlfMapping *mapping, const PlfOptions *options, uint64 stale,
		   PlfFailure *failure)
{
	Wait wait = {.began = GetCurrentTimestamp(),
				 .xmin = mapping->xmin,
				 .access_token = plf_text_digest(mapping->access_token),
				 .stale = stale};

	for (;;)
	{
		PlfTurn turn;
		PlfTurnResult result = plf_turn_take(mapping->umid, &turn);

		if (result == PLF_TURN_TAKEN ||
			!is_due_still(&wait, result, mapping->umid, options))
		{
			Look found = LOOK_GONE;

			if (reread(mapping, failure))
				found = look(&wait, result, mapping, options, failure);
			if (result == PLF_TURN_TAKEN)
			{
				if (found == LOOK_DUE)
					found = have_renewed(&wait, &turn, mapping, failure);
				plf_turn_end(&turn);
			}
			if (found == LOOK_NO_WORKER)
			{
				result = PLF_TURN_NO_WORKER;
				found = LOOK_DUE;
			}
			if (found != LOOK_DUE)
				return found;
		}
		if (!wait_more(&wait, result, failure))
			return LOOK_FAILED;
	}
}

/*
 * True when the session has to go on waiting, as the mapping is now.  Each look allocates
 * a copy of the mapping, and a session that waits looks many times, so the copies are
 * freed.
 */
static bool
is_due_still(const Wait *wait, PlfTurnResult turn, Oid umid, const PlfOptions *options)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "payment_links_fdw wait for a token", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PlfMapping mapping = {.umid = umid};
	PlfFailure failure = {0};
	bool due = reread(&mapping, &failure) &&
			   look(wait, turn, &mapping, options, &failure) == LOOK_DUE;

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return due;
}

/* Returns what to do about the mapping as it is now. */
static Look
look(const Wait *wait, PlfTurnResult turn, PlfMapping *mapping, const PlfOptions *options,
	 PlfFailure *failure)
{
	if (!plf_mapping_is_renewed(mapping))
	{
		if (wait->stale == 0 || plf_text_digest(mapping->access_token) != wait->stale)
			return LOOK_READY;
		plf_failure_no_refresh_token(mapping, options, failure);
		return LOOK_FAILED;
	}
	if (plf_token_is_usable(mapping, wait->stale))
		return LOOK_READY;

	/* A token that came while the session waited is used, however soon it ends. */
	if (plf_text_digest(mapping->access_token) != wait->access_token &&
		plf_token_lasts(mapping, wait->stale, 0))
		return LOOK_READY;
	if (turn != PLF_TURN_TAKEN && plf_token_lasts(mapping, wait->stale, GOOD_FOR_NOW_MS))
		return LOOK_READY;
	if (!plf_mapping_is_renewable(mapping, options, failure))
		return LOOK_FAILED;

	/* A failure that came while the session waited counts for this session, too. */
	if (mapping->xmin != wait->xmin && plf_failure_since(mapping, wait->began, failure))
		return LOOK_FAILED;
	return LOOK_DUE;
}

static Look
have_renewed(const Wait *wait, const PlfTurn *turn, PlfMapping *mapping,
			 PlfFailure *failure)
{
	const PlfJobRequest request = {
		.grant = PLF_GRANT_REFRESH_TOKEN,
		.stale = wait->stale,
		.waited_ms = ms_since(wait->began),
		.patience_ms = plf_token_lasts(mapping, wait->stale, GOOD_FOR_NOW_MS)
						   ? PATIENCE_MS
						   : -1};
	PlfJobEnd end;

	/* Otherwise each of many sessions would have its worker wait, one after the other. */
	if (request.waited_ms > PLF_ROW_WAIT_MS - PLF_LEAST_ROW_WAIT_MS &&
		plf_mapping_is_locked(mapping->umid))
	{
		plf_failure_mapping_locked(failure);
		return LOOK_FAILED;
	}
	end = plf_job_run(turn, &request, failure);

	if (end == PLF_JOB_NO_WORKER)
		return plf_token_lasts(mapping, wait->stale, GOOD_FOR_NOW_MS) ? LOOK_READY
																	  : LOOK_NO_WORKER;

	/* If the mapping was dropped meanwhile, that is the failure to report. */
	if (end == PLF_JOB_FAILED)
	{
		PlfFailure gone;

		if (reread(mapping, &gone))
			return LOOK_FAILED;
		*failure = gone;
		return LOOK_GONE;
	}
	if (!reread(mapping, failure))
		return LOOK_GONE;

	/* The token may have ended while the worker took its time to begin. */
	return end == PLF_JOB_GOES_ON && !plf_token_lasts(mapping, wait->stale, 0)
			   ? LOOK_DUE
			   : LOOK_READY;
}

bool
plf_oauth_authorize(PlfMapping *mapping, const PlfOptions *options, const char *code,
					int64 slot, PlfFailure *failure)
{
	Wait wait = {.began = GetCurrentTimestamp()};

	for (;;)
	{
		PlfTurn turn;
		PlfTurnResult result = plf_turn_take(mapping->umid, &turn);

		if (result == PLF_TURN_TAKEN)
		{
			const PlfJobRequest request = {
				.grant = PLF_GRANT_CODE,
				.code = code,
				.slot = slot,
				.token_url = plf_text_digest(options->token_url),
				.waited_ms = ms_since(wait.began),
				.patience_ms = -1};
			PlfJobEnd end = plf_job_run(&turn, &request, failure);

			plf_turn_end(&turn);
			if (end != PLF_JOB_NO_WORKER)
				return end == PLF_JOB_DONE && reread(mapping, failure);
			result = PLF_TURN_NO_WORKER;
		}
		if (!wait_more(&wait, result, failure))
			return false;
	}
}

/* Reads the newest version of the mapping.  Returns false, with *failure filled, when the
 * mapping is gone. */
static bool
reread(PlfMapping *mapping, PlfFailure *failure)
{
	AcceptInvalidationMessages();
	if (plf_mapping_get(mapping->umid, mapping))
		return true;
	plf_failure_set(failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
					"the user mapping was dropped", NULL, NULL);
	return false;
}

/*
 * Waits until it is time to look again.  Returns false, with *failure filled, when the
 * session has waited long enough for a worker.  The time in which another session has the
 * turn counts as well, because that session may have found no worker either.
 */
static bool
wait_more(Wait *wait, PlfTurnResult turn, PlfFailure *failure)
{
	bool no_worker = turn == PLF_TURN_NO_WORKER;

	if (no_worker || turn == PLF_TURN_ALL_BUSY)
	{
		if (wait->no_worker_since == 0)
			wait->no_worker_since = GetCurrentTimestamp();
		if (max_worker_processes == 0 ||
			ms_since(wait->no_worker_since) > WAIT_FOR_WORKER_MS)
		{
			plf_failure_set(
				failure, NULL, ERRCODE_INSUFFICIENT_RESOURCES,
				"no background worker is free to refresh the access token",
				no_worker
					? "The setting max_worker_processes limits their number; the token host was not asked."
					: psprintf(
						  "Tokens of %d other user mappings are being refreshed, and max_worker_processes allows no more at the same time; the token host was not asked.",
						  plf_most_workers()),
				"Try again, or raise max_worker_processes.");
			return false;
		}
	}
	plf_turn_wait();
	CHECK_FOR_INTERRUPTS();
	return true;
}

static int
ms_since(TimestampTz when)
{
	return (int) Min(TimestampDifferenceMilliseconds(when, GetCurrentTimestamp()),
					 INT_MAX);
}
