/*
 * compat.h
 *		The differences between the supported versions of PostgreSQL (15 to 19) and
 *		libcurl (7.88 and later).  No other file looks at a version.
 *
 * Include this file after the server's headers, and after <curl/curl.h> in files that use
 * libcurl.
 */
#ifndef PLF_COMPAT_H
#define PLF_COMPAT_H

#include <sys/socket.h>

#include "access/stratnum.h"
#include "catalog/pg_foreign_server.h"
#include "utils/wait_event.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

/* From 18 on there is a prefix, pg_noreturn, instead. */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* Whether a role may use a foreign server. */
#if PG_VERSION_NUM >= 160000
#define plf_server_aclcheck(serverid, roleid) \
	object_aclcheck(ForeignServerRelationId, serverid, roleid, ACL_USAGE)
#else
#define plf_server_aclcheck(serverid, roleid) \
	pg_foreign_server_aclcheck(serverid, roleid, ACL_USAGE)
#endif

/* Whether a role owns a foreign server. */
#if PG_VERSION_NUM >= 160000
#define plf_server_ownercheck(serverid, roleid) \
	object_ownercheck(ForeignServerRelationId, serverid, roleid)
#else
#define plf_server_ownercheck(serverid, roleid) \
	pg_foreign_server_ownercheck(serverid, roleid)
#endif

/* An entry in a list of settings and values; the setting exists from 17 on. */
#if PG_VERSION_NUM >= 170000
#define PLF_TRANSACTION_TIMEOUT(value) {"transaction_timeout", value},
#else
#define PLF_TRANSACTION_TIMEOUT(value)
#endif

/* Prepares a function that returns a tuplestore. */
#if PG_VERSION_NUM >= 160000
#define PLF_MATERIALIZED_SRF(fcinfo) InitMaterializedSRF(fcinfo, 0)
#else
#define PLF_MATERIALIZED_SRF(fcinfo) SetSingleFuncCall(fcinfo, 0)
#endif

/* A set of wait events that lives as long as the backend. */
#if PG_VERSION_NUM >= 170000
#define PLF_WAIT_EVENT_SET_NEW(events) CreateWaitEventSet(NULL, events)
#else
#define PLF_WAIT_EVENT_SET_NEW(events) CreateWaitEventSet(TopMemoryContext, events)
#endif

/*
 * The wait event of waiting for the network, which has a name from 17 on.  To be called
 * once a backend.
 */
#if PG_VERSION_NUM >= 170000
#define PLF_WAIT_EVENT_NEW() WaitEventExtensionNew("PaymentLinksApi")
#else
#define PLF_WAIT_EVENT_NEW() PG_WAIT_EXTENSION
#endif

/* Whether an internal subtransaction may begin.  Before 17, not in parallel mode. */
#if PG_VERSION_NUM >= 170000
#define plf_may_begin_subtransaction() true
#else
#define plf_may_begin_subtransaction() (!IsInParallelMode())
#endif

/*
 * The error code of a header line beyond libcurl's own limits.  The code has a name from
 * 8.6 on.
 */
#if defined(LIBCURL_VERSION_NUM) && LIBCURL_VERSION_NUM < 0x080600
#define CURLE_TOO_LARGE 100
#endif

/* From 18 on, path keys name a comparison instead of a btree strategy. */
#if PG_VERSION_NUM >= 180000
#define plf_pathkey_is_descending(pathkey) ((pathkey)->pk_cmptype == COMPARE_GT)
#define plf_make_ascending_pathkey(root, class, opfamily) \
	make_canonical_pathkey(root, class, opfamily, COMPARE_LT, false)
#else
#define plf_pathkey_is_descending(pathkey) \
	((pathkey)->pk_strategy == BTGreaterStrategyNumber)
#define plf_make_ascending_pathkey(root, class, opfamily) \
	make_canonical_pathkey(root, class, opfamily, BTLessStrategyNumber, false)
#endif

/* Makes a path of a base relation. */
#if PG_VERSION_NUM >= 180000
#define plf_foreignscan_path(root, rel, rows, startup, total, pathkeys, outer, private) \
	create_foreignscan_path(root, rel, NULL, rows, 0, startup, total, pathkeys, outer, \
							NULL, NIL, private)
#elif PG_VERSION_NUM >= 170000
#define plf_foreignscan_path(root, rel, rows, startup, total, pathkeys, outer, private) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, pathkeys, outer, \
							NULL, NIL, private)
#else
#define plf_foreignscan_path(root, rel, rows, startup, total, pathkeys, outer, private) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, pathkeys, outer, \
							NULL, private)
#endif

/* Makes a path of an upper relation. */
#if PG_VERSION_NUM >= 180000
#define plf_foreign_upper_path(root, rel, target, rows, startup, total, pathkeys, \
							   private) \
	create_foreign_upper_path(root, rel, target, rows, 0, startup, total, pathkeys, \
							  NULL, NIL, private)
#elif PG_VERSION_NUM >= 170000
#define plf_foreign_upper_path(root, rel, target, rows, startup, total, pathkeys, \
							   private) \
	create_foreign_upper_path(root, rel, target, rows, startup, total, pathkeys, NULL, \
							  NIL, private)
#else
#define plf_foreign_upper_path(root, rel, target, rows, startup, total, pathkeys, \
							   private) \
	create_foreign_upper_path(root, rel, target, rows, startup, total, pathkeys, NULL, \
							  private)
#endif

/* Whether a column is generated, and computed when it is read. */
#if PG_VERSION_NUM >= 180000
#define plf_is_virtual(attr) ((attr)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#else
#define plf_is_virtual(attr) false
#endif

/* Whether no row has a NULL in a column: from 18 on NOT NULL may be NOT VALID. */
#if PG_VERSION_NUM >= 180000
#define plf_is_not_null(desc, attr) \
	(TupleDescCompactAttr(desc, (attr)->attnum - 1)->attnullability == ATTNULLABLE_VALID)
#else
#define plf_is_not_null(desc, attr) ((attr)->attnotnull)
#endif

/* The planner's estimate of how many elements an array expression has. */
#if PG_VERSION_NUM >= 170000
#define plf_array_length(root, expr) estimate_array_length(root, expr)
#else
#define plf_array_length(root, expr) ((double) estimate_array_length(expr))
#endif

/* Translates an expression on the topmost parent of "child" into one on "child". */
#if PG_VERSION_NUM >= 160000
#define plf_translate_to_child(root, expr, child) \
	adjust_appendrel_attrs_multilevel(root, (Node *) (expr), child, (child)->top_parent)
#else
#define plf_translate_to_child(root, expr, child) \
	adjust_appendrel_attrs_multilevel(root, (Node *) (expr), (child)->relids, \
									  (child)->top_parent_relids)
#endif

/* The table of a scan, as an index into the range table. */
#if PG_VERSION_NUM >= 160000
#define plf_scan_rti(plan) \
	((plan)->scan.scanrelid > 0 ? (plan)->scan.scanrelid \
								: (Index) bms_next_member((plan)->fs_base_relids, -1))
#else
#define plf_scan_rti(plan) \
	((plan)->scan.scanrelid > 0 ? (plan)->scan.scanrelid \
								: (Index) bms_next_member((plan)->fs_relids, -1))
#endif

/* The role that a scan runs as, InvalidOid for the current user. */
#if PG_VERSION_NUM >= 160000
#define plf_check_as_user(plan, estate) ((plan)->checkAsUser)
#else
#define plf_check_as_user(plan, estate) \
	(exec_rt_fetch(plf_scan_rti(plan), estate)->checkAsUser)
#endif

/*
 * From 19 on, ANALYZE calls ImportForeignStatistics before it takes a sample.  Before 19
 * the function is compiled but not called.
 */
#if PG_VERSION_NUM >= 190000
#define plf_offer_statistics(routine, function) \
	((routine)->ImportForeignStatistics = (function))
#define plf_is_analyzed(relation, attnum) \
	attribute_is_analyzable(relation, attnum, \
							TupleDescAttr(RelationGetDescr(relation), (attnum) -1), \
							&(int){0})
#define plf_report_analyze(relation, rows, reset, started) \
	pgstat_report_analyze(relation, rows, 0, reset, started)
#else
#define plf_offer_statistics(routine, function)            ((void) (function))
#define plf_is_analyzed(relation, attnum)                  true
#define plf_report_analyze(relation, rows, reset, started) ((void) (started))
#endif

/* A flag of socket() that not every system has. */
#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0
#endif

#endif /* PLF_COMPAT_H */
