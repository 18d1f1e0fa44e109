/*
 * option_value.h
 *		What the value of an option may be, whatever the option.
 */
#ifndef PLF_OPTION_VALUE_H
#define PLF_OPTION_VALUE_H

#include "datatype/timestamp.h"

/* What a scan does when the list changes while it is read. */
typedef enum PlfOnDrift
{
	PLF_ON_DRIFT_REPAIR,
	PLF_ON_DRIFT_ERROR
} PlfOnDrift;

/* What a value may be; in parentheses what is stored. */
typedef enum PlfOptionKind
{
	PLF_OPTION_BOOLEAN,     /* (bool) */
	PLF_OPTION_ENVIRONMENT, /* production or sandbox (bool) */
	PLF_OPTION_ON_DRIFT,    /* (PlfOnDrift) */
	PLF_OPTION_INTEGER,     /* min to max (int) */
	PLF_OPTION_COUNT,       /* min to max (int64) */
	PLF_OPTION_DURATION,    /* with a unit; min and max in ms (int) */
	PLF_OPTION_COST,        /* not negative (double) */
	PLF_OPTION_BASE_URL,    /* (char *) */
	PLF_OPTION_PROXY,       /* (char *) */
	PLF_OPTION_FILE,        /* absolute path (char *) */
	PLF_OPTION_TOKEN,
	PLF_OPTION_REDIRECT_URI, /* where a browser is sent back to */
	PLF_OPTION_TIME,         /* as 2026-01-31T23:59:59Z */
	PLF_OPTION_HOST,         /* host[:port] */
	PLF_OPTION_STORED_BY,    /* system identifier/database */
	PLF_OPTION_FIELD,        /* dotted path into a link */
	PLF_OPTION_TEXT          /* anything */
} PlfOptionKind;

/*
 * Stores what "value" says in *target, of the type beside its kind (NULL: checks
 * only; so do kinds without a type).  "min" and "max" are for INTEGER, COUNT
 * and DURATION.  False, with a sentence about what the value should be in
 * *expected, for a value that will not do.
 */
extern bool plf_option_parse(PlfOptionKind kind, int min, int max, const char *value,
							 void *target, const char **expected);

/* A token is some hundred bytes; what has more than this is something else. */
#define PLF_MAX_TOKEN (64 * 1024)

/*
 * NULL for text that can be sent as a token; otherwise a static sentence that
 * says what is wrong with it, for a hint.
 */
extern const char *plf_token_flaw(const char *token);

/*
 * Stores the time that "value" says in *when.  False, without an error whatever the text
 * is, unless "value" has the form in which oauth/store.c writes times: UTC, to the
 * second, as 2026-01-31T23:59:59Z.
 */
extern bool plf_time_parse(const char *value, TimestampTz *when);

/*
 * Host and port of a URL, in the one spelling that all URLs with them share; NULL when
 * the text is no URL; palloc'd.
 */
extern char *plf_authority_of(const char *url);

#endif /* PLF_OPTION_VALUE_H */
