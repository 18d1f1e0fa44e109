/*
 * transfer.h
 *		Transfers: requests that are under way or answered, retries included.
 *
 * client.h starts them.  All transfers of a backend go on whenever one of them is waited
 * for or driven.  No function but plf_transfer_wait() and plf_transfer_wait_for() waits,
 * and none raises an error that is about the network: what happened is in the response.
 */
#ifndef PLF_TRANSFER_H
#define PLF_TRANSFER_H

#include "api/form.h"
#include "http/endpoint.h"
#include "http/response.h"
#include "lib/ilist.h"

typedef struct PlfTransfer PlfTransfer;

/* What a client has done so far. */
typedef struct PlfClientStats
{
	int64_t requests; /* sent, retries included */
	int64_t retries;
	int64_t bytes;   /* of bodies, as they came over the wire */
	int64_t wait_us; /* how long the backend was blocked, waiting for transfers */
} PlfClientStats;

/* What the transfers of one client share; a part of the client. */
typedef struct PlfChannel
{
	MemoryContext context; /* of its transfers */
	PlfTarget target;
	dlist_head transfers;
	size_t bodies_bytes; /* allocated for the bodies of its transfers */
	int64 gate; /* no try starts before this time, because the API asked for that;
				 * monotonic, us */
	PlfClientStats stats;
} PlfChannel;

/*
 * Starts a GET of the endpoint's api_url + path_and_query, or, where "fields" is not
 * NULL, a POST of these fields, form-encoded.  Returns at once.
 */
extern PlfTransfer *plf_transfer_start(PlfChannel *channel, const char *path_and_query,
									   const PlfFormField *fields, int count);

/* Sends a transfer that is done once more, with the tokens that the client has now. */
extern void plf_transfer_again(PlfTransfer *transfer);

/* Whether the last try of a transfer carried a token that has been replaced since. */
extern bool plf_transfer_is_outdated(const PlfTransfer *transfer);

/*
 * Blocks until the transfer is done, with retries and their waits.  Serves interrupts:
 * query cancel, statement_timeout, termination and process barriers work meanwhile.
 */
extern void plf_transfer_wait(PlfTransfer *transfer);

/*
 * Like plf_transfer_wait(), but returns false when the transfer is not done after "ms"
 * milliseconds.
 */
extern bool plf_transfer_wait_for(PlfTransfer *transfer, int ms);

/*
 * Lets all transfers of this backend go on as far as they can without waiting.  Returns
 * whether this one is done.
 */
extern bool plf_transfer_drive(PlfTransfer *transfer);

/*
 * To wait for several transfers at once, in a set of descriptors: call
 * plf_transfers_watch(), then plf_transfer_drive() for each of them, then
 * plf_transfers_wait_fd(), and wait for that descriptor.  It becomes readable when
 * transfers of this backend can go on.  It is readable at once if, since
 * plf_transfers_watch(), plf_transfers_wake() was called or a transfer has ended that
 * plf_transfer_drive() had reported as not done.
 */
extern void plf_transfers_watch(void);
extern void plf_transfers_wake(void);
extern int plf_transfers_wait_fd(void);

extern bool plf_transfer_done(const PlfTransfer *transfer);

/* The response of a transfer that is done; owned by the transfer. */
extern PlfResponse *plf_transfer_response(PlfTransfer *transfer);

/* Returns the malloc'd body of a transfer that is done; the caller owns it. */
extern char *plf_transfer_take_body(PlfTransfer *transfer, size_t *length);

/* Frees a transfer, and ends it first if it is under way.  What was sent is wiped. */
extern void plf_transfer_release(PlfTransfer *transfer);

/*
 * Ends all transfers of a channel at once and frees what they hold outside of their
 * memory context.  Never fails.
 */
extern void plf_transfers_end(PlfChannel *channel);

#endif /* PLF_TRANSFER_H */
