/*
 * client.c
 *		Clients: an endpoint and the transfers to it, with the life of a memory context.
 */
#include "postgres.h"

#include "http/client.h"
#include "http/tries.h"

struct PlfClient
{
	bool open;
	MemoryContextCallback at_reset;
	PlfChannel channel;
};

static void client_at_reset(void *arg);

PlfClient *
plf_client_create(MemoryContext context, const PlfEndpoint *endpoint)
{
	PlfClient *client;
	MemoryContext old_context;

	plf_tries_begin();

	/* From the registration on, whatever is acquired ends with the context. */
	old_context = MemoryContextSwitchTo(context);
	client = palloc0(sizeof(PlfClient));
	client->channel.context = context;
	dlist_init(&client->channel.transfers);
	client->at_reset.func = client_at_reset;
	client->at_reset.arg = client;
	MemoryContextRegisterResetCallback(context, &client->at_reset);
	client->open = true;
	plf_target_init(&client->channel.target, endpoint);
	MemoryContextSwitchTo(old_context);
	return client;
}

static void
client_at_reset(void *arg)
{
	plf_client_close((PlfClient *) arg);
}

void
plf_client_close(PlfClient *client)
{
	if (!client->open)
		return;
	client->open = false;
	plf_transfers_end(&client->channel);
	plf_target_close(&client->channel.target);
}

PlfTransfer *
plf_client_get(PlfClient *client, const char *path_and_query)
{
	Assert(client->open);
	return plf_transfer_start(&client->channel, path_and_query, NULL, 0);
}

PlfTransfer *
plf_client_post(PlfClient *client, const PlfFormField *fields, int count)
{
	Assert(client->open);
	return plf_transfer_start(&client->channel, "", fields, count);
}

void
plf_client_set_token(PlfClient *client, const char *access_token,
					 const char *staging_token)
{
	plf_target_set_tokens(&client->channel.target, access_token, staging_token);
}

const PlfClientStats *
plf_client_stats(const PlfClient *client)
{
	return &client->channel.stats;
}
