/*
 * url.c
 *		Takes the URLs of options apart, and refuses those that programs read in different
 *		ways.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/url.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define SCHEME_CHARS LOWER UPPER DIGITS "+-."
#define NAME_CHARS   LOWER UPPER DIGITS "-_"
/* RFC 3986's pchar and the slash.  Two hexadecimal digits must follow a '%'. */
#define PATH_CHARS LOWER UPPER DIGITS "-._~!$&'()*+,;=:@/%"

/* The greatest lengths of a label of a name in the DNS, and of the name. */
#define MAX_LABEL 63
#define MAX_NAME  253

static const char not_a_url[] = "A URL of the form scheme://host[:port] is expected.";
static const char bad_host[] =
	"The host must be a name, an IPv4 address, or an IPv6 address in brackets and without a zone.";
static const char bad_port[] = "The port must be a number from 1 to 65535.";
static const char bad_path[] =
	"The path must not hold \".\" or \"..\" as a step, control characters, or characters that have to be percent-encoded.";

static char *cut(char *text, size_t length);
static void to_lower(char *text);
static bool is_host_name(const char *host);
static bool is_path(const char *path);
static bool is_dot_step(const char *step, size_t length);
static int hex_value(char digit);

const char *
plf_url_parse(char *text, PlfUrl *url)
{
	char *at = text;
	char *host;
	size_t length;

	for (; *at != '\0'; at++)
	{
		if (*at < '!' || *at > '~')
			return "A URL has no spaces, no control characters and no letters beyond ASCII.";
	}
	at = text + strspn(text, SCHEME_CHARS);
	if (at == text || strncmp(at, "://", 3) != 0)
		return not_a_url;
	*at = '\0';
	to_lower(text);
	url->scheme = text;
	at += 3;

	if (memchr(at, '@', strcspn(at, "/?#")) != NULL)
		return "The URL must not hold a user name or password: the options of a server are public.";
	if (strpbrk(at, "?#") != NULL)
		return "The URL must have no query and no fragment.";

	url->is_ipv6 = *at == '[';
	if (url->is_ipv6)
	{
		struct in6_addr address;

		host = at + 1;
		length = strcspn(host, "]");
		if (host[length] == '\0')
			return bad_host;
		host[length] = '\0';
		at = host + length + 1;
		if (inet_pton(AF_INET6, host, &address) != 1)
			return bad_host;
	}
	else
	{
		length = strcspn(at, ":/");
		host = cut(at, length);
		at += length;
		if (!is_host_name(host))
			return *host == '\0' ? not_a_url : bad_host;
	}
	to_lower(host);
	url->host = host;

	url->port = NULL;
	if (*at == ':')
	{
		at++;
		length = strspn(at, DIGITS);
		if (length < 1 || length > 5 || *at == '0' ||
			(at[length] != '\0' && at[length] != '/'))
			return bad_port;
		url->port = cut(at, length);
		at += length;
		if (atol(url->port) > 65535)
			return bad_port;
	}
	if (*at != '\0' && *at != '/')
		return bad_host;

	if (!is_path(at))
		return bad_path;
	url->path = at;
	length = strlen(at);
	while (length > 0 && at[length - 1] == '/')
		at[--length] = '\0';
	return NULL;
}

/*
 * Moves a part one byte to the left, over the delimiter before it.  So there is room for
 * a NUL at its end, and what follows stays as it is.
 */
static char *
cut(char *text, size_t length)
{
	char *part = memmove(text - 1, text, length);

	part[length] = '\0';
	return part;
}

static void
to_lower(char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text >= 'A' && *text <= 'Z')
			*text += 'a' - 'A';
	}
}

/*
 * Whether the host is a name, or an IPv4 address of four decimal numbers.  A host that
 * ends in another number ("127.1", "0x7f000001") is refused, because some programs read
 * it as an address and others as a name.
 */
static bool
is_host_name(const char *host)
{
	struct in_addr address;
	const char *label = host;
	size_t length;

	if (inet_pton(AF_INET, host, &address) == 1)
		return true;
	if (strlen(host) > MAX_NAME)
		return false;
	for (;;)
	{
		length = strspn(label, NAME_CHARS);
		if (length < 1 || length > MAX_LABEL)
			return false;
		/* A dot at the end is the root of the DNS. */
		if (label[length] == '\0' || strcmp(label + length, ".") == 0)
			break;
		if (label[length] != '.')
			return false;
		label += length + 1;
	}
	if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return 2 + strspn(label + 2, DIGITS "abcdefABCDEF") < length;
	return strspn(label, DIGITS) < length;
}

/* Whether a path is empty, or one that neither libcurl nor servers change. */
static bool
is_path(const char *path)
{
	const char *at;

	if (path[strspn(path, PATH_CHARS)] != '\0')
		return false;
	for (at = path; (at = strchr(at, '%')) != NULL; at += 3)
	{
		int high = hex_value(at[1]);
		int low = high < 0 ? -1 : hex_value(at[2]);

		/* Not two digits, or the code of a control character. */
		if (low < 0 || high < 2 || (high == 7 && low == 15))
			return false;
	}
	for (at = path; *at == '/'; at += strcspn(at, "/"))
	{
		at++;
		if (is_dot_step(at, strcspn(at, "/")))
			return false;
	}
	return true;
}

/* Whether the step is "." or ".."; each dot may be percent-encoded. */
static bool
is_dot_step(const char *step, size_t length)
{
	int dots = 0;

	while (length > 0)
	{
		size_t dot = *step == '.' ? 1 : 3;

		if (dot == 3 && (length < 3 || strncmp(step, "%2", 2) != 0 ||
						 (step[2] != 'e' && step[2] != 'E')))
			return false;
		dots++;
		step += dot;
		length -= dot;
	}
	return dots == 1 || dots == 2;
}

/* Returns the value of a hexadecimal digit, or -1 for another character. */
static int
hex_value(char digit)
{
	static const char digits[] = DIGITS "abcdef";
	const char *found;

	if (digit >= 'A' && digit <= 'F')
		digit += 'a' - 'A';
	found = digit != '\0' ? strchr(digits, digit) : NULL;
	return found != NULL ? (int) (found - digits) : -1;
}

void
plf_url_authority(const PlfUrl *url, char *out)
{
	const char *own = strcmp(url->scheme, "https") == 0  ? "443"
					  : strcmp(url->scheme, "http") == 0 ? "80"
														 : "";
	bool has_port = url->port != NULL && strcmp(url->port, own) != 0;
	int length = (int) strlen(url->host);
	char ipv6[INET6_ADDRSTRLEN];
	struct in6_addr address;
	const char *host = url->host;

	if (url->is_ipv6 && inet_pton(AF_INET6, url->host, &address) == 1 &&
		inet_ntop(AF_INET6, &address, ipv6, sizeof(ipv6)) != NULL)
	{
		host = ipv6;
		length = (int) strlen(ipv6);
	}
	else if (length > 0 && host[length - 1] == '.')
		length--;
	snprintf(out, PLF_URL_AUTHORITY_SIZE, "%s%.*s%s%s%s", url->is_ipv6 ? "[" : "", length,
			 host, url->is_ipv6 ? "]" : "", has_port ? ":" : "",
			 has_port ? url->port : "");
}

bool
plf_url_is_loopback(const PlfUrl *url)
{
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (url->is_ipv6)
		return inet_pton(AF_INET6, url->host, &ipv6) == 1 && IN6_IS_ADDR_LOOPBACK(&ipv6);
	if (inet_pton(AF_INET, url->host, &ipv4) == 1)
		return (ntohl(ipv4.s_addr) >> 24) == 127;
	return strcmp(url->host, "localhost") == 0;
}
