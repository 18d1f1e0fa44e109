/*
 * status_literals.h
 *		Unknown literals: what a query compares with the status, though it is not a
 *		documented status, and probably misspelt.
 */
#ifndef PLF_STATUS_LITERALS_H
#define PLF_STATUS_LITERALS_H

#include "catalog/field.h"
#include "nodes/pathnodes.h"

/* More unknown literals than this are not looked for. */
#define PLF_MAX_LITERALS 10

/*
 * The unknown literals that the query compares with the status of relation "baserel", at
 * the query's own level: in conditions, targets, aggregates, FILTER and HAVING.  A list
 * of String nodes, each literal once.
 */
extern List *plf_status_literals(PlannerInfo *root, RelOptInfo *baserel,
								 const PlfColumn *status);

#endif /* PLF_STATUS_LITERALS_H */
