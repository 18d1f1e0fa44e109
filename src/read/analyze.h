/*
 * analyze.h
 *		ANALYZE of a foreign table.
 */
#ifndef PLF_ANALYZE_H
#define PLF_ANALYZE_H

#include "foreign/fdwapi.h"

/* The AnalyzeForeignTable callback. */
extern bool plf_analyze_foreign_table(Relation relation,
									  AcquireSampleRowsFunc *func,
									  BlockNumber *totalpages);

#endif							/* PLF_ANALYZE_H */
