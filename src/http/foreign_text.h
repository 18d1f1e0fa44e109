/*
 * foreign_text.h
 *		Text of the API, of a server in between or of libcurl, in a form that can be
 *		shown.
 */
#ifndef PLF_FOREIGN_TEXT_H
#define PLF_FOREIGN_TEXT_H

/*
 * Returns UTF-8 text from outside in the database's encoding, palloc'd.  What spells one
 * of "secrets" (ended by NULL; NULL: none) becomes "[redacted]", and a character that the
 * encoding does not have becomes "?".  The result is cut to the length of a message, and
 * at most that much of a longer text is read.  Full stops and blanks at the end are
 * dropped, so that the caller can put the text into a sentence.
 */
extern char *plf_foreign_text(const char *text, const char *const *secrets);

#endif /* PLF_FOREIGN_TEXT_H */
