/*
 * option.c
 *		The one table of options: the name of each, which objects may have it, its kind,
 *		who may set it, and its default.
 *
 * The validator and plf_options_get() both read values with plf_option_parse(), so
 * CREATE and ALTER refuse what could not be read later.
 */
#include "postgres.h"

#include <limits.h>

#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "compat.h"
#include "api/request.h"
#include "api/url.h"
#include "catalog/nearest.h"
#include "catalog/option.h"
#include "catalog/option_value.h"
#include "catalog/typed_secret.h"

#define PRODUCTION_URL "https://thirdparty.qonto.com"
#define SANDBOX_URL    "https://thirdparty-sandbox.staging.qonto.co"

/* URLs of the authorization hosts, with the path of a request. */
#define PRODUCTION_OAUTH(path) "https://oauth.qonto.com" path
#define SANDBOX_OAUTH(path)    "https://oauth-sandbox.staging.qonto.co" path
#define TOKEN_PATH             "/oauth2/token"
#define AUTHORIZE_PATH         "/oauth2/auth"

/* The most bytes of a refused value that a message quotes. */
#define LONGEST_QUOTED 200

/* A set of objects that may have an option. */
typedef enum ObjectSet
{
	ON_WRAPPER = 0, /* the wrapper itself, which has no options */
	ON_SERVER = 1 << 0,
	ON_TABLE = 1 << 1,
	ON_COLUMN = 1 << 2,
	ON_MAPPING = 1 << 3,
	ON_IMPORT = 1 << 4
} ObjectSet;

static const struct
{
	ObjectSet object;
	const char *name;
} object_names[] = {{ON_SERVER, "a server"},
					{ON_TABLE, "a foreign table"},
					{ON_COLUMN, "a column"},
					{ON_MAPPING, "a user mapping"},
					{ON_IMPORT, "IMPORT FOREIGN SCHEMA"}};

/* Who may create or alter an object that has the option. */
typedef enum OptionSetter
{
	SETTER_ANYONE,
	SETTER_FILE_READER, /* superuser or pg_read_server_files */
	SETTER_SUPERUSER
} OptionSetter;

typedef struct OptionInfo
{
	const char *name;
	int objects;
	PlfOptionKind kind;
	OptionSetter setter;
	int min;
	int max;
	int offset;         /* of its member in PlfOptions, or NOT_STORED */
	const char *absent; /* the default; NULL: none */
} OptionInfo;

#define NOT_STORED      (-1)
#define STORED(member)  ((int) offsetof(PlfOptions, member))
#define SERVER_OR_TABLE (ON_SERVER | ON_TABLE)

static const OptionInfo option_table[] = {
	{"environment", ON_SERVER, PLF_OPTION_ENVIRONMENT, SETTER_ANYONE, 0, 0,
	 STORED(sandbox), "production"},
	/* The default of these three depends on the environment: options_resolve(). */
	{"base_url", ON_SERVER, PLF_OPTION_BASE_URL, SETTER_SUPERUSER, 0, 0, STORED(api_url),
	 NULL},
	{"token_url", ON_SERVER, PLF_OPTION_BASE_URL, SETTER_SUPERUSER, 0, 0,
	 STORED(token_url), NULL},
	{"authorize_url", ON_SERVER, PLF_OPTION_BASE_URL, SETTER_SUPERUSER, 0, 0,
	 STORED(authorize_url), NULL},
	{"page_size", SERVER_OR_TABLE, PLF_OPTION_INTEGER, SETTER_ANYONE, 1, PLF_MAX_PER_PAGE,
	 STORED(page_size), "100"},
	{"concurrency", SERVER_OR_TABLE, PLF_OPTION_INTEGER, SETTER_ANYONE, 1, 32,
	 STORED(concurrency), "8"},
	/* 0 in a table lifts the limit of its server. */
	{"max_requests", SERVER_OR_TABLE, PLF_OPTION_COUNT, SETTER_ANYONE, 0, INT_MAX,
	 STORED(max_requests), "0"},
	{"connect_timeout", ON_SERVER, PLF_OPTION_DURATION, SETTER_ANYONE, 100, INT_MAX,
	 STORED(connect_timeout_ms), "10s"},
	{"request_timeout", ON_SERVER, PLF_OPTION_DURATION, SETTER_ANYONE, 100, INT_MAX,
	 STORED(request_timeout_ms), "30s"},
	{"max_retries", ON_SERVER, PLF_OPTION_INTEGER, SETTER_ANYONE, 0, 20,
	 STORED(max_retries), "5"},
	{"max_retry_wait", ON_SERVER, PLF_OPTION_DURATION, SETTER_ANYONE, 0, INT_MAX,
	 STORED(max_retry_wait_ms), "30s"},
	{"sort_pushdown", SERVER_OR_TABLE, PLF_OPTION_BOOLEAN, SETTER_ANYONE, 0, 0,
	 STORED(sort_pushdown), "true"},
	{"count_pushdown", SERVER_OR_TABLE, PLF_OPTION_BOOLEAN, SETTER_ANYONE, 0, 0,
	 STORED(count_pushdown), "true"},
	{"on_drift", SERVER_OR_TABLE, PLF_OPTION_ON_DRIFT, SETTER_ANYONE, 0, 0,
	 STORED(on_drift), "repair"},
	{"fdw_startup_cost", ON_SERVER, PLF_OPTION_COST, SETTER_ANYONE, 0, 0,
	 STORED(startup_cost), "100"},
	{"fdw_page_cost", ON_SERVER, PLF_OPTION_COST, SETTER_ANYONE, 0, 0, STORED(page_cost),
	 "50"},
	{"fdw_tuple_cost", ON_SERVER, PLF_OPTION_COST, SETTER_ANYONE, 0, 0,
	 STORED(tuple_cost), "0.01"},
	{"async_capable", SERVER_OR_TABLE, PLF_OPTION_BOOLEAN, SETTER_ANYONE, 0, 0,
	 STORED(async_capable), "true"},
	{"proxy", ON_SERVER, PLF_OPTION_PROXY, SETTER_SUPERUSER, 0, 0, STORED(proxy), NULL},
	{"ca_file", ON_SERVER, PLF_OPTION_FILE, SETTER_SUPERUSER, 0, 0, STORED(ca_file),
	 NULL},

	{"field", ON_COLUMN, PLF_OPTION_FIELD, SETTER_ANYONE, 0, 0, NOT_STORED, NULL},
	{"constant", ON_COLUMN, PLF_OPTION_TEXT, SETTER_ANYONE, 0, 0, NOT_STORED, NULL},

	{"access_token", ON_MAPPING, PLF_OPTION_TOKEN, SETTER_ANYONE, 0, 0, NOT_STORED, NULL},
	{"access_token_file", ON_MAPPING, PLF_OPTION_FILE, SETTER_FILE_READER, 0, 0,
	 NOT_STORED, NULL},
	{"staging_token", ON_MAPPING, PLF_OPTION_TOKEN, SETTER_ANYONE, 0, 0, NOT_STORED,
	 NULL},
	{"client_id", ON_MAPPING, PLF_OPTION_TOKEN, SETTER_ANYONE, 0, 0, NOT_STORED, NULL},
	{"client_secret", ON_MAPPING, PLF_OPTION_TOKEN, SETTER_ANYONE, 0, 0, NOT_STORED,
	 NULL},
	{"refresh_token", ON_MAPPING, PLF_OPTION_TOKEN, SETTER_ANYONE, 0, 0, NOT_STORED,
	 NULL},
	{"redirect_uri", ON_MAPPING, PLF_OPTION_REDIRECT_URI, SETTER_ANYONE, 0, 0, NOT_STORED,
	 NULL},

	/* The wrapper writes these.  People may set them, so that a dump can be restored. */
	{"access_token_expires_at", ON_MAPPING, PLF_OPTION_TIME, SETTER_ANYONE, 0, 0,
	 NOT_STORED, NULL},
	{"refresh_token_expires_at", ON_MAPPING, PLF_OPTION_TIME, SETTER_ANYONE, 0, 0,
	 NOT_STORED, NULL},
	{"refreshed_at", ON_MAPPING, PLF_OPTION_TIME, SETTER_ANYONE, 0, 0, NOT_STORED, NULL},
	{"token_host", ON_MAPPING, PLF_OPTION_HOST, SETTER_ANYONE, 0, 0, NOT_STORED, NULL},
	{"stored_by", ON_MAPPING, PLF_OPTION_STORED_BY, SETTER_ANYONE, 0, 0, NOT_STORED,
	 NULL},
	{"last_failure", ON_MAPPING, PLF_OPTION_TEXT, SETTER_ANYONE, 0, 0, NOT_STORED, NULL},

	{"import_json", ON_IMPORT, PLF_OPTION_BOOLEAN, SETTER_ANYONE, 0, 0, NOT_STORED,
	 "true"}};

#define OPTION_COUNT ((int) lengthof(option_table))
#define OBJECT_KINDS ((int) lengthof(object_names))

PG_FUNCTION_INFO_V1(payment_links_fdw_validator);

static ObjectSet object_of_catalog(Oid catalog);
static void options_check(List *options, ObjectSet object);
static bool may_hold_secret(List *options, ObjectSet object);
static void options_check_each(List *options, ObjectSet object);
static const OptionInfo *option_find(const char *name);
static void option_check_setter(const OptionInfo *option);
static void option_require(const OptionInfo *option, const char *value, ObjectSet object,
						   void *target);
static void refuse_name(const char *name, ObjectSet object) pg_attribute_noreturn();
static char *objects_text(int set);
static void options_overlay(PlfOptions *options, List *given);
static void options_resolve(PlfOptions *options);
static char *url_resolve(const char *text, char **host);

/*
 * Checks all options that an object would have after a CREATE or ALTER.
 *
 * Core passes all options even if only one changes.  So an object with an option that
 * only some roles may set can be altered by these roles only.
 */
Datum
payment_links_fdw_validator(PG_FUNCTION_ARGS)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));

	options_check(options, object_of_catalog(PG_GETARG_OID(1)));
	PG_RETURN_VOID();
}

PlfOptions *
plf_options_get(Oid serverid, Oid relid)
{
	PlfOptions *options = palloc0(sizeof(PlfOptions));
	ForeignServer *server = GetForeignServer(serverid);

	options->serverid = serverid;
	options->server_name = pstrdup(server->servername);

	for (int i = 0; i < OPTION_COUNT; i++)
	{
		const OptionInfo *option = &option_table[i];

		if (option->offset != NOT_STORED && option->absent != NULL)
			option_require(option, option->absent, ON_SERVER,
						   (char *) options + option->offset);
	}
	options_overlay(options, server->options);
	if (OidIsValid(relid))
		options_overlay(options, GetForeignTable(relid)->options);
	options_resolve(options);
	return options;
}

char *
plf_options_host(const ForeignServer *server)
{
	const char *url = NULL;
	const char *environment = "production";
	bool sandbox;
	const char *expected;
	char *host;
	ListCell *lc;

	foreach(lc, server->options)
	{
		DefElem *def = lfirst_node(DefElem, lc);
		const char *value = def->arg != NULL ? defGetString(def) : "";

		if (strcmp(def->defname, "base_url") == 0)
			url = value;
		else if (strcmp(def->defname, "environment") == 0)
			environment = value;
	}
	if (url == NULL)
	{
		if (!plf_option_parse(PLF_OPTION_ENVIRONMENT, 0, 0, environment, &sandbox,
							  &expected))
			return NULL;
		url = sandbox ? SANDBOX_URL : PRODUCTION_URL;
	}
	return url_resolve(url, &host) != NULL ? host : NULL;
}

bool
plf_options_is_token_host(const PlfOptions *options, const char *host)
{
	int scheme = (int) strcspn(options->token_url, ":");
	const char *authority = plf_authority_of(
		psprintf("%.*s://%s", scheme, options->token_url, host));

	return authority != NULL && strcmp(authority, options->token_host) == 0;
}

bool
plf_options_import_json(List *options)
{
	bool wanted = true;
	ListCell *lc;

	options_check(options, ON_IMPORT);
	foreach(lc, options)
	{
		DefElem *def = lfirst_node(DefElem, lc);

		option_require(option_find(def->defname), defGetString(def), ON_IMPORT, &wanted);
	}
	return wanted;
}

static ObjectSet
object_of_catalog(Oid catalog)
{
	switch (catalog)
	{
		case ForeignServerRelationId:
			return ON_SERVER;
		case ForeignTableRelationId:
			return ON_TABLE;
		case AttributeRelationId:
			return ON_COLUMN;
		case UserMappingRelationId:
			return ON_MAPPING;
		default:
			/* The wrapper itself, or a person called the function with some number. */
			return ON_WRAPPER;
	}
}

/* Raises an error for the first option that is not allowed, or whose value is not. */
static void
options_check(List *options, ObjectSet object)
{
	PlfTypedSecret typed;

	if (may_hold_secret(options, object))
	{
		plf_typed_secret_begin(&typed);
		options_check_each(options, object);
		plf_typed_secret_end(&typed);
	}
	else
		options_check_each(options, object);
}

/*
 * True when the statement with these options may hold a secret: in an option of a user
 * mapping, in an option that was misspelt or given to the wrong object, or as a password
 * in a URL.
 */
static bool
may_hold_secret(List *options, ObjectSet object)
{
	ListCell *lc;

	foreach(lc, options)
	{
		DefElem *def = lfirst_node(DefElem, lc);
		const OptionInfo *option = option_find(def->defname);

		if (object == ON_MAPPING || option == NULL || (option->objects & object) == 0 ||
			def->arg == NULL || strchr(defGetString(def), '@') != NULL)
			return true;
	}
	return false;
}

static void
options_check_each(List *options, ObjectSet object)
{
	bool has_field = false;
	bool has_constant = false;
	bool has_token = false;
	bool has_refresh_token = false;
	bool has_token_file = false;
	ListCell *lc;

	foreach(lc, options)
	{
		DefElem *def = lfirst_node(DefElem, lc);
		const OptionInfo *option = option_find(def->defname);

		if (option == NULL || (option->objects & object) == 0)
			refuse_name(def->defname, object);
		option_check_setter(option);
		option_require(option, defGetString(def), object, NULL);

		has_field |= strcmp(option->name, "field") == 0;
		has_constant |= strcmp(option->name, "constant") == 0;
		has_token |= strcmp(option->name, "access_token") == 0;
		has_refresh_token |= strcmp(option->name, "refresh_token") == 0;
		has_token_file |= strcmp(option->name, "access_token_file") == 0;
	}

	if (has_field && has_constant)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("options \"field\" and \"constant\" exclude each other"),
			 errhint("A column either comes from the API or is the same in every row.")));
	if (has_refresh_token && has_token_file)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(
				 "options \"refresh_token\" and \"access_token_file\" exclude each other"),
			 errhint(
				 "A program that keeps an access token file renews the token in it.")));
	if (has_token && has_token_file)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(
				 "options \"access_token\" and \"access_token_file\" exclude each other"),
			 errhint(
				 "Drop one of them with ALTER USER MAPPING ... OPTIONS (DROP ...).")));
}

static const OptionInfo *
option_find(const char *name)
{
	for (int i = 0; i < OPTION_COUNT; i++)
	{
		if (strcmp(option_table[i].name, name) == 0)
			return &option_table[i];
	}
	return NULL;
}

static void
option_check_setter(const OptionInfo *option)
{
	if (option->setter == SETTER_SUPERUSER && !superuser())
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg(
				 "only a superuser may create or alter a server that has the option \"%s\"",
				 option->name),
			 errdetail("The option decides where access tokens are sent.")));
	if (option->setter == SETTER_FILE_READER &&
		!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to use the option \"%s\"", option->name),
			 errdetail(
				 "Only roles with privileges of the \"%s\" role may create or alter a user mapping that has the option.",
				 "pg_read_server_files")));
}

/*
 * Stores the value in *target (NULL: checks only), or raises 22023.
 *
 * The message quotes no value of a user mapping, since a token may have been typed in
 * place of its file, no URL that may hold a password, and nothing long.
 */
static void
option_require(const OptionInfo *option, const char *value, ObjectSet object,
			   void *target)
{
	const char *expected = NULL;
	bool quotable;

	if (plf_option_parse(option->kind, option->min, option->max, value, target,
						 &expected))
		return;

	quotable = object != ON_MAPPING && strlen(value) <= LONGEST_QUOTED &&
			   strchr(value, '@') == NULL;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					quotable ? errmsg("invalid value for option \"%s\": \"%s\"",
									  option->name, value)
							 : errmsg("invalid value for option \"%s\"", option->name),
					errhint("%s", expected)));
}

/*
 * Raises HV00D.  The hint tells the object that has the option, or the nearest valid
 * name, or all valid names.
 */
static void
refuse_name(const char *name, ObjectSet object)
{
	const OptionInfo *elsewhere = option_find(name);
	const char *valid[OPTION_COUNT + 1];
	StringInfoData names;
	const char *nearest;
	int nvalid = 0;
	char *hint;

	initStringInfo(&names);
	for (int i = 0; i < OPTION_COUNT; i++)
	{
		if ((option_table[i].objects & object) == 0)
			continue;
		appendStringInfo(&names, "%s%s", nvalid > 0 ? ", " : "", option_table[i].name);
		valid[nvalid++] = option_table[i].name;
	}
	valid[nvalid] = NULL;
	nearest = plf_nearest(name, valid);

	if (elsewhere != NULL)
		hint = psprintf("The option \"%s\" belongs to %s.", name,
						objects_text(elsewhere->objects));
	else if (nvalid == 0)
		hint = pstrdup(
			"The foreign-data wrapper itself has no options; servers, foreign tables, columns and user mappings have options.");
	else if (nearest != NULL)
		hint = psprintf("Perhaps you meant the option \"%s\".", nearest);
	else
		hint = psprintf("The options of %s are: %s.", objects_text(object), names.data);

	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					errmsg("invalid option \"%s\"", name), errhint("%s", hint)));
}

/* "a server or a foreign table" */
static char *
objects_text(int set)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < OBJECT_KINDS; i++)
	{
		if ((object_names[i].object & set) != 0)
			appendStringInfo(&text, "%s%s", text.len > 0 ? " or " : "",
							 object_names[i].name);
	}
	return text.data;
}

static void
options_overlay(PlfOptions *options, List *given)
{
	ListCell *lc;

	foreach(lc, given)
	{
		DefElem *def = lfirst_node(DefElem, lc);
		const OptionInfo *option = option_find(def->defname);

		if (option != NULL && option->offset != NOT_STORED)
			option_require(option, defGetString(def), ON_SERVER,
						   (char *) options + option->offset);
	}
}

/* Fills in the URLs that have defaults, and derives the hosts. */
static void
options_resolve(PlfOptions *options)
{
	if (options->api_url == NULL)
		options->api_url = options->sandbox ? SANDBOX_URL : PRODUCTION_URL;
	if (options->token_url == NULL)
		options->token_url = options->sandbox ? SANDBOX_OAUTH(TOKEN_PATH)
											  : PRODUCTION_OAUTH(TOKEN_PATH);
	if (options->authorize_url == NULL)
		options->authorize_url = options->sandbox ? SANDBOX_OAUTH(AUTHORIZE_PATH)
												  : PRODUCTION_OAUTH(AUTHORIZE_PATH);

	options->token_url = url_resolve(options->token_url, &options->token_host);
	options->token_host = plf_authority_of(options->token_url);
	options->api_url = url_resolve(options->api_url, &options->host);
	if (options->token_url == NULL || options->api_url == NULL)
		elog(ERROR, "could not parse a URL");
}

/*
 * Returns a URL in the wrapper's own spelling, and its host[:port] in *host; palloc'd.
 * Returns NULL for a text that is no URL; the validator lets no such option pass.
 */
static char *
url_resolve(const char *text, char **host)
{
	PlfUrl url;

	if (plf_url_parse(pstrdup(text), &url) != NULL)
		return NULL;
	*host = psprintf("%s%s%s%s%s", url.is_ipv6 ? "[" : "", url.host,
					 url.is_ipv6 ? "]" : "", url.port != NULL ? ":" : "",
					 url.port != NULL ? url.port : "");
	return psprintf("%s://%s%s", url.scheme, *host, url.path);
}
