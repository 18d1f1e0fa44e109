/*
 * safe_function.h
 *		The functions that raise no error for any text or enum value.
 */
#ifndef PLF_SAFE_FUNCTION_H
#define PLF_SAFE_FUNCTION_H

/* True for a built-in function that raises no error for any text or enum value. */
extern bool plf_function_is_safe(Oid function);

#endif /* PLF_SAFE_FUNCTION_H */
