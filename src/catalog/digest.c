/*
 * digest.c
 *		SHA-256, and short digests of texts.  No other file calls the server's functions
 *		for SHA-256.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"

#include "catalog/digest.h"

StaticAssertDecl(PLF_DIGEST_SIZE == PG_SHA256_DIGEST_LENGTH,
				 "PLF_DIGEST_SIZE is the length of a SHA-256");

struct PlfDigest
{
	pg_cryptohash_ctx *context;
};

static void check(int result, pg_cryptohash_ctx *context);

PlfDigest *
plf_digest_begin(void)
{
	PlfDigest *digest = palloc(sizeof(PlfDigest));

	digest->context = pg_cryptohash_create(PG_SHA256);
	check(pg_cryptohash_init(digest->context), digest->context);
	return digest;
}

void
plf_digest_add(PlfDigest *digest, const void *data, size_t length)
{
	check(pg_cryptohash_update(digest->context, (const uint8 *) &length, sizeof(length)),
		  digest->context);
	check(pg_cryptohash_update(digest->context, data, length), digest->context);
}

void
plf_digest_end(PlfDigest *digest, uint8 out[PLF_DIGEST_SIZE])
{
	check(pg_cryptohash_final(digest->context, out, PLF_DIGEST_SIZE), digest->context);
	pg_cryptohash_free(digest->context);
	pfree(digest);
}

void
plf_sha256(const void *data, size_t length, uint8 out[PLF_DIGEST_SIZE])
{
	PlfDigest *digest = plf_digest_begin();

	check(pg_cryptohash_update(digest->context, data, length), digest->context);
	plf_digest_end(digest, out);
}

uint64
plf_text_digest(const char *text)
{
	uint8 digest[PLF_DIGEST_SIZE];
	uint64 result = 0;

	if (text == NULL)
		return 0;
	plf_sha256(text, strlen(text), digest);
	for (int i = 0; i < 8; i++)
		result = result << 8 | digest[i];
	return result;
}

/* The server's functions return a negative number for lack of memory. */
static void
check(int result, pg_cryptohash_ctx *context)
{
	if (result < 0)
		elog(ERROR, "could not compute a SHA-256: %s", pg_cryptohash_error(context));
}
