/*
 * statement.h
 *		The SQL statements of the extension and how they are run.
 *
 * A statement is constant, qualified text above the function that runs it:
 *
 *		static Statement lock_site = STATEMENT(
 *			"SELECT region FROM license.site WHERE account_id = $1 AND site_id = $2 FOR SHARE",
 *			INT8OID, INT8OID);
 *
 * RUN() prepares it on first use and keeps the plan; values travel as
 * parameters only.  A license_key is passed as text, because a kept plan must
 * not depend on the oid of a type that DROP EXTENSION drops.
 */
#ifndef LICENSE_STATEMENT_H
#define LICENSE_STATEMENT_H

#include "core/extension.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define STATEMENT_MAX_PARAMETERS 16

typedef struct Statement
{
	const char *sql;
	Oid			types[STATEMENT_MAX_PARAMETERS + 1];	/* of the parameters, up to InvalidOid */
	SPIPlanPtr	plan;			/* once prepared */
} Statement;

#define STATEMENT(sql, ...) {sql, {__VA_ARGS__}, NULL}

/* Runs a statement and returns the number of its rows, which are in SPI_tuptable. */
extern uint64 statement_run(Statement *statement, const NullableDatum *args, int nargs);

/*
 * The same with the latest snapshot instead of the transaction's: it sees all
 * committed rows at REPEATABLE READ and above, too.  For checks that a row lock
 * protects.
 */
extern uint64 statement_run_latest(Statement *statement, const NullableDatum *args, int nargs);

#define RUN(statement, ...) \
	statement_run(&(statement), (const NullableDatum[]) {__VA_ARGS__}, \
				  (int) lengthof(((const NullableDatum[]) {__VA_ARGS__})))
#define RUN_LATEST(statement, ...) \
	statement_run_latest(&(statement), (const NullableDatum[]) {__VA_ARGS__}, \
						 (int) lengthof(((const NullableDatum[]) {__VA_ARGS__})))

/* Parameters of RUN() */
static inline NullableDatum
arg_datum(Datum value, bool isnull)
{
	NullableDatum arg = {.value = value, .isnull = isnull};

	return arg;
}

#define arg_null()		arg_datum((Datum) 0, true)
#define arg_int64(x)	arg_datum(Int64GetDatum(x), false)
#define arg_int32(x)	arg_datum(Int32GetDatum(x), false)
#define arg_bool(x)		arg_datum(BoolGetDatum(x), false)
#define arg_time(x)		arg_datum(TimestampTzGetDatum(x), false)

/* A C string; NULL becomes SQL NULL. */
static inline NullableDatum
arg_text(const char *s)
{
	return s ? arg_datum(CStringGetTextDatum(s), false) : arg_null();
}

/* Argument n of the SQL function being executed, NULL or not */
#define arg_passed(fcinfo, n) \
	arg_datum(PG_ARGISNULL(n) ? (Datum) 0 : (fcinfo)->args[n].value, PG_ARGISNULL(n))

/* Copies all rows of the last RUN() into the result of a set-returning function with the same column types. */
extern void return_rows(FunctionCallInfo fcinfo);

/* The same for a result that InitMaterializedSRF() has begun */
extern void add_result_rows(FunctionCallInfo fcinfo);

#endif							/* LICENSE_STATEMENT_H */
