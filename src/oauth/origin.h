/*
 * origin.h
 *		Where a refresh token was stored: the option "stored_by" of a user mapping.
 */
#ifndef PLF_ORIGIN_H
#define PLF_ORIGIN_H

typedef enum PlfOrigin
{
	PLF_ORIGIN_HERE,
	PLF_ORIGIN_OTHER_DATABASE,
	PLF_ORIGIN_OTHER_COPY /* the same database elsewhere; one is a copy of the other */
} PlfOrigin;

/* Names this database and where its files are, as "stored_by" does; palloc'd. */
extern char *plf_stored_by(void);

/* Returns where a token with this "stored_by" was stored.  Not to be called on a standby.
 */
extern PlfOrigin plf_origin(const char *stored_by);

#endif /* PLF_ORIGIN_H */
