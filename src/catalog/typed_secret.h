/*
 * typed_secret.h
 *		Statements in which somebody has typed a secret.
 *
 * Between plf_typed_secret_begin() and plf_typed_secret_end() no message shows the
 * text of a statement.  The server's log gets no STATEMENT.  Neither log nor client
 * gets a CONTEXT, because PL/pgSQL and others repeat there the statement that they
 * run, or its parameters.  An error between the two ends this state as well.
 */
#ifndef PLF_TYPED_SECRET_H
#define PLF_TYPED_SECRET_H

#include "utils/elog.h"

typedef struct PlfTypedSecret
{
	ErrorContextCallback hide;
	ErrorContextCallback *outer; /* the stack as it was */
} PlfTypedSecret;

/* "typed" is a local variable of a function that calls both. */
extern void plf_typed_secret_begin(PlfTypedSecret *typed);
extern void plf_typed_secret_end(const PlfTypedSecret *typed);

#endif /* PLF_TYPED_SECRET_H */
