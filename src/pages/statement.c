/*
 * statement.c
 *		What the scans of one statement know together.
 *
 * The executor has no room for such knowledge.  So the statements that are under way in
 * this backend (cursors, and queries of functions) are in a list, by their EState.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "pages/statement.h"

struct PlfStatement
{
	dlist_node node; /* in "statements" */
	EState *estate;
	List *lists; /* OIDs of the user mappings that received the list */
	MemoryContextCallback at_end;
};

/* The statements that are under way; the one that began last comes first. */
static dlist_head statements = DLIST_STATIC_INIT(statements);

static void forget_statement(void *arg);

PlfStatement *
plf_statement_of(EState *estate)
{
	PlfStatement *statement;
	dlist_iter iter;

	/* EvalPlanQual runs a part of the plan in an EState of its own. */
	while (estate->es_epq_active != NULL)
		estate = estate->es_epq_active->parentestate;

	dlist_foreach(iter, &statements)
	{
		statement = dlist_container(PlfStatement, node, iter.cur);
		if (statement->estate == estate)
			return statement;
	}
	statement = MemoryContextAllocZero(estate->es_query_cxt, sizeof(PlfStatement));
	statement->estate = estate;
	statement->at_end.func = forget_statement;
	statement->at_end.arg = statement;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, &statement->at_end);
	dlist_push_head(&statements, &statement->node);
	return statement;
}

/*
 * Frees the entry of a statement.  Called when the executor's memory goes, however the
 * statement ends.
 */
static void
forget_statement(void *arg)
{
	dlist_delete(&((PlfStatement *) arg)->node);
}

void
plf_statement_note_list(PlfStatement *statement, Oid umid)
{
	MemoryContext old;

	if (plf_statement_has_list(statement, umid))
		return;
	old = MemoryContextSwitchTo(statement->estate->es_query_cxt);
	statement->lists = lappend_oid(statement->lists, umid);
	MemoryContextSwitchTo(old);
}

bool
plf_statement_has_list(const PlfStatement *statement, Oid umid)
{
	return list_member_oid(statement->lists, umid);
}
