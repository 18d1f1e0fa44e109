/*
 * explain.h
 *		What the EXPLAIN callbacks of scans and counts share.
 */
#ifndef PLF_EXPLAIN_H
#define PLF_EXPLAIN_H

#include "nodes/execnodes.h"
#include "pages/source.h"

struct ExplainState;

/* What ANALYZE shows; "source" may be NULL, nothing having been asked. */
extern void plf_explain_source(const PlfSource *source, int64 links,
							   struct ExplainState *es);

/* An expression of the plan as people write it. */
extern char *plf_explain_expression(ForeignScanState *node, struct ExplainState *es,
									Node *expr);

#endif /* PLF_EXPLAIN_H */
