/*
 * proof.c
 *		What proves that a code belongs to an authorization that a mapping has asked for:
 *		"state" and the code verifier of PKCE (RFC 7636).
 *
 * Both belong to a slot of time.  Somebody who finds one of them in a browser's
 * history or a proxy's log cannot use it for long.
 */
#include "postgres.h"

#include "common/base64.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "catalog/digest.h"
#include "oauth/proof.h"

static char *derive(const PlfMapping *mapping, const char *purpose, int64 slot);
static char *base64url(const char *base64, int length);

int64
plf_authorization_slot(void)
{
	return GetCurrentTimestamp() / (PLF_SLOT_S * USECS_PER_SEC);
}

char *
plf_code_verifier(const PlfMapping *mapping, int64 slot)
{
	return derive(mapping, "code_verifier", slot);
}

char *
plf_authorization_state(const PlfMapping *mapping, int64 slot)
{
	return derive(mapping, "state", slot);
}

/*
 * Returns 43 characters that are computed from the client secret.  Nothing has to be kept
 * between the consent and the exchange of its code, which another session may do.
 */
static char *
derive(const PlfMapping *mapping, const char *purpose, int64 slot)
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	char text[64];
	int length;
	char *seed = psprintf("%s %u " INT64_FORMAT " %s", purpose, mapping->umid, slot,
						  mapping->client_id);

	if (pg_hmac_init(context, (const uint8 *) mapping->client_secret,
					 strlen(mapping->client_secret)) < 0 ||
		pg_hmac_update(context, (const uint8 *) seed, strlen(seed)) < 0 ||
		pg_hmac_final(context, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute an HMAC: %s", pg_hmac_error(context));
	pg_hmac_free(context);
	length = pg_b64_encode((void *) digest, sizeof(digest), text, sizeof(text));
	return base64url(text, length);
}

char *
plf_code_challenge(const char *verifier)
{
	uint8 digest[PLF_DIGEST_SIZE];
	char text[64];

	plf_sha256(verifier, strlen(verifier), digest);
	return base64url(text,
					 pg_b64_encode((void *) digest, sizeof(digest), text, sizeof(text)));
}

/* Rewrites base64 as base64url (RFC 4648, section 5) without padding; palloc'd. */
static char *
base64url(const char *base64, int length)
{
	char *text;

	if (length < 0)
		elog(ERROR, "could not encode a digest");
	while (length > 0 && base64[length - 1] == '=')
		length--;
	text = pnstrdup(base64, length);
	for (char *at = text; *at != '\0'; at++)
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
	return text;
}
