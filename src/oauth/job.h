/*
 * job.h
 *		What a session has the background worker do.
 */
#ifndef PLF_JOB_H
#define PLF_JOB_H

#include "oauth/token.h"
#include "oauth/turn.h"
#include "port/atomics.h"

/* The size of an authorization code with its NUL; the codes in use are far shorter. */
#define PLF_MAX_CODE 4096

/* What the worker and a session that gives up agree on; PlfJob.state. */
typedef enum PlfJobState
{
	PLF_JOB_REGISTERED, /* the session alone has the turn */
	PLF_JOB_BEGUN,      /* the worker has joined the turn, and goes on */
	PLF_JOB_ABANDONED   /* the session gave up first: the worker does nothing */
} PlfJobState;

/*
 * The start of a dynamic shared memory segment that only a session and its
 * worker have.  The worker wipes "code" as soon as it has copied it.
 */
typedef struct PlfJob
{
	pg_atomic_uint32 state; /* PlfJobState; leaves REGISTERED once */
	PlfGrant grant;
	Oid database;
	PlfTurn turn;
	uint64 stale; /* this and the next three: see PlfJobRequest */
	uint64 token_url;
	int64 slot;
	int waited_ms;
	char code[PLF_MAX_CODE];

	/* Filled by the worker. */
	bool finished;
	int sqlstate; /* 0: the mapping has a token to use */
	char message[512];
	char detail[1024];
	char hint[1024];
} PlfJob;

/* What a session asks of the worker. */
typedef struct PlfJobRequest
{
	PlfGrant grant;
	uint64 stale; /* plf_text_digest() of the token that cannot be used; the worker does
				   * nothing if the mapping has another one by now */
	const char *code; /* to be exchanged; NULL for a refresh */
	int64 slot;       /* whose verifier goes with the code */
	uint64 token_url; /* plf_text_digest() of the URL where the code may be exchanged */
	int waited_ms;    /* how long the session has waited for its turn; its worker waits
					   * that much less for the mapping's row */
	int patience_ms;  /* how long the session waits for a worker that has begun, which
					   * then goes on alone; -1: until the worker ends */
} PlfJobRequest;

typedef enum PlfJobEnd
{
	PLF_JOB_DONE,      /* the mapping has new tokens */
	PLF_JOB_GOES_ON,   /* the session's patience is over */
	PLF_JOB_NO_WORKER, /* the server has no worker; nothing was done */
	PLF_JOB_FAILED     /* *failure is filled */
} PlfJobEnd;

/*
 * True when a new refresh token could be stored.  Otherwise no token must be asked for,
 * and *failure says why.
 */
extern bool plf_job_start_is_possible(const PlfMapping *mapping,
									  const PlfOptions *options, PlfFailure *failure);

/* Starts a worker and waits for it.  The session has taken the turn. */
extern PlfJobEnd plf_job_run(const PlfTurn *turn, const PlfJobRequest *request,
							 PlfFailure *failure);

#endif /* PLF_JOB_H */
