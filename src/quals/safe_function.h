/*
 * safe_function.h
 *		The functions that give an answer for every status.
 */
#ifndef PLF_SAFE_FUNCTION_H
#define PLF_SAFE_FUNCTION_H

/* Whether a function gives an answer for every text, or every enum value. */
extern bool plf_function_is_safe(Oid function);

#endif /* PLF_SAFE_FUNCTION_H */
