/*
 * count.h
 *		A node that counts.
 */
#ifndef PLF_COUNT_H
#define PLF_COUNT_H

#include "foreign/fdwapi.h"

/* The node's operations for exec/node.c, as scan/scan.h has them. */
extern void *plf_count_begin(ForeignScanState *node, int eflags);
extern bool plf_count_next(void *count, TupleTableSlot *slot);
extern void plf_count_rescan(void *count);
extern void plf_count_end(void *count);

#endif /* PLF_COUNT_H */
