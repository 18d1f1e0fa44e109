/*
 * floor.c
 *		What it takes to read the API without PostgreSQL: libcurl and jansson.
 *
 *	floor scan URL PAGES CONCURRENCY RUNS [CA]
 *		Reads the list RUNS times over connections that stay open: page 1, then
 *		the others, CONCURRENCY at a time, each parsed as it comes.  Prints for
 *		each run: milliseconds, milliseconds of processor time, links, bytes.
 *	floor request URL-AND-QUERY RUNS [CA]
 *		Gets one page RUNS times; prints the milliseconds of each round trip.
 *	floor decode RUNS FILE...
 *		Parses the files, RUNS times each; prints the microseconds of processor
 *		time that a file took, and the megabytes a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <curl/curl.h>
#include <jansson.h>

#define MAX_CONCURRENCY 32

typedef struct Fetch
{
	CURL *easy;
	char *body;
	size_t length;
	size_t size;
} Fetch;

typedef struct Totals
{
	long links;
	long pages; /* of the list, as it says */
	size_t bytes;
} Totals;

static CURLM *multi;
static struct curl_slist *headers;

static void
die(const char *what)
{
	fprintf(stderr, "floor: %s\n", what);
	exit(2);
}

static double
clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	Fetch *fetch = arg;

	size *= count;
	if (fetch->length + size > fetch->size)
	{
		fetch->size = 2 * (fetch->length + size);
		fetch->body = realloc(fetch->body, fetch->size);
		if (fetch->body == NULL)
			die("out of memory");
	}
	memcpy(fetch->body + fetch->length, data, size);
	fetch->length += size;
	return size;
}

static void
open_fetches(Fetch *fetches, int count, const char *ca)
{
	int i;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	multi = curl_multi_init();
	headers = curl_slist_append(headers, "Accept: application/json");
	headers = curl_slist_append(headers, "Authorization: Bearer sample-access-token");
	for (i = 0; i < count; i++)
	{
		CURL *easy = curl_easy_init();

		fetches[i].easy = easy;
		curl_easy_setopt(easy, CURLOPT_PRIVATE, &fetches[i]);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &fetches[i]);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
		if (ca != NULL)
		{
			curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
			curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
			curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
		}
	}
}

static void
start(Fetch *fetch, const char *url)
{
	fetch->length = 0;
	curl_easy_setopt(fetch->easy, CURLOPT_URL, url);
	if (curl_multi_add_handle(multi, fetch->easy) != CURLM_OK)
		die("cannot start a request");
}

/* Waits for the next answer. */
static Fetch *
finish(void)
{
	for (;;)
	{
		int running;
		int left;
		CURLMsg *over;

		curl_multi_perform(multi, &running);
		over = curl_multi_info_read(multi, &left);
		if (over != NULL)
		{
			Fetch *fetch;
			long status;

			if (over->data.result != CURLE_OK)
				die(curl_easy_strerror(over->data.result));
			curl_easy_getinfo(over->easy_handle, CURLINFO_RESPONSE_CODE, &status);
			if (status != 200)
				die("the status is not 200");
			curl_easy_getinfo(over->easy_handle, CURLINFO_PRIVATE, (char **) &fetch);
			curl_multi_remove_handle(multi, over->easy_handle);
			return fetch;
		}
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
}

static void
parse(const char *body, size_t length, Totals *totals)
{
	json_error_t error;
	json_t *root = json_loadb(body, length, JSON_DECODE_INT_AS_REAL, &error);

	if (root == NULL)
		die(error.text);
	totals->links += json_array_size(json_object_get(root, "payment_links"));
	totals->pages = (long) json_number_value(
		json_object_get(json_object_get(root, "meta"), "total_pages"));
	totals->bytes += length;
	json_decref(root);
}

static void
start_page(Fetch *fetch, const char *url, long page)
{
	char whole[1024];

	snprintf(whole, sizeof(whole), "%s/v2/payment_links?page=%ld&per_page=100", url,
			 page);
	start(fetch, whole);
}

static void
scan(const char *url, long pages, int concurrency, int runs, const char *ca)
{
	static Fetch fetches[MAX_CONCURRENCY + 1];
	Fetch *spare = &fetches[concurrency];

	if (concurrency < 1 || concurrency > MAX_CONCURRENCY)
		die("1 to 32 requests at a time");
	open_fetches(fetches, concurrency + 1, ca);
	while (runs-- > 0)
	{
		double began = clock_ms(CLOCK_MONOTONIC);
		double used = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
		Totals totals = {0, 0, 0};
		long next = 2;
		long i;

		start_page(spare, url, 1);
		spare = finish();
		parse(spare->body, spare->length, &totals);
		if (totals.pages != pages)
			die("another number of pages");
		for (i = 0; i < concurrency + 1 && next <= pages; i++)
			if (&fetches[i] != spare)
				start_page(&fetches[i], url, next++);
		for (i = 2; i <= pages; i++)
		{
			Fetch *done = finish();

			if (next <= pages)
				start_page(spare, url, next++);
			parse(done->body, done->length, &totals);
			spare = done;
		}
		printf("%.3f %.3f %ld %zu\n", clock_ms(CLOCK_MONOTONIC) - began,
			   clock_ms(CLOCK_PROCESS_CPUTIME_ID) - used, totals.links, totals.bytes);
		fflush(stdout);
	}
}

static void
request(const char *url, int runs, const char *ca)
{
	static Fetch fetch;

	open_fetches(&fetch, 1, ca);
	while (runs-- > 0)
	{
		double began = clock_ms(CLOCK_MONOTONIC);

		start(&fetch, url);
		finish();
		printf("%.3f\n", clock_ms(CLOCK_MONOTONIC) - began);
		fflush(stdout);
	}
}

static char *
read_file(const char *name, size_t *length)
{
	static char buffer[1 << 20];
	FILE *file = fopen(name, "rb");
	char *body;

	if (file == NULL)
		die(name);
	*length = fread(buffer, 1, sizeof(buffer), file);
	fclose(file);
	body = malloc(*length);
	if (body == NULL)
		die("out of memory");
	return memcpy(body, buffer, *length);
}

static void
decode(int runs, int count, char **names)
{
	char **bodies = malloc(count * sizeof(char *));
	size_t *lengths = malloc(count * sizeof(size_t));
	Totals totals = {0, 0, 0};
	double used;
	int i;
	int run;

	for (i = 0; i < count; i++)
		bodies[i] = read_file(names[i], &lengths[i]);
	used = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
	for (run = 0; run < runs; run++)
		for (i = 0; i < count; i++)
			parse(bodies[i], lengths[i], &totals);
	used = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - used;
	printf("%.1f %.1f\n", used * 1e3 / ((double) runs * count),
		   totals.bytes / used / 1e3);
}

int
main(int argc, char **argv)
{
	if ((argc == 6 || argc == 7) && strcmp(argv[1], "scan") == 0)
		scan(argv[2], atol(argv[3]), atoi(argv[4]), atoi(argv[5]), argv[6]);
	else if ((argc == 4 || argc == 5) && strcmp(argv[1], "request") == 0)
		request(argv[2], atoi(argv[3]), argv[4]);
	else if (argc >= 4 && strcmp(argv[1], "decode") == 0)
		decode(atoi(argv[2]), argc - 3, argv + 3);
	else
		die("usage: see the top of floor.c");
	return 0;
}
