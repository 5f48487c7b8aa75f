/*
 * function.h
 *		Arguments and results of SQL-callable functions.
 */
#ifndef LICENSE_FUNCTION_H
#define LICENSE_FUNCTION_H

#include "core/extension.h"

/* Raises 22004 if argument n is NULL.  Functions are not STRICT, because a NULL result would hide the mistake. */
extern void require_argument(FunctionCallInfo fcinfo, int n, const char *name);

/* Argument n, the moment at which the operation happens; NULL means now(), the default of the argument. */
extern TimestampTz moment_argument(FunctionCallInfo fcinfo, int n);

/* Argument n as a NUL-terminated string, NULL when it is NULL. */
extern char *text_argument(FunctionCallInfo fcinfo, int n);

/* Forms the single composite result row of a function declared with OUT columns. */
extern Datum form_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

#endif							/* LICENSE_FUNCTION_H */
