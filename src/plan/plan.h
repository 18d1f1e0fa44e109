/*
 * plan.h
 *		The planner's callbacks for a table.
 */
#ifndef PLF_PLAN_H
#define PLF_PLAN_H

#include "foreign/fdwapi.h"

extern void plf_get_foreign_rel_size(PlannerInfo *root, RelOptInfo *baserel,
									 Oid foreigntableid);
extern void plf_get_foreign_paths(PlannerInfo *root, RelOptInfo *baserel,
								  Oid foreigntableid);
extern ForeignScan *plf_get_foreign_plan(PlannerInfo *root, RelOptInfo *baserel,
										 Oid foreigntableid, ForeignPath *best_path,
										 List *tlist, List *scan_clauses,
										 Plan *outer_plan);

#endif /* PLF_PLAN_H */
