/*
 * retry.c
 *		Decides whether to try a request again, and when.
 *
 * The dates of Retry-After are read by code of our own, because strptime() follows the
 * locale (in a backend, that of the database) and timegm() is not available on every
 * system.
 */
#include <stddef.h>

#include "api/retry.h"

/* The backoff before the second try, and where its doubling ends. */
#define FIRST_BACKOFF_MS 250
#define LAST_BACKOFF_MS  8000

/* The longest Retry-After.  Sums of times stay far from overflow. */
#define MAX_RETRY_AFTER_S (INT64_C(10) * 365 * 24 * 60 * 60)

/* A header's value, read from left to right. */
typedef struct Cursor
{
	const char *at;
	const char *end;
} Cursor;

/* A date of the proleptic Gregorian calendar, UTC. */
typedef struct Date
{
	int year;
	int month; /* 1 to 12 */
	int day;
	int hour;
	int minute;
	int second; /* 60 is a leap second */
} Date;

static bool worth_a_retry(PlfOutcome outcome, int status);
static int64_t delta_seconds(Cursor value);
static bool http_date(Cursor value, int64_t now, int64_t *when);
static bool imf_fixdate(Cursor *cursor, Date *date);
static bool rfc850_date(Cursor *cursor, int64_t now, Date *date);
static bool asctime_date(Cursor *cursor, Date *date);
static bool read_weekday(Cursor *cursor, bool full);
static bool read_month(Cursor *cursor, int *month);
static bool read_time(Cursor *cursor, Date *date);
static bool read_digits(Cursor *cursor, int count, int *number);
static bool read_text(Cursor *cursor, const char *text);
static bool date_is_valid(const Date *date);
static int64_t date_seconds(const Date *date);
static int year_of(int64_t seconds);

PlfVerdict
plf_retry_verdict(const PlfRetryPolicy *policy, PlfOutcome outcome, int status, int tries,
				  int64_t retry_after_s, double jitter, int64_t *wait_ms)
{
	int64_t limit = FIRST_BACKOFF_MS;
	int doublings;

	*wait_ms = 0;
	if (!worth_a_retry(outcome, status) || tries > policy->max_retries)
		return PLF_VERDICT_FINAL;

	if (retry_after_s > 0)
	{
		if (retry_after_s > policy->max_wait_ms / 1000)
			return PLF_VERDICT_WAIT_TOO_LONG;
		*wait_ms = retry_after_s * 1000;
		return PLF_VERDICT_RETRY;
	}

	for (doublings = tries - 1; doublings > 0 && limit < LAST_BACKOFF_MS; doublings--)
		limit *= 2;
	if (limit > LAST_BACKOFF_MS)
		limit = LAST_BACKOFF_MS;
	if (limit > policy->max_wait_ms)
		limit = policy->max_wait_ms;
	*wait_ms = (int64_t) (jitter * (double) limit);
	return PLF_VERDICT_RETRY;
}

/*
 * A failure to connect is not worth a retry.  Its reasons (a wrong host, proxy or
 * certificate) last longer than a few seconds, and the user should learn of them at once.
 */
static bool
worth_a_retry(PlfOutcome outcome, int status)
{
	switch (outcome)
	{
		case PLF_OUTCOME_TIMEOUT:
		case PLF_OUTCOME_DROPPED:
			return true;
		case PLF_OUTCOME_ANSWER:
			return status == 408 || status == 425 || status == 429 ||
				   (status >= 500 && status <= 599);
		default:
			return false;
	}
}

int64_t
plf_retry_after_parse(const char *value, int length, int64_t now)
{
	Cursor cursor;
	int64_t when;

	if (value == NULL || length <= 0)
		return 0;

	cursor.at = value;
	cursor.end = value + length;
	while (cursor.at < cursor.end && (*cursor.at == ' ' || *cursor.at == '\t'))
		cursor.at++;
	while (cursor.at < cursor.end && (cursor.end[-1] == ' ' || cursor.end[-1] == '\t' ||
									  cursor.end[-1] == '\r' || cursor.end[-1] == '\n'))
		cursor.end--;
	if (cursor.at == cursor.end)
		return 0;

	if (*cursor.at >= '0' && *cursor.at <= '9')
		return delta_seconds(cursor);
	if (!http_date(cursor, now, &when) || when <= now)
		return 0;

	/* "when - MAX" cannot overflow, whatever "now" is. */
	if (now < when - MAX_RETRY_AFTER_S)
		return MAX_RETRY_AFTER_S;
	return when - now;
}

/* Reads any number of digits; returns 0 for anything else. */
static int64_t
delta_seconds(Cursor value)
{
	int64_t seconds = 0;

	for (; value.at < value.end; value.at++)
	{
		if (*value.at < '0' || *value.at > '9')
			return 0;
		seconds = seconds * 10 + (*value.at - '0');
		if (seconds > MAX_RETRY_AFTER_S)
			seconds = MAX_RETRY_AFTER_S;
	}
	return seconds;
}

/* Reads a date in one of the three forms of RFC 9110, section 5.6.7. */
static bool
http_date(Cursor value, int64_t now, int64_t *when)
{
	Date date;
	Cursor imf = value;
	Cursor rfc850 = value;
	Cursor asctime_form = value;

	if ((imf_fixdate(&imf, &date) && imf.at == imf.end) ||
		(rfc850_date(&rfc850, now, &date) && rfc850.at == rfc850.end) ||
		(asctime_date(&asctime_form, &date) && asctime_form.at == asctime_form.end))
	{
		if (!date_is_valid(&date))
			return false;
		*when = date_seconds(&date);
		return true;
	}
	return false;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool
imf_fixdate(Cursor *cursor, Date *date)
{
	return read_weekday(cursor, false) && read_text(cursor, ", ") &&
		   read_digits(cursor, 2, &date->day) && read_text(cursor, " ") &&
		   read_month(cursor, &date->month) && read_text(cursor, " ") &&
		   read_digits(cursor, 4, &date->year) && read_text(cursor, " ") &&
		   read_time(cursor, date) && read_text(cursor, " gmt");
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool
rfc850_date(Cursor *cursor, int64_t now, Date *date)
{
	int this_year = year_of(now);

	if (!read_weekday(cursor, true) || !read_text(cursor, ", ") ||
		!read_digits(cursor, 2, &date->day) || !read_text(cursor, "-") ||
		!read_month(cursor, &date->month) || !read_text(cursor, "-") ||
		!read_digits(cursor, 2, &date->year) || !read_text(cursor, " ") ||
		!read_time(cursor, date) || !read_text(cursor, " gmt"))
		return false;

	/* Of the years with these two digits, take the latest that is at most 50 years ahead.
	 */
	date->year += this_year - this_year % 100;
	if (date->year > this_year + 50)
		date->year -= 100;
	else if (date->year <= this_year - 50)
		date->year += 100;
	return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool
asctime_date(Cursor *cursor, Date *date)
{
	if (!read_weekday(cursor, false) || !read_text(cursor, " ") ||
		!read_month(cursor, &date->month) || !read_text(cursor, " "))
		return false;
	if (read_text(cursor, " "))
	{
		if (!read_digits(cursor, 1, &date->day))
			return false;
	}
	else if (!read_digits(cursor, 2, &date->day))
		return false;
	return read_text(cursor, " ") && read_time(cursor, date) && read_text(cursor, " ") &&
		   read_digits(cursor, 4, &date->year);
}

/* Reads the name of a weekday, without checking whether the date has that weekday. */
static bool
read_weekday(Cursor *cursor, bool full)
{
	static const char *const short_names[7] = {"mon", "tue", "wed", "thu",
											   "fri", "sat", "sun"};
	static const char *const full_names[7] = {
		"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
	int i;

	for (i = 0; i < 7; i++)
	{
		if (read_text(cursor, full ? full_names[i] : short_names[i]))
			return true;
	}
	return false;
}

static bool
read_month(Cursor *cursor, int *month)
{
	static const char *const names[12] = {"jan", "feb", "mar", "apr", "may", "jun",
										  "jul", "aug", "sep", "oct", "nov", "dec"};

	for (*month = 1; *month <= 12; (*month)++)
	{
		if (read_text(cursor, names[*month - 1]))
			return true;
	}
	return false;
}

static bool
read_time(Cursor *cursor, Date *date)
{
	return read_digits(cursor, 2, &date->hour) && read_text(cursor, ":") &&
		   read_digits(cursor, 2, &date->minute) && read_text(cursor, ":") &&
		   read_digits(cursor, 2, &date->second);
}

static bool
read_digits(Cursor *cursor, int count, int *number)
{
	int i;

	if (cursor->end - cursor->at < count)
		return false;
	*number = 0;
	for (i = 0; i < count; i++)
	{
		if (cursor->at[i] < '0' || cursor->at[i] > '9')
			return false;
		*number = *number * 10 + (cursor->at[i] - '0');
	}
	cursor->at += count;
	return true;
}

/* Reads "text", which is in lower case, in any mixture of cases. */
static bool
read_text(Cursor *cursor, const char *text)
{
	const char *at = cursor->at;

	for (; *text != '\0'; text++, at++)
	{
		if (at == cursor->end)
			return false;
		if (*at != *text && !(*at >= 'A' && *at <= 'Z' && *at - 'A' + 'a' == *text))
			return false;
	}
	cursor->at = at;
	return true;
}

static bool
date_is_valid(const Date *date)
{
	static const int month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0);
	int days = month_days[date->month - 1];

	if (leap && date->month == 2)
		days++;
	return date->day >= 1 && date->day <= days && date->hour <= 23 &&
		   date->minute <= 59 && date->second <= 60;
}

/* Returns the Unix seconds of a valid date.  Years begin in March here, so that the leap
 * day is the last of its year. */
static int64_t
date_seconds(const Date *date)
{
	int64_t year = date->month <= 2 ? date->year - 1 : date->year;
	int month = (date->month + 9) % 12;
	int64_t days;

	/* Years are 0 to 9999, or -1 for January and February of the year 0. */
	days = year * 365 + (year + 400) / 4 - (year + 400) / 100 + (year + 400) / 400 - 97;
	days += (153 * month + 2) / 5 + date->day - 1;
	days -= 719468; /* 1970-01-01, from 0000-03-01 */
	return ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
}

/* Returns the calendar year of a Unix time, at least 1970 and at most 9999. */
static int
year_of(int64_t seconds)
{
	Date january = {1970, 1, 1, 0, 0, 0};

	/* No year is longer than 366 days, so the search begins at or before the result. */
	if (seconds > 0)
	{
		int64_t years = seconds / (INT64_C(366) * 24 * 60 * 60);

		january.year = years > 9999 - 1970 ? 9999 : 1970 + (int) years;
	}
	do
		january.year++;
	while (january.year <= 9999 && date_seconds(&january) <= seconds);
	return january.year - 1;
}
