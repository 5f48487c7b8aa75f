/*
 * error_codes.c
 *		The SQLSTATEs of class LX, as SQL sees them.
 */
#include "core/extension.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(license_error_codes);

static const struct
{
	int			code;
	const char *name;
	const char *meaning;
}			error_codes[] = {
#define ERROR_CODE(symbol, a, b, c, name, meaning) {ERRCODE_##symbol, name, meaning},
#include "core/errors.def"
#undef ERROR_CODE
};

/*
 * license.error_codes() → SETOF (sqlstate, name, meaning)
 *		Lists the errors of class LX in the order of their codes.
 */
Datum
license_error_codes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lengthof(error_codes); i++)
	{
		Datum		values[3];
		bool		nulls[3] = {false};

		values[0] = CStringGetTextDatum(unpack_sql_state(error_codes[i].code));
		values[1] = CStringGetTextDatum(error_codes[i].name);
		values[2] = CStringGetTextDatum(error_codes[i].meaning);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
