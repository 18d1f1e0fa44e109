/*
 * lookup_path.h
 *		Paths that look up ids, and the conditions on the id that allow them.
 */
#ifndef PLF_LOOKUP_PATH_H
#define PLF_LOOKUP_PATH_H

#include "nodes/pathnodes.h"

/* No node looks up more ids than this, however long the list is. */
#define PLF_MAX_LOOKUPS 100

/*
 * How many ids a node may look up: as many as there are pages to read instead, from 1 to
 * PLF_MAX_LOOKUPS.
 */
extern int plf_lookup_most(const RelOptInfo *baserel);

/*
 * Adds paths that look up ids: for conditions "id = x", "id = ANY (...)" and an OR of
 * such conditions, and parameterized paths for joins on the id.
 */
extern void plf_add_lookup_paths(PlannerInfo *root, RelOptInfo *baserel);

/* The values that a path looks up, of Expr: uuids and arrays of uuids.  NIL: none. */
extern List *plf_lookups_of_path(const ForeignPath *path);

/*
 * The ReparameterizeForeignPathByChild callback: translates the fdw_private of a path
 * whose parameters come from the topmost parent of "child_rel", so that they come from
 * "child_rel".
 */
extern List *plf_reparameterize_foreign_path(PlannerInfo *root, List *fdw_private,
											 RelOptInfo *child_rel);

#endif /* PLF_LOOKUP_PATH_H */
