/*
 * server.h
 *		Stand-ins for what src/list/ uses of the server: memory contexts, errors,
 *		interrupts.  Nothing of the server is linked.
 */
#ifndef LIST_SERVER_H
#define LIST_SERVER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Raised
{
	char sqlstate[6];
	char message[300];
} Raised;

/*
 * Calls a function.  False when it raised an error, which is in *raised then; all memory
 * that it has taken is free afterwards, whether it raised an error or not.
 */
extern bool server_try(void (*function)(void *arg), void *arg, Raised *raised);

/* Bytes and blocks that are not free yet, for a function that is being tried. */
extern size_t server_blocks(void);

/* Raises an error; "sqlstate" as errcode() takes it. */
extern void server_raise(int sqlstate, const char *message, const char *detail)
	__attribute__((noreturn));

/* Called with each message of DEBUG2, unless it is NULL. */
typedef void (*DebugLine)(const char *line);
extern DebugLine server_debug;

#endif /* LIST_SERVER_H */
