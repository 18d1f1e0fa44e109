/*
 * lookup_scan.h
 *		A node that asks for links by their ids.
 */
#ifndef PLF_LOOKUP_SCAN_H
#define PLF_LOOKUP_SCAN_H

#include "foreign/fdwapi.h"

/* The node's operations for exec/node.c, as scan.h has them. */
extern void *plf_lookup_scan_begin(ForeignScanState *node, int eflags);
extern bool plf_lookup_scan_next(void *scan, TupleTableSlot *slot);
extern void plf_lookup_scan_rescan(void *scan);
extern void plf_lookup_scan_explain(void *scan, ForeignScanState *node,
									struct ExplainState *es);
extern void plf_lookup_scan_end(void *scan);

#endif /* PLF_LOOKUP_SCAN_H */
