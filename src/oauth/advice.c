/*
 * advice.c
 *		What messages tell a person to do about tokens.
 */
#include "postgres.h"

#include "oauth/advice.h"

char *
plf_application_hint(const PlfMapping *mapping, const PlfOptions *options)
{
	return psprintf(
		"Check client_id and client_secret in the user mapping for %s on server \"%s\".",
		mapping->role, options->server_name);
}
