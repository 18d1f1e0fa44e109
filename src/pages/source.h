/*
 * source.h
 *		Where pages come from: the API as one scan sees it.  Requests go out,
 *		parsed pages come back, and everything that went wrong is raised as the
 *		error the user should see.
 */
#ifndef PLF_SOURCE_H
#define PLF_SOURCE_H

#include "compat.h"
#include "http/client.h"
#include "api/page.h"
#include "api/request.h"
#include "catalog/option.h"
#include "pages/statement.h"

typedef struct PlfSource PlfSource;

/* A page of the list in memory; owned by the source until released. */
typedef struct PlfHeldPage
{
	PlfListRequest request;
	PlfPage *page;
	int64 first;              /* place of its first link in the list, from 0 */
	int count;                /* links on it */
	int64 total;              /* links in the list, as it says */
	int64 arrived;            /* page_table.c's: after so many requests */
	struct PlfHeldPage *next; /* for the holder's lists */
} PlfHeldPage;

/* What a source has done so far. */
typedef struct PlfSourceStats
{
	PlfClientStats client;
	int64 pages;   /* pages of the list received */
	int64 repairs; /* of a list that changed */
} PlfSourceStats;

/*
 * The API as "userid" may see it.  Resolves the credential (28000 and others
 * when there is none) but sends nothing.  Lives until "context" is reset.  "statement"
 * is NULL outside of the executor; links cannot be asked for by id then.
 */
extern PlfSource *plf_source_open(MemoryContext context, Oid userid,
								  const PlfOptions *options, PlfStatement *statement);

/*
 * Sends a request for a page and returns at once; 54000 when that were one
 * more than max_requests.
 */
extern PlfTransfer *plf_source_request(PlfSource *source, const PlfListRequest *request);

/* Whether the answer is there, without waiting; as plf_transfer_drive() has it. */
extern bool plf_source_is_answered(PlfSource *source, PlfTransfer *transfer);

/* Blocks until there is an answer; whether it is one that brings a page. */
extern bool plf_source_wait(PlfSource *source, PlfTransfer *transfer);

/* Likewise; whether it tells something of the list: brings the page, or refuses it. */
extern bool plf_source_tells(PlfSource *source, PlfTransfer *transfer, int64 page);

/*
 * Waits for the page and returns it; the transfer is released.  NULL when the
 * API refused a page after the first one, as it does when the list has become
 * shorter.  Every other failure is raised.
 */
extern PlfHeldPage *plf_source_receive(PlfSource *source, PlfTransfer *transfer,
									   const PlfListRequest *request);

/*
 * What the API said when it refused a page last: sentences after a space each, ""
 * without any; good until it refuses another.
 */
extern const char *plf_source_refusal(const PlfSource *source);

/* The list changed while it was read, and that is made good. */
extern void plf_source_note_repair(PlfSource *source);

/*
 * The same for one link, by its id in canonical form; NULL when there is none.  That is
 * believed when the API says it in the form of its own errors, and when it has sent the
 * list to this statement: if it has not, the list is asked for one link of it.
 */
extern PlfTransfer *plf_source_request_link(PlfSource *source, const char *id);
extern PlfHeldPage *plf_source_receive_link(PlfSource *source, PlfTransfer *transfer);

extern void plf_source_release(PlfSource *source, PlfHeldPage *held);

/* 54000 when "further" requests would be more than max_requests allows. */
extern void plf_source_expect(PlfSource *source, int64 further);

/* Raises an error about a page, with host and page in its DETAIL. */
extern void plf_source_raise(PlfSource *source, int64 page, int sqlstate,
							 const char *message, const char *detail, const char *hint)
	pg_attribute_noreturn();

extern PlfSourceStats plf_source_stats(const PlfSource *source);

#endif /* PLF_SOURCE_H */
