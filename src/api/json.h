/*
 * json.h
 *		Judges a JSON text, and decodes those of its strings that have escapes.
 *
 * What is taken is what jansson takes, so that jansson can say what is wrong with
 * the rest: RFC 8259 in UTF-8, an array or object at the top, no key twice in an
 * object, no NUL in a key, no more than 2048 levels, and no number beyond the range
 * of a double.  (A NUL byte behind a number, which jansson overlooks, is refused.)
 * Server-free: no postgres.h, memory is malloc'd.
 */
#ifndef PLF_JSON_H
#define PLF_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* A string with escapes, which "text" has not. */
typedef struct PlfJsonString
{
	const char *raw; /* its opening quote */
	const char *text;
	size_t length;
} PlfJsonString;

/* Empty when zeroed. */
typedef struct PlfJson
{
	PlfJsonString *strings; /* in the order of the text */
	size_t count;
	size_t allocated;
	char *decoded; /* where their texts are */
	size_t decoded_length;
	size_t decoded_size;
} PlfJson;

typedef enum PlfJsonVerdict
{
	PLF_JSON_TAKEN,
	PLF_JSON_REFUSED,
	PLF_JSON_NO_MEMORY
} PlfJsonVerdict;

/* The text must live as long as *json, which is to be freed whatever is said. */
extern PlfJsonVerdict plf_json_read(PlfJson *json, const char *text, size_t length);
extern void plf_json_free(PlfJson *json);

/* Bytes that it takes beside the text. */
extern size_t plf_json_bytes(const PlfJson *json);

/*
 * What the string says whose text in the body is from its opening quote "raw" up to
 * "end".  It is in the body itself unless it has escapes.
 */
extern const char *plf_json_string(const PlfJson *json, const char *raw, const char *end,
								   size_t *length);

#endif /* PLF_JSON_H */
