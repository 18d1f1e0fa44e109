/*
 * test_form.c
 *		How fields are spelled as a form, and what is read out of one.
 */
#include "../../src/api/form.c"

#include "tap.h"

static void
is_form(const PlfFormField *fields, int count, const char *expected)
{
	char *form = plf_form_encode(fields, count);

	is_str(form, expected, "%d fields: %s", count, expected);
	free(form);
}

/* The value as a field alone, both ways. */
static void
is_value(const char *value, const char *encoded)
{
	const PlfFormField field = {"n", value};
	char expected[1000];
	char *back;

	snprintf(expected, sizeof(expected), "n=%s", encoded);
	is_form(&field, 1, expected);
	back = plf_form_value(expected, "n");
	is_str(back, value, "and back");
	free(back);
}

/* The form is in memory of its own size, so that a byte beyond it is noticed. */
static void
reads(const char *form, const char *name, const char *expected)
{
	char *copy = strdup(form);
	char *value = plf_form_value(copy, name);

	is_str(value, expected, "%s of \"%s\"", name, form);
	free(value);
	free(copy);
}

static void
test_encode(void)
{
	const PlfFormField grant[] = {{"grant_type", "refresh_token"},
								  {"refresh_token", "ory_rt_a-b_c.d~e"},
								  {"client_secret", "a&b=c+d e%f"}};
	char every[256];
	const PlfFormField field = {"every", every};
	char *form;
	char *back;

	is_form(grant, 3,
			"grant_type=refresh_token&refresh_token=ory_rt_a-b_c.d~e&"
			"client_secret=a%26b%3Dc%2Bd%20e%25f");
	is_form(grant, 1, "grant_type=refresh_token");
	is_form(grant, 0, "");

	is_value("", "");
	is_value("AZaz09-._~", "AZaz09-._~");
	is_value(
		"!\"#$&'()*+,/:;<=>?@[\\]^`{|}",
		"%21%22%23%24%26%27%28%29%2A%2B%2C%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D");
	is_value("\t\r\n\x01\x7f", "%09%0D%0A%01%7F");
	is_value("\xc3\xa9\xff\x80", "%C3%A9%FF%80");
	is_value("http://localhost/callback?a=b#c",
			 "http%3A%2F%2Flocalhost%2Fcallback%3Fa%3Db%23c");
	is_value("%41", "%2541");

	for (int byte = 1; byte < 256; byte++)
		every[byte - 1] = (char) byte;
	every[255] = '\0';
	form = plf_form_encode(&field, 1);
	ok(strspn(form, UNRESERVED "%=") == strlen(form),
	   "every byte becomes what may stand in a form");
	back = plf_form_value(form, "every");
	is_str(back, every, "every byte comes back");
	free(back);
	free(form);
}

static void
test_value(void)
{
	const char *address =
		"code=ory_ac_x.y&scope=payment_link.read+offline_access&state=s%2Fs#top";

	reads(address, "code", "ory_ac_x.y");
	reads(address, "scope", "payment_link.read offline_access");
	reads(address, "state", "s/s");
	reads(address, "error", NULL);
	reads(address, "cod", NULL);
	reads(address, "ode", NULL);
	reads(address, "top", NULL);

	/* The name is the whole name, wherever it stands. */
	reads("xcode=1&code=2", "code", "2");
	reads("codex=1&code=2", "code", "2");
	reads("a=code&code=2", "code", "2");
	reads("a=code=1&code=2", "code", "2");
	reads("code&code=2", "code", "2");
	reads("code=1&code=2", "code", "1");
	reads("code=&code=2", "code", "");
	reads("&&code=1&", "code", "1");
	reads("code=a=b", "code", "a=b");
	reads("Code=1", "code", NULL);
	reads("%63ode=1", "code", NULL);

	/* What ends it. */
	reads("", "code", NULL);
	reads("code", "code", NULL);
	reads("code=", "code", "");
	reads("code=1#code=2", "code", "1");
	reads("#code=1", "code", NULL);
	reads("a=1#&code=1", "code", NULL);
	reads("code=1?2/3", "code", "1?2/3");

	/* What is not well encoded. */
	reads("code=%", "code", NULL);
	reads("code=%4", "code", NULL);
	reads("code=%4&a=1", "code", NULL);
	reads("code=%&a=1", "code", NULL);
	reads("code=%4#", "code", NULL);
	reads("code=%zz", "code", NULL);
	reads("code=%4g", "code", NULL);
	reads("code=%g4", "code", NULL);
	reads("code=% 4", "code", NULL);
	reads("code=%00", "code", NULL);
	reads("code=a%00b", "code", NULL);
	reads("a=%&code=1", "code", "1");

	/* What is, in either case. */
	reads("code=%7e%7E%2b%2B+%20", "code", "~~++  ");
	reads("code=%C3%a9", "code", "\xc3\xa9");
	reads("code=\xc3\xa9", "code", "\xc3\xa9");
}

int
main(void)
{
	test_encode();
	test_value();
	return done_testing();
}
