/*
 * sweep.c
 *		The sweep: ends contracts, raises notices, takes expired seats back.
 *
 * license.sweep_at says when a licence next needs a look, so a pass touches
 * what is due and nothing else.  Each kind of work first picks its rows, locked
 * and skipping what others have locked, and then does them in one statement;
 * a pass never waits for another.  The ledger's unique key makes every notice
 * happen once, whatever runs twice, late or at the same time.
 */
#include "license_ext.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "operation.h"
#include "plans.h"

PG_FUNCTION_INFO_V1(license_sweep);
PG_FUNCTION_INFO_V1(license_run_sweep);

#define RUN_SWEEP_BATCH 1000

typedef struct SweepPass
{
	TimestampTz at;
	int32		batch;
	int32		picked;			/* rows of all kinds looked at */
	int32		finalized;
	int32		notices;
	int32		skipped;
	int32		seats_reclaimed;
} SweepPass;

/* The keys of the rows a pick plan locked, as two arrays */
typedef struct Picked
{
	NullableDatum accounts;
	NullableDatum ids;
} Picked;

/* Reads what the last RUN() picked; false: nothing is due. */
static bool
take_picked(SweepPass *pass, Picked *picked)
{
	int32		count = got_int32(3);

	pass->picked += count;
	picked->accounts.value = got_datum(1, &picked->accounts.isnull);
	picked->ids.value = got_datum(2, &picked->ids.isnull);
	return count > 0;
}

/* Accounts, licences and when to look at them next: three columns from `first` on */
static void
take_advance(int first, NullableDatum lists[3])
{
	for (int i = 0; i < 3; i++)
		lists[i].value = got_datum(first + i, &lists[i].isnull);
}

/* What changes nothing but the next look is a statement of its own: it leaves no history. */
static void
sweep_licenses(SweepPass *pass)
{
	Picked		due;
	NullableDatum ending[3];
	NullableDatum staying[3];

	RUN(sweep_pick_licenses, arg_time(pass->at), arg_int32(pass->batch));
	if (!take_picked(pass, &due))
		return;
	RUN(sweep_raise_stages, arg_time(pass->at), due.accounts, due.ids);
	pass->notices += got_int32(1);
	pass->skipped += got_int32(2);
	take_advance(3, ending);
	take_advance(6, staying);
	if (!ending[0].isnull)
		pass->finalized += (int32) RUN(sweep_finalize, ending[0], ending[1], ending[2]);
	if (!staying[0].isnull)
		RUN(sweep_advance, staying[0], staying[1], staying[2]);
}

static void
raise_planned(SweepPass *pass)
{
	Picked		due;

	RUN(sweep_pick_notices, arg_time(pass->at), arg_int32(pass->batch));
	if (!take_picked(pass, &due))
		return;
	RUN(sweep_raise_notices, arg_time(pass->at), due.accounts, due.ids);
	pass->notices += got_int32(1);
}

static void
reclaim_seats(SweepPass *pass)
{
	Picked		expired;

	RUN(sweep_pick_seats, arg_time(pass->at), arg_int32(pass->batch));
	if (!take_picked(pass, &expired))
		return;
	pass->seats_reclaimed += (int32) RUN(sweep_reclaim_seats, expired.accounts, expired.ids);
}

static SweepPass
sweep_once(FunctionCallInfo fcinfo, TimestampTz at, int32 batch)
{
	SweepPass	pass = {.at = at, .batch = batch};
	Operation	op;

	operation_begin(&op, fcinfo, "sweep", at);
	sweep_licenses(&pass);
	raise_planned(&pass);
	reclaim_seats(&pass);
	operation_end(&op);
	return pass;
}

static void
check_batch(int32 batch)
{
	if (batch < 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("batch must be at least 1, not %d", batch));
}

/*
 * license.sweep(at timestamptz, batch int) → (finalized int, notices int, skipped int, seats_reclaimed int)
 *		One pass over what is due at a moment, at most batch licences, planned
 *		notices and expired seats each: ends contracts, writes the notice
 *		ledger with one NOTIFY a raised notice, deletes expired leases.
 *		Answers how many of each.  Repeating it does nothing twice.
 *		Errors: 22004, 22023 for an infinite moment or a batch below 1, 40001
 *		above READ COMMITTED.  O35, O37-O43, P31, P32.
 */
Datum
license_sweep(PG_FUNCTION_ARGS)
{
	SweepPass	pass;
	Datum		values[4];
	bool		nulls[4] = {false};

	require_argument(fcinfo, 1, "batch");
	check_batch(PG_GETARG_INT32(1));
	pass = sweep_once(fcinfo, moment_argument(fcinfo, 0), PG_GETARG_INT32(1));
	values[0] = Int32GetDatum(pass.finalized);
	values[1] = Int32GetDatum(pass.notices);
	values[2] = Int32GetDatum(pass.skipped);
	values[3] = Int32GetDatum(pass.seats_reclaimed);
	return form_result_row(fcinfo, values, nulls);
}

static void
require_own_transactions(FunctionCallInfo fcinfo)
{
	if (fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic)
		return;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
			errmsg("license.run_sweep() cannot run inside a transaction block"),
			errdetail("It commits after each batch."),
			errhint("Inside a transaction, call license.sweep()."));
}

/*
 * CALL license.run_sweep()
 *		Sweeps what is due now, 1000 at a time, each batch in a transaction of
 *		its own, until a pass finds nothing.  The moment is that of the call.
 *		Errors: 2D000 inside a transaction block.  O39, O41.
 */
Datum
license_run_sweep(PG_FUNCTION_ARGS)
{
	TimestampTz at = GetCurrentTimestamp();
	SweepPass	pass;

	require_own_transactions(fcinfo);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	do
	{
		CHECK_FOR_INTERRUPTS();
		pass = sweep_once(fcinfo, at, RUN_SWEEP_BATCH);
		SPI_commit();
	} while (pass.picked > 0);
	SPI_finish();
	PG_RETURN_VOID();
}
