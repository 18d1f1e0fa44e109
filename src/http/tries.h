/*
 * tries.h
 *		Tries: a request is sent once, and its answer collected, by libcurl.
 *
 * transfer.c alone uses them, and makes a transfer of one or several tries.
 */
#ifndef PLF_TRIES_H
#define PLF_TRIES_H

#include "http/endpoint.h"
#include "http/response.h"
#include "lib/ilist.h"

/*
 * A request, and the result of its last try.  The owner zeroes the struct and sets the
 * first three members, calls plf_receiver_init(), and at last plf_try_end().
 */
typedef struct PlfTry
{
	const PlfTarget *target;
	const char *url;
	const char *form; /* what is posted; NULL: GET */

	void *easy;              /* libcurl's handle; NULL before the first try and after
							  * plf_try_end() */
	bool running;            /* libcurl performs the try */
	dlist_node running_node; /* when running */
	PlfReceiver receiver;
	bool fresh; /* the next try makes a connection of its own */

	/* Of the last try alone: */
	bool connected;    /* there was a connection, ready for the request */
	int no_descriptor; /* EMFILE or ENFILE when a descriptor was missing, or 0 */
	bool died_idle;    /* a kept connection ended before it brought anything: the server
						* had closed it, or was about to */
	int token;         /* which of the target's tokens it carried */
	int64 bytes;       /* of the body, as they came over the wire */
	int64 us;          /* how long it took */
	char errors[256];  /* libcurl's words */
} PlfTry;

/*
 * Sets up libcurl for this backend.  To be called before everything below.  Raises an
 * error when there are not enough descriptors or memory.
 */
extern void plf_tries_begin(void);

/*
 * True when another try may be started.  Each try takes one connection at most, and the
 * connections of a backend are limited.  A try that has to wait must wait before libcurl
 * knows of it, because libcurl's timeouts begin then.  A try ends by itself, whether or
 * not its answer is looked at, so there is room again at some time.
 */
extern bool plf_tries_have_room(void);

/*
 * Starts a try.  Returns false, with outcome and message of the response filled, when
 * libcurl cannot.
 */
extern bool plf_try_start(PlfTry *try);

/* Frees libcurl's handle, and ends the try if it is running.  Never fails. */
extern void plf_try_end(PlfTry *try);

/* Lets every try of this backend go on as far as it can without blocking. */
extern void plf_tries_drive(void);

/*
 * Returns a try that is over and was not returned before, or NULL.  Outcome, status and
 * message of its response are filled, and bytes and us.
 */
extern PlfTry *plf_tries_next(void);

/*
 * Sets the timer to "due" (monotonic time, us) or to the time that libcurl asked for,
 * whichever comes first.  To be called last, so that the descriptor tells of all that
 * there is to do.
 */
extern void plf_tries_arm(int64 due);

/* The descriptor to wait for: it is readable when there is something to do. */
extern int plf_tries_fd(void);

/* Returns EMFILE or ENFILE when this process can have no further descriptor, else 0. */
extern int plf_tries_lack_descriptor(void);

#endif /* PLF_TRIES_H */
