/*
 * option_value.h
 *		The kinds of values that options have, and how they are read.
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

/* The kinds of values; in parentheses the type that plf_option_parse() stores. */
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
 * Reads a value and stores it in *target, which has the type beside the kind.  With NULL,
 * and for a kind without a type, the value is only checked.  "min" and "max" are for
 * INTEGER, COUNT and DURATION.  Returns false for an invalid value, with a sentence in
 * *expected that tells what is expected.
 */
extern bool plf_option_parse(PlfOptionKind kind, int min, int max, const char *value,
							 void *target, const char **expected);

/* Bytes of the longest token.  Real tokens have some hundred bytes. */
#define PLF_MAX_TOKEN 65536

/*
 * Returns NULL for a text that can be sent as a token, else a static sentence that says
 * what is wrong with the text, for a hint.
 */
extern const char *plf_token_flaw(const char *token);

/*
 * Reads a time and stores it in *when.  Returns false unless "value" has the form in
 * which oauth/store.c writes times: UTC, without fractions of a second, as
 * 2026-01-31T23:59:59Z. Raises no error.
 */
extern bool plf_time_parse(const char *value, TimestampTz *when);

/*
 * Returns host and port of a URL, palloc'd, in a spelling that is the same for all URLs
 * with this host and port; NULL for a text that is no URL.
 */
extern char *plf_authority_of(const char *url);

#endif /* PLF_OPTION_VALUE_H */
