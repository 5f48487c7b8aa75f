/*
 * function.c
 *		Arguments and results of SQL-callable functions.
 */
#include "core/function.h"

#include "access/xact.h"
#include "funcapi.h"
#include "utils/builtins.h"

void
require_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be NULL", name));
}

TimestampTz
moment_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(n);
}

char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* The row type of the OUT columns; the executor provides it if the function is called in FROM. */
static TupleDesc
result_type(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TupleDesc	desc;

	if (result != NULL && IsA(result, ReturnSetInfo) && result->expectedDesc != NULL)
		return result->expectedDesc;
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return desc;
}

Datum
form_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(result_type(fcinfo)), values, nulls));
}
