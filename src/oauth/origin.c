/*
 * origin.c
 *		Where a refresh token was stored: the option "stored_by" of a user mapping.
 *
 * A refresh token can be used once.  A copy of the database has the same token, and would
 * lock the original out if it used the token.  stored_by is
 *
 *		system identifier / database / timeline / directory / machine
 *
 * in decimal numbers.  The first two differ in a database that was restored from a
 * dump or copied with CREATE DATABASE.  A copy of the files has the same two, but
 * other inodes or another path (together the directory), or is on a machine with another
 * /etc/machine-id.
 *
 * A promoted standby has another directory as well, and must go on where the primary
 * stopped.  It is recognized by its timeline, which began without a recovery target.
 */
#include "postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "compat.h"
#include "catalog/digest.h"
#include "oauth/origin.h"

#define MACHINE_ID_FILE   "/etc/machine-id"
#define MACHINE_ID_LENGTH 32

/* The reason that core writes into the history of a timeline that began with a promotion.
 */
#define PROMOTED "no recovery target specified"

typedef struct Origin
{
	uint64 system;
	Oid database;
	TimeLineID timeline;
	uint32 directory; /* digest of the data directory's inodes and path; 0: unknown */
	uint32 machine;   /* digest of the machine's identity; 0: unknown */
} Origin;

static Origin here(void);
static char *origin_text(const Origin *origin);
static bool origin_parse(const char *text, Origin *origin);
static bool was_promoted_since(TimeLineID stored, TimeLineID now);
static uint32 directory(void);
static uint32 machine(void);
static uint32 digest(const char *text);

char *
plf_stored_by(void)
{
	Origin origin = here();

	return origin_text(&origin);
}

PlfOrigin
plf_origin(const char *stored_by)
{
	Origin now = here();
	Origin stored;

	/* Version 1.0 wrote the first two numbers only, so a copy of the files passes. */
	if (strcmp(stored_by, psprintf(UINT64_FORMAT "/%u", now.system, now.database)) == 0)
		return PLF_ORIGIN_HERE;

	if (!origin_parse(stored_by, &stored) || stored.system != now.system ||
		stored.database != now.database)
		return PLF_ORIGIN_OTHER_DATABASE;
	if (stored.directory == now.directory && now.directory != 0 &&
		(stored.machine == now.machine || stored.machine == 0 || now.machine == 0))
		return PLF_ORIGIN_HERE;
	return was_promoted_since(stored.timeline, now.timeline) ? PLF_ORIGIN_HERE
															 : PLF_ORIGIN_OTHER_COPY;
}

static Origin
here(void)
{
	return (Origin){.system = GetSystemIdentifier(),
					.database = MyDatabaseId,
					.timeline = RecoveryInProgress() ? 0 : GetWALInsertionTimeLine(),
					.directory = directory(),
					.machine = machine()};
}

static char *
origin_text(const Origin *origin)
{
	return psprintf(UINT64_FORMAT "/%u/%u/%u/%u", origin->system, origin->database,
					origin->timeline, origin->directory, origin->machine);
}

/* Returns false for a text that origin_text() would not have written. */
static bool
origin_parse(const char *text, Origin *origin)
{
	uint64 parts[5] = {0};
	char *end = (char *) text;

	for (size_t i = 0; i < lengthof(parts); i++)
	{
		parts[i] = strtoull(end, &end, 10);
		if (*end == '/')
			end++;
	}
	*origin = (Origin){parts[0], (Oid) parts[1], (TimeLineID) parts[2], (uint32) parts[3],
					   (uint32) parts[4]};
	return strcmp(text, origin_text(origin)) == 0;
}

/*
 * Whether promotions alone led from timeline "stored" to "now".  Each line of a history
 * file names a timeline that ended, where, and the reason.  A recovery target as the
 * reason means that somebody made a copy of an earlier state or returned to it, so a
 * stored token may be used up.
 */
static bool
was_promoted_since(TimeLineID stored, TimeLineID now)
{
	char path[MAXPGPATH];
	char line[MAXPGPATH];
	bool found = false;
	bool promoted = true;
	FILE *file;

	if (stored >= now)
		return false;
	TLHistoryFilePath(path, now);
	file = AllocateFile(path, "r");
	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL)
	{
		const char *reason = strrchr(line, '\t');
		TimeLineID left = (TimeLineID) strtoul(line, NULL, 10);

		if (left == 0 || reason == NULL || left < stored)
			continue;
		found |= left == stored;
		promoted &= strncmp(reason + 1, PROMOTED, strlen(PROMOTED)) == 0;
	}
	FreeFile(file);
	return found && promoted;
}

/*
 * Returns a digest of the data directory's path and of inodes that stay as long as the
 * directory does, or 0.  A copy of the files has other inodes.  A snapshot of the file
 * system has the same inodes, but usually another path.
 */
static uint32
directory(void)
{
	static const char *const files[] = {".", "base", "global/pg_control", "PG_VERSION"};
	char path[PATH_MAX];
	StringInfoData all;

	initStringInfo(&all);
	for (size_t i = 0; i < lengthof(files); i++)
	{
		struct stat status;

		if (stat(psprintf("%s/%s", DataDir, files[i]), &status) != 0)
			return 0;
		appendStringInfo(&all, "%llu ", (unsigned long long) status.st_ino);
	}
	if (realpath(DataDir, path) == NULL)
		return 0;
	appendStringInfoString(&all, path);
	return digest(all.data);
}

/* Returns a digest of systemd's machine id, or 0.  Containers often have none. */
static uint32
machine(void)
{
	char text[MACHINE_ID_LENGTH + 1] = {0};
	int fd = OpenTransientFile(MACHINE_ID_FILE, O_RDONLY | PG_BINARY);
	ssize_t length;

	/*
	 * Without an id all machines are taken to be the same, so a failure that may pass
	 * must not look like a missing id.
	 */
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not open file \"%s\": %m", MACHINE_ID_FILE)));
	if (fd < 0)
		return 0;
	length = read(fd, text, MACHINE_ID_LENGTH);
	CloseTransientFile(fd);
	return length == MACHINE_ID_LENGTH &&
				   strspn(text, "0123456789abcdef") == MACHINE_ID_LENGTH
			   ? digest(text)
			   : 0;
}

/* Returns a digest of a text, never 0. */
static uint32
digest(const char *text)
{
	return Max((uint32) plf_text_digest(text), 1);
}
