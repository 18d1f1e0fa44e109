/*
 * page_source.h
 *		A source of pages, as function pointers: pages/source.c asks the API for a page, a
 *		test answers from arrays.
 *
 * A request gives a ticket.  The ticket is later exchanged for the page, or cancelled.
 * Several requests may be under way, and may be answered in any order.
 *
 * Server-free: no postgres.h.
 */
#ifndef PLF_PAGE_SOURCE_H
#define PLF_PAGE_SOURCE_H

#include "api/page.h"
#include "api/request.h"
#include "api/wire.h"

/* A request that is under way, or answered and not received yet; 0: none. */
typedef struct PlfTicket
{
	uint32_t number;
} PlfTicket;

#define PLF_NO_TICKET ((PlfTicket){0})

static inline bool
plf_ticket_is_valid(PlfTicket ticket)
{
	return ticket.number != 0;
}

/* A page of the list in memory.  The source owns the page until the page is released. */
typedef struct PlfHeldPage
{
	PlfListRequest request;
	PlfPage *page;
	int64_t first; /* place of its first link in the list, from 0 */
	int count;     /* links on the page */
	int64_t total; /* links in the list, as the page reports */
} PlfHeldPage;

/* What came of a request for a page. */
typedef struct PlfAnswer
{
	PlfHeldPage *page;   /* NULL: the API refused the page */
	const char *refusal; /* what the API said then: sentences, each after a space, or "";
						  * valid until the source refuses another page */
} PlfAnswer;

typedef struct PlfPageSource
{
	void *arg;           /* the first argument of every function */
	const PlfWire *wire; /* the resource whose pages these are; never NULL */

	/*
	 * Sends a request for a page and returns at once.  Raises 54000 when the request is
	 * one more than max_requests allows.  The ticket is used up by receive() or cancel().
	 */
	PlfTicket (*request)(void *arg, const PlfListRequest *request);

	/*
	 * Lets all requests go on as far as they can without waiting, and returns true when
	 * this one is answered.
	 */
	bool (*is_answered)(void *arg, PlfTicket ticket);

	/* True when the page has come.  Unlike is_answered(), lets no request go on. */
	bool (*has_page)(void *arg, PlfTicket ticket);

	/* Blocks until the request is answered; true when the answer is the page. */
	bool (*wait)(void *arg, PlfTicket ticket);

	/*
	 * Blocks until the request is answered; true when the answer is the page, or the
	 * refusal of a page after the first one.  Any other failure tells nothing of the
	 * list: false.
	 */
	bool (*wait_page_or_refusal)(void *arg, PlfTicket ticket);

	/*
	 * Waits for the answer and returns the page, or the refusal of a page after the first
	 * one: the API refuses pages past the end of a list that became shorter.  Every other
	 * failure is raised.
	 */
	PlfAnswer (*receive)(void *arg, PlfTicket ticket);

	/* Ends a request whose answer is no longer wanted. */
	void (*cancel)(void *arg, PlfTicket ticket);

	/* Frees a page that receive() returned. */
	void (*release)(void *arg, PlfHeldPage *page);

	/* Raises 54000 when "further" requests are more than max_requests allows. */
	void (*expect)(void *arg, int64_t further);

	/* Counts a repair: the list changed while it was read, and is read on. */
	void (*note_repair)(void *arg);

	/*
	 * Raises an error about a page; never returns.  "page" is 0 for an error about the
	 * whole list, "sqlstate" as errcode() takes it, "detail" and "hint" may be NULL.
	 */
	void (*raise)(void *arg, int64_t page, int sqlstate, const char *message,
				  const char *detail, const char *hint);
} PlfPageSource;

#endif /* PLF_PAGE_SOURCE_H */
