/*
 * statement.c
 *		Prepares, keeps and runs SQL statements, and returns their rows.
 */
#include "core/statement.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

/* The plan of a statement.  It is kept for the session; the plan cache plans it again after DDL. */
static SPIPlanPtr
prepared(Statement *statement, int nargs)
{
	SPIPlanPtr	plan;

	if (statement->plan != NULL)
		return statement->plan;
	plan = SPI_prepare(statement->sql, nargs, statement->types);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%.80s\": %s", statement->sql, SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep \"%.80s\"", statement->sql);
	statement->plan = plan;
	return plan;
}

static int
count_parameters(const Statement *statement)
{
	int			count = 0;

	while (OidIsValid(statement->types[count]))
		count++;
	return count;
}

static uint64
run(Statement *statement, const NullableDatum *args, int nargs, Snapshot snapshot)
{
	Datum		values[STATEMENT_MAX_PARAMETERS];
	char		nulls[STATEMENT_MAX_PARAMETERS];
	int			result;

	if (nargs != count_parameters(statement))
		elog(ERROR, "\"%.80s\" takes %d parameters, not %d", statement->sql, count_parameters(statement), nargs);
	for (int i = 0; i < nargs; i++)
	{
		values[i] = args[i].value;
		nulls[i] = args[i].isnull ? 'n' : ' ';
	}
	if (snapshot == InvalidSnapshot)
		result = SPI_execute_plan(prepared(statement, nargs), values, nulls, false, 0);
	else
		result = SPI_execute_snapshot(prepared(statement, nargs), values, nulls, snapshot, InvalidSnapshot,
									  false, true, 0);
	if (result < 0)
		elog(ERROR, "\"%.80s\" failed: %s", statement->sql, SPI_result_code_string(result));
	return SPI_processed;
}

uint64
statement_run(Statement *statement, const NullableDatum *args, int nargs)
{
	return run(statement, args, nargs, InvalidSnapshot);
}

uint64
statement_run_latest(Statement *statement, const NullableDatum *args, int nargs)
{
	/* Makes what this transaction has done so far visible. */
	CommandCounterIncrement();
	return run(statement, args, nargs, GetLatestSnapshot());
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
