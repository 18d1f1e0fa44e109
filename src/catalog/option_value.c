/*
 * option_value.c
 *		Reads the values of options.  The table in option.c tells the kind of each option.
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "api/url.h"
#include "catalog/field_path.h"
#include "catalog/option_value.h"
#include "catalog/resource.h"

/* What isspace() accepts in the C locale. */
#define WHITE_SPACE " \t\n\v\f\r"

static bool whole_number(const char *value, int *number);
static bool duration_parse(int min, int max, const char *value, void *target,
						   const char **expected);
static const char *file_flaw(const char *value);
static const char *base_url_flaw(const char *value);
static const char *proxy_flaw(const char *value);

bool
plf_option_parse(PlfOptionKind kind, int min, int max, const char *value, void *target,
				 const char **expected)
{
	/*
	 * Longer values are refused, because a value is read for each query, by other roles
	 * too, and the secrets are hashed.
	 */
	*expected = "A value of at most 64 kB is expected.";
	if (strlen(value) > PLF_MAX_TOKEN)
		return false;
	*expected = NULL;
	switch (kind)
	{
		case PLF_OPTION_BOOLEAN:
		{
			bool parsed;

			*expected = "Valid values are \"true\" and \"false\".";
			if (!parse_bool(value, &parsed))
				return false;
			if (target != NULL)
				*(bool *) target = parsed;
			return true;
		}
		case PLF_OPTION_ENVIRONMENT:
		{
			bool sandbox = strcmp(value, "sandbox") == 0;

			*expected = "Valid values are \"production\" and \"sandbox\".";
			if (!sandbox && strcmp(value, "production") != 0)
				return false;
			if (target != NULL)
				*(bool *) target = sandbox;
			return true;
		}
		case PLF_OPTION_ON_DRIFT:
		{
			bool repair = strcmp(value, "repair") == 0;

			*expected = "Valid values are \"repair\" and \"error\".";
			if (!repair && strcmp(value, "error") != 0)
				return false;
			if (target != NULL)
				*(PlfOnDrift *) target = repair ? PLF_ON_DRIFT_REPAIR
												: PLF_ON_DRIFT_ERROR;
			return true;
		}
		case PLF_OPTION_INTEGER:
		case PLF_OPTION_COUNT:
		{
			int parsed;

			*expected = psprintf("A whole number from %d to %d is expected.", min, max);
			if (!whole_number(value, &parsed) || parsed < min || parsed > max)
				return false;
			if (target != NULL && kind == PLF_OPTION_COUNT)
				*(int64 *) target = parsed;
			else if (target != NULL)
				*(int *) target = parsed;
			return true;
		}
		case PLF_OPTION_DURATION:
			return duration_parse(min, max, value, target, expected);
		case PLF_OPTION_COST:
		{
			double parsed;

			*expected = "A number that is not negative is expected.";
			if (strpbrk(value, "xX") != NULL || !parse_real(value, &parsed, 0, NULL) ||
				parsed < 0 || isinf(parsed))
				return false;
			if (target != NULL)
				*(double *) target = parsed;
			return true;
		}
		case PLF_OPTION_BASE_URL:
			*expected = base_url_flaw(value);
			break;
		case PLF_OPTION_PROXY:
			*expected = proxy_flaw(value);
			break;
		case PLF_OPTION_FILE:
			*expected = file_flaw(value);
			break;
		case PLF_OPTION_TOKEN:
			*expected = plf_token_flaw(value);
			break;
		case PLF_OPTION_REDIRECT_URI:
			if (plf_token_flaw(value) != NULL || strchr(value, ':') == NULL ||
				strchr(value, '#') != NULL)
				*expected =
					"The redirect URI of the application is expected, as it is registered.";
			break;
		case PLF_OPTION_TIME:
			if (!plf_time_parse(value, &(TimestampTz){0}))
				*expected = "A time such as \"2026-01-31T23:59:59Z\" is expected.";
			break;
		case PLF_OPTION_HOST:
			if (plf_token_flaw(value) != NULL || strpbrk(value, "/@?#\\") != NULL)
				*expected =
					"A host is expected, with its port if that is not the scheme's own.";
			break;
		case PLF_OPTION_STORED_BY:
			if (strspn(value, "0123456789/") != strlen(value) ||
				strchr(value, '/') == NULL)
				*expected =
					"A system identifier and the OID of a database are expected, with a slash between them.";
			break;
		case PLF_OPTION_FIELD:
		{
			PlfPath path;
			const char *why;

			if (!plf_path_parse(value, &path, &why))
				*expected = psprintf(
					"A dotted path into a %s, such as \"amount.value\", is expected: %s.",
					PLF_PAYMENT_LINKS->wire.noun, why);
			break;
		}
		case PLF_OPTION_TEXT:
			break;
	}

	if (*expected != NULL)
		return false;
	if (target != NULL)
		*(char **) target = pstrdup(value);
	return true;
}

const char *
plf_token_flaw(const char *token)
{
	if (token[0] == '\0')
		return "The value is empty.";
	if (pg_strncasecmp(token, "Bearer ", 7) == 0)
		return "Leave out the word \"Bearer\": it is sent before the token anyway.";
	for (const char *p = token; *p != '\0'; p++)
	{
		if (*p == ' ')
			return "A token has no spaces.";
		if (*p < '!' || *p > '~')
			return "A token has no control characters and no letters beyond ASCII.";
	}
	return NULL;
}

/*
 * Reads decimal digits, with an optional sign and white space around them. parse_int()
 * would also read hexadecimal and octal numbers and fractions: "010" and "0.4" would
 * become other numbers than people mean.
 */
static bool
whole_number(const char *value, int *number)
{
	char *end;
	long parsed;

	errno = 0;
	parsed = strtol(value, &end, 10);
	if (end == value || errno != 0 || parsed < INT_MIN || parsed > INT_MAX)
		return false;
	*number = (int) parsed;
	return end[strspn(end, WHITE_SPACE)] == '\0';
}

bool
plf_time_parse(const char *value, TimestampTz *when)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	int year;
	int month;
	int day;
	int y;
	int m;
	int d;
	int hour;
	int minute;
	int second;

	if (strlen(value) != strlen(shape))
		return false;
	for (size_t i = 0; i < strlen(shape); i++)
		if (shape[i] == 'd' ? !(value[i] >= '0' && value[i] <= '9')
							: value[i] != shape[i])
			return false;
	year = atoi(value);
	month = atoi(value + 5);
	day = atoi(value + 8);
	hour = atoi(value + 11);
	minute = atoi(value + 14);
	second = atoi(value + 17);
	if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 ||
		second > 59)
		return false;
	j2date(date2j(year, month, day), &y, &m, &d);
	if (y != year || m != month || d != day)
		return false;
	*when = ((date2j(year, month, day) - POSTGRES_EPOCH_JDATE) * (int64) SECS_PER_DAY +
			 (int64) hour * SECS_PER_HOUR + (int64) minute * SECS_PER_MINUTE + second) *
			USECS_PER_SEC;
	return true;
}

static bool
duration_parse(int min, int max, const char *value, void *target, const char **expected)
{
	double ms;
	bool bare = parse_real(value, &ms, 0, NULL);

	/* Without a unit in its flags, parse_real() takes bare numbers only. */
	if (bare)
		*expected = "A time needs its unit, as in \"500ms\", \"10s\" or \"1min\".";
	else
		*expected = psprintf(
			"A time such as \"500ms\", \"10s\" or \"1min\" is expected, from %dms to %dms.",
			min, max);

	/* No unit has an x in it, but a hexadecimal number does. */
	if (bare || strpbrk(value, "xX") != NULL ||
		!parse_real(value, &ms, GUC_UNIT_MS, NULL) || ms < min || ms > max)
		return false;
	if (target != NULL)
		*(int *) target = (int) rint(ms);
	return true;
}

static const char *
file_flaw(const char *value)
{
	if (!is_absolute_path(value))
		return "An absolute path is expected.";
	for (const char *p = value; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			return "A path has no control characters.";
	}
	return NULL;
}

static const char *
base_url_flaw(const char *value)
{
	PlfUrl url;
	const char *flaw = plf_url_parse(pstrdup(value), &url);

	if (flaw != NULL)
		return flaw;
	if (strcmp(url.scheme, "https") != 0 &&
		!(strcmp(url.scheme, "http") == 0 && plf_url_is_loopback(&url)))
		return "The scheme must be https; http is for a loopback host only.";
	return NULL;
}

static const char *
proxy_flaw(const char *value)
{
	PlfUrl url;
	const char *flaw = plf_url_parse(pstrdup(value), &url);

	if (flaw != NULL)
		return flaw;
	if (strcmp(url.scheme, "http") != 0 && strcmp(url.scheme, "https") != 0 &&
		strcmp(url.scheme, "socks5h") != 0)
		return "The scheme of a proxy must be http, https or socks5h.";
	if (url.port == NULL)
		return "The URL of a proxy needs its port, as in \"http://proxy.example:3128\".";
	if (url.path[0] != '\0')
		return "The URL of a proxy has no path.";
	return NULL;
}

char *
plf_authority_of(const char *text)
{
	PlfUrl url;
	char authority[PLF_URL_AUTHORITY_SIZE];

	if (plf_url_parse(pstrdup(text), &url) != NULL)
		return NULL;
	plf_url_authority(&url, authority);
	return pstrdup(authority);
}
