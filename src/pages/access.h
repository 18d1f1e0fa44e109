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
 * of "userid". A token that the API refuses is renewed, where the user mapping allows it,
 * and the request sent once more.  Returns true with *links, the items in the list; false
 * with *failure.  *credential is filled in as far as a user mapping exists.  Raises an
 * error only for lack of memory or descriptors, and for interrupts.  What is allocated
 * lives in the current context.
 */
extern bool plf_access_check(Oid userid, const PlfOptions *options, const PlfWire *wire,
							 PlfCredential *credential, int64 *links,
							 PlfFailure *failure);

#endif /* PLF_ACCESS_H */
