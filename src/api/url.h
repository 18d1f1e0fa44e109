/*
 * url.h
 *		The URLs that options may hold, taken apart.
 *
 * Server-free: no postgres.h.
 */
#ifndef PLF_URL_H
#define PLF_URL_H

#include <stdbool.h>

typedef struct PlfUrl
{
	const char *scheme; /* lower case */
	const char *host;   /* a name or an address without brackets, in
						 * lower case */
	bool is_ipv6;
	const char *port; /* 1 to 65535; NULL: the scheme's own */
	const char *path; /* "" rather than "/"; no slash at the end */
} PlfUrl;

/*
 * Takes "text" apart and writes to it: the parts of *url point into it.  Returns
 * NULL, or a static sentence that says what is wrong with the text.
 *
 * It takes less than RFC 3986 allows and libcurl guesses, so that what is judged
 * here is what every version of libcurl asks: no user name, query or fragment; a
 * host that is a name, or an address in its usual form; a path without "." and ".."
 * steps.
 */
extern const char *plf_url_parse(char *text, PlfUrl *url);

/* Enough for what plf_url_authority() writes. */
#define PLF_URL_AUTHORITY_SIZE 300

/*
 * Writes host[:port] in the one spelling that two URLs of the same host and port share:
 * in lower case, without the scheme's own port and the root's dot, an IPv6 address at its
 * shortest.  "out" has PLF_URL_AUTHORITY_SIZE bytes.
 */
extern void plf_url_authority(const PlfUrl *url, char *out);

/* Whether requests to that host stay on this machine: localhost, 127.0.0.0/8, ::1. */
extern bool plf_url_is_loopback(const PlfUrl *url);

#endif /* PLF_URL_H */
