/*
 * grow.h
 *		Arrays that grow, for json.c and page.c.
 */
#ifndef PLF_GROW_H
#define PLF_GROW_H

#include <stdlib.h>

/*
 * The malloc'd array, larger if need be to hold one more than "count"; NULL without
 * memory, and it is still there.
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
