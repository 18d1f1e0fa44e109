/*
 * seen.h
 *		The ids that a scan has received, so that no link is delivered twice.
 */
#ifndef PLF_SEEN_H
#define PLF_SEEN_H

typedef struct PlfSeen PlfSeen;

/* An empty set in the given context. */
extern PlfSeen *plf_seen_create(MemoryContext context);

/* Adds an id; false when it was there already. */
extern bool plf_seen_add(PlfSeen *seen, const char *id, size_t length);

/* How many there are. */
extern int64 plf_seen_count(const PlfSeen *seen);

#endif							/* PLF_SEEN_H */
