/*
 * status_value.c
 *		Values of the status column that do not come from a link: the groups of a count,
 *		and what ANALYZE stores.
 *
 * The input function of the column's type makes them, as it makes the values of links, so
 * that a length, a domain's constraints and an enum's labels apply to them, too.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "quals/status_value.h"

/* What the error context names. */
typedef struct Source
{
	const PlfColumn *column;
	const char *status;
} Source;

static void value_context(void *arg);

Datum
plf_status_value(const PlfColumn *status, const char *name)
{
	Source source = {status, name};
	ErrorContextCallback callback;
	Oid input;
	Oid ioparam;
	Datum value;

	callback.callback = value_context;
	callback.arg = &source;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	getTypeInputInfo(status->type, &input, &ioparam);
	value = OidInputFunctionCall(input, (char *) name, ioparam, status->typmod);
	error_context_stack = callback.previous;
	return value;
}

static void
value_context(void *arg)
{
	const Source *source = arg;

	errcontext("column \"%s\" of %s whose status is \"%s\"", source->column->name,
			   source->column->wire->plural, source->status);
}
