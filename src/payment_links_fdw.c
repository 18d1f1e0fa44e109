/*
 * payment_links_fdw.c
 *		The entry of the extension: module magic and the table of callbacks.
 */
#include "postgres.h"

#include "fmgr.h"
#include "foreign/fdwapi.h"

#include "compat.h"
#include "catalog/import.h"
#include "plan/lookup_path.h"
#include "plan/plan.h"
#include "plan/upper.h"
#include "exec/analyze.h"
#include "exec/append.h"
#include "exec/node.h"
#include "exec/statistics.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(payment_links_fdw_handler);

Datum
payment_links_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = plf_get_foreign_rel_size;
	routine->GetForeignPaths = plf_get_foreign_paths;
	routine->GetForeignUpperPaths = plf_get_foreign_upper_paths;
	routine->GetForeignPlan = plf_get_foreign_plan;
	routine->ReparameterizeForeignPathByChild = plf_reparameterize_foreign_path;
	routine->BeginForeignScan = plf_begin_foreign_scan;
	routine->IterateForeignScan = plf_iterate_foreign_scan;
	routine->ReScanForeignScan = plf_rescan_foreign_scan;
	routine->EndForeignScan = plf_end_foreign_scan;
	routine->ExplainForeignScan = plf_explain_foreign_scan;
	routine->AnalyzeForeignTable = plf_analyze_foreign_table;
	plf_offer_statistics(routine, plf_import_foreign_statistics);
	routine->IsForeignPathAsyncCapable = plf_is_foreign_path_async_capable;
	routine->ForeignAsyncRequest = plf_foreign_async_request;
	routine->ForeignAsyncConfigureWait = plf_foreign_async_configure_wait;
	routine->ForeignAsyncNotify = plf_foreign_async_notify;
	routine->ImportForeignSchema = plf_import_foreign_schema;
	PG_RETURN_POINTER(routine);
}
