/*
 * node.h
 *		The executor's callbacks for a node of this wrapper.
 */
#ifndef PLF_NODE_H
#define PLF_NODE_H

#include "foreign/fdwapi.h"

/* The callbacks of that name without "plf". */
extern void plf_begin_foreign_scan(ForeignScanState *node, int eflags);
extern TupleTableSlot *plf_iterate_foreign_scan(ForeignScanState *node);
extern void plf_rescan_foreign_scan(ForeignScanState *node);
extern void plf_end_foreign_scan(ForeignScanState *node);
extern void plf_explain_foreign_scan(ForeignScanState *node, struct ExplainState *es);

#endif /* PLF_NODE_H */
