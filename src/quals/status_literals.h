/*
 * status_literals.h
 *		Literals that a query compares with the status and that are no documented
 *		status: probably misspelt.
 */
#ifndef PLF_STATUS_LITERALS_H
#define PLF_STATUS_LITERALS_H

#include "catalog/field.h"
#include "nodes/pathnodes.h"

/*
 * The literals that the query compares with the status of relation "baserel" anywhere at
 * its level: in conditions, targets, aggregates, FILTER and HAVING.  A list of String
 * nodes, each once, PLF_MAX_LITERALS at most.
 */
extern List *plf_status_literals(PlannerInfo *root, RelOptInfo *baserel,
								 const PlfColumn *status);

#define PLF_MAX_LITERALS 10

#endif /* PLF_STATUS_LITERALS_H */
