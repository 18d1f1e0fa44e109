/*
 * job.h
 *		What a session and the background worker share.
 */
#ifndef PLF_OAUTH_JOB_H
#define PLF_OAUTH_JOB_H

#include "api/failure.h"
#include "catalog/mapping.h"
#include "catalog/option.h"

/* An authorization code, with room to spare. */
#define PLF_MAX_CODE	4096

/* What a person can do where the refresh token will not do. */
#define PLF_AUTHORIZE_HINT	"Authorize again with payment_links_authorize_url() and payment_links_authorize()."

/* What a message begins with that is about the application. */
#define PLF_REFUSED_APPLICATION	"the token host refused the application"

/*
 * The last number of the locks on a mapping: of the session that has it renewed, and of
 * the worker that does.  Core's own have 0.
 */
#define PLF_LOCK_OF_SESSION	1
#define PLF_LOCK_OF_WORKER	2

typedef enum PlfJobKind
{
	PLF_JOB_REFRESH,			/* unless the mapping has another token by now */
	PLF_JOB_AUTHORIZE			/* exchange an authorization code */
} PlfJobKind;

/*
 * At the start of a dynamic shared memory segment that only the two of them have.  The
 * worker wipes "code" as soon as it has copied it.
 */
typedef struct PlfJob
{
	PlfJobKind	kind;
	Oid			database;
	Oid			umid;
	uint64		stale;			/* plf_token_digest() of the token that will
								 * not do */
	char		code[PLF_MAX_CODE];

	/* filled by the worker */
	bool		finished;
	int			sqlstate;		/* 0: the mapping has a token to use */
	char		message[512];
	char		detail[1024];
	char		hint[1024];
} PlfJob;

/* Tells tokens apart without being one; 0 for NULL. */
extern uint64 plf_token_digest(const char *token);

/*
 * Whether the mapping's access token may be used: it is there, is not the stale one
 * and does not end within PLF_TOKEN_MARGIN_S.
 */
extern bool plf_token_is_usable(const PlfMapping *mapping, uint64 stale);

/*
 * Whether the mapping's refresh token may be used, here and now: it belongs to this
 * database and this token host, and was not refused; false with *failure filled.
 */
extern bool plf_mapping_is_renewable(const PlfMapping *mapping,
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

/*
 * Has the worker do a job on the mapping, and waits for it.  False, with *failure
 * filled.
 */
extern bool plf_job_run(PlfJobKind kind, const PlfMapping *mapping,
						uint64 stale, const char *code, PlfFailure *failure);

/* token.c: what the token host says. */
typedef struct PlfTokens
{
	char	   *access_token;
	char	   *refresh_token;	/* NULL: none came */
	TimestampTz access_token_expires_at;
	TimestampTz refresh_token_expires_at;
} PlfTokens;

typedef struct PlfTokenRequest PlfTokenRequest;

/*
 * Asks the token host, with a refresh token or a code; the answer is waited for in
 * plf_token_receive(), for at most "ms" milliseconds (-1: as long as it takes), where
 * *done tells whether it came.
 */
extern PlfTokenRequest *plf_token_request(const PlfMapping *mapping,
										  const PlfOptions *options,
										  PlfJobKind kind, const char *code);
extern bool plf_token_receive(PlfTokenRequest *request, int ms, bool *done,
							  PlfTokens *tokens, PlfFailure *failure);

/* "code_verifier" (PKCE) and "state" of a mapping; palloc'd. */
extern char *plf_code_verifier(const PlfMapping *mapping);
extern char *plf_authorization_state(const PlfMapping *mapping);

/* The challenge (S256) that goes with a verifier; palloc'd. */
extern char *plf_code_challenge(const char *verifier);

/* store.c: what is written into the mapping, in the current transaction. */
extern void plf_store_tokens(const PlfMapping *mapping, const PlfOptions *options,
							 const PlfTokens *tokens);
extern void plf_store_failure(const PlfMapping *mapping, const PlfFailure *failure);

/*
 * The failure that the mapping remembers, if it is final and about the refresh token
 * and application that are there; false when there is none.
 */
extern bool plf_stored_refusal(const PlfMapping *mapping, const PlfOptions *options,
							   PlfFailure *failure);

/* What a person can do about the application's credentials; palloc'd. */
extern char *plf_application_hint(const PlfMapping *mapping, const PlfOptions *options);

/*
 * When the mapping's last failure was (DT_NOBEGIN: that cannot be read), and what it said;
 * false when there is none.
 */
extern bool plf_stored_failure(const PlfMapping *mapping, TimestampTz *when,
							   const char **what);

/* This database as "stored_by" names it; palloc'd. */
extern char *plf_stored_by(void);

#endif							/* PLF_OAUTH_JOB_H */
