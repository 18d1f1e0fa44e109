/*
 * tries.c
 *		Tries of requests: the place where libcurl works.
 *
 * Three rules keep libcurl and a backend apart:
 *
 * - No curl callback raises an error, so no longjmp ever goes through libcurl.
 *	 Callbacks write into malloc'd buffers and plain structs.
 * - PostgreSQL's signals are blocked around every call. libcurl's resolver threads
 *	 inherit the mask, and must not run PostgreSQL's signal handlers.
 * - A client knows what it has to free before libcurl allocates it, and ends with its
 *	 memory context, whatever ended that.
 */
#include "postgres.h"

#include <curl/curl.h>
#include <signal.h>

#include "libpq/pqsignal.h"
#include "storage/fd.h"

#include "compat.h"
#include "http/clock.h"
#include "http/mux.h"
#include "http/tries.h"

/*
 * The most connections of a backend, idle ones included: two scans at the highest
 * concurrency.  There are fewer where PostgreSQL may open few files, because a connection
 * takes several descriptors while it is made.
 */
#define MAX_CONNECTIONS    64
#define MIN_CONNECTIONS    4
#define FILES_A_CONNECTION 8

/* What lives as long as the backend.  plf_tries_begin() sets it up. */
static struct
{
	bool started;
	CURLM *multi;           /* its cache keeps connections alive; NULL: the next try
							 * makes it */
	bool broken;            /* multi has lost track of its sockets */
	PlfMux mux;             /* the sockets of multi, and the timer */
	int64 curl_due;         /* when libcurl wants to be called; monotonic, us */
	int64 timer_due;        /* what the timer of the mux is set to; monotonic, us */
	sigset_t block_signals; /* what is blocked while libcurl works */
	int most;               /* connections at a time, and so tries */
	int running;            /* tries in multi */
	int handles;            /* easy handles that exist */
	int reserved;           /* descriptors set apart for connections */
} backend;

/* The tries in multi. */
static dlist_head running = DLIST_STATIC_INIT(running);

static bool multi_begin(void);
static void multi_end(void);
static CURLcode try_prepare(PlfTry *try);
static void try_stop(PlfTry *try);
static void check(CURLMcode code);
static PlfTry *broken_try(void);
static PlfOutcome outcome_of(CURLcode code, PlfTry *try);
static PlfOutcome outcome_of_code(CURLcode code, const PlfTry *try);
static curl_socket_t on_open(void *arg, curlsocktype purpose,
							 struct curl_sockaddr *address);
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg);
static int on_timer(CURLM *multi, long ms, void *arg);
static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port);
static size_t on_body(char *data, size_t size, size_t count, void *arg);
static size_t on_header(char *data, size_t size, size_t count, void *arg);

static inline void
signals_block(sigset_t *saved)
{
	sigprocmask(SIG_SETMASK, &backend.block_signals, saved);
}

static inline void
signals_restore(const sigset_t *saved)
{
	sigprocmask(SIG_SETMASK, saved, NULL);
}

void
plf_tries_begin(void)
{
	PlfMux mux;
	int i;

	if (backend.started)
		return;

	backend.curl_due = backend.timer_due = PLF_NEVER;
	backend.most = Min(Max(max_safe_fds / FILES_A_CONNECTION, MIN_CONNECTIONS),
					   MAX_CONNECTIONS);

	/* libcurl's threads must not run the handler of SIGQUIT either. */
	backend.block_signals = BlockSig;
	sigaddset(&backend.block_signals, SIGQUIT);

	if (!plf_mux_open(&mux))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
						errmsg("could not create descriptors for HTTP requests: %m")));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !multi_begin())
	{
		plf_mux_close(&mux);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("could not initialize libcurl")));
	}
	backend.mux = mux;
	backend.started = true;
	for (i = 0; i < PLF_MUX_FDS; i++)
		ReserveExternalFD();
}

/* Makes the multi handle.  Returns false when there is no memory. */
static bool
multi_begin(void)
{
	backend.multi = curl_multi_init();
	if (backend.multi == NULL)
		return false;
	curl_multi_setopt(backend.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(backend.multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(backend.multi, CURLMOPT_MAXCONNECTS, (long) backend.most);
	curl_multi_setopt(backend.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) backend.most);
	return true;
}

/* Frees the multi handle with its connections.  No try may be running. */
static void
multi_end(void)
{
	curl_multi_cleanup(backend.multi);
	backend.multi = NULL;
	backend.broken = false;
	backend.curl_due = PLF_NEVER;
}

bool
plf_tries_have_room(void)
{
	return backend.running < backend.most;
}

bool
plf_try_start(PlfTry *try)
{
	PlfResponse *response = &try->receiver.response;
	CURLcode code = CURLE_OK;
	sigset_t saved;

	try->connected = false;
	try->no_descriptor = 0;
	try->died_idle = false;
	try->errors[0] = '\0';

	signals_block(&saved);
	if (backend.broken && dlist_is_empty(&running))
		multi_end();
	if (backend.broken || (backend.multi == NULL && !multi_begin()))
		code = CURLE_OUT_OF_MEMORY;
	if (code == CURLE_OK && try->easy == NULL)
		code = try_prepare(try);
	if (code == CURLE_OK)
		code = curl_easy_setopt(try->easy, CURLOPT_FRESH_CONNECT, (long) try->fresh);
	if (code == CURLE_OK && curl_multi_add_handle(backend.multi, try->easy) != CURLM_OK)
		code = CURLE_OUT_OF_MEMORY;
	signals_restore(&saved);

	if (code != CURLE_OK)
	{
		response->outcome = outcome_of(code, try);
		strlcpy(response->message, curl_easy_strerror(code), sizeof(response->message));
		return false;
	}

	try->running = true;
	backend.running++;
	dlist_push_tail(&running, &try->running_node);

	/* A connection is kept for the next request, so its descriptor stays reserved. */
	if (backend.handles > backend.reserved && backend.reserved < backend.most)
	{
		ReserveExternalFD();
		backend.reserved++;
	}
	return true;
}

/* Makes the easy handle, which serves every try of the request. */
static CURLcode
try_prepare(PlfTry *try)
{
	const PlfTarget *target = try->target;
	const PlfEndpoint *endpoint = &target->endpoint;
	CURL *easy;
	CURLcode code = CURLE_OK;
#define SET(option, value) \
	(code = code == CURLE_OK ? curl_easy_setopt(easy, option, value) : code)

	try->easy = easy = curl_easy_init();
	if (easy == NULL)
		return CURLE_OUT_OF_MEMORY;
	backend.handles++;
	try->token = target->token;
	SET(CURLOPT_URL, try->url);
	if (try->form != NULL)
		SET(CURLOPT_POSTFIELDS, try->form);
	SET(CURLOPT_PRIVATE, try);
	SET(CURLOPT_ERRORBUFFER, try->errors);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
	SET(CURLOPT_OPENSOCKETDATA, try);
	SET(CURLOPT_PREREQFUNCTION, on_connected);
	SET(CURLOPT_PREREQDATA, try);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, try);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, try);

	/* libcurl must neither block nor use signals. */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) endpoint->connect_timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, (long) endpoint->request_timeout_ms);
	SET(CURLOPT_TCP_NODELAY, 1L);

	/* Requests go to this host, in this scheme, and nowhere else. */
	SET(CURLOPT_PROTOCOLS_STR, target->secure ? "https" : "http");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);

	/* Both are set even when empty: otherwise libcurl reads the environment. */
	SET(CURLOPT_PROXY, endpoint->proxy ? endpoint->proxy : "");
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);

	/* The headers hold the tokens, which are for the API and not for a proxy. */
	SET(CURLOPT_HEADEROPT, (long) CURLHEADER_SEPARATE);
	SET(CURLOPT_HTTPHEADER, target->headers);
	SET(CURLOPT_USERAGENT, "payment_links_fdw/1.0");
	SET(CURLOPT_ACCEPT_ENCODING, "");

	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (endpoint->ca_file != NULL)
	{
		SET(CURLOPT_CAINFO, endpoint->ca_file);
		SET(CURLOPT_CAPATH, NULL);
		SET(CURLOPT_PROXY_CAINFO, endpoint->ca_file);
		SET(CURLOPT_PROXY_CAPATH, NULL);
	}

	/* Waiting for a connection to share pays only where connections can be shared. */
	if (target->multiplex)
	{
		/* A libcurl without HTTP/2 refuses this and goes on with 1.1. */
		(void) curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
								(long) CURL_HTTP_VERSION_2TLS);
		SET(CURLOPT_PIPEWAIT, 1L);
	}
	else
		SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
#undef SET

	return code;
}

void
plf_try_end(PlfTry *try)
{
	sigset_t saved;

	if (try->easy == NULL)
		return;
	signals_block(&saved);
	try_stop(try);
	curl_easy_cleanup(try->easy);
	signals_restore(&saved);
	try->easy = NULL;
	backend.handles--;
}

/* Takes a try out of the multi handle, if it is running. */
static void
try_stop(PlfTry *try)
{
	if (!try->running)
		return;
	try->running = false;
	backend.running--;
	dlist_delete(&try->running_node);
	check(curl_multi_remove_handle(backend.multi, try->easy));
}

/*
 * Handles an error of the multi handle, which means that the handle had no memory for its
 * own records.  It may have lost a socket or its timer, and some versions crash when they
 * go on.  Errors of a try are no errors of the multi handle; plf_tries_next() reports
 * them.
 */
static void
check(CURLMcode code)
{
	if (code != CURLM_OK)
		backend.broken = true;
}

void
plf_tries_drive(void)
{
	PlfMuxEvent events[MAX_CONNECTIONS];
	sigset_t saved;
	int left;
	int count;
	int ready;
	int i;

	signals_block(&saved);
	count = plf_mux_poll(&backend.mux, events, lengthof(events));
	for (i = 0; i < count; i++)
	{
		ready = (events[i].ready & PLF_MUX_READ ? CURL_CSELECT_IN : 0) |
				(events[i].ready & PLF_MUX_WRITE ? CURL_CSELECT_OUT : 0);
		if (events[i].fd < 0)
			backend.timer_due = PLF_NEVER;
		else if (backend.multi != NULL && !backend.broken)
			check(curl_multi_socket_action(backend.multi, events[i].fd, ready, &left));
	}
	if (backend.curl_due <= plf_now_us())
	{
		backend.curl_due = PLF_NEVER;
		if (!backend.broken)
			check(curl_multi_socket_action(backend.multi, CURL_SOCKET_TIMEOUT, 0, &left));
	}
	signals_restore(&saved);
}

PlfTry *
plf_tries_next(void)
{
	PlfTry *try;
	PlfResponse *response;
	CURLMsg *over;
	CURL *easy;
	CURLcode code;
	const char *message = "";
	long status = 0;
	long connects = 0;
	curl_off_t bytes = 0;
	curl_off_t us = 0;
	int left;
	sigset_t saved;

	if (backend.broken)
		return broken_try();
	over = curl_multi_info_read(backend.multi, &left);
	if (over == NULL)
		return NULL;
	code = over->data.result;
	easy = over->easy_handle;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **) &try);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
	curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &us);
	signals_block(&saved);
	try_stop(try);
	signals_restore(&saved);
	try->bytes = bytes;
	try->us = us;
	response = &try->receiver.response;
	response->outcome = outcome_of(code, try);

	/* When a stream of HTTP/2 ends, its connection lives on. */
	try->died_idle = response->outcome == PLF_OUTCOME_DROPPED && connects == 0 &&
					 code != CURLE_HTTP2_STREAM && try->receiver.header_bytes == 0;
	if (try->receiver.refused != NULL)
		message = try->receiver.refused;
	else if (response->outcome == PLF_OUTCOME_NO_DESCRIPTOR)
		message = strerror(try->no_descriptor);
	else if (code != CURLE_OK)
		message = try->errors[0] != '\0' ? try->errors : curl_easy_strerror(code);
	response->status = response->outcome == PLF_OUTCOME_ANSWER ? status : 0;
	plf_copy_printable(response->message, sizeof(response->message), message,
					   strlen(message));
	return try;
}

/* Ends the tries of a broken multi handle, one at each call, and at last the handle. */
static PlfTry *
broken_try(void)
{
	PlfTry *try = NULL;
	sigset_t saved;

	signals_block(&saved);
	if (dlist_is_empty(&running))
		multi_end();
	else
	{
		try = dlist_container(PlfTry, running_node, dlist_head_node(&running));
		try_stop(try);
		try->bytes = try->us = 0;
		try->receiver.response.outcome = PLF_OUTCOME_NO_MEMORY;
		try->receiver.response.status = 0;
		strlcpy(try->receiver.response.message, curl_multi_strerror(CURLM_OUT_OF_MEMORY),
				sizeof(try->receiver.response.message));
	}
	signals_restore(&saved);
	return try;
}

void
plf_tries_arm(int64 due)
{
	due = Min(due, backend.curl_due);
	if (due != backend.timer_due &&
		plf_mux_timer(&backend.mux, due == PLF_NEVER ? -1 : Max(due - plf_now_us(), 0)))
		backend.timer_due = due;
}

int
plf_tries_fd(void)
{
	return backend.mux.fd;
}

int
plf_tries_lack_descriptor(void)
{
	return plf_mux_lacks(&backend.mux, 1);
}

/*
 * The outcome that a code of libcurl means.  When descriptors are missing, libcurl and
 * the libraries below it report various other failures.  So after such a failure it is
 * checked whether a descriptor can be had.
 */
static PlfOutcome
outcome_of(CURLcode code, PlfTry *try)
{
	PlfOutcome outcome = outcome_of_code(code, try);

	switch (outcome)
	{
		case PLF_OUTCOME_RESOLVE:
		case PLF_OUTCOME_CONNECT:
		case PLF_OUTCOME_TLS:
		case PLF_OUTCOME_NO_MEMORY:
			if (try->no_descriptor == 0 && code != CURLE_OPERATION_TIMEDOUT)
				try->no_descriptor = plf_mux_lacks(&backend.mux, PLF_MUX_SPARE);
			return try->no_descriptor != 0 ? PLF_OUTCOME_NO_DESCRIPTOR : outcome;
		default:
			return outcome;
	}
}

static PlfOutcome
outcome_of_code(CURLcode code, const PlfTry *try)
{
	long proxy_status = 0;

	if (code == CURLE_OK)
		return PLF_OUTCOME_ANSWER;
	if (try->receiver.refused != NULL)
		return try->receiver.refused_as;

	/* libcurl's code for a refused CONNECT has changed over time. */
	if (try->easy != NULL)
		curl_easy_getinfo(try->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (proxy_status >= 300 && !try->connected)
		return PLF_OUTCOME_PROXY;

	switch ((int) code)
	{
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_RESOLVE_PROXY:
			return PLF_OUTCOME_RESOLVE;
		case CURLE_COULDNT_CONNECT:
			return PLF_OUTCOME_CONNECT;
		case CURLE_OPERATION_TIMEDOUT:
			return try->connected ? PLF_OUTCOME_TIMEOUT : PLF_OUTCOME_CONNECT;
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_INVALIDCERTSTATUS:
			return PLF_OUTCOME_TLS;
		case CURLE_PROXY:
			return PLF_OUTCOME_PROXY;
		case CURLE_GOT_NOTHING:
		case CURLE_RECV_ERROR:
		case CURLE_SEND_ERROR:
		case CURLE_PARTIAL_FILE:
		case CURLE_HTTP2:
		case CURLE_HTTP2_STREAM:
		case CURLE_BAD_CONTENT_ENCODING:
			return PLF_OUTCOME_DROPPED;
		case CURLE_TOO_LARGE:
			return PLF_OUTCOME_TOO_LARGE;
		case CURLE_OUT_OF_MEMORY:

			/* libcurl used this code for a long header line before it had
			 * CURLE_TOO_LARGE. */
			return try->connected ? PLF_OUTCOME_TOO_LARGE : PLF_OUTCOME_NO_MEMORY;
		default:
			return PLF_OUTCOME_NOT_HTTP;
	}
}

/*
 * libcurl calls this function and the next five.  This function notes that a socket could
 * not be made for lack of a descriptor, which libcurl does not report.
 */
static curl_socket_t
on_open(void *arg, curlsocktype purpose pg_attribute_unused(),
		struct curl_sockaddr *address)
{
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		((PlfTry *) arg)->no_descriptor = errno;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* A failure is not reported to libcurl: some versions would crash. */
static int
on_socket(CURL *easy pg_attribute_unused(), curl_socket_t fd, int what,
		  void *arg pg_attribute_unused(), void *socket_arg pg_attribute_unused())
{
	if (!plf_mux_watch(&backend.mux, fd,
					   (what & CURL_POLL_IN ? PLF_MUX_READ : 0) |
						   (what & CURL_POLL_OUT ? PLF_MUX_WRITE : 0)))
		backend.broken = true;
	return 0;
}

static int
on_timer(CURLM *multi pg_attribute_unused(), long ms, void *arg pg_attribute_unused())
{
	backend.curl_due = ms < 0 ? PLF_NEVER : plf_now_us() + (int64) ms * 1000;
	return 0;
}

/* Notes that a connection, new or kept, is ready to send the request. */
static int
on_connected(void *arg, char *ip pg_attribute_unused(),
			 char *local_ip pg_attribute_unused(), int port pg_attribute_unused(),
			 int local_port pg_attribute_unused())
{
	((PlfTry *) arg)->connected = true;
	return CURL_PREREQFUNC_OK;
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	return plf_receive_body(&((PlfTry *) arg)->receiver, data, size * count)
			   ? size * count
			   : 0;
}

static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
	return plf_receive_header(&((PlfTry *) arg)->receiver, data, size * count)
			   ? size * count
			   : 0;
}
