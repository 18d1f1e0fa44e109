/*
 * credential.c
 *		From a user mapping to the tokens of a request.
 *
 * Also remembers, as long as the backend lives, which credentials the API refused,
 * because the API throttles an address that collects answers of 401.
 */
#include "postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/reloptions.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "catalog/digest.h"
#include "catalog/option_value.h"
#include "oauth/renew.h"
#include "pages/credential.h"

/* How long a refused credential is not sent, at first and at most. */
#define FIRST_PAUSE_MS   (INT64CONST(60) * 1000)
#define LONGEST_PAUSE_MS (INT64CONST(60) * 60 * 1000)

/* A credential that the API refused; in TopMemoryContext. */
typedef struct Refusal
{
	uint64 fingerprint;  /* hash key */
	uint32 mapping_hash; /* of the syscache entries of mapping and server; their */
	uint32 server_hash;  /* invalidation ends the refusal */
	int64 pause_ms;      /* how long the credential is not sent this time */
	TimestampTz until;   /* the end of that time */
} Refusal;

static HTAB *refusals = NULL;

/* A user mapping and its token file, before they are checked. */
typedef struct Mapping
{
	PlfMapping options;
	const char *access_token;
	struct stat file; /* of access_token_file, once the file is read */
} Mapping;

static bool fill(Mapping *mapping, const PlfOptions *options, const char *refused,
				 PlfCredential *credential, PlfFailure *failure);
static bool token_file_read(Mapping *mapping, PlfFailure *failure);
static bool token_file_refuse(PlfFailure *failure, const char *path, int error);
static uint64 fingerprint_of(const Mapping *mapping, const PlfOptions *options);
static bool may_be_sent(const PlfCredential *credential, const PlfOptions *options,
						PlfFailure *failure);
static HTAB *refusal_table(void);
static void forget_refusals(Datum arg, int cacheid, uint32 hashvalue);

bool
plf_credential_get(Oid userid, const PlfOptions *options, PlfCredential *credential,
				   PlfFailure *failure)
{
	Mapping mapping = {0};

	memset(credential, 0, sizeof(*credential));
	if (!plf_mapping_find(userid, options->serverid, &mapping.options))
	{
		char *role = GetUserNameFromId(userid, false);

		plf_failure_set(
			failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
			psprintf("role \"%s\" has no user mapping on server \"%s\"", role,
					 options->server_name),
			NULL,
			plf_mapping_is_changeable(userid, options->serverid)
				? psprintf(
					  "Create one with CREATE USER MAPPING FOR %s SERVER %s OPTIONS (access_token '...'), or query a view owned by a role that has one.",
					  quote_identifier(role), quote_identifier(options->server_name))
				: psprintf(
					  "Ask the owner of server \"%s\" to run CREATE USER MAPPING FOR %s SERVER %s, or query a view owned by a role that has one.",
					  options->server_name, quote_identifier(role),
					  quote_identifier(options->server_name)));
		return false;
	}
	return fill(&mapping, options, NULL, credential, failure);
}

bool
plf_credential_renew(const PlfOptions *options, PlfCredential *credential,
					 PlfFailure *failure)
{
	Mapping mapping = {0};
	const char *refused = credential->access_token;
	Oid umid = credential->mapping->umid;

	memset(credential, 0, sizeof(*credential));
	if (!plf_mapping_get(umid, &mapping.options))
	{
		plf_failure_set(failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
						"the user mapping was dropped", NULL, NULL);
		return false;
	}
	return fill(&mapping, options, refused, credential, failure);
}

/*
 * Fills *credential, which is all zero, from a mapping that was found.  "refused" is an
 * access token that must not be used, or NULL.  Returns false with *failure filled as
 * plf_credential_get() does.
 */
static bool
fill(Mapping *mapping, const PlfOptions *options, const char *refused,
	 PlfCredential *credential, PlfFailure *failure)
{
	const char **secret = credential->secrets;

	credential->role = mapping->options.role;
	credential->mapping = palloc(sizeof(PlfMapping));
	if (!plf_oauth_renew(&mapping->options, options, refused, failure))
		return false;
	*credential->mapping = mapping->options;
	mapping->access_token = mapping->options.access_token;
	if (mapping->options.access_token_file != NULL && !token_file_read(mapping, failure))
		return false;
	if (mapping->access_token == NULL)
	{
		plf_failure_set(
			failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
			psprintf("user mapping for %s on server \"%s\" has no access token",
					 credential->role, options->server_name),
			NULL,
			mapping->options.client_id != NULL
				? "Authorize with payment_links_authorize_url() and payment_links_authorize()."
				: plf_mapping_advice(
					  &mapping->options,
					  "Add one with ALTER USER MAPPING ... OPTIONS (ADD access_token '...')."));
		return false;
	}
	if (options->sandbox && mapping->options.staging_token == NULL)
	{
		plf_failure_set(
			failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
			psprintf("user mapping for %s on server \"%s\" has no staging token",
					 credential->role, options->server_name),
			"The sandbox answers only requests that carry one.",
			plf_mapping_advice(
				&mapping->options,
				"Add it with ALTER USER MAPPING ... OPTIONS (ADD staging_token '...')."));
		return false;
	}

	credential->access_token = pstrdup(mapping->access_token);
	credential->staging_token = mapping->options.staging_token;
	*secret++ = credential->access_token;
	if (refused != NULL)
		*secret++ = refused;
	*secret++ = credential->staging_token;
	credential->fingerprint = fingerprint_of(mapping, options);
	credential->mapping_hash = GetSysCacheHashValue1(
		USERMAPPINGOID, ObjectIdGetDatum(mapping->options.umid));
	credential->server_hash = GetSysCacheHashValue1(FOREIGNSERVEROID,
													ObjectIdGetDatum(options->serverid));
	return may_be_sent(credential, options, failure);
}

void
plf_credential_refused(const PlfCredential *credential)
{
	TimestampTz now = GetCurrentTimestamp();
	bool found;
	Refusal *refusal = hash_search(refusal_table(), &credential->fingerprint, HASH_ENTER,
								   &found);

	/* Several requests of one scan may be refused at once: they count once. */
	if (found && now < refusal->until)
		return;
	refusal->mapping_hash = credential->mapping_hash;
	refusal->server_hash = credential->server_hash;
	refusal->pause_ms = found ? Min(refusal->pause_ms * 2, LONGEST_PAUSE_MS)
							  : FIRST_PAUSE_MS;
	refusal->until = TimestampTzPlusMilliseconds(now, refusal->pause_ms);
}

void
plf_credential_accepted(const PlfCredential *credential)
{
	if (refusals != NULL)
		hash_search(refusals, &credential->fingerprint, HASH_REMOVE, NULL);
}

void
plf_endpoint_set(PlfEndpoint *endpoint, const PlfOptions *options,
				 const PlfCredential *credential)
{
	endpoint->api_url = options->api_url;
	endpoint->access_token = credential->access_token;
	endpoint->staging_token = credential->staging_token;
	endpoint->proxy = options->proxy;
	endpoint->ca_file = options->ca_file;
	endpoint->connect_timeout_ms = options->connect_timeout_ms;
	endpoint->request_timeout_ms = options->request_timeout_ms;
	endpoint->retry.max_retries = options->max_retries;
	endpoint->retry.max_wait_ms = options->max_retry_wait_ms;
}

/*
 * Fills mapping->access_token from the token file.  Returns false with *failure filled.
 *
 * The permissions that the file may have are those of a private key in libpq: no access
 * for group and others, except that a group may read a file that root owns.
 */
static bool
token_file_read(Mapping *mapping, PlfFailure *failure)
{
	const char *path = mapping->options.access_token_file;
	char *token = palloc(PLF_MAX_TOKEN + 1);
	size_t length = 0;
	mode_t forbidden;
	const char *flaw = NULL;
	ssize_t got;
	int fd;

	/* O_NONBLOCK: opening a named pipe must not wait for its writer. */
	fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	if (fd < 0)
		return token_file_refuse(failure, path, errno);
	if (fstat(fd, &mapping->file) != 0)
	{
		int error = errno;

		CloseTransientFile(fd);
		return token_file_refuse(failure, path, error);
	}

	forbidden = mapping->file.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO
										  : S_IRWXG | S_IRWXO;
	if (!S_ISREG(mapping->file.st_mode))
	{
		CloseTransientFile(fd);
		plf_failure_set(failure, NULL, ERRCODE_WRONG_OBJECT_TYPE,
						psprintf("access token file \"%s\" is not a regular file", path),
						NULL, NULL);
		return false;
	}
	if ((mapping->file.st_mode & forbidden) != 0)
	{
		CloseTransientFile(fd);
		plf_failure_set(
			failure, NULL, ERRCODE_INSUFFICIENT_PRIVILEGE,
			psprintf("access token file \"%s\" can be accessed by others", path), NULL,
			"Its permissions must be u=rw (0600) or less, or u=rw,g=r (0640) or less if root owns it.");
		return false;
	}

	/* One byte more than a token may have shows that the file is too large. */
	while (length <= PLF_MAX_TOKEN &&
		   (got = read(fd, token + length, PLF_MAX_TOKEN + 1 - length)) != 0)
	{
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
		{
			int error = errno;

			CloseTransientFile(fd);
			return token_file_refuse(failure, path, error);
		}
		length += got;
	}
	CloseTransientFile(fd);

	if (length > PLF_MAX_TOKEN)
		flaw = "The file is larger than 64 kB.";
	else
	{
		while (length > 0 && (token[length - 1] == '\n' || token[length - 1] == '\r'))
			length--;
		token[length] = '\0';
		if (length == 0)
			flaw = "The file is empty.";
		else if (strlen(token) != length)
			flaw = "The file holds a zero byte.";
		else
			flaw = plf_token_flaw(token);
	}
	if (flaw != NULL)
	{
		plf_failure_set(
			failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
			psprintf("access token file \"%s\" does not hold an access token", path),
			flaw, "The file holds one token and nothing else.");
		return false;
	}
	mapping->access_token = token;
	return true;
}

/* Always false, for the caller to return. */
static bool
token_file_refuse(PlfFailure *failure, const char *path, int error)
{
	int sqlstate = ERRCODE_IO_ERROR;
	const char *hint = NULL;

	if (error == ENOENT || error == ENOTDIR)
	{
		sqlstate = ERRCODE_UNDEFINED_FILE;
		hint = "The file is read by the database server, on its machine, at each scan.";
	}
	else if (error == EACCES || error == EPERM)
	{
		sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE;
		hint = "The file is read as the operating system user of the database server.";
	}
	else if (error == EMFILE || error == ENFILE)
		sqlstate = ERRCODE_INSUFFICIENT_RESOURCES;
	errno = error;
	plf_failure_set(failure, NULL, sqlstate,
					psprintf("could not read access token file \"%s\": %m", path), NULL,
					hint);
	return false;
}

/*
 * Returns a digest of what is sent, to which API, and from which source.  It is a part of
 * a SHA-256, which does not reveal the tokens.
 */
static uint64
fingerprint_of(const Mapping *mapping, const PlfOptions *options)
{
	PlfDigest *digest = plf_digest_begin();
	uint8 bytes[PLF_DIGEST_SIZE];
	uint64 fingerprint;

	plf_digest_add(digest, &mapping->options.umid, sizeof(mapping->options.umid));
	plf_digest_add(digest, options->api_url, strlen(options->api_url));
	plf_digest_add(digest, mapping->access_token, strlen(mapping->access_token));
	if (mapping->options.staging_token != NULL)
		plf_digest_add(digest, mapping->options.staging_token,
					   strlen(mapping->options.staging_token));
	if (mapping->options.access_token_file != NULL)
	{
		plf_digest_add(digest, mapping->options.access_token_file,
					   strlen(mapping->options.access_token_file));
		plf_digest_add(digest, &mapping->file.st_mtime, sizeof(mapping->file.st_mtime));
		plf_digest_add(digest, &mapping->file.st_ino, sizeof(mapping->file.st_ino));
	}
	plf_digest_end(digest, bytes);
	memcpy(&fingerprint, bytes, sizeof(fingerprint));
	return fingerprint;
}

/* Whether the credential may be sent now.  Returns false with *failure filled. */
static bool
may_be_sent(const PlfCredential *credential, const PlfOptions *options,
			PlfFailure *failure)
{
	Refusal *refusal;
	TimestampTz now;

	if (refusals == NULL)
		return true;
	refusal = hash_search(refusal_table(), &credential->fingerprint, HASH_FIND, NULL);
	now = GetCurrentTimestamp();
	if (refusal == NULL || now >= refusal->until)
		return true;

	plf_failure_set(
		failure, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
		"access token was already refused by the payment links API",
		psprintf("This session does not send it again for " INT64_FORMAT
				 " s, because the API throttles an address that sends refused tokens.",
				 (refusal->until - now) / USECS_PER_SEC + 1),
		plf_mapping_advice(
			credential->mapping,
			psprintf(
				"Put a new token into the user mapping for %s on server \"%s\", or into its file: that one is sent at once.",
				credential->role, options->server_name)));
	return false;
}

static HTAB *
refusal_table(void)
{
	HASHCTL control = {0};

	if (refusals != NULL)
		return refusals;

	control.keysize = sizeof(uint64);
	control.entrysize = sizeof(Refusal);
	control.hcxt = TopMemoryContext;
	refusals = hash_create("payment_links_fdw refused credentials", 16, &control,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, forget_refusals, 0);
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, forget_refusals, 0);
	return refusals;
}

/*
 * Forgets refusals.  Called when a mapping or server changed, because the API may accept
 * its tokens now.  A hash value of zero is that of all mappings or servers.
 */
static void
forget_refusals(pg_attribute_unused() Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS status;
	Refusal *refusal;

	hash_seq_init(&status, refusals);
	while ((refusal = hash_seq_search(&status)) != NULL)
	{
		if (hashvalue == 0 ||
			hashvalue == (cacheid == USERMAPPINGOID ? refusal->mapping_hash
													: refusal->server_hash))
			hash_search(refusals, &refusal->fingerprint, HASH_REMOVE, NULL);
	}
}
