/*
 * statement.h
 *		What the scans of one statement know together.
 *
 * A statement is one run of the executor, with its subplans and the rechecks of
 * EvalPlanQual.  Each query of a function or a trigger is a statement of its own.
 */
#ifndef PLF_STATEMENT_H
#define PLF_STATEMENT_H

#include "nodes/execnodes.h"

typedef struct PlfStatement PlfStatement;

/* The statement that a node belongs to; lives as long as its executor does. */
extern PlfStatement *plf_statement_of(EState *estate);

/*
 * Notes that the API sent the list to the user mapping "umid".  From then on the
 * statement takes for granted that the list exists.
 */
extern void plf_statement_note_list(PlfStatement *statement, Oid umid);

/* True when plf_statement_note_list() was called for the user mapping. */
extern bool plf_statement_has_list(const PlfStatement *statement, Oid umid);

#endif /* PLF_STATEMENT_H */
