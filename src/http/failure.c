/*
 * failure.c
 *		Failures as values: made, and raised as errors.
 */
#include "postgres.h"

#include "compat.h"
#include "http/failure.h"

void
plf_failure_set(PlfFailure *failure, const PlfFailureSite *site, int sqlstate,
				const char *message, const char *detail, const char *hint)
{
	StringInfoData text;

	memset(failure, 0, sizeof(*failure));
	initStringInfo(&text);
	if (detail != NULL)
		appendStringInfoString(&text, detail);
	plf_detail_add_site(&text, site);

	failure->sqlstate = sqlstate;
	failure->message = pstrdup(message);
	failure->detail = text.len > 0 ? text.data : NULL;
	failure->hint = hint != NULL ? pstrdup(hint) : NULL;
}

void
plf_failure_raise(const PlfFailure *failure)
{
	Assert(failure->sqlstate != 0 && failure->message != NULL);
	ereport(ERROR,
			(errcode(failure->sqlstate), errmsg_internal("%s", failure->message),
			 failure->detail != NULL ? errdetail_internal("%s", failure->detail) : 0,
			 failure->hint != NULL ? errhint("%s", failure->hint) : 0));
}
