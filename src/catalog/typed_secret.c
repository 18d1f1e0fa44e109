/*
 * typed_secret.c
 *		Statements in which somebody has typed a secret: no message repeats them.
 */
#include "postgres.h"

#include "catalog/typed_secret.h"

static void hide_statement(void *arg);

void
plf_typed_secret_begin(PlfTypedSecret *typed)
{
	/* The stack begins anew: those who would add a context are not asked. */
	typed->outer = error_context_stack;
	typed->hide = (ErrorContextCallback){NULL, hide_statement, NULL};
	error_context_stack = &typed->hide;
}

/* After an error PG_TRY() and the main loop put the stack right themselves. */
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
