/*
 * json.h
 *		Checks whether a text is JSON, and decodes its strings with escapes.
 *
 * A text is accepted if jansson accepts it, so that jansson can say what is wrong with
 * a refused one: RFC 8259 in UTF-8, an array or object at the top, no key twice in an
 * object, no NUL in a key, at most 2048 levels, and no number beyond the range of a
 * double.  (A NUL byte behind a number is refused, though jansson overlooks it.)
 *
 * Server-free: no postgres.h, memory is malloc'd.
 */
#ifndef PLF_JSON_H
#define PLF_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* A string that has escapes. */
typedef struct PlfJsonString
{
	const char *raw;  /* its opening quote in the JSON text */
	const char *text; /* decoded, not NUL-terminated */
	size_t length;    /* bytes of the decoded text */
} PlfJsonString;

/* The strings with escapes of a JSON text; empty when zeroed. */
typedef struct PlfJson
{
	PlfJsonString *strings; /* in the order of the text */
	size_t count;
	size_t allocated;
	char *decoded; /* one buffer with their decoded texts */
	size_t decoded_length;
	size_t decoded_size;
} PlfJson;

typedef enum PlfJsonVerdict
{
	PLF_JSON_TAKEN,
	PLF_JSON_REFUSED,
	PLF_JSON_NO_MEMORY
} PlfJsonVerdict;

/*
 * Checks the text and fills *json.  The text must live as long as *json.  The caller
 * frees *json, whatever the verdict is.
 */
extern PlfJsonVerdict plf_json_read(PlfJson *json, const char *text, size_t length);
extern void plf_json_free(PlfJson *json);

/* Returns how many bytes *json has allocated. */
extern size_t plf_json_bytes(const PlfJson *json);

/*
 * Returns the decoded string that begins with its opening quote at "raw" and ends before
 * "end".  A string without escapes is returned in place, within the JSON text.
 */
extern const char *plf_json_string(const PlfJson *json, const char *raw, const char *end,
								   size_t *length);

#endif /* PLF_JSON_H */
