/*
 * node.h
 *		The executor's callbacks for the nodes of this wrapper.
 */
#ifndef PLF_NODE_H
#define PLF_NODE_H

#include "foreign/fdwapi.h"

/* The callbacks of the same names without "plf". */
extern void plf_begin_foreign_scan(ForeignScanState *node, int eflags);
extern TupleTableSlot *plf_iterate_foreign_scan(ForeignScanState *node);
extern void plf_rescan_foreign_scan(ForeignScanState *node);
extern void plf_end_foreign_scan(ForeignScanState *node);
extern void plf_explain_foreign_scan(ForeignScanState *node, struct ExplainState *es);

/*
 * For append.c, and for a node that reads the list alone, since only such a node can run
 * at the same time as others.
 *
 * plf_node_is_ready() sends the requests for the next row, and returns whether that row
 * has arrived.  The row delivered last is freed.
 */
extern bool plf_node_is_ready(ForeignScanState *node);

/* Whether the next row is on another page than the last one. */
extern bool plf_node_is_between_pages(ForeignScanState *node);

/* Notes that an Append chooses the node as the next to be asked. */
extern void plf_node_note_chosen(ForeignScanState *node);

/*
 * When plf_node_note_chosen() was last called, compared with other nodes: larger is
 * later; 0: never.
 */
extern int64 plf_node_last_chosen(const ForeignScanState *node);

#endif /* PLF_NODE_H */
