/*
 * client.h
 *		Turns paths into answers without ever holding up PostgreSQL.
 *
 * One curl multi handle a backend, whose connection cache is the keep-alive;
 * one PlfClient a scan.  Transfers run side by side; a try that failed in a way
 * worth retrying is tried again in here (retry.h).
 *
 * No function but plf_client_wait() waits or raises an error that is about the
 * network: what happened is in the PlfResponse.
 */
#ifndef PLF_CLIENT_H
#define PLF_CLIENT_H

#include "api/form.h"
#include "api/retry.h"

/* Everything the client must know; strings are copied. No defaults in here. */
typedef struct PlfEndpoint
{
	const char *api_url;       /* scheme://host[:port][/prefix], no slash at
								* the end */
	const char *access_token;  /* sent as "Authorization: Bearer ..."; NULL:
								* no such header */
	const char *staging_token; /* X-Qonto-Staging-Token, or NULL; with it
								* HTTP/1.1 is spoken */
	const char *proxy;         /* or NULL: none, whatever the environment says */
	const char *ca_file;       /* or NULL: the system's */
	int connect_timeout_ms;
	int request_timeout_ms; /* one try, from start to last byte */
	size_t max_body_bytes;  /* of an answer; 0: as for pages, 32 MiB */
	PlfRetryPolicy retry;
} PlfEndpoint;

typedef struct PlfResponse
{
	PlfOutcome outcome;
	int status; /* HTTP status, 0 without an answer */
	char *body; /* malloc'd; decompressed; may be NULL when
				 * length is 0 */
	size_t length;
	char content_type[128]; /* "" when absent; printable ASCII */
	char trace_id[128];     /* X-Tyk-Trace-Id; "" when absent; likewise */
	char message[256];      /* what libcurl said, for DETAIL */
	int64_t retry_after_s;  /* 0: nothing asked */
	bool wait_too_long;     /* PLF_VERDICT_WAIT_TOO_LONG ended it */
	int tries;              /* how often the request was sent */
} PlfResponse;

/* What a client has done so far. */
typedef struct PlfClientStats
{
	int64_t requests; /* sent, retries included */
	int64_t retries;
	int64_t bytes;   /* of bodies, as they came over the wire */
	int64_t wait_us; /* blocked in plf_client_wait() */
} PlfClientStats;

typedef struct PlfClient PlfClient;
typedef struct PlfTransfer PlfTransfer;

/*
 * A client that lives until "context" is reset or deleted; its unfinished
 * transfers end with it.  Raises an error only for lack of memory or
 * descriptors.
 */
extern PlfClient *plf_client_create(MemoryContext context, const PlfEndpoint *endpoint);

/*
 * Ends every transfer now, forgets their answers, and frees the client's
 * handles; the struct itself goes with its context.  Safe to call twice.
 */
extern void plf_client_close(PlfClient *client);

/*
 * Starts GET api_url + path_and_query.  Returns at once.  The transfer belongs
 * to the client; release it when its answer is no longer needed.
 */
extern PlfTransfer *plf_client_get(PlfClient *client, const char *path_and_query);

/*
 * Starts a POST to api_url itself with "count" fields, form-encoded.  What is sent is
 * wiped out of memory when the transfer is released.
 */
extern PlfTransfer *plf_client_post(PlfClient *client, const PlfFormField *fields,
									int count);

/*
 * The access token that requests carry from now on.  A transfer that was answered is
 * sent again with it.
 */
extern void plf_client_set_token(PlfClient *client, const char *access_token,
								 const char *staging_token);
extern void plf_transfer_again(PlfTransfer *transfer);

/* Whether a transfer's last try carried a token that has been replaced since. */
extern bool plf_transfer_is_outdated(const PlfTransfer *transfer);

/*
 * Like plf_client_wait(), but returns false when the transfer is not done after "ms"
 * milliseconds.
 */
extern bool plf_client_wait_for(PlfClient *client, PlfTransfer *transfer, int ms);

/*
 * Blocks until the transfer is done, with retries and their waits, while
 * all other transfers of this backend go on.  Serves interrupts: query cancel,
 * statement_timeout, termination and process barriers work in here.
 */
extern void plf_client_wait(PlfClient *client, PlfTransfer *transfer);

/*
 * Lets all transfers of this backend go on as far as they can without waiting; then
 * whether this one is done.
 */
extern bool plf_transfer_drive(PlfTransfer *transfer);

/*
 * To wait for several transfers at once, in a set of descriptors: call
 * plf_clients_watch(), then plf_transfer_drive() for each of them, then
 * plf_clients_wait_fd(), and wait for that descriptor.  It becomes readable when
 * transfers of this backend can go on.  It is readable at once when
 * plf_clients_wake() was called, or one of the transfers that were said not to be done
 * has ended, since plf_clients_watch().
 */
extern void plf_clients_watch(void);
extern void plf_clients_wake(void);
extern int plf_clients_wait_fd(void);

extern bool plf_transfer_done(const PlfTransfer *transfer);

/* The answer of a transfer that is done; owned by the transfer. */
extern PlfResponse *plf_transfer_response(PlfTransfer *transfer);

/* The malloc'd body, which now belongs to the caller. */
extern char *plf_transfer_take_body(PlfTransfer *transfer, size_t *length);

/* Frees a transfer, ending it first where it still runs. */
extern void plf_transfer_release(PlfTransfer *transfer);

extern const PlfClientStats *plf_client_stats(const PlfClient *client);

#endif /* PLF_CLIENT_H */
