/*
 * server.c
 *		Stand-ins for what src/list/ uses of the server.
 *
 * Each block of memory is malloc'd, so that sanitizers and valgrind see what is written
 * beyond it and what is used after its context is gone.
 */
#include "postgres.h"

#include <setjmp.h>

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "catalog/digest.h"
#include "server.h"

/* The C library's own. */
#undef vsnprintf
#undef snprintf
#undef fprintf

typedef struct Block
{
	struct Block *next;
	struct Block **link; /* what points to this block */
	size_t size;
	MemoryContext owner;
} Block;

typedef struct Context
{
	struct MemoryContextData public;
	Block *blocks;
	struct Context *parent;
	struct Context *children;
	struct Context *next;
} Context;

static Context top;
static size_t nblocks;

MemoryContext CurrentMemoryContext = &top.public;
MemoryContext ErrorContext = &top.public;
volatile sig_atomic_t InterruptPending = false;
pg_prng_state pg_global_prng_state;
DebugLine server_debug;

/* What server_try() goes back to, and the error that is being made. */
static jmp_buf *rescue;
static Raised error;
static int error_level;

static Context *
context_of(MemoryContext context)
{
	return (Context *) context;
}

static void *
take(MemoryContext owner, size_t size, bool zero)
{
	Context *context = context_of(owner);
	Block *block = malloc(sizeof(Block) + size);

	if (block == NULL)
		abort();
	block->size = size;
	block->owner = owner;
	block->link = &context->blocks;
	block->next = context->blocks;
	if (block->next != NULL)
		block->next->link = &block->next;
	context->blocks = block;
	nblocks++;
	memset(block + 1, zero ? 0 : 0x7f, size);
	return block + 1;
}

void
pfree(void *pointer)
{
	Block *block = (Block *) pointer - 1;

	*block->link = block->next;
	if (block->next != NULL)
		block->next->link = block->link;
	nblocks--;
	free(block);
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return take(context, size, false);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return take(context, size, true);
}

void *
MemoryContextAllocExtended(MemoryContext context, Size size, int flags)
{
	return take(context, size, (flags & MCXT_ALLOC_ZERO) != 0);
}

void *
palloc(Size size)
{
	return take(CurrentMemoryContext, size, false);
}

void *
palloc0(Size size)
{
	return take(CurrentMemoryContext, size, true);
}

void *
repalloc(void *pointer, Size size)
{
	Block *block = (Block *) pointer - 1;
	void *larger = take(block->owner, size, false);

	memcpy(larger, pointer, Min(size, block->size));
	pfree(pointer);
	return larger;
}

char *
MemoryContextStrdup(MemoryContext context, const char *string)
{
	return memcpy(take(context, strlen(string) + 1, false), string, strlen(string) + 1);
}

char *
pstrdup(const char *string)
{
	return MemoryContextStrdup(CurrentMemoryContext, string);
}

char *
psprintf(const char *format, ...)
{
	char text[1000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return pstrdup(text);
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent,
							  const char *name pg_attribute_unused(),
							  Size least pg_attribute_unused(),
							  Size first pg_attribute_unused(),
							  Size most pg_attribute_unused())
{
	Context *context = calloc(1, sizeof(Context));

	if (context == NULL)
		abort();
	context->parent = context_of(parent);
	context->next = context->parent->children;
	context->parent->children = context;
	return &context->public;
}

static void
empty(Context *context)
{
	while (context->children != NULL)
		MemoryContextDelete(&context->children->public);
	while (context->blocks != NULL)
		pfree(context->blocks + 1);
}

void
MemoryContextReset(MemoryContext context)
{
	empty(context_of(context));
}

void
MemoryContextDelete(MemoryContext context)
{
	Context *gone = context_of(context);
	Context **link = &gone->parent->children;

	empty(gone);
	while (*link != gone)
		link = &(*link)->next;
	*link = gone->next;
	free(gone);
}

size_t
server_blocks(void)
{
	return nblocks;
}

bool
server_try(void (*function)(void *arg), void *arg, Raised *raised)
{
	jmp_buf here;
	volatile bool done = false;

	CurrentMemoryContext = &top.public;
	rescue = &here;
	if (setjmp(here) == 0)
	{
		function(arg);
		done = true;
	}
	else
		*raised = error;
	rescue = NULL;
	empty(&top);
	CurrentMemoryContext = &top.public;
	return done;
}

void
server_raise(int sqlstate, const char *message, const char *detail)
{
	errcode(sqlstate);
	snprintf(error.message, sizeof(error.message), "%s%s%s", message,
			 detail != NULL ? ": " : "", detail != NULL ? detail : "");
	if (rescue == NULL)
		abort();
	longjmp(*rescue, 1);
}

/* ereport() and elog() */

bool
errstart(int level, const char *domain pg_attribute_unused())
{
	error_level = level;
	strcpy(error.sqlstate, "XX000");
	return level >= ERROR || (level == DEBUG2 && server_debug != NULL);
}

bool
errstart_cold(int level, const char *domain)
{
	return errstart(level, domain);
}

void
errfinish(const char *file pg_attribute_unused(), int line pg_attribute_unused(),
		  const char *function pg_attribute_unused())
{
	if (error_level < ERROR)
		server_debug(error.message);
	else if (rescue == NULL)
		abort();
	else
		longjmp(*rescue, 1);
}

int
errcode(int sqlstate)
{
	for (int i = 0; i < 5; i++)
		error.sqlstate[i] = PGUNSIXBIT(sqlstate >> (6 * i));
	error.sqlstate[5] = '\0';
	return 0;
}

int
errmsg(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error.message, sizeof(error.message), format, args);
	va_end(args);
	return 0;
}

int errmsg_internal(const char *format, ...) __attribute__((alias("errmsg")));

int
errdetail(const char *format pg_attribute_unused(), ...)
{
	return 0;
}

int
errhint(const char *format pg_attribute_unused(), ...)
{
	return 0;
}

void
ProcessInterrupts(void)
{
}

/* Of any version, whose arguments differ. */
extern void assertion_failed(const char *condition) __asm__("ExceptionalCondition");

void
assertion_failed(const char *condition)
{
	fprintf(stderr, "assertion failed: %s\n", condition);
	abort();
}

uint64
pg_prng_uint64(pg_prng_state *state pg_attribute_unused())
{
	return UINT64CONST(0x9E3779B97F4A7C15);
}

/* Of src/catalog/.  Ids that are no uuid do not occur here, so nothing is digested. */
void
plf_sha256(const void *data pg_attribute_unused(), size_t length pg_attribute_unused(),
		   uint8 out[PLF_DIGEST_SIZE] pg_attribute_unused())
{
	abort();
}
