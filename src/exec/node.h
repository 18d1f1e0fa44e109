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
 * For append.c.  Only a node that reads the list can run at the same time as others, so
 * these are for such a node alone.
 *
 * plf_node_is_ready() sends what the next row takes, and returns whether that row is
 * there; the row delivered last is freed.
 */
extern bool plf_node_is_ready(ForeignScanState *node);

/* Whether the next row is on another page than the last one. */
extern bool plf_node_is_between_pages(ForeignScanState *node);

/* An Append chooses the node to be asked next. */
extern void plf_node_note_chosen(ForeignScanState *node);

/* When that was last, compared with other nodes: larger is later; 0: never. */
extern int64 plf_node_last_chosen(const ForeignScanState *node);

#endif /* PLF_NODE_H */
