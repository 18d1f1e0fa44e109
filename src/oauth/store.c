/*
 * store.c
 *		What the wrapper writes into a user mapping, and reads back.
 *
 * The worker writes, as a superuser, in a transaction that it commits before anybody
 * uses the tokens.  The server's own function is called with nodes, so there is no SQL
 * text that could be logged or misread.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "catalog/digest.h"
#include "catalog/option_value.h"
#include "oauth/advice.h"
#include "oauth/store.h"

/* "2026-01-31T23:59:59Z" */
#define TIME_LENGTH 20
/* plf_text_digest() in hexadecimal */
#define DIGEST_LENGTH 16
/* The most bytes of a failure's message that are shown. */
#define LONGEST_FAILURE 511

/*
 * The kinds of failures: one that stays until a person acts, and one that may pass,
 * written before its SQLSTATE.
 */
#define FINAL           "final"
#define PASSING         "passing_"
#define SQLSTATE_LENGTH 5

static void change(List **changes, const PlfMapping *mapping, const char *option,
				   const char *value);
static void alter(const PlfMapping *mapping, List *changes);
static char *time_text(TimestampTz when);
static const char *failure_words(const PlfMapping *mapping);
static char *clipped(const char *text);
static char *sent_digest(const PlfMapping *mapping);

void
plf_store_tokens(const PlfMapping *mapping, const PlfOptions *options,
				 const char *stored_by, const PlfTokens *tokens)
{
	List *changes = NIL;

	change(&changes, mapping, "access_token", tokens->access_token);
	change(&changes, mapping, "access_token_expires_at",
		   time_text(tokens->access_token_expires_at));
	if (tokens->refresh_token != NULL)
	{
		change(&changes, mapping, "refresh_token", tokens->refresh_token);
		change(&changes, mapping, "refresh_token_expires_at",
			   time_text(tokens->refresh_token_expires_at));
	}
	change(&changes, mapping, "refreshed_at", time_text(GetCurrentTimestamp()));
	change(&changes, mapping, "token_host", options->token_host);
	change(&changes, mapping, "stored_by", stored_by);
	change(&changes, mapping, "last_failure", NULL);
	alter(mapping, changes);
}

void
plf_store_failure(const PlfMapping *mapping, const PlfFailure *failure)
{
	bool final = failure->sqlstate == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
	List *changes = NIL;

	change(&changes, mapping, "last_failure",
		   psprintf("%s %s %s %s", time_text(GetCurrentTimestamp()), sent_digest(mapping),
					final ? FINAL
						  : psprintf(PASSING "%s", unpack_sql_state(failure->sqlstate)),
					failure->message));
	alter(mapping, changes);
}

void
plf_store_rehearse(const PlfMapping *mapping)
{
	List *changes = NIL;

	change(&changes, mapping, "client_id", mapping->client_id);
	alter(mapping, changes);
}

/* Adds a change of an option to *changes.  "value" NULL drops the option if it is there.
 */
static void
change(List **changes, const PlfMapping *mapping, const char *option, const char *value)
{
	bool present = false;
	ListCell *lc;

	foreach(lc, mapping->names)
		present |= strcmp(lfirst(lc), option) == 0;
	if (value == NULL && !present)
		return;
	*changes = lappend(
		*changes,
		makeDefElemExtended(NULL, pstrdup(option),
							value == NULL ? NULL : (Node *) makeString(pstrdup(value)),
							value == NULL ? DEFELEM_DROP
							: present     ? DEFELEM_SET
										  : DEFELEM_ADD,
							-1));
}

static void
alter(const PlfMapping *mapping, List *changes)
{
	AlterUserMappingStmt *statement = makeNode(AlterUserMappingStmt);
	RoleSpec *role = makeNode(RoleSpec);

	/* The role may have been renamed while the worker waited for the answer. */
	AcceptInvalidationMessages();
	role->roletype = OidIsValid(mapping->userid) ? ROLESPEC_CSTRING : ROLESPEC_PUBLIC;
	if (OidIsValid(mapping->userid))
		role->rolename = GetUserNameFromId(mapping->userid, false);
	role->location = -1;
	statement->user = role;
	statement->servername = GetForeignServer(mapping->serverid)->servername;
	statement->options = changes;
	AlterUserMapping(statement);
	CommandCounterIncrement();
}

static char *
time_text(TimestampTz when)
{
	pg_time_t seconds = timestamptz_to_time_t(when);
	char text[TIME_LENGTH + 1];

	pg_strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", pg_gmtime(&seconds));
	return pstrdup(text);
}

/*
 * Returns the kind and the message of the last failure, or NULL when there is none or it
 * is about a token or an application that the mapping does not have any more.
 */
static const char *
failure_words(const PlfMapping *mapping)
{
	const char *text = mapping->last_failure;

	if (text == NULL || strlen(text) < TIME_LENGTH + DIGEST_LENGTH + 2)
		return NULL;
	text += TIME_LENGTH + 1;
	return strncmp(text, sent_digest(mapping), DIGEST_LENGTH) == 0
			   ? text + DIGEST_LENGTH + 1
			   : NULL;
}

/*
 * Returns at most LONGEST_FAILURE bytes of a text, in whole characters, palloc'd.  The
 * wrapper stores no more, but a person may have typed more.
 */
static char *
clipped(const char *text)
{
	return pnstrdup(
		text, pg_mbcliplen(text, (int) Min(strlen(text), INT_MAX), LONGEST_FAILURE));
}

/* Returns a digest of all that is sent for a refresh, in hexadecimal; palloc'd. */
static char *
sent_digest(const PlfMapping *mapping)
{
	const char *const sent[] = {mapping->refresh_token, mapping->client_id,
								mapping->client_secret, mapping->staging_token};
	StringInfoData all;

	/* The space separates them, because the validator allows no space in any of them. */
	initStringInfo(&all);
	for (size_t i = 0; i < lengthof(sent); i++)
		appendStringInfo(&all, "%s ", sent[i] != NULL ? sent[i] : "");
	return psprintf("%016llx", (unsigned long long) plf_text_digest(all.data));
}

bool
plf_stored_refusal(const PlfMapping *mapping, const PlfOptions *options,
				   PlfFailure *failure)
{
	const char *words = failure_words(mapping);
	size_t length = strlen(FINAL);

	if (words == NULL || strncmp(words, FINAL " ", length + 1) != 0)
		return false;
	plf_failure_set(failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
					clipped(words + length + 1),
					"The token host is not asked again until the user mapping changes.",
					strncmp(words + length + 1, PLF_REFUSED_APPLICATION,
							strlen(PLF_REFUSED_APPLICATION)) == 0
						? plf_application_hint(mapping, options)
						: PLF_AUTHORIZE_HINT);
	return true;
}

bool
plf_failure_since(const PlfMapping *mapping, TimestampTz since, PlfFailure *failure)
{
	TimestampTz when;
	const char *what;
	const char *kind = failure_words(mapping);
	int sqlstate = ERRCODE_CONNECTION_FAILURE; /* version 1.0 stored none */

	/* The stored time has no fractions of a second, and a person may have typed it. */
	if (!plf_stored_failure(mapping, &when, &what) ||
		when < since - since % USECS_PER_SEC)
		return false;
	if (strncmp(kind, PASSING, strlen(PASSING)) == 0)
	{
		kind += strlen(PASSING);
		if (strspn(kind, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == SQLSTATE_LENGTH &&
			strncmp(kind, "03", 2) >= 0)
			sqlstate = MAKE_SQLSTATE(kind[0], kind[1], kind[2], kind[3], kind[4]);
	}
	plf_failure_set(failure, NULL, sqlstate, what,
					"Another session asked the token host while this one waited.",
					"Try again later.");
	return true;
}

bool
plf_stored_failure(const PlfMapping *mapping, TimestampTz *when, const char **what)
{
	const char *words = failure_words(mapping);

	if (words == NULL || strchr(words, ' ') == NULL)
		return false;
	*what = clipped(strchr(words, ' ') + 1);
	if (!plf_time_parse(pnstrdup(mapping->last_failure, TIME_LENGTH), when))
		TIMESTAMP_NOBEGIN(*when);
	return true;
}
