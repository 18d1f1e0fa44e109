/*
 * access.c
 *		Whether a user may read a list of the API; payment_links_check() asks.
 *
 * Failures are values here: source.c, which reads the list, raises them.
 */
#include "postgres.h"

#include "api/page.h"
#include "api/request.h"
#include "http/client.h"
#include "http/response_failure.h"
#include "pages/access.h"
#include "pages/answer.h"

/* How many bytes of an answer are looked at to recognise an HTML page. */
#define BODY_START 64

static bool ask(const PlfOptions *options, const PlfWire *wire,
				const PlfCredential *credential, int64 *links, PlfFailure *failure);
static bool read_total(PlfTransfer *transfer, const PlfListRequest *request,
					   const PlfCredential *credential, const PlfFailureSite *site,
					   int64 *links, PlfFailure *failure);

bool
plf_access_check(Oid userid, const PlfOptions *options, const PlfWire *wire,
				 PlfCredential *credential, int64 *links, PlfFailure *failure)
{
	return plf_credential_get(userid, options, credential, failure) &&
		   (ask(options, wire, credential, links, failure) ||
			(failure->unauthorized && plf_mapping_is_renewed(credential->mapping) &&
			 plf_credential_renew(options, credential, failure) &&
			 ask(options, wire, credential, links, failure)));
}

/* Sends the one request; false with *failure filled. */
static bool
ask(const PlfOptions *options, const PlfWire *wire, const PlfCredential *credential,
	int64 *links, PlfFailure *failure)
{
	const PlfListRequest request = {.page = 1, .per_page = 1};
	PlfFailureSite site = {.options = options,
						   .mapping = credential->mapping,
						   .secrets = credential->secrets,
						   .wire = wire,
						   .page = request.page};
	PlfEndpoint endpoint = {0};
	char path[PLF_REQUEST_SIZE];
	PlfClient *client;
	PlfTransfer *transfer;
	bool ok;

	plf_endpoint_set(&endpoint, options, credential);
	endpoint.retry.max_retries = 0;
	client = plf_client_create(CurrentMemoryContext, &endpoint);

	plf_list_request_spell(wire, &request, path);
	transfer = plf_client_get(client, path);
	plf_transfer_wait(transfer);
	ok = read_total(transfer, &request, credential, &site, links, failure);
	plf_client_close(client);
	return ok;
}

/* Fails as a scan does, so that "ok" means that the list can be read. */
static bool
read_total(PlfTransfer *transfer, const PlfListRequest *request,
		   const PlfCredential *credential, const PlfFailureSite *site, int64 *links,
		   PlfFailure *failure)
{
	PlfResponse *response = plf_transfer_response(transfer);
	PlfPageError error;
	PlfPage *page;
	char start[BODY_START] = "";
	char *body;
	size_t length;
	size_t start_length;
	const char *message;
	char *detail;
	bool differs;

	if (plf_failure_from_response(response, site, failure))
	{
		if (plf_answer_is_unauthorized(response))
			plf_credential_refused(credential);
		return false;
	}
	plf_credential_accepted(credential);

	body = plf_transfer_take_body(transfer, &length);
	start_length = Min(length, sizeof(start));
	if (start_length > 0)
		memcpy(start, body, start_length);
	page = plf_page_parse(body, length, PLF_SHAPE_LIST, site->wire, &error);
	if (page == NULL)
	{
		plf_failure_from_page(&error, response, start, start_length, site, failure);
		return false;
	}
	*links = plf_page_meta(page)->total_count;
	differs = plf_answer_differs(site->wire, request, plf_page_meta(page), &message,
								 &detail);
	plf_page_free(page);
	if (differs)
		plf_failure_set(failure, site, ERRCODE_PROTOCOL_VIOLATION, message, detail, NULL);
	return !differs;
}
