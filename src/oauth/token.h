/*
 * token.h
 *		The token host: what it is asked, and what it answers.
 */
#ifndef PLF_TOKEN_H
#define PLF_TOKEN_H

#include "catalog/mapping.h"
#include "catalog/option.h"
#include "http/failure.h"

/* What tokens are asked for with; "grant_type" of RFC 6749. */
typedef enum PlfGrant
{
	PLF_GRANT_REFRESH_TOKEN,
	PLF_GRANT_CODE
} PlfGrant;

/* What the token host sent; strings are palloc'd. */
typedef struct PlfTokens
{
	char *access_token;
	char *refresh_token; /* NULL: none came */
	TimestampTz access_token_expires_at;
	TimestampTz refresh_token_expires_at;
} PlfTokens;

typedef struct PlfTokenRequest PlfTokenRequest;

/*
 * Asks the token host, with the mapping's refresh token, or with "code" and the verifier
 * of the slot that the code belongs to.  Returns at once.
 */
extern PlfTokenRequest *plf_token_request(const PlfMapping *mapping,
										  const PlfOptions *options, PlfGrant grant,
										  const char *code, int64 slot);

/*
 * Waits for the answer, at most "ms" milliseconds (-1: as long as it takes); *done tells
 * whether it came.  Returns false, with *failure filled once the answer came, when there
 * are no tokens.
 */
extern bool plf_token_receive(PlfTokenRequest *request, int ms, bool *done,
							  PlfTokens *tokens, PlfFailure *failure);

#endif /* PLF_TOKEN_H */
