/*
 * typed_secret.c
 *		Keeps statements with secrets out of messages.
 */
#include "postgres.h"

#include "catalog/typed_secret.h"

static void hide_statement(void *arg);

void
plf_typed_secret_begin(PlfTypedSecret *typed)
{
	/* A stack with this callback alone: the callbacks that add a CONTEXT are not called.
	 */
	typed->outer = error_context_stack;
	typed->hide = (ErrorContextCallback){NULL, hide_statement, NULL};
	error_context_stack = &typed->hide;
}

/* After an error, PG_TRY() and the main loop restore the stack. */
void
plf_typed_secret_end(const PlfTypedSecret *typed)
{
	error_context_stack = typed->outer;
}

static void
hide_statement(pg_attribute_unused() void *arg)
{
	errhidestmt(true);
}
