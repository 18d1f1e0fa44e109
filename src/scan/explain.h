/*
 * explain.h
 *		What EXPLAIN shows of a node: the first request, and, with ANALYZE, the requests
 *		that the node has made.  EXPLAIN itself makes none.
 */
#ifndef PLF_EXPLAIN_H
#define PLF_EXPLAIN_H

#include "catalog/option.h"
#include "nodes/execnodes.h"
#include "pages/source.h"
#include "plan/scan_spec.h"
#include "scan/wanted.h"

struct ExplainState;

/* Shows the host that is asked. */
extern void plf_explain_host(const PlfOptions *options, struct ExplainState *es);

/* The first request of a scan of the list, its range, its window and the status check. */
extern void plf_explain_list(const PlfScanSpec *spec, const PlfTable *table,
							 const PlfOptions *options, PlfWantedState *wanted,
							 ForeignScanState *node, struct ExplainState *es);

/* The requests of a scan by ids. */
extern void plf_explain_lookup(const PlfScanSpec *spec, const PlfTable *table,
							   PlfWantedState *wanted, ForeignScanState *node,
							   struct ExplainState *es);

/* Shows that no request will be made, because of "why". */
extern void plf_explain_nothing(const char *why, struct ExplainState *es);

/*
 * For ANALYZE: how many requests were sent and what came of them.  "source" is NULL when
 * nothing was asked; "links" is how many links were received.
 */
extern void plf_explain_source(const PlfSource *source, int64 links,
							   struct ExplainState *es);

/* An expression of the plan, as people write it. */
extern char *plf_explain_expression(ForeignScanState *node, struct ExplainState *es,
									Node *expr);

/* Conditions that are connected by AND, as people write them. */
extern char *plf_explain_conditions(ForeignScanState *node, struct ExplainState *es,
									const List *conditions);

#endif /* PLF_EXPLAIN_H */
