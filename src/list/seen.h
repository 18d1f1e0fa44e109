/*
 * seen.h
 *		The ids that a reader has received.
 */
#ifndef PLF_SEEN_H
#define PLF_SEEN_H

typedef struct PlfSeen PlfSeen;

/* Lives until "context" is reset. */
extern PlfSeen *plf_seen_create(MemoryContext context);

/* Adds an id; false when the id was received before. */
extern bool plf_seen_add(PlfSeen *seen, const char *id, size_t length);

/* True when the id was received. */
extern bool plf_seen_has(const PlfSeen *seen, const char *id, size_t length);

/* How many different ids were received. */
extern int64 plf_seen_count(const PlfSeen *seen);

/* Begins another pass over the list: an id that came before may come again. */
extern void plf_seen_begin(PlfSeen *seen);

/*
 * Begins another pass at the beginning of the list.  plf_seen_has() is then true only for
 * ids that came, or came again, since.
 */
extern void plf_seen_begin_list(PlfSeen *seen);

/* How often an id came again since plf_seen_begin(). */
extern int64 plf_seen_repeats(const PlfSeen *seen);

#endif /* PLF_SEEN_H */
