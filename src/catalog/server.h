/*
 * server.h
 *		Foreign servers of this wrapper, for SQL functions that are given their names.
 */
#ifndef PLF_SERVER_H
#define PLF_SERVER_H

#include "foreign/foreign.h"

/*
 * The server of that name; an error when it is not there (42704), not to be used by the
 * current user (42501), or another wrapper's (42809).
 */
extern ForeignServer *plf_server_get(const char *name);

/* Whether a server is one of this wrapper; no error, whatever its wrapper is. */
extern bool plf_server_is_ours(const ForeignServer *server);

#endif /* PLF_SERVER_H */
