/*
 * client.c
 *		Clients: where requests go, and what they say of who asks.
 */
#include "postgres.h"

#include "http/transfer.h"
#include "api/url.h"

static void client_at_reset(void *arg);
static void add_tokens(PlfClient *client, const char *access_token,
					   const char *staging_token);

PlfClient *
plf_client_create(MemoryContext context, const PlfEndpoint *endpoint)
{
	PlfClient *client;
	MemoryContext old_context;
	PlfUrl url;

	plf_tries_begin();

	old_context = MemoryContextSwitchTo(context);
	client = palloc0(sizeof(PlfClient));
	client->context = context;
	dlist_init(&client->transfers);
	client->at_reset.func = client_at_reset;
	client->at_reset.arg = client;
	MemoryContextRegisterResetCallback(context, &client->at_reset);
	client->open = true;

	client->endpoint = *endpoint;
	client->endpoint.access_token = NULL;
	client->endpoint.staging_token = NULL;
	client->endpoint.api_url = pstrdup(endpoint->api_url);
	client->endpoint.proxy = endpoint->proxy ? pstrdup(endpoint->proxy) : NULL;
	client->endpoint.ca_file = endpoint->ca_file ? pstrdup(endpoint->ca_file) : NULL;

	client->secure = true;
	if (plf_url_parse(pstrdup(endpoint->api_url), &url) == NULL)
	{
		client->secure = strcmp(url.scheme, "http") != 0;
		if (plf_url_is_loopback(&url))
			client->endpoint.proxy = NULL;
	}
	client->multiplex = client->secure && endpoint->staging_token == NULL;

	plf_header_add(client, "Accept: ", "application/json");
	add_tokens(client, endpoint->access_token, endpoint->staging_token);

	MemoryContextSwitchTo(old_context);
	return client;
}

static void
add_tokens(PlfClient *client, const char *access_token, const char *staging_token)
{
	if (access_token != NULL)
		plf_header_add(client, "Authorization: Bearer ", access_token);
	if (staging_token != NULL)
		plf_header_add(client, "X-Qonto-Staging-Token: ", staging_token);
}

static void
client_at_reset(void *arg)
{
	plf_client_close((PlfClient *) arg);
}

void
plf_client_close(PlfClient *client)
{
	dlist_iter iter;

	if (!client->open)
		return;
	client->open = false;
	dlist_foreach(iter, &client->transfers)
		plf_transfer_end(dlist_container(PlfTransfer, node, iter.cur));
	plf_headers_drop(client->headers);
	plf_headers_drop(client->old_headers);
	client->headers = client->old_headers = NULL;
}

/* Requests under way keep the headers they were sent with. */
void
plf_client_set_token(PlfClient *client, const char *access_token,
					 const char *staging_token)
{
	Assert(client->old_headers == NULL);
	client->old_headers = client->headers;
	client->headers = NULL;
	client->token++;
	plf_header_add(client, "Accept: ", "application/json");
	add_tokens(client, access_token, staging_token);
}
