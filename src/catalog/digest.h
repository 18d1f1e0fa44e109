/*
 * digest.h
 *		SHA-256, and short digests that tell texts apart without being them.
 *
 * Lack of memory is raised as an error; nothing else can go wrong.
 */
#ifndef PLF_DIGEST_H
#define PLF_DIGEST_H

/* Bytes of a SHA-256. */
#define PLF_DIGEST_SIZE 32

/* A digest of several pieces, under way; palloc'd. */
typedef struct PlfDigest PlfDigest;

extern PlfDigest *plf_digest_begin(void);

/* Adds a piece and, before it, its length, so that "ab", "c" differs from "a", "bc". */
extern void plf_digest_add(PlfDigest *digest, const void *data, size_t length);

/* Writes the digest of the pieces to "out" and frees "digest". */
extern void plf_digest_end(PlfDigest *digest, uint8 out[PLF_DIGEST_SIZE]);

/* Writes the SHA-256 of the bytes alone. */
extern void plf_sha256(const void *data, size_t length, uint8 out[PLF_DIGEST_SIZE]);

/*
 * The first eight bytes of the SHA-256 of a text, the first byte being the highest; 0 for
 * NULL.  No secret can be had back from it.
 */
extern uint64 plf_text_digest(const char *text);

#endif /* PLF_DIGEST_H */
