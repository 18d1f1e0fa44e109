/*
 * analyze.h
 *		ANALYZE of a foreign table.
 */
#ifndef PLF_ANALYZE_H
#define PLF_ANALYZE_H

#include "foreign/fdwapi.h"

/*
 * ANALYZE reads at most so many pages: enough for the few columns whose values are worth
 * estimating, and a small part of the requests that the API allows.
 */
#define PLF_MAX_SAMPLE_PAGES 30

/* The AnalyzeForeignTable callback. */
extern bool plf_analyze_foreign_table(Relation relation, AcquireSampleRowsFunc *func,
									  BlockNumber *totalpages);

#endif /* PLF_ANALYZE_H */
