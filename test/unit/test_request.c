/*
 * test_request.c
 *		How requests are spelled.
 */
#include "../../src/api/request.c"

#include "tap.h"

/* Both spellings of one request. */
static void
check_spelling(PlfListRequest request, const char *wire, const char *shown)
{
	char out[PLF_REQUEST_SIZE];

	is_int(plf_list_request_spell(&request, out), strlen(wire), "length of %s", wire);
	is_str(out, wire, "%s", wire);
	is_int(plf_list_request_show(&request, out), strlen(shown), "length of %s", shown);
	is_str(out, shown, "%s", shown);
}

int
main(void)
{
	static const char *const documented[PLF_STATUS_COUNT] = {
		"open", "expired", "canceled", "paid", "processing"};
	PlfListRequest request = {0};
	int i;

	for (i = 0; i < PLF_STATUS_COUNT; i++)
	{
		is_str(plf_status_names[i], documented[i], "status %d", i);
		is_int(plf_status_lookup(documented[i], strlen(documented[i])), i, "lookup of %s",
			   documented[i]);
	}
	is_int(PLF_STATUS_ALL, 31, "all statuses are five bits");
	is_int(plf_status_lookup("openly", 4), 0, "lookup counts bytes");
	is_int(plf_status_lookup("ope", 3), -1, "a prefix is no status");
	is_int(plf_status_lookup("open ", 5), -1, "nor is a padded status");
	is_int(plf_status_lookup("Open", 4), -1, "nor another case");
	is_int(plf_status_lookup("cancelled", 9), -1, "nor another spelling");
	is_int(plf_status_lookup("", 0), -1, "nor nothing");

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

	return done_testing();
}
