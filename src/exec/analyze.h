/*
 * analyze.h
 *		ANALYZE of a foreign table.
 */
#ifndef PLF_ANALYZE_H
#define PLF_ANALYZE_H

#include "foreign/fdwapi.h"

/*
 * Pages that ANALYZE reads at most: enough for the few columns that have anything
 * to estimate, and no burden on the quota.
 */
#define PLF_MAX_SAMPLE_PAGES 30

/* The AnalyzeForeignTable callback. */
extern bool plf_analyze_foreign_table(Relation relation, AcquireSampleRowsFunc *func,
									  BlockNumber *totalpages);

#endif /* PLF_ANALYZE_H */
