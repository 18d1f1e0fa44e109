/*
 * lookup_path.h
 *		Conditions on id that a request for each id answers.
 */
#ifndef PLF_LOOKUP_PATH_H
#define PLF_LOOKUP_PATH_H

#include "nodes/pathnodes.h"

/* More ids than this are not looked up, however long the list is. */
#define PLF_MAX_LOOKUPS 100

/*
 * More ids than the pages that would be read instead are not looked up.  From 1 to
 * PLF_MAX_LOOKUPS, which it is for a list that was never analyzed.
 */
extern int plf_lookup_most(const RelOptInfo *baserel);

/*
 * Offers paths that look up ids: for "id = x", "id = ANY (...)" and an OR of them among
 * the conditions, and, with parameters, for joins on id.
 */
extern void plf_add_lookup_paths(PlannerInfo *root, RelOptInfo *baserel);

/*
 * What is looked up in such a path: a list of uuids and arrays of them.  NIL for
 * another path.
 */
extern List *plf_lookups_of_path(const ForeignPath *path);

/*
 * The fdw_private of a path whose parameters come from the topmost parent of
 * "child_rel", for parameters that come from "child_rel" itself.
 */
extern List *plf_reparameterize_foreign_path(PlannerInfo *root, List *fdw_private,
											 RelOptInfo *child_rel);

#endif /* PLF_LOOKUP_PATH_H */
