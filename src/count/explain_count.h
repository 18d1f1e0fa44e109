/*
 * explain_count.h
 *		What EXPLAIN shows of a node that counts.
 */
#ifndef PLF_EXPLAIN_COUNT_H
#define PLF_EXPLAIN_COUNT_H

#include "foreign/fdwapi.h"

/* The node's operation for exec/node.c. */
extern void plf_count_explain(void *count, ForeignScanState *node,
							  struct ExplainState *es);

#endif /* PLF_EXPLAIN_COUNT_H */
