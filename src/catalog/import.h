/*
 * import.h
 *		IMPORT FOREIGN SCHEMA.
 */
#ifndef PLF_IMPORT_H
#define PLF_IMPORT_H

#include "nodes/parsenodes.h"

/* The ImportForeignSchema callback. */
extern List *plf_import_foreign_schema(ImportForeignSchemaStmt *stmt, Oid serverOid);

#endif /* PLF_IMPORT_H */
