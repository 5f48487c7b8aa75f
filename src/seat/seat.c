/*
 * seat.c
 *		Taking and giving back a seat of a pool.
 *
 * Whether a pool has room is decided under the lock of its row, so that the
 * answer for a full pool is a code and not an error of the counted foreign key.
 * A transaction locks a pool before its seats; a heartbeat locks the seat only.
 */
#include "seat/seat.h"

#include "access/xact.h"
#include "core/field.h"
#include "core/function.h"
#include "core/moment.h"
#include "core/operation.h"
#include "core/row.h"
#include "core/statement.h"
#include "history/denial.h"
#include "miscadmin.h"
#include "seat/pool.h"
#include "seat/seat_floating.h"
#include "seat/seat_situation.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(license_acquire_seat);
PG_FUNCTION_INFO_V1(license_release_seat);

/* Other transactions may change the holder's seat between reading and locking it, but hardly this often. */
#define MAX_ATTEMPTS 20

TimestampTz
seat_lease_end(NullableDatum lease, TimestampTz at)
{
	/* A day of a lease is 24 hours in every zone. */
	TimestampTz end = moment_add_finite(at, DatumGetIntervalP(lease.value));

	if (end <= at)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a lease must be longer than nothing"),
				errdetail("It would end at %s, and begins at %s.",
						  pstrdup(timestamptz_to_str(end)), pstrdup(timestamptz_to_str(at))));
	return end;
}

static void
check_holder(const SeatHolder *holder)
{
	int			given = !holder->device_id.isnull + !holder->user_id.isnull +
		!holder->apartment_id.isnull;

	if (given != 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a seat is taken by one holder, not by %d", given),
				errhint("Give one of device_id, user_id and apartment_id."));
}

static void
grant(SeatAnswer *answer, const char *code, int64 seat_id, NullableDatum expires_at)
{
	answer->granted = true;
	answer->code = code;
	answer->seat_id = seat_id;
	answer->leased = !expires_at.isnull;
	answer->expires_at = expires_at.isnull ? 0 : DatumGetTimestampTz(expires_at.value);
}

static void
refuse(const SeatRequest *request, SeatAnswer *answer, const char *code)
{
	Denial		denial = {
		.license_id = arg_int64(request->license_id),
		.pool = request->pool,
		.device_id = request->holder.device_id,
		.user_id = request->holder.user_id,
		.site_id = arg_null(),
		.apartment_id = request->holder.apartment_id,
	};

	memset(answer, 0, sizeof(*answer));
	answer->code = code;
	denial_write(request->account_id, request->at, code, &denial);
}

/* End of the requested lease, at most the end of the licence; NULL for a seat held until released */
static NullableDatum
granted_end(const SeatRequest *request, const SeatSituation *now)
{
	TimestampTz end;

	if (request->lease.isnull)
		return arg_null();
	end = seat_lease_end(request->lease, request->at);
	return arg_time(now->open_end ? end : Min(end, now->ends_at));
}

/*
 * Locks the holder's seat; returns false if it has changed.  An UPDATE would
 * keep the lock of a seat that it found changed, and waiting for the pool with
 * that lock could deadlock with a transaction that releases the seat.
 */
static bool
lock_own(const SeatRequest *request, const SeatSituation *now)
{
	Datum		keys[2] = {Int64GetDatum(request->account_id), Int64GetDatum(now->seat_id)};
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	Row			row;
	bool		locked = row_open(&row, snapshot, "seat", "seat_pkey", keys, lengthof(keys)) &&
		row_lock_seen(&row);

	row_close(&row);
	UnregisterSnapshot(snapshot);
	return locked;
}

static Statement seat_renew = STATEMENT(
	"UPDATE license.seat SET last_seen_at = GREATEST(last_seen_at, $3),"
	" lease = CASE WHEN expires_at IS NULL THEN lease ELSE coalesce($4, lease) END,"
	" expires_at = CASE WHEN expires_at IS NULL OR $4 IS NULL THEN expires_at ELSE $5 END"
	" WHERE account_id = $1 AND seat_id = $2 AND (expires_at IS NULL OR expires_at > $3) RETURNING expires_at",
	INT8OID, INT8OID, TIMESTAMPTZOID, INTERVALOID, TIMESTAMPTZOID);

/* A repeated request also updates last_seen_at.  Returns false if the seat no longer exists. */
static bool
keep_own(const SeatRequest *request, const SeatSituation *now, SeatAnswer *answer)
{
	if (RUN(seat_renew, arg_int64(request->account_id), arg_int64(now->seat_id),
			arg_time(request->at), request->lease, granted_end(request, now)) == 0)
		return false;
	grant(answer, "ALREADY_HELD", now->seat_id, field_value("expires_at"));
	return true;
}

static Statement seat_retake = STATEMENT(
	"UPDATE license.seat SET acquired_at = $3, last_seen_at = $3, lease = $4, expires_at = $5"
	" WHERE account_id = $1 AND seat_id = $2 AND expires_at <= $3",
	INT8OID, INT8OID, TIMESTAMPTZOID, INTERVALOID, TIMESTAMPTZOID);

/* Renews the holder's own seat whose lease has ended, if no other request has reclaimed it. */
static bool
retake_own(const SeatRequest *request, const SeatSituation *now, SeatAnswer *answer)
{
	NullableDatum end = granted_end(request, now);

	if (RUN(seat_retake, arg_int64(request->account_id), arg_int64(now->seat_id),
			arg_time(request->at), request->lease, end) == 0)
		return false;
	grant(answer, "GRANTED", now->seat_id, end);
	return true;
}

#define SEAT_TAKE(on_conflict) \
	"INSERT INTO license.seat (account_id, license_id, pool, device_id, user_id, apartment_id," \
	" acquired_at, last_seen_at, lease, expires_at)" \
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)" on_conflict " RETURNING seat_id"

static Statement seat_take = STATEMENT(
	SEAT_TAKE(""),
	INT8OID, INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, INTERVALOID, TIMESTAMPTZOID);

static Statement seat_take_unseen = STATEMENT(
	SEAT_TAKE(" ON CONFLICT DO NOTHING"),
	INT8OID, INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, INTERVALOID, TIMESTAMPTZOID);

/* Returns false if another transaction gave the holder a seat in the meantime. */
static bool
take_new(const SeatRequest *request, const SeatSituation *now, SeatAnswer *answer)
{
	const SeatHolder *holder = &request->holder;
	NullableDatum end = granted_end(request, now);
	NullableDatum args[] = {
		arg_int64(request->account_id), arg_int64(request->license_id),
		arg_datum(request->pool_datum, false), holder->device_id, holder->user_id,
		holder->apartment_id, arg_time(request->at), request->lease, end
	};

	/*
	 * At READ COMMITTED, a snapshot taken under the lock of the pool has shown
	 * that the holder has no seat.  An older snapshot may hide one; only then
	 * ON CONFLICT is worth its cost: a third more, as it searches every index
	 * twice.
	 */
	if (statement_run(IsolationUsesXactSnapshot() ? &seat_take_unseen : &seat_take,
					  args, lengthof(args)) == 0)
		return false;
	grant(answer, "GRANTED", field_int64("seat_id"), end);
	return true;
}

static bool
has_room(const PoolState *pool)
{
	return pool->in_use < pool->maximum;
}

/*
 * Skips locked seats, because the caller holds the lock of the pool: the
 * transaction that has locked a seat may be waiting for the pool, and is most
 * likely renewing the seat.
 */
static Statement seat_reclaim = STATEMENT(
	"WITH expired AS MATERIALIZED (SELECT seat_id FROM license.seat"
	" WHERE account_id = $1 AND license_id = $2 AND pool = $3 AND expires_at <= $4"
	" ORDER BY expires_at, seat_id LIMIT 100 FOR UPDATE SKIP LOCKED)"
	" DELETE FROM license.seat s USING expired e WHERE s.account_id = $1 AND s.seat_id = e.seat_id",
	INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);

/*
 * Releases seats whose lease has ended and returns whether the pool has room
 * now.  The caller holds the lock of the pool.
 */
static bool
reclaim(const SeatRequest *request, PoolState *pool)
{
	if (RUN(seat_reclaim, arg_int64(request->account_id), arg_int64(request->license_id),
			arg_datum(request->pool_datum, false), arg_time(request->at)) == 0)
		return false;
	return pool_lock(request->account_id, request->license_id, request->pool_datum, pool) &&
		has_room(pool);
}

/* A snapshot older than the last change of the pool may hide that the holder itself took the last seat. */
static void
require_snapshot(const PoolState *pool)
{
	if (pool->newer && IsolationUsesXactSnapshot())
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not serialize access due to concurrent update of the pool"),
				errhint("The transaction might succeed if retried."));
}

/* The pool is full and locked, so no other transaction changes its seats.  Returns false to try again. */
static bool
settle_full(const SeatRequest *request, const SeatSituation *now, PoolState *pool, SeatAnswer *answer)
{
	require_snapshot(pool);
	if (reclaim(request, pool))
		return take_new(request, now, answer);
	if (!floating_take(request, granted_end(request, now), answer))
		refuse(request, answer, "NO_SEATS_AVAILABLE");
	return true;
}

/*
 * The holder has a seat: renews it.  With the pool locked, waiting for the seat
 * could deadlock with a transaction that releases it; then the seat is returned
 * as it is.  Returns false to try again.
 */
static bool
settle_own(const SeatRequest *request, const SeatSituation *now, bool locked, SeatAnswer *answer)
{
	if (!seat_situation_is_live(now, request->at))
		return lock_own(request, now) && retake_own(request, now, answer);
	if (!locked)
		return lock_own(request, now) && keep_own(request, now, answer);
	grant(answer, "ALREADY_HELD", now->seat_id,
		  arg_datum(TimestampTzGetDatum(now->seat_expires_at), !now->seat_leased));
	return true;
}

/* Refuses a request for reasons that do not depend on the pool; returns whether it did. */
static bool
refuse_early(const SeatRequest *request, const SeatSituation *now, SeatAnswer *answer)
{
	if (!now->found)
		refuse(request, answer, "NOT_FOUND");
	else if (!now->valid)
		refuse(request, answer, "LICENSE_NOT_VALID");
	else if (now->hold && !seat_situation_is_live(now, request->at))
		refuse(request, answer, "DEVICE_HELD");
	else
		return false;
	return true;
}

/*
 * Returns false to try again, because another transaction changed the seat.
 * *locked says whether an earlier try has locked the pool.
 */
static bool
try_acquire(const SeatRequest *request, bool *locked, SeatAnswer *answer)
{
	SeatSituation now;
	PoolState	pool;

	seat_situation_read(request, &now);
	if (refuse_early(request, &now, answer))
		return true;
	if (now.seat_id != 0)
		return settle_own(request, &now, *locked, answer);
	*locked = pool_lock(request->account_id, request->license_id, request->pool_datum, &pool);
	if (!*locked)
	{
		refuse(request, answer, "NOT_FOUND");
		return true;
	}
	/* The holder may have got a seat while we waited for the lock. */
	seat_situation_read_seat(request, &now);
	if (now.seat_id != 0)
		return settle_own(request, &now, true, answer);
	if (has_room(&pool))
		return take_new(request, &now, answer);
	return settle_full(request, &now, &pool, answer);
}

void
seat_acquire(int64 account_id, int64 license_id, const char *pool, const SeatHolder *holder,
			 NullableDatum lease, TimestampTz at, SeatAnswer *answer)
{
	SeatRequest request = {account_id, license_id, pool, CStringGetTextDatum(pool), *holder, lease, at};
	bool		locked = false;

	check_holder(holder);
	if (!lease.isnull)
		(void) seat_lease_end(lease, at);
	memset(answer, 0, sizeof(*answer));
	for (int i = 0; i < MAX_ATTEMPTS; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (try_acquire(&request, &locked, answer))
			return;
	}
	ereport(ERROR,
			errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("the seat of the holder keeps changing"),
			errhint("The transaction might succeed if retried."));
}

/*
 * license.acquire_seat(account_id, license_id, pool, device_id, user_id,
 *		apartment_id, lease, at) → (granted, code, seat_id, expires_at)
 *		Takes a seat of a pool for one holder, or finds the holder's own.
 */
Datum
license_acquire_seat(PG_FUNCTION_ARGS)
{
	SeatHolder	holder = {arg_passed(fcinfo, 3), arg_passed(fcinfo, 4), arg_passed(fcinfo, 5)};
	Datum		values[4] = {0};
	bool		nulls[4] = {false};
	SeatAnswer	answer;
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "license_id");
	require_argument(fcinfo, 2, "pool");
	operation_begin(&op, fcinfo, OP_ACQUIRE_SEAT, moment_argument(fcinfo, 7));
	seat_acquire(PG_GETARG_INT64(0), PG_GETARG_INT64(1), text_argument(fcinfo, 2), &holder,
				 arg_passed(fcinfo, 6), moment_argument(fcinfo, 7), &answer);
	operation_end(&op);
	values[0] = BoolGetDatum(answer.granted);
	values[1] = CStringGetTextDatum(answer.code);
	values[2] = Int64GetDatum(answer.seat_id);
	nulls[2] = answer.seat_id == 0;
	values[3] = TimestampTzGetDatum(answer.expires_at);
	nulls[3] = !answer.leased;
	return form_result_row(fcinfo, values, nulls);
}

static Statement seat_release = STATEMENT(
	"DELETE FROM license.seat WHERE account_id = $1 AND seat_id = $2", INT8OID, INT8OID);

/* Locks the pool before the seat, as acquiring a seat does; the reverse order could deadlock with it. */
static bool
release(int64 account_id, int64 seat_id)
{
	Datum		keys[2] = {Int64GetDatum(account_id), Int64GetDatum(seat_id)};
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	PoolState	pool;
	Row			row;
	bool		found = row_open(&row, snapshot, "seat", "seat_pkey", keys, lengthof(keys)) &&
		pool_lock(account_id, DatumGetInt64(row_datum(&row, "license_id")),
				  row_datum(&row, "pool"), &pool);

	row_close(&row);
	UnregisterSnapshot(snapshot);
	return found && RUN(seat_release, arg_int64(account_id), arg_int64(seat_id)) > 0;
}

/*
 * license.release_seat(account_id, seat_id) → boolean
 *		Releases a seat; false if there is no such seat.
 */
Datum
license_release_seat(PG_FUNCTION_ARGS)
{
	Operation	op;
	bool		released;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "seat_id");
	operation_begin(&op, fcinfo, OP_RELEASE_SEAT, GetCurrentTransactionStartTimestamp());
	released = release(PG_GETARG_INT64(0), PG_GETARG_INT64(1));
	operation_end(&op);
	PG_RETURN_BOOL(released);
}
