/*
 * statistics.h
 *		ANALYZE: how frequent each status is, as the API counts them.
 */
#ifndef PLF_STATISTICS_H
#define PLF_STATISTICS_H

#include "foreign/fdwapi.h"

/* The ImportForeignStatistics callback, called from PostgreSQL 19 on. */
extern bool plf_import_foreign_statistics(Relation relation, List *columns, int elevel);

#endif /* PLF_STATISTICS_H */
