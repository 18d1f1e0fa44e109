/*
 * proof.h
 *		"state" and code verifier: what proves that a code belongs to an authorization
 *		that a mapping has asked for.
 */
#ifndef PLF_PROOF_H
#define PLF_PROOF_H

#include "catalog/mapping.h"

/*
 * The length, in seconds, of the slots of time that "state" and verifier belong to.  A
 * code is exchanged in its slot or the next.
 */
#define PLF_SLOT_S 600

/* The number of the slot that it is now. */
extern int64 plf_authorization_slot(void);

/* The "code_verifier" (PKCE) and the "state" of a mapping in a slot; palloc'd. */
extern char *plf_code_verifier(const PlfMapping *mapping, int64 slot);
extern char *plf_authorization_state(const PlfMapping *mapping, int64 slot);

/* The challenge (S256) that goes with a verifier; palloc'd. */
extern char *plf_code_challenge(const char *verifier);

#endif /* PLF_PROOF_H */
