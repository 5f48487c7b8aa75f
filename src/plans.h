/*
 * plans.h
 *		The SQL statements of the extension and how they are run.
 *
 * Every statement is constant text in plans.def.  RUN(id, ...) prepares it on
 * first use and keeps the plan; values travel as parameters only.
 */
#ifndef LICENSE_PLANS_H
#define LICENSE_PLANS_H

#include "license_ext.h"

#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

typedef enum PlanId
{
#define PLAN(id, sql, ...) PLAN_##id,
#define PLAN0(id, sql) PLAN_##id,
#include "plans.def"
#undef PLAN
#undef PLAN0
	PLAN_COUNT
} PlanId;

/* Runs a statement; answers the number of rows, which are in SPI_tuptable. */
extern uint64 plan_run(PlanId id, const NullableDatum *args, int nargs);

/*
 * The same over all that is committed, whatever the transaction's snapshot
 * shows: for a question settled by a row lock, at REPEATABLE READ and above.
 */
extern uint64 plan_run_latest(PlanId id, const NullableDatum *args, int nargs);

#define RUN(id, ...) \
	plan_run(PLAN_##id, (const NullableDatum[]) {__VA_ARGS__}, \
			 (int) lengthof(((const NullableDatum[]) {__VA_ARGS__})))
#define RUN_LATEST(id, ...) \
	plan_run_latest(PLAN_##id, (const NullableDatum[]) {__VA_ARGS__}, \
					(int) lengthof(((const NullableDatum[]) {__VA_ARGS__})))
#define RUN0(id) plan_run(PLAN_##id, NULL, 0)
#define RUN0_LATEST(id) plan_run_latest(PLAN_##id, NULL, 0)

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

/* NULL becomes SQL NULL */
static inline NullableDatum
arg_text(const char *s)
{
	return s ? arg_datum(CStringGetTextDatum(s), false) : arg_null();
}

/* Argument n of the SQL function being executed, NULL or not */
#define arg_passed(fcinfo, n) \
	arg_datum(PG_ARGISNULL(n) ? (Datum) 0 : (fcinfo)->args[n].value, PG_ARGISNULL(n))

/* Columns (from 1) of the first row of the last RUN() */
extern Datum got_datum(int column, bool *isnull);
extern bool got_null(int column);
extern int64 got_int64(int column);
extern int32 got_int32(int column);
extern bool got_bool(int column);
extern TimestampTz got_time(int column);

/* NULL when the column is; lives until operation_end() */
extern char *got_text(int column);

/* Like got_datum(), but the value outlives operation_end() */
extern Datum got_datum_to_keep(int column, bool *isnull);

/* Copies all rows of the last RUN() into the result of a set-returning function, whose columns have the same types */
extern void return_rows(FunctionCallInfo fcinfo);

/* The same for a result that InitMaterializedSRF() has begun */
extern void add_result_rows(FunctionCallInfo fcinfo);

#endif							/* LICENSE_PLANS_H */
