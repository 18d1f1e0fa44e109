/*
 * client.c
 *		Clients: where requests go, and the headers that they carry.
 */
#include "postgres.h"

#include <curl/curl.h>
#include <unistd.h>

#include "storage/fd.h"

#include "api/transfer.h"
#include "api/url.h"

static void client_at_reset(void *arg);
static void add_tokens(PlfClient *client, const char *access_token,
					   const char *staging_token);
static void drop_headers(struct curl_slist *headers);
static void add_header(PlfClient *client, const char *name, const char *value);

PlfClient *
plf_client_create(MemoryContext context, const PlfEndpoint *endpoint)
{
	PlfClient  *client;
	MemoryContext old_context;
	PlfUrl		url;

	plf_tries_begin();

	old_context = MemoryContextSwitchTo(context);
	client = palloc0(sizeof(PlfClient));
	client->context = context;
	dlist_init(&client->transfers);
	client->at_reset.func = client_at_reset;
	client->at_reset.arg = client;
	MemoryContextRegisterResetCallback(context, &client->at_reset);
	client->open = true;
	client->wait_fd = -1;

	client->endpoint = *endpoint;
	client->endpoint.access_token = NULL;
	client->endpoint.staging_token = NULL;
	client->endpoint.api_url = pstrdup(endpoint->api_url);
	client->endpoint.proxy = endpoint->proxy ? pstrdup(endpoint->proxy) : NULL;
	client->endpoint.ca_file =
		endpoint->ca_file ? pstrdup(endpoint->ca_file) : NULL;

	client->secure = true;
	if (plf_url_parse(pstrdup(endpoint->api_url), &url) == NULL)
	{
		client->secure = strcmp(url.scheme, "http") != 0;
		if (plf_url_is_loopback(&url))
			client->endpoint.proxy = NULL;
	}
	client->multiplex = client->secure && endpoint->staging_token == NULL;

	add_header(client, "Accept: ", "application/json");
	add_tokens(client, endpoint->access_token, endpoint->staging_token);

	MemoryContextSwitchTo(old_context);
	return client;
}

static void
add_tokens(PlfClient *client, const char *access_token, const char *staging_token)
{
	if (access_token != NULL)
		add_header(client, "Authorization: Bearer ", access_token);
	if (staging_token != NULL)
		add_header(client, "X-Qonto-Staging-Token: ", staging_token);
}

/* The same mux for all clients, in a descriptor that is to be waited for once only. */
int
plf_client_wait_fd(PlfClient *client)
{
	if (client->wait_fd >= 0)
		return client->wait_fd;
	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not create a descriptor to wait for HTTP requests: %m")));
	client->wait_fd = dup(plf_tries_fd());
	if (client->wait_fd < 0)
	{
		int			error = errno;

		ReleaseExternalFD();
		errno = error;
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not create a descriptor to wait for HTTP requests: %m")));
	}
	return client->wait_fd;
}

static void
client_at_reset(void *arg)
{
	plf_client_close((PlfClient *) arg);
}

/* Adds name and value, as they stand; the value may be a secret. */
static void
add_header(PlfClient *client, const char *name, const char *value)
{
	size_t		size = strlen(name) + strlen(value) + 1;
	char	   *line = palloc(size);
	struct curl_slist *headers;

	snprintf(line, size, "%s%s", name, value);
	headers = curl_slist_append(client->headers, line);
	explicit_bzero(line, size);
	pfree(line);
	if (headers == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	client->headers = headers;
}

void
plf_client_close(PlfClient *client)
{
	dlist_iter	iter;

	if (!client->open)
		return;
	client->open = false;
	if (client->wait_fd >= 0)
	{
		close(client->wait_fd);
		ReleaseExternalFD();
	}
	client->wait_fd = -1;
	dlist_foreach(iter, &client->transfers)
		plf_transfer_end(dlist_container(PlfTransfer, node, iter.cur));
	drop_headers(client->headers);
	drop_headers(client->old_headers);
	client->headers = client->old_headers = NULL;
}

static void
drop_headers(struct curl_slist *headers)
{
	for (struct curl_slist *line = headers; line != NULL; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(headers);
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
	add_header(client, "Accept: ", "application/json");
	add_tokens(client, access_token, staging_token);
}
