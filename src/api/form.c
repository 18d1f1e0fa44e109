/*
 * form.c
 *		Fields as application/x-www-form-urlencoded.
 *
 * oauth/ sends forms, builds the query of an address in this form, and reads the query
 * of the address to which a browser was sent back.  Characters that RFC 3986 calls
 * unreserved are written as they are; all other bytes, the space included, are
 * percent-encoded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/form.h"

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

static int hex_value(char digit);

char *
plf_form_encode(const PlfFormField *fields, int count)
{
	size_t size = 1;
	char *form;
	char *at;

	/* Each byte becomes at most three, and each field has a "=" and a "&". */
	for (int i = 0; i < count; i++)
		size += strlen(fields[i].name) + 3 * strlen(fields[i].value) + 2;
	form = at = malloc(size);
	if (form == NULL)
		return NULL;
	*at = '\0';
	for (int i = 0; i < count; i++)
	{
		at += sprintf(at, "%s%s=", i > 0 ? "&" : "", fields[i].name);
		for (const char *from = fields[i].value; *from != '\0'; from++)
		{
			if (strchr(UNRESERVED, *from) != NULL)
				*at++ = *from;
			else
				at += sprintf(at, "%%%02X", (unsigned char) *from);
		}
		*at = '\0';
	}
	return form;
}

char *
plf_form_value(const char *form, const char *name)
{
	size_t length = strlen(name);
	char *value;
	char *to;

	while (strncmp(form, name, length) != 0 || form[length] != '=')
	{
		form += strcspn(form, "&#");
		if (*form != '&')
			return NULL;
		form++;
	}
	form += length + 1;
	length = strcspn(form, "&#");
	value = to = malloc(length + 1);
	if (value == NULL)
		return NULL;
	for (const char *end = form + length; form < end; form++)
	{
		int byte = *form == '+' ? ' ' : *form;

		if (*form == '%')
		{
			int high = hex_value(form[1]);
			int low = high < 0 ? -1 : hex_value(form[2]);

			byte = low < 0 ? 0 : high * 16 + low;
			form += 2;
		}
		if (byte == 0)
		{
			free(value);
			return NULL;
		}
		*to++ = (char) byte;
	}
	*to = '\0';
	return value;
}

/* Returns the value of a hexadecimal digit, or -1 for another character. */
static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}
