/*
 * source.h
 *		The API as the source of a scan's pages.  Requests go out, parsed pages come back,
 *		and each failure is raised as the error that the user should see.
 */
#ifndef PLF_SOURCE_H
#define PLF_SOURCE_H

#include "compat.h"
#include "catalog/option.h"
#include "http/transfer.h"
#include "pages/page_source.h"
#include "pages/statement.h"

typedef struct PlfSource PlfSource;

/* What a source has done so far. */
typedef struct PlfSourceStats
{
	PlfClientStats client;
	int64 pages;   /* pages of the list received */
	int64 repairs; /* how often the list changed and was read on */
} PlfSourceStats;

/*
 * Returns a source of pages of the resource "wire", as "userid" may read it.  Resolves
 * the credential (28000 and others when there is none) but sends nothing.  Lives until
 * "context" is reset.  "statement" is NULL outside of the executor; links cannot be asked
 * for by id then.
 */
extern PlfSource *plf_source_open(MemoryContext context, Oid userid,
								  const PlfOptions *options, const PlfWire *wire,
								  PlfStatement *statement);

/*
 * The source as list/ uses it, through the function pointers of page_source.h; lives as
 * long as the source.
 */
extern const PlfPageSource *plf_source_pages(PlfSource *source);

/* The functions of page_source.h, for callers that ask this source alone. */
extern PlfTicket plf_source_request(PlfSource *source, const PlfListRequest *request);
extern PlfAnswer plf_source_receive(PlfSource *source, PlfTicket ticket);
extern void plf_source_cancel(PlfSource *source, PlfTicket ticket);
extern void plf_source_release(PlfSource *source, PlfHeldPage *held);
extern void plf_source_expect(PlfSource *source, int64 further);

/*
 * Requests one link by its id in canonical form; the answer is a page of that link, or
 * NULL when there is no such link.  A 404 is believed when it has the form of the API's
 * own errors and the API has sent the list to this statement.  If the list has not been
 * sent, one link of the list is asked for.
 */
extern PlfTicket plf_source_request_link(PlfSource *source, const char *id);
extern PlfHeldPage *plf_source_receive_link(PlfSource *source, PlfTicket ticket);

/* Raises an error about a page, with host and page in its DETAIL. */
extern void plf_source_raise(PlfSource *source, int64 page, int sqlstate,
							 const char *message, const char *detail, const char *hint)
	pg_attribute_noreturn();

extern PlfSourceStats plf_source_stats(const PlfSource *source);

#endif /* PLF_SOURCE_H */
