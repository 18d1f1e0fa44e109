/*
 * url.h
 *		Takes the URLs of options apart.
 *
 * Server-free: no postgres.h.
 */
#ifndef PLF_URL_H
#define PLF_URL_H

#include <stdbool.h>

typedef struct PlfUrl
{
	const char *scheme; /* lower case */
	const char *host;   /* a name, or an address without brackets; in lower case */
	bool is_ipv6;
	const char *port; /* 1 to 65535; NULL: the scheme's own port */
	const char *path; /* without slashes at the end, so "" for "/" */
} PlfUrl;

/*
 * Takes a URL apart.  The text is changed, and the parts of *url point into it.  Returns
 * NULL, or a static sentence that says what is wrong with the text.
 *
 * A URL must have no user name, query or fragment, a host that is a name or an address in
 * its usual form, and a path without the steps "." and "..".  That is less than RFC 3986
 * allows and libcurl accepts, so every version of libcurl asks the host that was checked
 * here.
 */
extern const char *plf_url_parse(char *text, PlfUrl *url);

/* Room for what plf_url_authority() writes. */
#define PLF_URL_AUTHORITY_SIZE 300

/*
 * Writes host[:port] in a spelling that is the same for all URLs with this host and port:
 * in lower case, without the scheme's own port and without a dot at the end, an IPv6
 * address in its shortest form.  "out" has PLF_URL_AUTHORITY_SIZE bytes.
 */
extern void plf_url_authority(const PlfUrl *url, char *out);

/* Whether the host is this machine: localhost, 127.0.0.0/8 or ::1. */
extern bool plf_url_is_loopback(const PlfUrl *url);

#endif /* PLF_URL_H */
