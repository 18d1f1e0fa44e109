/*
 * typed_secret.h
 *		Statements in which somebody has typed a secret.
 *
 * Between plf_typed_secret_begin() and plf_typed_secret_end() no message has the text of
 * a statement: the server's log gets no STATEMENT, and neither log nor client gets a
 * CONTEXT, where PL/pgSQL and others would repeat the statement that they run, or its
 * parameters.  An error between the two ends this as well.
 */
#ifndef PLF_TYPED_SECRET_H
#define PLF_TYPED_SECRET_H

#include "utils/elog.h"

typedef struct PlfTypedSecret
{
	ErrorContextCallback hide;
	ErrorContextCallback *outer; /* the stack as it was */
} PlfTypedSecret;

/* "typed" is a local variable of the caller, who ends what it begins. */
extern void plf_typed_secret_begin(PlfTypedSecret *typed);
extern void plf_typed_secret_end(const PlfTypedSecret *typed);

#endif /* PLF_TYPED_SECRET_H */
