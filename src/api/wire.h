/*
 * wire.h
 *		What the API and messages call a resource, which is a list and its items.
 *		catalog/resource.c has the descriptors; api/ works with any of them.
 *
 * Server-free: no postgres.h, so that unit tests and fuzzers can link it.
 */
#ifndef PLF_WIRE_H
#define PLF_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* The number of statuses that the API documents for a resource. */
#define PLF_STATUS_COUNT 5

/* A set of documented statuses: bit i stands for PlfWire.statuses[i]. */
typedef uint32_t PlfStatusSet;

#define PLF_STATUS_NONE ((PlfStatusSet) 0)
#define PLF_STATUS_ALL  ((PlfStatusSet) ((1 << PLF_STATUS_COUNT) - 1))

/* Longest word for sort_by, in bytes. */
#define PLF_MAX_SORT_BY 32

/* A resource.  All strings are ASCII and static. */
typedef struct PlfWire
{
	/* Requests. */
	const char *list_path;        /* path of the list, without a query */
	const char *item_path;        /* path of one item, with "{id}" in place of its id */
	const char *status_parameter; /* parameter of the query that asks for the items with
								   * one status; may come several times */
	const char *scope;            /* scope that an access token needs */

	/* Answers. */
	const char *list_key;   /* member of a page that is the array of items */
	const char *meta_key;   /* member of a page that is read as PlfMeta */
	const char *item_key;   /* member that holds a single item; the API may send the item
							 * itself instead */
	const char *id_key;     /* member of an item that is its id, a string */
	const char *status_key; /* member of an item that is its status */

	/* In the order of the API's documentation. */
	const char *statuses[PLF_STATUS_COUNT];

	/* Messages. */
	const char *noun;   /* one item: "payment link" */
	const char *plural; /* several items */
	const char *item;   /* one item, in a message that names the API too: "link" */
	const char *items;  /* several items, in such a message */
} PlfWire;

/*
 * Returns the index of a status in PlfWire.statuses; -1 for an undocumented status.
 * "length" is in bytes.
 */
extern int plf_status_lookup(const PlfWire *wire, const char *name, size_t length);

#endif /* PLF_WIRE_H */
