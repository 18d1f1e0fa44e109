/*
 * mapping.h
 *		What a user mapping says.
 */
#ifndef PLF_MAPPING_H
#define PLF_MAPPING_H

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/*
 * A user mapping; strings are NULL where it does not have the option, and palloc'd in
 * the context that was current.  They hold secrets.
 */
typedef struct PlfMapping
{
	Oid umid;
	Oid serverid;
	Oid userid;         /* whose it is; InvalidOid: PUBLIC's */
	char *role;         /* the same for people: a name, or "PUBLIC" */
	TransactionId xmin; /* that made this version of it */
	List *names;        /* of its options (char *), those that cannot be
						 * read as well */

	/* Typed by people. */
	char *access_token_file;
	char *staging_token;
	char *client_id;
	char *client_secret;
	char *redirect_uri;

	/* Typed by people, or written by oauth/. */
	char *access_token;
	char *refresh_token;

	/* Written by oauth/. */
	TimestampTz access_token_expires_at; /* DT_NOEND: not known; likewise */
	TimestampTz refresh_token_expires_at;
	TimestampTz refreshed_at; /* DT_NOBEGIN: never */
	char *token_host;         /* the refresh token is sent there alone */
	char *stored_by;          /* see oauth/origin.c */
	char *last_failure;       /* see oauth/store.h */
} PlfMapping;

/*
 * The mapping of the role on the server, or else of PUBLIC; false when there is
 * neither.
 */
extern bool plf_mapping_find(Oid userid, Oid serverid, PlfMapping *mapping);

/* The mapping with that identity; false when it is gone. */
extern bool plf_mapping_get(Oid umid, PlfMapping *mapping);

/*
 * Whether the current user may create and change the mapping of that role (InvalidOid:
 * PUBLIC's) on the server, as core has it.
 */
extern bool plf_mapping_is_changeable(Oid userid, Oid serverid);

/*
 * What a person is told to do about an existing mapping: "advice", which has her change
 * it, or whom to ask if she may not.  A statement that core refuses is logged with the
 * secrets that were typed.
 */
extern const char *plf_mapping_advice(const PlfMapping *mapping, const char *advice);

/* Whether the wrapper keeps its access token fresh. */
static inline bool
plf_mapping_is_renewed(const PlfMapping *mapping)
{
	return mapping->refresh_token != NULL;
}

#endif /* PLF_MAPPING_H */
