/*
 * response.c
 *		Collects the headers and the body of an answer, within limits.
 */
#include "postgres.h"

#include <time.h>

#include "http/response.h"

/*
 * The largest body, decompressed, and the largest sum of a client's bodies.  A page has
 * at most 100 links, so each of them may take 300 kB, and 40 kB where 32 pages (the most
 * that a scan may request at once) arrive together: far more than a link with all its
 * items.
 */
#define MAX_BODY_BYTES   ((size_t) 32 * 1024 * 1024)
#define MAX_BODIES_BYTES ((size_t) 128 * 1024 * 1024)

/* All header lines of one try, interim answers included.  Servers send some kB. */
#define MAX_HEADER_BYTES ((size_t) 256 * 1024)

#define FIRST_BODY_BYTES ((size_t) 16 * 1024)

static bool refuse(PlfReceiver *receiver, PlfOutcome outcome, const char *why);
static void body_forget(PlfReceiver *receiver);
static bool header_is(const char *line, size_t length, const char *name,
					  const char **value, size_t *value_length);

void
plf_receiver_init(PlfReceiver *receiver, size_t max_body_bytes, size_t *bodies_bytes)
{
	receiver->max_body_bytes = max_body_bytes > 0 ? max_body_bytes : MAX_BODY_BYTES;
	receiver->bodies_bytes = bodies_bytes;
}

void
plf_receiver_restart(PlfReceiver *receiver)
{
	plf_receiver_drop_body(receiver);
	receiver->header_bytes = 0;
	receiver->refused = NULL;
	receiver->response.content_type[0] = '\0';
	receiver->response.trace_id[0] = '\0';
	receiver->response.retry_after_s = 0;
}

bool
plf_receive_body(PlfReceiver *receiver, const char *data, size_t length)
{
	PlfResponse *response = &receiver->response;

	if (length > receiver->max_body_bytes - response->length)
		return refuse(receiver, PLF_OUTCOME_TOO_LARGE,
					  receiver->max_body_bytes == MAX_BODY_BYTES
						  ? "the body is larger than 32 MiB"
						  : "the body is larger than such an answer may be");
	if (response->length + length > receiver->body_size)
	{
		size_t body_size = Max(receiver->body_size, FIRST_BODY_BYTES);
		char *body;

		while (body_size < response->length + length)
			body_size *= 2;
		if (body_size - receiver->body_size > MAX_BODIES_BYTES - *receiver->bodies_bytes)
			return refuse(receiver, PLF_OUTCOME_TOO_LARGE,
						  "the bodies on their way are larger than 128 MiB");
		body = realloc(response->body, body_size);
		if (body == NULL)
			return refuse(receiver, PLF_OUTCOME_NO_MEMORY,
						  "there is no memory for the body");
		response->body = body;
		*receiver->bodies_bytes += body_size - receiver->body_size;
		receiver->body_size = body_size;
	}
	memcpy(response->body + response->length, data, length);
	response->length += length;
	return true;
}

bool
plf_receive_header(PlfReceiver *receiver, const char *line, size_t length)
{
	PlfResponse *response = &receiver->response;
	const char *value;
	size_t value_length;

	receiver->header_bytes += length;
	if (receiver->header_bytes > MAX_HEADER_BYTES)
		return refuse(receiver, PLF_OUTCOME_TOO_LARGE,
					  "the headers are larger than 256 KiB");

	/* A status line begins an answer.  The headers before it were an interim answer's. */
	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
	{
		response->content_type[0] = response->trace_id[0] = '\0';
		response->retry_after_s = 0;
	}
	else if (header_is(line, length, "Content-Type", &value, &value_length))
		plf_copy_printable(response->content_type, sizeof(response->content_type), value,
						   value_length);
	else if (header_is(line, length, "X-Tyk-Trace-Id", &value, &value_length))
		plf_copy_printable(response->trace_id, sizeof(response->trace_id), value,
						   value_length);
	else if (header_is(line, length, "Retry-After", &value, &value_length))
		response->retry_after_s = plf_retry_after_parse(value, (int) value_length,
														(int64_t) time(NULL));
	return true;
}

/* Always false, for the caller to return. */
static bool
refuse(PlfReceiver *receiver, PlfOutcome outcome, const char *why)
{
	receiver->refused = why;
	receiver->refused_as = outcome;
	return false;
}

char *
plf_receiver_take_body(PlfReceiver *receiver, size_t *length)
{
	char *body = receiver->response.body;

	*length = receiver->response.length;
	body_forget(receiver);
	return body;
}

void
plf_receiver_drop_body(PlfReceiver *receiver)
{
	free(receiver->response.body);
	body_forget(receiver);
}

/* Forgets the body, which was freed or belongs to the caller from now on. */
static void
body_forget(PlfReceiver *receiver)
{
	*receiver->bodies_bytes -= receiver->body_size;
	receiver->response.body = NULL;
	receiver->response.length = 0;
	receiver->body_size = 0;
}

/*
 * True when the line is the header "name".  Then *value is its value without white space
 * around it.
 */
static bool
header_is(const char *line, size_t length, const char *name, const char **value,
		  size_t *value_length)
{
	size_t name_length = strlen(name);
	const char *at;
	const char *end = line + length;

	if (length <= name_length || line[name_length] != ':' ||
		pg_strncasecmp(line, name, name_length) != 0)
		return false;
	at = line + name_length + 1;
	while (at < end && (unsigned char) *at <= ' ')
		at++;
	while (at < end && (unsigned char) end[-1] <= ' ')
		end--;
	*value = at;
	*value_length = end - at;
	return true;
}

void
plf_copy_printable(char *out, size_t size, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length && i < size - 1; i++)
		out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	out[i] = '\0';
}
