/*
 * probe.c
 *		Preloaded into a server, and asked by SQL: what the extension, libcurl and
 *		jansson have allocated, and how all goes on when they get no more.
 *
 * flat.py and t/140_exhaustion.pl use it.  Calls are told apart by who makes them,
 * so that the rest of the server is left alone.  The n-th call of a kind fails, once:
 *
 * - "memory": malloc and its like, called by one of the three libraries;
 * - "descriptor": what makes a descriptor or has one watched, likewise;
 * - "error": functions of the server that can raise an error, called by the
 *	 extension.  For these it has to be linked with --wrap for each WRAP below.
 */
#define _GNU_SOURCE
#include "postgres.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"

PG_MODULE_MAGIC;

typedef enum Kind
{
	MEMORY,
	DESCRIPTOR,
	RAISED,
	KINDS
} Kind;

static const char *const kind_names[KINDS] = {"memory", "descriptor", "error"};

static const char *const watched[] = {"/payment_links_fdw.so", "/libcurl.so",
									  "/libjansson.so"};

/* Where the code of the watched libraries is. */
static struct
{
	uintptr_t begin;
	uintptr_t end;
} ranges[lengthof(watched)];

static Kind armed = KINDS;
static int64 fail_at;
static int64 calls;

/* A block that one of the libraries allocated and nobody has freed yet. */
typedef struct Block
{
	void *address;
	struct Block *next;
} Block;

#define BUCKETS    65536
#define MAX_BLOCKS (1 << 19)

static Block blocks[MAX_BLOCKS];
static Block *buckets[BUCKETS];
static Block *unused;
static int touched; /* of blocks, those before have been used */
static int64 live_blocks;

/* libcurl's resolver has threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static inline bool
is_watched(const void *caller)
{
	for (int i = 0; i < lengthof(ranges); i++)
		if ((uintptr_t) caller >= ranges[i].begin && (uintptr_t) caller < ranges[i].end)
			return true;
	return false;
}

/* Whether this call, one of its kind by a watched library, is the one to fail. */
static bool
fails(Kind kind)
{
	return kind == armed && ++calls == fail_at;
}

static Block **
place_of(const void *address)
{
	Block **place = &buckets[((uintptr_t) address >> 4) % BUCKETS];

	while (*place != NULL && (*place)->address != address)
		place = &(*place)->next;
	return place;
}

static void
remember(void *address)
{
	Block *block;
	Block **place;

	if (address == NULL)
		return;
	pthread_mutex_lock(&lock);
	if (unused != NULL)
	{
		block = unused;
		unused = block->next;
	}
	else if (touched < MAX_BLOCKS)
		block = &blocks[touched++];
	else
		abort();
	place = place_of(address);
	*block = (Block){address, *place};
	*place = block;
	live_blocks++;
	pthread_mutex_unlock(&lock);
}

static void
forget(const void *address)
{
	Block **place;
	Block *block;

	if (address == NULL || touched == 0)
		return;
	pthread_mutex_lock(&lock);
	place = place_of(address);
	block = *place;
	if (block != NULL)
	{
		*place = block->next;
		live_blocks--;
		block->next = unused;
		unused = block;
	}
	pthread_mutex_unlock(&lock);
}

/* malloc and its like */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *address);

static void *
no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *
malloc(size_t size)
{
	void *address;

	if (!is_watched(__builtin_return_address(0)))
		return __libc_malloc(size);
	if (fails(MEMORY))
		return no_memory();
	address = __libc_malloc(size);
	remember(address);
	return address;
}

void *
calloc(size_t count, size_t size)
{
	void *address;

	if (!is_watched(__builtin_return_address(0)))
		return __libc_calloc(count, size);
	if (fails(MEMORY))
		return no_memory();
	address = __libc_calloc(count, size);
	remember(address);
	return address;
}

void *
realloc(void *old, size_t size)
{
	void *address;

	if (!is_watched(__builtin_return_address(0)))
	{
		forget(old);
		return __libc_realloc(old, size);
	}
	if (fails(MEMORY))
		return no_memory();
	/* Where there is really no memory, it is lost to the count. */
	forget(old);
	address = __libc_realloc(old, size);
	remember(address);
	return address;
}

void
free(void *address)
{
	forget(address);
	__libc_free(address);
}

char *
strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	bool ours = is_watched(__builtin_return_address(0));
	char *copy;

	if (ours && fails(MEMORY))
		return no_memory();
	copy = __libc_malloc(size);
	if (copy == NULL)
		return NULL;
	if (ours)
		remember(copy);
	return memcpy(copy, text, size);
}

/* What makes a descriptor */

#define MAKES_DESCRIPTOR(name, parameters, arguments) \
	int name parameters \
	{ \
		static int(*next) parameters; \
\
		if (is_watched(__builtin_return_address(0)) && fails(DESCRIPTOR)) \
		{ \
			errno = EMFILE; \
			return -1; \
		} \
		if (next == NULL) \
			next = dlsym(RTLD_NEXT, #name); \
		return next arguments; \
	}

MAKES_DESCRIPTOR(epoll_create1, (int flags), (flags))
MAKES_DESCRIPTOR(timerfd_create, (clockid_t clock, int flags), (clock, flags))
MAKES_DESCRIPTOR(epoll_ctl, (int fd, int what, int other, struct epoll_event *event),
				 (fd, what, other, event))
MAKES_DESCRIPTOR(eventfd, (unsigned int count, int flags), (count, flags))
MAKES_DESCRIPTOR(pipe, (int fds[2]), (fds))
MAKES_DESCRIPTOR(pipe2, (int fds[2], int flags), (fds, flags))
MAKES_DESCRIPTOR(socket, (int domain, int type, int protocol), (domain, type, protocol))
MAKES_DESCRIPTOR(socketpair, (int domain, int type, int protocol, int fds[2]),
				 (domain, type, protocol, fds))

/* What can raise an error */

#define WRAP(type, name, parameters, arguments) \
	extern type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		if (fails(RAISED)) \
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"), \
							errdetail("The probe failed %s().", #name))); \
		return name arguments; \
	}

WRAP(void *, palloc, (Size size), (size))
WRAP(void *, palloc0, (Size size), (size))
WRAP(char *, pstrdup, (const char *text), (text))
WRAP(void *, MemoryContextAlloc, (MemoryContext context, Size size), (context, size))
WRAP(void *, MemoryContextAllocZero, (MemoryContext context, Size size), (context, size))
WRAP(void *, MemoryContextAllocExtended, (MemoryContext context, Size size, int flags),
	 (context, size, flags))
WRAP(char *, MemoryContextStrdup, (MemoryContext context, const char *text),
	 (context, text))
WRAP(MemoryContext, AllocSetContextCreateInternal,
	 (MemoryContext parent, const char *name, Size least, Size first, Size most),
	 (parent, name, least, first, most))
WRAP(List *, lappend, (List * list, void *datum), (list, datum))
WRAP(HTAB *, hash_create, (const char *name, long size, const HASHCTL *info, int flags),
	 (name, size, info, flags))
WRAP(void *, hash_search, (HTAB * table, const void *key, HASHACTION action, bool *found),
	 (table, key, action, found))
WRAP(Tuplestorestate *, tuplestore_begin_heap, (bool random, bool hold, int kilobytes),
	 (random, hold, kilobytes))
WRAP(void, tuplestore_puttupleslot, (Tuplestorestate * state, TupleTableSlot *slot),
	 (state, slot))
WRAP(void, tuplesort_puttupleslot, (Tuplesortstate * state, TupleTableSlot *slot),
	 (state, slot))
WRAP(void, tuplesort_performsort, (Tuplesortstate * state), (state))
WRAP(TupleDesc, CreateTupleDescCopy, (TupleDesc desc), (desc))
WRAP(EState *, CreateExecutorState, (void), ())
WRAP(ExprState *, ExecInitExpr, (Expr * node, PlanState *parent), (node, parent))
WRAP(Datum, InputFunctionCall, (FmgrInfo * function, char *text, Oid param, int32 typmod),
	 (function, text, param, typmod))
WRAP(Datum, datumCopy, (Datum value, bool by_value, int length),
	 (value, by_value, length))
WRAP(int, WaitLatchOrSocket,
	 (Latch * latch, int events, pgsocket socket, long timeout, uint32 wait_event),
	 (latch, events, socket, timeout, wait_event))

/* For SQL */

static int
note_library(struct dl_phdr_info *info, size_t size, void *arg)
{
	for (int i = 0; i < lengthof(watched); i++)
	{
		if (strstr(info->dlpi_name, watched[i]) == NULL)
			continue;
		for (int j = 0; j < info->dlpi_phnum; j++)
		{
			const ElfW(Phdr) *header = &info->dlpi_phdr[j];

			if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0)
			{
				ranges[i].begin = info->dlpi_addr + header->p_vaddr;
				ranges[i].end = ranges[i].begin + header->p_memsz;
			}
		}
	}
	return 0;
}

/* probe_watch(): to be called once the extension is loaded */
PG_FUNCTION_INFO_V1(probe_watch);
Datum
probe_watch(PG_FUNCTION_ARGS)
{
	dl_iterate_phdr(note_library, NULL);
	for (int i = 0; i < lengthof(watched); i++)
		if (ranges[i].end == 0)
			elog(ERROR, "%s is not loaded", watched[i]);
	PG_RETURN_VOID();
}

/* probe_fail(kind text, nth bigint): that call fails; 0: none does */
PG_FUNCTION_INFO_V1(probe_fail);
Datum
probe_fail(PG_FUNCTION_ARGS)
{
	const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Kind kind = 0;

	while (kind < KINDS && strcmp(kind_names[kind], name) != 0)
		kind++;
	if (kind == KINDS)
		elog(ERROR, "the probe cannot fail \"%s\"", name);
	fail_at = PG_GETARG_INT64(1);
	calls = 0;
	armed = kind;
	PG_RETURN_VOID();
}

/* probe_calls() bigint: how many of the kind there were since; ends that */
PG_FUNCTION_INFO_V1(probe_calls);
Datum
probe_calls(PG_FUNCTION_ARGS)
{
	armed = KINDS;
	PG_RETURN_INT64(calls);
}

/* probe_figures() bigint[]: all bytes that are malloc'd, and the libraries' blocks */
PG_FUNCTION_INFO_V1(probe_figures);
Datum
probe_figures(PG_FUNCTION_ARGS)
{
	struct mallinfo2 info = mallinfo2();
	Datum figures[2] = {Int64GetDatum((int64) (info.uordblks + info.hblkhd)),
						Int64GetDatum(live_blocks)};

	PG_RETURN_ARRAYTYPE_P(construct_array(figures, 2, INT8OID, sizeof(int64),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
