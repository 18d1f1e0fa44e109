/*
 * test_request.c
 *		How requests are spelled.
 */
#include "../../src/api/request.c"
#include "../../src/api/wire.c"

#include "tap.h"
#include "wires.h"

/* Both spellings of one request for a page. */
static void
check_page_of(const PlfWire *wire, PlfListRequest request, const char *sent,
			  const char *shown)
{
	char out[PLF_REQUEST_SIZE];

	is_int(plf_list_request_spell(wire, &request, out), strlen(sent), "length of %s",
		   sent);
	is_str(out, sent, "%s", sent);
	is_int(plf_list_request_show(wire, &request, out), strlen(shown), "length of %s",
		   shown);
	is_str(out, shown, "%s", shown);
}

static void
check_spelling(PlfListRequest request, const char *sent, const char *shown)
{
	check_page_of(&link_wire, request, sent, shown);
}

/* The request for one item. */
static void
check_item(const PlfWire *wire, const char *id, const char *sent)
{
	char out[PLF_REQUEST_SIZE];

	is_int(plf_item_request_spell(wire, id, out), strlen(sent), "length of %s", sent);
	is_str(out, sent, "%s", sent);
}

static void
test_statuses(void)
{
	int i;

	for (i = 0; i < PLF_STATUS_COUNT; i++)
		is_int(plf_status_lookup(&link_wire, link_wire.statuses[i],
								 strlen(link_wire.statuses[i])),
			   i, "lookup of %s", link_wire.statuses[i]);
	is_int(PLF_STATUS_ALL, (1 << PLF_STATUS_COUNT) - 1, "a bit for each status");
	is_int(plf_status_lookup(&link_wire, "openly", 4), 0, "lookup counts bytes");
	is_int(plf_status_lookup(&link_wire, "ope", 3), -1, "a prefix is no status");
	is_int(plf_status_lookup(&link_wire, "open ", 5), -1, "nor is a padded status");
	is_int(plf_status_lookup(&link_wire, "Open", 4), -1, "nor another case");
	is_int(plf_status_lookup(&link_wire, "cancelled", 9), -1, "nor another spelling");
	is_int(plf_status_lookup(&link_wire, "", 0), -1, "nor nothing");
	is_int(plf_status_lookup(&tree_wire, "elm", 3), 2, "another resource has others");
	is_int(plf_status_lookup(&tree_wire, "open", 4), -1, "and not these");
}

int
main(void)
{
	PlfListRequest request = {0};

	test_statuses();

	request.page = 1;
	request.per_page = 100;
	request.statuses = PLF_STATUS_ALL;
	check_spelling(request, "/v2/payment_links?page=1&per_page=100",
				   "/v2/payment_links?page=1&per_page=100");

	request.filtered = true;
	request.statuses = 1;
	request.page = 2;
	request.per_page = 20;
	check_spelling(request, "/v2/payment_links?status%5B%5D=open&page=2&per_page=20",
				   "/v2/payment_links?status[]=open&page=2&per_page=20");

	request.statuses = (1 << 4) | (1 << 3);
	request.sort_by = "amount";
	check_spelling(request,
				   "/v2/payment_links?status%5B%5D=paid&status%5B%5D=processing"
				   "&sort_by=amount%3Aasc&page=2&per_page=20",
				   "/v2/payment_links?status[]=paid&status[]=processing"
				   "&sort_by=amount:asc&page=2&per_page=20");

	/* The longest request takes less than PLF_REQUEST_SIZE bytes. */
	request.statuses = PLF_STATUS_ALL;
	request.sort_by = "a_word_of_the_most_bytes_allowed";
	is_int(strlen(request.sort_by), PLF_MAX_SORT_BY, "length of the longest word");
	request.descending = true;
	request.page = INT64_MAX;
	request.per_page = PLF_MAX_PER_PAGE;
	check_spelling(
		request,
		"/v2/payment_links?status%5B%5D=open&status%5B%5D=expired"
		"&status%5B%5D=canceled&status%5B%5D=paid"
		"&status%5B%5D=processing&sort_by=a_word_of_the_most_bytes_allowed%3Adesc"
		"&page=9223372036854775807&per_page=100",
		"/v2/payment_links?status[]=open&status[]=expired"
		"&status[]=canceled&status[]=paid&status[]=processing"
		"&sort_by=a_word_of_the_most_bytes_allowed:desc"
		"&page=9223372036854775807&per_page=100");

	check_page_of(&tree_wire,
				  (PlfListRequest){true, 1 << 1 | 1 << 4, "height", false, 3, 7},
				  "/v3/forests/north/trees?kinds%5B%5D=ash&kinds%5B%5D=yew"
				  "&sort_by=height%3Aasc&page=3&per_page=7",
				  "/v3/forests/north/trees?kinds[]=ash&kinds[]=yew"
				  "&sort_by=height:asc&page=3&per_page=7");

	check_item(&link_wire, "3c90c3cc-0d44-4b50-8888-8dd25736052a",
			   "/v2/payment_links/3c90c3cc-0d44-4b50-8888-8dd25736052a");
	check_item(&tree_wire, "0-9", "/v3/trees/0-9/whole");

	return done_testing();
}
