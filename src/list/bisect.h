/*
 * bisect.h
 *		Finds the place at which one part of a sorted list ends and the next one begins.
 */
#ifndef PLF_BISECT_H
#define PLF_BISECT_H

#include "list/course.h"

/* What is searched for, and in which list. */
typedef struct PlfSearch
{
	PlfCourse *course;

	/* True when a link lies before the place that is searched for. */
	bool (*is_before)(const PlfCourse *course, const PlfHeldPage *page, int index);

	/* Judges a page that was looked at; NULL: every page is accepted. */
	PlfLook (*check)(PlfCourse *course, PlfHeldPage *page);

	/* True when the list's last link is known not to lie before the place. */
	bool ends_behind;
} PlfSearch;

/*
 * Sets *place to the first place, from link "index" of "page" on, whose link is not
 * before what is searched for; to the length of the list when there is no such link.
 * Looks at no more pages than the logarithm of their number.  Returns PLF_LOOK_PAGE, or
 * else what a page that was looked at showed.
 */
extern PlfLook plf_bisect(const PlfSearch *search, PlfHeldPage *page, int index,
						  int64 *place);

#endif /* PLF_BISECT_H */
