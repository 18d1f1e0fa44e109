/*
 * fuzz_form.c
 *		Any bytes as a form that somebody sends, and as a value of ours.  What is
 *		encoded holds nothing that a form may not hold, and comes back as it was.
 */
#include <stdint.h>

#include "../../src/api/form.c"

#define CHECK(condition) \
	do \
	{ \
		if (!(condition)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	PlfFormField fields[2] = {{"state", text}, {"code", text}};
	char *form;
	char *value;

	memcpy(text, data, size);
	text[size] = '\0';
	size = strlen(text);

	value = plf_form_value(text, "code");
	CHECK(value == NULL || strlen(value) < size);
	free(value);

	form = plf_form_encode(fields, 2);
	CHECK(strspn(form, UNRESERVED "%=&") == strlen(form));
	for (int i = 0; i < 2; i++)
	{
		value = plf_form_value(form, fields[i].name);
		CHECK(value != NULL && strcmp(value, text) == 0);
		free(value);
	}
	CHECK(plf_form_value(form, "error") == NULL);
	free(form);
	free(text);
	return 0;
}
