/*
 * failure.h
 *		What went wrong, in PostgreSQL's terms.
 *
 * A failure is a value, so that payment_links_check() can show it and a scan can raise
 * it.
 */
#ifndef PLF_FAILURE_H
#define PLF_FAILURE_H

#include "compat.h"
#include "http/failure_detail.h"

/* Strings are palloc'd in the context that was current; NULL where there is none. */
typedef struct PlfFailure
{
	int sqlstate; /* ERRCODE_...; 0: nothing went wrong */
	char *message;
	char *detail;
	char *hint;
	char *trace_id;
	bool unauthorized; /* the API answered 401 */
} PlfFailure;

/*
 * Fills *failure with copies of message, detail and hint; detail and hint may be NULL.
 * Host and page of the site are added to the detail; "site" may be NULL.
 */
extern void plf_failure_set(PlfFailure *failure, const PlfFailureSite *site, int sqlstate,
							const char *message, const char *detail, const char *hint);

/* Raises the failure as an ERROR. */
extern void plf_failure_raise(const PlfFailure *failure) pg_attribute_noreturn();

#endif /* PLF_FAILURE_H */
