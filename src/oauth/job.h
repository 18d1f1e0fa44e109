/*
 * job.h
 *		What a session and the background worker share.
 */
#ifndef PLF_OAUTH_JOB_H
#define PLF_OAUTH_JOB_H

#include "port/atomics.h"

#include "http/failure.h"
#include "catalog/mapping.h"
#include "catalog/option.h"

/* An authorization code, with room to spare. */
#define PLF_MAX_CODE 4096

/*
 * How long a slot is that "state" and verifier belong to, in seconds.  A code is
 * exchanged in its slot or the next.
 */
#define PLF_SLOT_S 600

/* What a person can do where the refresh token will not do. */
#define PLF_AUTHORIZE_HINT \
	"Authorize again with payment_links_authorize_url() and payment_links_authorize()."

/* What a message begins with that is about the application. */
#define PLF_REFUSED_APPLICATION "the token host refused the application"

#define PLF_NO_WORKER "no background worker is free to refresh the access token"

/* turn.c: a mapping, and the place of the worker that renews it. */
typedef struct PlfTurn
{
	Oid umid;
	int place; /* 0 to plf_most_workers() - 1 */
} PlfTurn;

typedef enum PlfTurnResult
{
	PLF_TURN_TAKEN,
	PLF_TURN_OF_ANOTHER, /* another session or worker is at the mapping */
	PLF_TURN_NO_PLACE,   /* as many workers as there may be are at others */
	PLF_TURN_NO_WORKER   /* taken, but the server had no worker for it */
} PlfTurnResult;

/* How many workers of this extension run at once, in the whole server, at most. */
extern int plf_most_workers(void);

/*
 * Takes the turn for a mapping if nobody has it, without waiting.  It ends with the
 * transaction at the latest.
 */
extern PlfTurnResult plf_turn_take(Oid umid, PlfTurn *turn);
extern void plf_turn_end(const PlfTurn *turn);

/* The worker's own hold on its session's turn, until the end of its transaction. */
extern void plf_turn_join(const PlfTurn *turn);

/* Waits until it is time to look again; the caller checks for interrupts. */
extern void plf_turn_wait(void);

typedef enum PlfJobKind
{
	PLF_JOB_REFRESH,  /* unless the mapping has another token by now */
	PLF_JOB_AUTHORIZE /* exchange an authorization code */
} PlfJobKind;

/* What the worker and a session that gives up agree on; PlfJob.state. */
typedef enum PlfJobState
{
	PLF_JOB_REGISTERED, /* the turn is the session's alone */
	PLF_JOB_BEGUN,      /* the worker has joined the turn, and goes on */
	PLF_JOB_ABANDONED   /* the session gave up first: nothing is done */
} PlfJobState;

/*
 * At the start of a dynamic shared memory segment that only the two of them have.  The
 * worker wipes "code" as soon as it has copied it.
 */
typedef struct PlfJob
{
	pg_atomic_uint32 state; /* PlfJobState; leaves REGISTERED once */
	PlfJobKind kind;
	Oid database;
	PlfTurn turn;
	uint64 stale;     /* plf_text_digest() of the token that will
					   * not do */
	uint64 token_url; /* digest of where a code may be exchanged */
	int64 slot;       /* see PlfJobRequest */
	int waited_ms;    /* likewise */
	char code[PLF_MAX_CODE];

	/* filled by the worker */
	bool finished;
	int sqlstate; /* 0: the mapping has a token to use */
	char message[512];
	char detail[1024];
	char hint[1024];
} PlfJob;

/*
 * Whether the mapping's access token may be used: it is there, is not the stale one
 * and does not end within PLF_TOKEN_MARGIN_S.
 */
extern bool plf_token_is_usable(const PlfMapping *mapping, uint64 stale);

/*
 * Whether the mapping's refresh token may be used, here and now: it belongs to this
 * database and this token host, and was not refused; false with *failure filled.
 */
extern bool plf_mapping_is_renewable(const PlfMapping *mapping, const PlfOptions *options,
									 PlfFailure *failure);

/* The failure of a mapping without a refresh token. */
extern void plf_failure_no_refresh_token(const PlfMapping *mapping,
										 const PlfOptions *options, PlfFailure *failure);

/*
 * Whether the mapping has what an authorization takes; false with *failure filled.
 */
extern bool plf_mapping_is_authorizable(const PlfMapping *mapping,
										const PlfOptions *options, PlfFailure *failure);

/*
 * Whether a new refresh token could be stored; if not it must not be asked for, and
 * *failure says why.
 */
extern bool plf_job_start_is_possible(const PlfMapping *mapping,
									  const PlfOptions *options, PlfFailure *failure);

/* What a session wants of the worker. */
typedef struct PlfJobRequest
{
	PlfJobKind kind;
	uint64 stale;     /* see PlfJob */
	const char *code; /* to be exchanged; NULL for a refresh */
	int64 slot;       /* whose verifier goes with the code */
	uint64 token_url; /* see PlfJob */
	int waited_ms;    /* how long the session has waited for its turn:
					   * that much less its worker waits for the
					   * mapping's row */
	int patience_ms;  /* how long the session waits for a worker that has
					   * begun, which goes on then; -1: until it ends */
} PlfJobRequest;

typedef enum PlfJobEnd
{
	PLF_JOB_DONE,      /* the mapping has new tokens */
	PLF_JOB_GOES_ON,   /* patience is over */
	PLF_JOB_NO_WORKER, /* the server has none; nothing was done */
	PLF_JOB_FAILED     /* *failure is filled */
} PlfJobEnd;

/* job.c: has the worker do it, for a session that has taken the turn. */
extern PlfJobEnd plf_job_run(const PlfTurn *turn, const PlfJobRequest *request,
							 PlfFailure *failure);

/* token.c: what the token host says. */
typedef struct PlfTokens
{
	char *access_token;
	char *refresh_token; /* NULL: none came */
	TimestampTz access_token_expires_at;
	TimestampTz refresh_token_expires_at;
} PlfTokens;

typedef struct PlfTokenRequest PlfTokenRequest;

/*
 * Asks the token host, with a refresh token, or with a code and the verifier of the slot
 * that the code belongs to.  plf_token_receive() waits for the answer, for at most "ms"
 * milliseconds (-1: as long as it takes); *done tells whether it came.
 */
extern PlfTokenRequest *plf_token_request(const PlfMapping *mapping,
										  const PlfOptions *options, PlfJobKind kind,
										  const char *code, int64 slot);
extern bool plf_token_receive(PlfTokenRequest *request, int ms, bool *done,
							  PlfTokens *tokens, PlfFailure *failure);

/*
 * proof.c: the slot of time that it is now; "code_verifier" (PKCE) and "state" of a
 * mapping in a slot, palloc'd.
 */
extern int64 plf_authorization_slot(void);
extern char *plf_code_verifier(const PlfMapping *mapping, int64 slot);
extern char *plf_authorization_state(const PlfMapping *mapping, int64 slot);

/* The challenge (S256) that goes with a verifier; palloc'd. */
extern char *plf_code_challenge(const char *verifier);

/*
 * store.c: what is written into the mapping, in the current transaction.  An error of
 * plf_store_rehearse() is one that storing would raise: core and the validator judge all
 * options of a mapping whenever one changes.
 */
extern void plf_store_rehearse(const PlfMapping *mapping);
extern void plf_store_tokens(const PlfMapping *mapping, const PlfOptions *options,
							 const PlfTokens *tokens);
extern void plf_store_failure(const PlfMapping *mapping, const PlfFailure *failure);

/*
 * The failure that the mapping remembers, if it is final and about the refresh token
 * and application that are there; false when there is none.
 */
extern bool plf_stored_refusal(const PlfMapping *mapping, const PlfOptions *options,
							   PlfFailure *failure);

/*
 * The failure that the mapping remembers, if it came at "since" or later and is about
 * what the mapping has now; false when there is none.
 */
extern bool plf_failure_since(const PlfMapping *mapping, TimestampTz since,
							  PlfFailure *failure);

/* What a person can do about the application's credentials; palloc'd. */
extern char *plf_application_hint(const PlfMapping *mapping, const PlfOptions *options);

/*
 * When the mapping's last failure was (DT_NOBEGIN: that cannot be read), and what it
 * said; false when there is none.
 */
extern bool plf_stored_failure(const PlfMapping *mapping, TimestampTz *when,
							   const char **what);

/* origin.c: this database, in this place, as "stored_by" names it; palloc'd. */
extern char *plf_stored_by(void);

typedef enum PlfOrigin
{
	PLF_ORIGIN_HERE,
	PLF_ORIGIN_OTHER_DATABASE,
	PLF_ORIGIN_OTHER_PLACE /* of the same database; one is a copy of the other */
} PlfOrigin;

/* Where a token was stored; not on a standby. */
extern PlfOrigin plf_origin(const char *stored_by);

#endif /* PLF_OAUTH_JOB_H */
