/*
 * sweep.c
 *		The sweep: ends contracts, raises notices, deletes seats whose lease ended.
 *
 * The column sweep_at of a licence says when the sweep must next look at it, so
 * a pass reads only rows that are due.  Each kind of work first locks its rows,
 * skipping those that others have locked, and then processes them in one
 * statement; a pass never waits for another.  The unique key of the notice
 * ledger makes every notice happen once, however often sweeps run.
 *
 * Locks and errors of one tenant must not stop the others: rows are processed
 * together in a subtransaction; if that fails, one by one; and a row that fails
 * alone is noted in license.sweep_state and passed by.
 */
#include "core/extension.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "notice/sweep_try.h"
#include "notice/sweep_work.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(license_sweep);
PG_FUNCTION_INFO_V1(license_run_sweep);

#define RUN_SWEEP_BATCH 1000

/* The argument of functions that sweep_try() calls */
typedef struct SweepTask
{
	SweepPass  *pass;
	const SweepKind *kind;
	const SweepRows *rows;
	const SweepFailure *failures;	/* one for each row, to be noted */
} SweepTask;

static void
do_rows(void *argument)
{
	SweepTask  *task = argument;

	task->kind->work(task->pass, task->rows);
}

/* Processes rows together; false if that failed, and nothing was done. */
static bool
try_rows(SweepPass *pass, const SweepKind *kind, const SweepRows *rows, SweepFailure *failure)
{
	SweepTask	task = {.pass = pass, .kind = kind, .rows = rows};
	SweepPass	before = *pass;

	if (sweep_try(do_rows, &task, failure))
	{
		pass->done += rows->count;
		return true;
	}
	*pass = before;
	return false;
}

/*
 * A row that failed is tried again after a minute, then two, four and so on, at
 * most an hour; one that was locked is tried by the next sweep.
 */
static Statement sweep_note = STATEMENT(
	"INSERT INTO license.sweep_state AS state"
	" (account_id, subject, subject_id, since, tried_at, sqlstate, message, retry_at)"
	" VALUES ($1, $2, $3, $4, $4, $5, $6, CASE WHEN $5 <> '55P03' THEN $4 + interval '1 minute' END)"
	" ON CONFLICT (account_id, subject, subject_id) DO UPDATE SET tried_at = excluded.tried_at,"
	" attempts = state.attempts + 1, sqlstate = excluded.sqlstate, message = excluded.message,"
	" retry_at = CASE WHEN excluded.retry_at IS NOT NULL"
	" THEN $4 + interval '1 minute' * least(60, pg_catalog.power(2, least(state.attempts, 6))) END",
	INT8OID, TEXTOID, INT8OID, TIMESTAMPTZOID, TEXTOID, TEXTOID);

static void
note_rows(void *argument)
{
	SweepTask  *task = argument;
	TimestampTz now = Max(GetCurrentTimestamp(), task->pass->started);

	for (int i = 0; i < task->rows->count; i++)
		RUN(sweep_note, arg_datum(task->rows->accounts[i], false), arg_text(task->kind->subject),
			arg_datum(task->rows->ids[i], false), arg_time(now), arg_text(task->failures[i].sqlstate),
			arg_text(task->failures[i].message));
}

static bool
is_locked_account(const SweepPass *pass, Datum account)
{
	ListCell   *cell;

	foreach(cell, pass->locked_accounts)
	{
		if (*(int64 *) lfirst(cell) == DatumGetInt64(account))
			return true;
	}
	return false;
}

static void
remember_locked_account(SweepPass *pass, Datum account)
{
	int64	   *locked = palloc(sizeof(int64));

	*locked = DatumGetInt64(account);
	pass->locked_accounts = lappend(pass->locked_accounts, locked);
}

static void
move_row(SweepRows *to, const SweepRows *from, int i)
{
	to->accounts[to->count] = from->accounts[i];
	to->ids[to->count++] = from->ids[i];
}

static SweepRows
new_rows(int count)
{
	SweepRows	rows = {0, palloc(sizeof(Datum) * Max(count, 1)), palloc(sizeof(Datum) * Max(count, 1))};

	return rows;
}

static bool
is_of_locked_account(const SweepPass *pass, const SweepRows *rows, int i, SweepFailure *failure)
{
	SweepFailure locked = {"55P03", "another row of the account is locked by another transaction", true};

	if (!is_locked_account(pass, rows->accounts[i]))
		return false;
	*failure = locked;
	return true;
}

/*
 * Returns the rows to process.  Rows of an account where waiting for a lock
 * timed out are moved to failed, so that locks of one tenant delay the others
 * only once.
 */
static SweepRows
rows_to_try(const SweepPass *pass, const SweepRows *rows, SweepRows *failed, SweepFailure *failures)
{
	SweepRows	left = new_rows(rows->count);

	for (int i = 0; i < rows->count; i++)
		move_row(is_of_locked_account(pass, rows, i, &failures[failed->count]) ? failed : &left, rows, i);
	return left;
}

/* Processes rows one by one, after processing them together failed. */
static void
do_each(SweepPass *pass, const SweepKind *kind, const SweepRows *rows, SweepRows *failed,
		SweepFailure *failures)
{
	for (int i = 0; i < rows->count; i++)
	{
		SweepRows	one = {1, &rows->accounts[i], &rows->ids[i]};
		SweepFailure *failure = &failures[failed->count];

		CHECK_FOR_INTERRUPTS();
		if (!is_of_locked_account(pass, rows, i, failure))
		{
			if (try_rows(pass, kind, &one, failure))
				continue;
			if (failure->locked)
				remember_locked_account(pass, one.accounts[0]);
		}
		move_row(failed, rows, i);
	}
}

/* Returns false if rows failed and could not even be noted. */
static bool
do_picked(SweepPass *pass, const SweepKind *kind, const SweepRows *rows)
{
	SweepRows	failed = new_rows(rows->count);
	SweepFailure *failures = palloc0(sizeof(SweepFailure) * rows->count);
	SweepRows	left = rows_to_try(pass, rows, &failed, failures);
	SweepFailure ignored;
	SweepTask	notes = {.pass = pass, .kind = kind, .rows = &failed, .failures = failures};

	if (left.count > 0 && !try_rows(pass, kind, &left, &ignored))
		do_each(pass, kind, &left, &failed, failures);
	if (failed.count == 0)
		return true;
	pass->passed_by += failed.count;
	return sweep_try(note_rows, &notes, &ignored);
}

static void
read_ids(NullableDatum array, Datum **ids, int *count)
{
	deconstruct_array(DatumGetArrayTypeP(array.value), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  ids, NULL, count);
}

/* Locks at most that many rows that are due; false if there are none. */
static bool
pick_rows(const SweepPass *pass, const SweepKind *kind, int32 most, SweepRows *rows)
{
	NullableDatum args[] = {arg_time(pass->at), arg_int32(most), arg_time(pass->started)};

	statement_run(kind->pick, args, lengthof(args));
	if (field_is_null("account_ids"))
		return false;
	read_ids(field_value("account_ids"), &rows->accounts, &rows->count);
	read_ids(field_value("ids"), &rows->ids, &rows->count);
	return true;
}

/*
 * Called when no row is left to pick: rows that could be locked are done or
 * noted with their error, so rows that are still due are locked by others.
 */
static void
note_left(void *argument)
{
	SweepTask  *task = argument;
	NullableDatum until[] = {arg_time(task->pass->at)};
	NullableDatum left[] = {
		until[0], arg_int32(task->pass->batch), arg_time(task->pass->started),
		arg_time(Max(GetCurrentTimestamp(), task->pass->started))
	};

	statement_run(task->kind->forget, until, lengthof(until));
	task->pass->passed_by += (int32) statement_run(task->kind->note_locked, left, lengthof(left));
}

/* Processes at most a batch of rows.  Rows passed by do not count, so that they do not delay the others. */
static void
sweep_kind(SweepPass *pass, const SweepKind *kind)
{
	int32		before = pass->done;
	SweepTask	task = {.pass = pass, .kind = kind};
	SweepPass	noted;
	SweepFailure ignored;

	while (pass->done - before < pass->batch)
	{
		SweepRows	rows;

		CHECK_FOR_INTERRUPTS();
		if (!pick_rows(pass, kind, pass->batch - (pass->done - before), &rows))
			break;
		if (!do_picked(pass, kind, &rows))
			return;
	}
	/* With the snapshot of the transaction, rows that others have processed since would look locked. */
	noted = *pass;
	if (pass->done - before < pass->batch && !IsolationUsesXactSnapshot() &&
		!sweep_try(note_left, &task, &ignored))
		*pass = noted;
}

/* Leaves the row alone if another sweep that has not committed has written it: the sweep never waits. */
static Statement sweep_last = STATEMENT(
	"WITH free AS MATERIALIZED (SELECT one FROM license.last_sweep FOR UPDATE SKIP LOCKED),"
	" old AS (UPDATE license.last_sweep s SET last_sweep_at = $1, due_until = $2, finalized = $3, notices = $4,"
	" skipped = $5, seats_reclaimed = $6, passed_by = $7 FROM free WHERE s.one = free.one)"
	" INSERT INTO license.last_sweep"
	" (last_sweep_at, due_until, finalized, notices, skipped, seats_reclaimed, passed_by)"
	" SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (SELECT FROM license.last_sweep)"
	" ON CONFLICT DO NOTHING",
	TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID);

static void
note_sweep(void *argument)
{
	SweepTask  *task = argument;
	SweepPass  *pass = task->pass;

	RUN(sweep_last, arg_time(GetCurrentTimestamp()), arg_time(pass->at), arg_int32(pass->finalized),
		arg_int32(pass->notices), arg_int32(pass->skipped), arg_int32(pass->seats_reclaimed),
		arg_int32(pass->passed_by));
}

/* Any role may LISTEN, so the notification carries nothing but the number of notices raised. */
static void
wake_consumers(const SweepPass *pass)
{
	char		raised[12];

	if (pass->notices == 0)
		return;
	snprintf(raised, sizeof(raised), "%d", pass->notices);
	Async_Notify("license_notice", raised);
}

static SweepPass
sweep_once(FunctionCallInfo fcinfo, TimestampTz at, TimestampTz started, int32 batch)
{
	SweepPass	pass = {.at = at, .started = started, .batch = batch};
	SweepTask	task = {.pass = &pass};
	SweepFailure ignored;
	Operation	op;

	operation_begin(&op, fcinfo, OP_SWEEP, at);
	for (int i = 0; i < SWEEP_KINDS; i++)
		sweep_kind(&pass, &sweep_kinds[i]);
	if (!IsolationUsesXactSnapshot())
		(void) sweep_try(note_sweep, &task, &ignored);
	wake_consumers(&pass);
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
 *		One pass over what is due at a moment.
 */
Datum
license_sweep(PG_FUNCTION_ARGS)
{
	SweepPass	pass;
	Datum		values[4];
	bool		nulls[4] = {false};

	require_argument(fcinfo, 1, "batch");
	check_batch(PG_GETARG_INT32(1));
	pass = sweep_once(fcinfo, moment_argument(fcinfo, 0), GetCurrentTimestamp(), PG_GETARG_INT32(1));
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
 *		Sweeps what was due when it was called in batches, each in a transaction
 *		of its own, until a pass does nothing and passes nothing by.
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
		pass = sweep_once(fcinfo, at, at, RUN_SWEEP_BATCH);
		SPI_commit();
	} while (pass.done + pass.passed_by > 0);
	SPI_finish();
	PG_RETURN_VOID();
}
