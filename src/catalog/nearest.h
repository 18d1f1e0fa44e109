/*
 * nearest.h
 *		The known name that somebody probably meant, for hints.
 */
#ifndef PLF_NEAREST_H
#define PLF_NEAREST_H

/*
 * Returns the member of "candidates" (ended by NULL) that is nearest to "word", or NULL
 * when none is near.  As in PostgreSQL's own hints, at most half of the letters of "word"
 * may differ.  Case is ignored.
 */
extern const char *plf_nearest(const char *word, const char *const *candidates);

#endif /* PLF_NEAREST_H */
