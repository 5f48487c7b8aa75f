/*
 * device_kind.c
 *		What the columns of one device say: its kind, its seats, the number in
 *		its code.
 */
#include "core/extension.h"

PG_FUNCTION_INFO_V1(license_device_number);
PG_FUNCTION_INFO_V1(license_is_device_kind);
PG_FUNCTION_INFO_V1(license_is_device_mode);
PG_FUNCTION_INFO_V1(license_device_seats);

#define MAX_DIGITS 9

/*
 * license._device_number(device_code) → integer
 *		Returns the number of a device code that consists of at most nine
 *		digits, 0 for every other code.  Raises nothing.
 */
Datum
license_device_number(PG_FUNCTION_ARGS)
{
	text	   *code = PG_GETARG_TEXT_PP(0);
	const char *digits = VARDATA_ANY(code);
	int			length = VARSIZE_ANY_EXHDR(code);
	int32		number = 0;

	if (length > MAX_DIGITS)
		PG_RETURN_INT32(0);
	for (int i = 0; i < length; i++)
	{
		if (digits[i] < '0' || digits[i] > '9')
			PG_RETURN_INT32(0);
		number = number * 10 + (digits[i] - '0');
	}
	PG_RETURN_INT32(number);
}

static bool
is_one_of(const text *value, const char *const *words)
{
	size_t		length = VARSIZE_ANY_EXHDR(value);

	for (; *words != NULL; words++)
	{
		if (strlen(*words) == length && memcmp(VARDATA_ANY(value), *words, length) == 0)
			return true;
	}
	return false;
}

/*
 * license._is_device_kind(kind) → boolean
 *		Is it a kind of devices?  Raises nothing.
 */
Datum
license_is_device_kind(PG_FUNCTION_ARGS)
{
	static const char *const kinds[] = {
		"phone", "tablet", "third_party", "intercom", "answering_unit", "access_point", NULL
	};

	PG_RETURN_BOOL(is_one_of(PG_GETARG_TEXT_PP(0), kinds));
}

/*
 * license._is_device_mode(mode) → boolean
 *		Is it a mode of devices?  Raises nothing.
 */
Datum
license_is_device_mode(PG_FUNCTION_ARGS)
{
	static const char *const modes[] = {"cloud", "local", NULL};

	PG_RETURN_BOOL(is_one_of(PG_GETARG_TEXT_PP(0), modes));
}

/*
 * license._device_seats(kind, mode) → integer
 *		Returns how many seats of its apartment a device takes: 1 for a paid
 *		one, which is a cloud phone, tablet or third-party unit, else 0.
 *		Raises nothing.
 */
Datum
license_device_seats(PG_FUNCTION_ARGS)
{
	static const char *const paid_kinds[] = {"phone", "tablet", "third_party", NULL};
	static const char *const paid_modes[] = {"cloud", NULL};

	PG_RETURN_INT32(is_one_of(PG_GETARG_TEXT_PP(0), paid_kinds) &&
					is_one_of(PG_GETARG_TEXT_PP(1), paid_modes) ? 1 : 0);
}
