/*
 * status_shape.h
 *		Whether a condition on status holds for statuses that are not documented,
 *		read from the structure of the condition.
 *
 * status_filter.c uses it; the helpers at the end serve other files, too.
 */
#ifndef PLF_STATUS_SHAPE_H
#define PLF_STATUS_SHAPE_H

#include "api/wire.h"
#include "nodes/execnodes.h"

/* For which of the other statuses, which are not documented, a condition holds. */
typedef enum PlfOthers
{
	PLF_OTHERS_NONE,
	PLF_OTHERS_ALL,
	PLF_OTHERS_SOME,   /* perhaps for some: the condition's structure does not tell */
	PLF_OTHERS_UNKNOWN /* evaluating the condition raised an error: nothing is known, not
						* even of the documented statuses, and the executor decides on
						* each row */
} PlfOthers;

/* The structure of a conjunction of conditions. */
typedef struct PlfStatusShape PlfStatusShape;

/*
 * The structure of "clauses".  "wire" has the documented statuses; "not_null" says that
 * no row has a NULL status; "parent" is what plf_status_filter_init() was given.  Lives
 * in the current context.
 */
extern PlfStatusShape *plf_status_shape_create(List *clauses, PlanState *parent,
											   const PlfWire *wire, bool not_null);

/*
 * For which other statuses the conditions hold with the parameters as they are now; never
 * UNKNOWN.  Leaves garbage in the current context, which the caller resets.
 */
extern PlfOthers plf_status_shape_others(const PlfStatusShape *shape,
										 ExprContext *econtext);

/* Whether an expression has a column in it. */
extern bool plf_has_column(Node *node);

/* Whether an expression is a column, perhaps under changes of type that keep the value.
 */
extern bool plf_is_status(Node *node);

/* A status of the type "type", a text or an enum, as a palloc'd string. */
extern char *plf_status_text(Datum value, Oid type);

#endif /* PLF_STATUS_SHAPE_H */
