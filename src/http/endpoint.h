/*
 * endpoint.h
 *		Where the requests of a client go, and what they carry.
 */
#ifndef PLF_ENDPOINT_H
#define PLF_ENDPOINT_H

#include "api/retry.h"

/* What a client has to know.  There are no defaults. */
typedef struct PlfEndpoint
{
	const char *api_url;       /* scheme://host[:port][/prefix], without a slash at the
								* end */
	const char *access_token;  /* sent as "Authorization: Bearer ..."; NULL: no such
								* header */
	const char *staging_token; /* X-Qonto-Staging-Token, or NULL; with it HTTP/1.1 is
								* spoken */
	const char *proxy;         /* NULL: none, whatever the environment says */
	const char *ca_file;       /* NULL: the system's */
	int connect_timeout_ms;
	int request_timeout_ms; /* of one try, from its start to the last byte */
	size_t max_body_bytes;  /* of an answer; 0: 32 MiB */
	PlfRetryPolicy retry;
} PlfEndpoint;

/* An endpoint as tries use it. */
typedef struct PlfTarget
{
	PlfEndpoint endpoint;       /* copied, without its tokens; no proxy where the host
								 * is this machine */
	bool secure;                /* https, and nothing else is spoken */
	bool multiplex;             /* HTTP/2 where the server offers it */
	struct curl_slist *headers; /* malloc'd; the headers hold the tokens */
	int token;                  /* how often the token was replaced */
	struct curl_slist
		*old_headers; /* headers of requests that were under way when the token changed */
} PlfTarget;

/*
 * Fills *target, which is zeroed, with copies in the current context.  After an error
 * plf_target_close() frees what there is.
 */
extern void plf_target_init(PlfTarget *target, const PlfEndpoint *endpoint);

/*
 * Sets the tokens that requests carry from now on; either may be NULL.  Requests under
 * way keep the headers that they were sent with.  The tokens can be replaced once.
 */
extern void plf_target_set_tokens(PlfTarget *target, const char *access_token,
								  const char *staging_token);

/* Wipes and frees the headers.  No try may use the target after that. */
extern void plf_target_close(PlfTarget *target);

#endif /* PLF_ENDPOINT_H */
