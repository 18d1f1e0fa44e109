/*
 * advice.h
 *		What messages tell a person to do about tokens.
 */
#ifndef PLF_ADVICE_H
#define PLF_ADVICE_H

#include "catalog/mapping.h"
#include "catalog/option.h"

/* When the refresh token cannot be used any more. */
#define PLF_AUTHORIZE_HINT \
	"Authorize again with payment_links_authorize_url() and payment_links_authorize()."

/* The start of a message about the application's own credentials. */
#define PLF_REFUSED_APPLICATION "the token host refused the application"

/* The hint that goes with such a message; palloc'd. */
extern char *plf_application_hint(const PlfMapping *mapping, const PlfOptions *options);

#endif /* PLF_ADVICE_H */
