/*
 * option.h
 *		The options of servers, tables, columns, user mappings and IMPORT FOREIGN SCHEMA:
 *		their validator, and their values with defaults.
 */
#ifndef PLF_OPTION_H
#define PLF_OPTION_H

#include "catalog/option_value.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "nodes/pg_list.h"

/* The options of a server, replaced by those that the table has; defaults filled in. */
typedef struct PlfOptions
{
	Oid serverid;
	char *server_name;
	bool sandbox;        /* environment 'sandbox': a staging token is needed, whatever
						  * base_url is */
	char *api_url;       /* scheme://host[:port][/prefix], without a slash at the end */
	char *host;          /* host[:port], for people */
	char *token_url;     /* where tokens are requested */
	char *token_host;    /* host[:port] of token_url; see plf_options_is_token_host() */
	char *authorize_url; /* where a person consents */
	char *proxy;         /* NULL: none; not for a loopback host */
	char *ca_file;       /* NULL: the system's */
	int page_size;       /* 1 to 100 */
	int concurrency;     /* 1 to 32 */
	int64 max_requests;  /* 0: no limit */
	int connect_timeout_ms;
	int request_timeout_ms;
	int max_retries;
	int max_retry_wait_ms;
	bool sort_pushdown;
	bool count_pushdown;
	PlfOnDrift on_drift;
	double startup_cost;
	double page_cost;
	double tuple_cost;
	bool async_capable;
} PlfOptions;

extern PGDLLEXPORT Datum payment_links_fdw_validator(PG_FUNCTION_ARGS);

/*
 * Returns the options of server "serverid", replaced by those that the foreign table
 * "relid" has (InvalidOid: no table).  palloc'd in the current context.
 */
extern PlfOptions *plf_options_get(Oid serverid, Oid relid);

/*
 * Returns the member "host" that plf_options_get() would fill, palloc'd; NULL when the
 * server's options are not readable.  Raises no error, for rows about servers that other
 * people have created.
 */
extern char *plf_options_host(const ForeignServer *server);

/* Whether host[:port], in any spelling, is the server's token host. */
extern bool plf_options_is_token_host(const PlfOptions *options, const char *host);

/*
 * Whether an IMPORT FOREIGN SCHEMA with these options wants the columns that hold JSON.
 * Raises an error for an option that IMPORT FOREIGN SCHEMA does not have.
 */
extern bool plf_options_import_json(List *options);

#endif /* PLF_OPTION_H */
