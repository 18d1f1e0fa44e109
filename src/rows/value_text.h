/*
 * value_text.h
 *		What the text of a field says, for row.c: whether it is a decimal number or an
 *		instant.  Texts need not be NUL-terminated.
 */
#ifndef PLF_VALUE_TEXT_H
#define PLF_VALUE_TEXT_H

#include "datatype/timestamp.h"

/*
 * True for a decimal number.  The input function of numeric also accepts 'NaN',
 * 'Infinity' and '0x1F'.
 */
extern bool plf_text_is_decimal(const char *text, size_t length);

/*
 * True for "YYYY-MM-DDThh:mm:ss[.fraction](Z|+hh:mm|-hh:mm)", the form of RFC 3339.  The
 * type's input function would also accept 'now', and would read a text without a zone in
 * the session's time zone.
 */
extern bool plf_text_is_rfc3339(const char *text, size_t length);

/*
 * Reads an instant in the API's usual spelling, "2026-01-31T08:00:00Z" with at most six
 * digits of a fraction.  False for another spelling, and for a day or time that does not
 * exist.  plf_text_is_rfc3339() has accepted "text".
 */
extern bool plf_text_read_utc(const char *text, size_t length, TimestampTz *instant);

/*
 * True for Go's zero time, which the API sends for "never".  Compares instants, because
 * the zero time may be written with another offset, or with a fraction of zeros.
 */
extern bool plf_text_is_zero_instant(const char *text, size_t length);

#endif /* PLF_VALUE_TEXT_H */
