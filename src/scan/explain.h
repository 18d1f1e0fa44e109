/*
 * explain.h
 *		What EXPLAIN shows of a scan, and what a count shows likewise.
 */
#ifndef PLF_EXPLAIN_H
#define PLF_EXPLAIN_H

#include "nodes/execnodes.h"
#include "pages/source.h"

struct ExplainState;

extern void plf_scan_explain(ForeignScanState *node, struct ExplainState *es);

/* What ANALYZE shows; "source" may be NULL, nothing having been asked. */
extern void plf_explain_source(const PlfSource *source, int64 links,
							   struct ExplainState *es);

/* An expression of the plan as people write it. */
extern char *plf_explain_expression(ForeignScanState *node, struct ExplainState *es,
									Node *expr);

#endif /* PLF_EXPLAIN_H */
