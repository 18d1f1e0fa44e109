/*
 * count.h
 *		A scan node that counts.
 */
#ifndef PLF_COUNT_H
#define PLF_COUNT_H

#include "foreign/fdwapi.h"

extern void plf_count_begin(ForeignScanState *node, int eflags);
extern TupleTableSlot *plf_count_iterate(ForeignScanState *node);
extern void plf_count_rescan(ForeignScanState *node);
extern void plf_count_end(ForeignScanState *node);
extern void plf_count_explain(ForeignScanState *node, struct ExplainState *es);

#endif /* PLF_COUNT_H */
