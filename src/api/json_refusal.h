/*
 * json_refusal.h
 *		Why a text is no JSON.
 *
 * Server-free: no postgres.h.
 */
#ifndef PLF_JSON_REFUSAL_H
#define PLF_JSON_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes why json.c refuses a text to "words", in printable ASCII: "line 3: '}'
 * expected". Returns false when the reason is unknown, for lack of memory.
 */
extern bool plf_json_explain(const char *text, size_t length, char *words, size_t size);

#endif /* PLF_JSON_REFUSAL_H */
