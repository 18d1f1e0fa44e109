/*
 * access.h
 *		Whether a user may read a list of the API, found out by one request.
 */
#ifndef PLF_ACCESS_H
#define PLF_ACCESS_H

#include "catalog/option.h"
#include "http/failure.h"
#include "pages/credential.h"

/*
 * Asks the API for one item of the resource "wire", without retries, with the credential
 * of "userid".  If the API refuses the token and the user mapping allows it, the token is
 * renewed, and the request is sent once more.  Returns true with *links, the number of
 * items in the list, or false with *failure. *credential is filled in as far as a user
 * mapping exists.  Raises an error only for lack of memory or descriptors, and for
 * interrupts.  What is allocated lives in the current context.
 */
extern bool plf_access_check(Oid userid, const PlfOptions *options, const PlfWire *wire,
							 PlfCredential *credential, int64 *links,
							 PlfFailure *failure);

#endif /* PLF_ACCESS_H */
