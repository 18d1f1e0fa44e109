/*
 * server.h
 *		Foreign servers of this wrapper, by name, for SQL functions.
 */
#ifndef PLF_SERVER_H
#define PLF_SERVER_H

#include "foreign/foreign.h"

/*
 * Returns the server of that name.  Raises 42704 when there is none, 42501 when the
 * current user may not use it, and 42809 when it belongs to another wrapper.
 */
extern ForeignServer *plf_server_get(const char *name);

/*
 * Whether a server belongs to this wrapper; false when there is no such server.  Raises
 * no error, whatever its wrapper is, and does not read the server's options.
 */
extern bool plf_server_is_ours(Oid serverid);

#endif /* PLF_SERVER_H */
