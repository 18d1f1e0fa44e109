/*
 * wire.c
 *		The documented statuses of a resource, by name.
 */
#include <string.h>

#include "api/wire.h"

int
plf_status_lookup(const PlfWire *wire, const char *name, size_t length)
{
	int i;

	for (i = 0; i < PLF_STATUS_COUNT; i++)
	{
		if (strlen(wire->statuses[i]) == length &&
			memcmp(wire->statuses[i], name, length) == 0)
			return i;
	}
	return -1;
}
