/*
 * status_shape.h
 *		What a condition on status says of values that the documentation does
 *		not have, read from its structure.  Used by status_filter.c;
 *		the helpers at the end by others too.
 */
#ifndef PLF_STATUS_SHAPE_H
#define PLF_STATUS_SHAPE_H

#include "nodes/execnodes.h"

/* What a condition says of undocumented statuses. */
typedef enum PlfRest
{
	PLF_REST_NO,  /* holds for none */
	PLF_REST_ALL, /* holds for all */
	PLF_REST_SOME /* cannot be told */
} PlfRest;

typedef struct PlfStatusShape PlfStatusShape;

/*
 * The structure of the conjunction of "clauses"; "not_null" says that no row has
 * a NULL status.  "parent" as for plf_status_filter_init().
 */
extern PlfStatusShape *plf_status_shape_create(List *clauses, PlanState *parent,
											   bool not_null);

/* Evaluates it; in the current context, which the caller resets. */
extern PlfRest plf_status_shape_rest(const PlfStatusShape *shape, ExprContext *econtext);

/* Whether an expression holds a column at all. */
extern bool plf_has_column(Node *node);

/* Whether it is the column itself, under a change of type that changes nothing. */
extern bool plf_is_status(Node *node);

/* A status or enum label as a C string. */
extern char *plf_status_text(Datum value, Oid type);

#endif /* PLF_STATUS_SHAPE_H */
