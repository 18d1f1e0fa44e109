/*
 * response.h
 *		What came of a request, and how it is collected while it arrives.
 */
#ifndef PLF_RESPONSE_H
#define PLF_RESPONSE_H

#include "api/retry.h"

/* What came of a request: an answer, or the reason why there is none. */
typedef struct PlfResponse
{
	PlfOutcome outcome;
	int status;             /* HTTP status; 0 without an answer */
	char *body;             /* malloc'd, decompressed; may be NULL when length is 0 */
	size_t length;          /* bytes of the body */
	char content_type[128]; /* printable ASCII; "" when absent */
	char trace_id[128];     /* X-Tyk-Trace-Id; printable ASCII; "" when absent */
	char message[256];      /* what libcurl said, for DETAIL */
	int64_t retry_after_s;  /* how long the server asks to wait; 0: it does not */
	bool wait_too_long;     /* no retry, because retry_after_s exceeds max_retry_wait */
	int tries;              /* how often the request was sent */
} PlfResponse;

/* A response that arrives; zeroed, then filled by plf_receiver_init(). */
typedef struct PlfReceiver
{
	PlfResponse response;
	size_t max_body_bytes; /* longer bodies are refused */
	size_t *bodies_bytes;  /* bytes allocated for all bodies of the client */
	size_t body_size;      /* bytes allocated for this body */
	size_t header_bytes;   /* received in this try, of all header lines */
	const char *refused;   /* why plf_receive_...() refused something, or NULL */
	PlfOutcome refused_as;
} PlfReceiver;

/*
 * "max_body_bytes" 0 stands for 32 MiB.  The sum at "bodies_bytes" is kept by the
 * receivers that share it.
 */
extern void plf_receiver_init(PlfReceiver *receiver, size_t max_body_bytes,
							  size_t *bodies_bytes);

/* Forgets what the last try brought, except outcome, status and message. */
extern void plf_receiver_restart(PlfReceiver *receiver);

/*
 * Add what arrives. libcurl's callbacks call these functions, so they raise no error and
 * use malloc().  They return false, with "refused" set, when the try must end.
 */
extern bool plf_receive_body(PlfReceiver *receiver, const char *data, size_t length);
extern bool plf_receive_header(PlfReceiver *receiver, const char *line, size_t length);

/* Returns the malloc'd body, which the caller owns from now on. */
extern char *plf_receiver_take_body(PlfReceiver *receiver, size_t *length);

/* Frees the body, if there is one. */
extern void plf_receiver_drop_body(PlfReceiver *receiver);

/*
 * Copies "length" bytes to "out", at most "size" - 1 of them, and ends them with a NUL.
 * A byte that is not printable ASCII becomes a question mark.
 */
extern void plf_copy_printable(char *out, size_t size, const char *text, size_t length);

#endif /* PLF_RESPONSE_H */
