/*
 * test_url.c
 *		Which URLs are taken, what their parts are, and which hosts are this
 *		machine.
 */
#include <stdio.h>

#include "../../src/api/url.c"

#include "tap.h"

/* Scheme, host, port and path of a URL with bars between, "6" after an IPv6 host. */
static void
takes(const char *text, const char *parts)
{
	char copy[400];
	char got[400];
	PlfUrl url;
	const char *flaw;

	strcpy(copy, text);
	flaw = plf_url_parse(copy, &url);
	if (flaw == NULL)
		snprintf(got, sizeof(got), "%s|%s%s|%s|%s", url.scheme, url.host,
				 url.is_ipv6 ? "6" : "", url.port ? url.port : "-", url.path);
	is_str(flaw != NULL ? flaw : got, parts, "%s", text);
}

static void
refuses(const char *flaw, const char *text)
{
	char copy[400];
	PlfUrl url;

	strcpy(copy, text);
	is_str(plf_url_parse(copy, &url), flaw, "%s", text);
}

static void
stays_here(const char *text, bool expected)
{
	char copy[400];
	PlfUrl url;

	strcpy(copy, text);
	ok(plf_url_parse(copy, &url) == NULL && plf_url_is_loopback(&url) == expected,
	   "%s %s", text, expected ? "is this machine" : "is another");
}

/* What all spellings of one host and port are compared as. */
static void
is_at(const char *text, const char *authority)
{
	char copy[400];
	char got[PLF_URL_AUTHORITY_SIZE] = "";
	PlfUrl url;

	strcpy(copy, text);
	if (plf_url_parse(copy, &url) == NULL)
		plf_url_authority(&url, got);
	is_str(got, authority, "%s is at %s", text, authority);
}

#define REFUSES(flaw, ...) \
	do \
	{ \
		static const char *const texts[] = {__VA_ARGS__}; \
		size_t number; \
\
		for (number = 0; number < sizeof(texts) / sizeof(texts[0]); number++) \
			refuses(flaw, texts[number]); \
	} while (0)

#define LABEL_60 "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-123456"
#define LABEL_63 "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-123456789"

int
main(void)
{
	takes("https://a.example", "https|a.example|-|");
	takes("HTTPS://A.Example:8443/Pre/Fix/", "https|a.example|8443|/Pre/Fix");
	takes("socks5h://proxy_1:1080", "socks5h|proxy_1|1080|");
	takes("x://a", "x|a|-|");
	takes("https://a./", "https|a.|-|");
	takes("https://1a.2b:1//", "https|1a.2b|1|");
	takes("https://192.0.2.1:65535", "https|192.0.2.1|65535|");
	takes("https://[2001:DB8::1]:443/x", "https|2001:db8::16|443|/x");
	takes("https://[::]", "https|::6|-|");
	takes("https://" LABEL_63 ".example", "https|" LABEL_63 ".example|-|");
	takes("https://a//b/.../..c/%2e%2E%2e/%20%7e%C3%A9;='()*+,!$&@:",
		  "https|a|-|//b/.../..c/%2e%2E%2e/%20%7e%C3%A9;='()*+,!$&@:");

	REFUSES(not_a_url, "", "a", "a.example", "a:80", ":", "://", "//a", "https",
			"https:", "https:/", "https:/a", "https:a", "https://", "https:///a",
			"https://:443", "https:\\\\a", "ht_tp://a", "://a");
	REFUSES("A URL has no spaces, no control characters and no letters beyond ASCII.",
			" https://a", "https://a ", "https://a b", "https://a\tb",
			"https://a\r\nX: 1", "https://a/\x7f", "https://\xc3\xa9.example",
			"https://a/\xe9");
	REFUSES(
		"The URL must not hold a user name or password: the options of a server are public.",
		"https://u@a", "https://u:p@a", "https://@a", "https://a:80@b", "https://a\\@b",
		"https://[::1]@a");
	REFUSES("The URL must have no query and no fragment.", "https://a?", "https://a#",
			"https://a/?b", "https://a/#b", "https://a#@b", "https://a?@b",
			"https://a/b?c#d");
	REFUSES(bad_host, "https://.", "https://..", "https://.a", "https://a..b",
			"https://a..", "https://a%2eb", "https://a%00", "https://a*b", "https://a,b",
			"https://a\\b", "https://$a", "https://1.2.3.4.5", "https://256.0.0.1",
			"https://127.1", "https://127.0.0.1.", "https://0177.0.0.1",
			"https://2130706433", "https://a.0x7f", "https://0x7F000001", "https://0x",
			"https://[]", "https://[::1", "https://[::g]", "https://[127.0.0.1]",
			"https://[::1]a", "https://[::1].a", "https://[fe80::1%25eth0]",
			"https://[fe80::1%eth0]", "https://" LABEL_63 "4.example",
			"https://" LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63);
	REFUSES(bad_port, "https://a:", "https://a:/", "https://a:0", "https://a:080",
			"https://a:65536", "https://a:100000", "https://a:-1", "https://a:+1",
			"https://a:1a", "https://a:1:2", "https://[::1]:", "https://a:%38%30");
	REFUSES(bad_path, "https://a/.", "https://a/..", "https://a/../b", "https://a/b/./c",
			"https://a/%2e", "https://a/.%2E/b", "https://a/%", "https://a/%4",
			"https://a/%zz", "https://a/%00", "https://a/%0d%0aX", "https://a/%1F",
			"https://a/%7f", "https://a/b\\c", "https://a/\"", "https://a/<>",
			"https://a/{}", "https://a/[", "https://a/^", "https://a/`", "https://a/|");

	stays_here("http://localhost", true);
	stays_here("http://LOCALHOST:80/x", true);
	stays_here("http://127.0.0.1", true);
	stays_here("http://127.255.255.254", true);
	stays_here("http://[::1]", true);
	stays_here("http://[0:0:0:0:0:0:0:1]:80", true);
	stays_here("http://localhost.", false);
	stays_here("http://localhost.example", false);
	stays_here("http://127.0.0.1.example", false);
	stays_here("http://128.0.0.1", false);
	stays_here("http://0.0.0.0", false);
	stays_here("http://[::]", false);
	stays_here("http://[::ffff:127.0.0.1]", false);
	stays_here("http://[::127.0.0.1]", false);

	is_at("https://a.example", "a.example");
	is_at("https://a.example:443", "a.example");
	is_at("HTTPS://A.Example.:443/x", "a.example");
	is_at("https://a.example:80", "a.example:80");
	is_at("http://a.example:80", "a.example");
	is_at("http://a.example:443", "a.example:443");
	is_at("https://a.example:8443", "a.example:8443");
	is_at("https://192.0.2.1:443", "192.0.2.1");
	is_at("https://[2001:0DB8:0:0:0:0:0:1]:443", "[2001:db8::1]");
	is_at("https://[::1]:8443", "[::1]:8443");
	is_at("https://[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]");
	is_at("https://[::ffff:c000:0201]", "[::ffff:192.0.2.1]");
	is_at("https://" LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_60 ".:65535",
		  LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_60 ":65535");
	return done_testing();
}
