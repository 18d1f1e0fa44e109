/*
 * grow.h
 *		Arrays that grow, for json.c and page.c.
 */
#ifndef PLF_GROW_H
#define PLF_GROW_H

#include <stdlib.h>

/*
 * Returns the malloc'd array with room for one more element than "count", and enlarges it
 * if necessary.  "size" is the size of an element, *allocated the number of elements that
 * there is room for.  Returns NULL for lack of memory; the caller still owns the old
 * array then.
 */
static inline void *
grow(void *array, size_t *allocated, size_t count, size_t size)
{
	size_t wanted = *allocated == 0 ? 64 : *allocated * 2;
	void *larger;

	if (count < *allocated)
		return array;
	larger = realloc(array, wanted * size);
	if (larger != NULL)
		*allocated = wanted;
	return larger;
}

#endif /* PLF_GROW_H */
