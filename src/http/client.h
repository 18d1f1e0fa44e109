/*
 * client.h
 *		Clients, which send requests and receive answers without ever holding up
 * PostgreSQL.
 *
 * A scan has one client.  The requests of a client run side by side (transfer.h), over
 * the connections that all clients of a backend share.
 */
#ifndef PLF_CLIENT_H
#define PLF_CLIENT_H

#include "http/transfer.h"

typedef struct PlfClient PlfClient;

/*
 * Creates a client that lives until "context" is reset or deleted.  Its transfers end
 * with it.  Raises an error only for lack of memory or descriptors.
 */
extern PlfClient *plf_client_create(MemoryContext context, const PlfEndpoint *endpoint);

/*
 * Ends all transfers at once, forgets their answers, and frees the client's handles.  The
 * struct itself goes with its context.  Safe to call twice.
 */
extern void plf_client_close(PlfClient *client);

/*
 * Starts GET api_url + path_and_query and returns at once.  The transfer belongs to the
 * client; release it when its answer is no longer needed.
 */
extern PlfTransfer *plf_client_get(PlfClient *client, const char *path_and_query);

/*
 * Starts a POST of "count" fields, form-encoded, to api_url itself.  The fields are wiped
 * out of memory when the transfer is released.
 */
extern PlfTransfer *plf_client_post(PlfClient *client, const PlfFormField *fields,
									int count);

/* Sets the tokens that requests carry from now on.  They can be replaced once. */
extern void plf_client_set_token(PlfClient *client, const char *access_token,
								 const char *staging_token);

extern const PlfClientStats *plf_client_stats(const PlfClient *client);

#endif /* PLF_CLIENT_H */
