/*
 * transfer.h
 *		What client.c (clients), tries.c (tries, made by libcurl) and transfer.c
 *		(transfers, made of tries) share.  Nobody else includes it; everybody else
 *		has client.h.
 */
#ifndef PLF_TRANSFER_H
#define PLF_TRANSFER_H

#include "http/client.h"
#include "lib/ilist.h"

/* A time that does not come. */
#define PLF_NEVER PG_INT64_MAX

typedef enum PlfTransferState
{
	PLF_TRANSFER_WAITING, /* its next try starts when it is due */
	PLF_TRANSFER_RUNNING, /* a try is in libcurl's hands */
	PLF_TRANSFER_DONE
} PlfTransferState;

struct PlfTransfer
{
	dlist_node node;         /* in client->transfers */
	dlist_node waiting_node; /* among those WAITING, of every client */
	dlist_node running_node; /* tries.c's */
	bool running;            /* tries.c's: a try is in libcurl's hands */
	PlfClient *client;
	PlfTransferState state;
	bool awaited; /* plf_transfer_drive() said that it is not
				   * done */
	int64 due;    /* when WAITING: monotonic time, us */
	char *url;
	const char *path;     /* the end of url, for people */
	char *form;           /* malloc'd; what is posted, NULL: GET */
	void *easy;           /* libcurl's handle; NULL before the first try
						   * and when DONE */
	PlfResponse response; /* of the last try; "length" grows with it */

	/* Of the last try alone: */
	size_t body_size;    /* allocated */
	size_t header_bytes; /* received */
	const char *refused; /* why we ended it, or NULL */
	PlfOutcome refused_as;
	bool connected;    /* the request itself could be sent */
	int no_descriptor; /* EMFILE or ENFILE when there was none, or 0 */
	bool died_idle;    /* a kept connection ended before it brought anything: the
						* server had closed it, or was about to */
	int token;         /* which of the client's it carried */
	int64 bytes;       /* of the body, as they came over the wire */
	int64 us;          /* it took */
	char errors[256];  /* libcurl's words */

	bool fresh; /* the next try makes a connection of its own */
};

struct PlfClient
{
	bool open;
	MemoryContext context;
	MemoryContextCallback at_reset;
	PlfEndpoint endpoint;           /* without its tokens */
	bool secure;                    /* https; nothing else is spoken then */
	bool multiplex;                 /* HTTP/2 where offered */
	struct curl_slist *headers;     /* malloc'd; holds the tokens */
	int token;                      /* how often the token was replaced */
	struct curl_slist *old_headers; /* of requests under way when the token
									 * changed */
	dlist_head transfers;
	size_t body_bytes; /* allocated for their bodies */
	int64 gate;        /* no try starts before: the API asked for it */
	PlfClientStats stats;
};

/* tries.c */

/* To be called before the rest.  Raises an error when descriptors or memory do not
 * suffice. */
extern void plf_tries_begin(void);

/*
 * Adds a header, name and value as they stand; the value may be a secret.  The list
 * is malloc'd; dropping it wipes it.
 */
extern void plf_header_add(PlfClient *client, const char *name, const char *value);
extern void plf_headers_drop(struct curl_slist *headers);

/*
 * Whether another try may be started: each takes a connection at most, and all of a
 * backend together are limited.  Those that have to wait do so before libcurl knows
 * of them, as its timeouts begin when it does.  A try ends by itself, whether its
 * answer is looked at or not, so a place always becomes free.
 */
extern bool plf_tries_have_room(void);

/*
 * Starts a try.  False, with the response's outcome and message filled, when
 * libcurl cannot.
 */
extern bool plf_try_start(PlfTransfer *transfer);

/* Frees libcurl's handle, and ends its try when one is running. Never fails. */
extern void plf_try_end(PlfTransfer *transfer);

/* Lets every try of this backend move on as far as it can without blocking. */
extern void plf_tries_drive(void);

/*
 * The next transfer whose try is over, or NULL.  Outcome, status, message,
 * bytes and us are filled.
 */
extern PlfTransfer *plf_tries_next(void);

/*
 * Sets the timer to "due" (monotonic us) or to libcurl's own wish, whichever is
 * first.  To be called last, so that the descriptor tells all there is to do.
 */
extern void plf_tries_arm(int64 due);

/* The descriptor to wait for: readable when there is something to do. */
extern int plf_tries_fd(void);

/* EMFILE or ENFILE where no descriptor can be had, else 0. */
extern int plf_tries_lack_descriptor(void);

/* transfer.c */

/* Monotonic time in microseconds. */
extern int64 plf_now_us(void);

/* Lets go of all that a transfer holds outside of its memory context. */
extern void plf_transfer_end(PlfTransfer *transfer);

/*
 * What arrives; called by libcurl, so that they must not raise an error.  False,
 * with transfer->refused set, ends the try.
 */
extern bool plf_transfer_body(PlfTransfer *transfer, const char *data, size_t length);
extern bool plf_transfer_header(PlfTransfer *transfer, const char *line, size_t length);

/* Cuts to "size"; a question mark stands for what is not printable ASCII. */
extern void plf_copy_printable(char *out, size_t size, const char *text, size_t length);

#endif /* PLF_TRANSFER_H */
