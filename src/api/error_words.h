/*
 * error_words.h
 *		What an error answer says, and whether the API itself says it.
 *
 * Server-free: no postgres.h, memory is malloc'd.
 */
#ifndef PLF_ERROR_WORDS_H
#define PLF_ERROR_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The words of an error answer.  The API is seen to use three shapes:
 * {"errors":[{"code","detail",..}],"trace_id"}, {"errors":{"message"},..} and
 * {"code","message","trace_id"}.  Strings are malloc'd, NULL where absent.  Several
 * details are joined with "; ".  Control characters become spaces, and each string is
 * cut, between two characters, to 500 bytes.
 */
typedef struct PlfErrorWords
{
	char *code;
	char *detail;
	char *trace_id;
} PlfErrorWords;

/* Fills *words from the body of an answer.  Returns whether there are any words. */
extern bool plf_error_words(const char *body, size_t length, PlfErrorWords *words);
extern void plf_error_words_free(PlfErrorWords *words);

/*
 * Returns whether the API itself sent the body of an error answer: the body is of one of
 * these three shapes and has a trace id.  A list of errors whose first one has a code and
 * a detail needs no trace id, because the API's schema does not require one.  Gateways
 * and proxies send other bodies, and their 404 says nothing about the API. *no_memory is
 * set when memory does not suffice to decide.
 */
extern bool plf_error_is_of_api(const char *body, size_t length, bool *no_memory);

#endif /* PLF_ERROR_WORDS_H */
