/*
 * upper.h
 *		The planner's callback for the nodes above a scan.
 */
#ifndef PLF_UPPER_H
#define PLF_UPPER_H

#include "nodes/pathnodes.h"

extern void plf_get_foreign_upper_paths(PlannerInfo *root, UpperRelationKind stage,
										RelOptInfo *input_rel, RelOptInfo *output_rel,
										void *extra);

#endif /* PLF_UPPER_H */
