/*
 * bisect.h
 *		Finds the place at which one part of a sorted list ends and the next one begins.
 */
#ifndef PLF_BISECT_H
#define PLF_BISECT_H

#include "list/course.h"

typedef struct PlfSearch
{
	PlfCourse *course;

	/* True when a link lies before the place that is searched for. */
	bool (*is_before)(const PlfCourse *course, const PlfHeldPage *page, int index);

	/* Judges a page that was looked at; NULL: every page will do. */
	PlfLook (*check)(PlfCourse *course, PlfHeldPage *page);

	/* True when the list's last link is known not to lie before the place. */
	bool ends_behind;
} PlfSearch;

/*
 * Finds the first place of the list, from link "index" of "page" on, whose link does not
 * lie before what is searched for; the length of the list when there is none.  Takes at
 * most the logarithm of the pages, less those in memory.
 */
extern PlfLook plf_bisect(const PlfSearch *search, PlfHeldPage *page, int index,
						  int64 *place);

#endif /* PLF_BISECT_H */
