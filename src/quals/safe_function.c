/*
 * safe_function.c
 *		The functions that raise no error for any text or enum value.
 *
 * The list is written out, because the catalogs have no such flag.  A function that is
 * not in the list may be safe, too; a condition that applies it is not pushed down.
 */
#include "postgres.h"

#include "utils/fmgroids.h"

#include "compat.h"
#include "quals/safe_function.h"

bool
plf_function_is_safe(Oid function)
{
	switch (function)
	{
		case F_TEXTEQ:
		case F_TEXTNE:
		case F_TEXT_LT:
		case F_TEXT_LE:
		case F_TEXT_GT:
		case F_TEXT_GE:
		case F_ENUM_EQ:
		case F_ENUM_NE:
		case F_ENUM_LT:
		case F_ENUM_LE:
		case F_ENUM_GT:
		case F_ENUM_GE:
		case F_TEXTLIKE:
		case F_TEXTNLIKE:
		case F_TEXTICLIKE:
		case F_TEXTICNLIKE:
		case F_TEXTREGEXEQ:
		case F_TEXTREGEXNE:
		case F_TEXTICREGEXEQ:
		case F_TEXTICREGEXNE:
		case F_LOWER_TEXT:
		case F_UPPER_TEXT:
		case F_INITCAP:
		case F_LENGTH_TEXT:
		case F_CHAR_LENGTH_TEXT:
		case F_TEXTCAT:
		case F_LEFT:
		case F_RIGHT:
		case F_BTRIM_TEXT:
		case F_LTRIM_TEXT:
		case F_RTRIM_TEXT:
		case F_STARTS_WITH:
		case F_INT4EQ:
		case F_INT4NE:
		case F_INT4LT:
		case F_INT4LE:
		case F_INT4GT:
		case F_INT4GE:
		case F_BOOLEQ:
		case F_BOOLNE:
			return true;
		default:
			return false;
	}
}
