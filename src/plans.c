/*
 * plans.c
 *		Prepares, keeps and runs the statements of plans.def.
 *
 * The texts are constant and qualified, so a kept plan needs no care of ours:
 * the plan cache re-parses it after DDL.
 */
#include "plans.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

typedef struct PlanText
{
	const char *name;
	const char *sql;
	int			nargs;
	const Oid  *argtypes;
} PlanText;

static const PlanText plan_texts[PLAN_COUNT] = {
#define PLAN(id, sql, ...) \
	[PLAN_##id] = {#id, sql, lengthof(((const Oid[]) {__VA_ARGS__})), (const Oid[]) {__VA_ARGS__}},
#define PLAN0(id, sql) [PLAN_##id] = {#id, sql, 0, NULL},
#include "plans.def"
#undef PLAN
#undef PLAN0
};

static SPIPlanPtr plans[PLAN_COUNT];

static SPIPlanPtr
plan_get(PlanId id)
{
	const PlanText *text = &plan_texts[id];
	SPIPlanPtr	plan;

	if (plans[id] != NULL)
		return plans[id];
	plan = SPI_prepare(text->sql, text->nargs, unconstify(Oid *, text->argtypes));
	if (plan == NULL)
		elog(ERROR, "could not prepare statement %s: %s",
			 text->name, SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep statement %s", text->name);
	plans[id] = plan;
	return plan;
}

static uint64
run_plan(PlanId id, const NullableDatum *args, int nargs, Snapshot snapshot)
{
	Datum		values[FUNC_MAX_ARGS];
	char		nulls[FUNC_MAX_ARGS];
	int			result;

	if (nargs != plan_texts[id].nargs)
		elog(ERROR, "statement %s takes %d parameters, not %d",
			 plan_texts[id].name, plan_texts[id].nargs, nargs);
	for (int i = 0; i < nargs; i++)
	{
		values[i] = args[i].value;
		nulls[i] = args[i].isnull ? 'n' : ' ';
	}
	if (snapshot == InvalidSnapshot)
		result = SPI_execute_plan(plan_get(id), values, nulls, false, 0);
	else
		result = SPI_execute_snapshot(plan_get(id), values, nulls, snapshot, InvalidSnapshot,
									  false, true, 0);
	if (result < 0)
		elog(ERROR, "statement %s failed: %s",
			 plan_texts[id].name, SPI_result_code_string(result));
	return SPI_processed;
}

uint64
plan_run(PlanId id, const NullableDatum *args, int nargs)
{
	return run_plan(id, args, nargs, InvalidSnapshot);
}

uint64
plan_run_latest(PlanId id, const NullableDatum *args, int nargs)
{
	/* What this transaction has done so far must be visible, too. */
	CommandCounterIncrement();
	return run_plan(id, args, nargs, GetLatestSnapshot());
}

Datum
got_datum(int column, bool *isnull)
{
	if (SPI_tuptable == NULL || SPI_tuptable->numvals == 0)
		elog(ERROR, "no row to read column %d of", column);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

/* A value the caller knows to be there */
static Datum
got_value(int column)
{
	bool		isnull;
	Datum		value = got_datum(column, &isnull);

	if (isnull)
		elog(ERROR, "unexpected NULL in column %d", column);
	return value;
}

bool
got_null(int column)
{
	bool		isnull;

	(void) got_datum(column, &isnull);
	return isnull;
}

int64
got_int64(int column)
{
	return DatumGetInt64(got_value(column));
}

int32
got_int32(int column)
{
	return DatumGetInt32(got_value(column));
}

bool
got_bool(int column)
{
	return DatumGetBool(got_value(column));
}

TimestampTz
got_time(int column)
{
	return DatumGetTimestampTz(got_value(column));
}

char *
got_text(int column)
{
	bool		isnull;
	Datum		value = got_datum(column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

Datum
got_datum_to_keep(int column, bool *isnull)
{
	Datum		value = got_datum(column, isnull);
	Form_pg_attribute att = TupleDescAttr(SPI_tuptable->tupdesc, column - 1);

	if (*isnull || att->attbyval)
		return value;
	return SPI_datumTransfer(value, false, att->attlen);
}

void
add_result_rows(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	for (uint64 i = 0; i < SPI_tuptable->numvals; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
	}
}

void
return_rows(FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, 0);
	add_result_rows(fcinfo);
}
