/*
 * mapping.h
 *		The options of a user mapping.
 */
#ifndef PLF_MAPPING_H
#define PLF_MAPPING_H

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/*
 * A user mapping.  Strings are palloc'd in the context that was current, and NULL for an
 * option that the mapping does not have.  They hold secrets.
 */
typedef struct PlfMapping
{
	Oid umid;
	Oid serverid;
	Oid userid;         /* the role that it is for; InvalidOid: PUBLIC */
	char *role;         /* the name of that role, or "PUBLIC" */
	TransactionId xmin; /* the transaction that wrote this version */
	List *names;        /* of all its options (char *), whether or not their values can
						 * be read */

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
	TimestampTz access_token_expires_at;  /* DT_NOEND: unknown */
	TimestampTz refresh_token_expires_at; /* DT_NOEND: unknown */
	TimestampTz refreshed_at;             /* DT_NOBEGIN: never */
	char *token_host;   /* the only host that the refresh token may be sent to */
	char *stored_by;    /* see oauth/origin.c */
	char *last_failure; /* see oauth/store.h */
} PlfMapping;

/*
 * Reads the mapping of the role on the server, or that of PUBLIC if the role has none.
 * Returns false when there is neither.
 */
extern bool plf_mapping_find(Oid userid, Oid serverid, PlfMapping *mapping);

/* Reads the mapping with that OID.  Returns false when it is gone. */
extern bool plf_mapping_get(Oid umid, PlfMapping *mapping);

/*
 * Returns the mapping's token_host for a DETAIL, palloc'd.  Somebody may have typed any
 * length, so a text longer than a host is cut.
 */
extern char *plf_shown_token_host(const PlfMapping *mapping);

/*
 * Whether core lets the current user create and change the mapping of that role
 * (InvalidOid: PUBLIC) on the server.
 */
extern bool plf_mapping_is_changeable(Oid userid, Oid serverid);

/*
 * Returns the hint about an existing mapping: "advice", which tells how to change it, if
 * the current user may do that; else whom to ask.  (Core logs a refused statement, with
 * the secrets in it.)
 */
extern const char *plf_mapping_advice(const PlfMapping *mapping, const char *advice);

/* Whether the wrapper renews the mapping's access token. */
static inline bool
plf_mapping_is_renewed(const PlfMapping *mapping)
{
	return mapping->refresh_token != NULL;
}

#endif /* PLF_MAPPING_H */
