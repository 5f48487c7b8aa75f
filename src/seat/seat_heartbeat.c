/*
 * seat_heartbeat.c
 *		Heartbeats: renewing the lease of a seat.
 */
#include "core/extension.h"

#include "access/xact.h"
#include "common/int.h"
#include "core/function.h"
#include "core/moment.h"
#include "core/operation.h"
#include "core/row.h"
#include "core/statement.h"
#include "miscadmin.h"
#include "seat/seat.h"
#include "seat/seat_situation.h"
#include "seat/seat_write.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(license_heartbeat);

typedef struct Heartbeat
{
	int64		account_id;
	int64		seat_id;
	NullableDatum lease;
	TimestampTz at;
	const char *code;			/* the answer: GRANTED or why not */
	NullableDatum expires_at;
} Heartbeat;

static NullableDatum
value_of(Row *row, const char *column)
{
	NullableDatum value;

	value.value = row_value(row, column, &value.isnull);
	return value;
}

/*
 * The requested length of the lease, else its former length.  A seat inserted by
 * plain SQL may have no length: then it is the time from last_seen_at to
 * expires_at.  NULL if those do not tell.
 */
static NullableDatum
renewed_lease(const Heartbeat *beat, Row *seat)
{
	NullableDatum lease = beat->lease.isnull ? value_of(seat, "lease") : beat->lease;
	TimestampTz last_seen_at = DatumGetTimestampTz(row_datum(seat, "last_seen_at"));
	TimestampTz end = DatumGetTimestampTz(beat->expires_at.value);
	int64		length;

	if (!lease.isnull || end <= last_seen_at || TIMESTAMP_NOT_FINITE(end) ||
		TIMESTAMP_NOT_FINITE(last_seen_at) || pg_sub_s64_overflow(end, last_seen_at, &length))
		return lease;
	lease.value = DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(end), TimestampTzGetDatum(last_seen_at));
	lease.isnull = false;
	return lease;
}

/* A lease of unknown length keeps its end.  No lease ends after the licence. */
static NullableDatum
renewed_end(const Heartbeat *beat, Row *license, NullableDatum lease)
{
	NullableDatum ends_at = value_of(license, "ends_at");
	Datum		end = beat->expires_at.value;

	/* A day of a lease is 24 hours in every zone. */
	if (!lease.isnull)
		end = TimestampTzGetDatum(moment_add_finite(beat->at, DatumGetIntervalP(lease.value)));
	if (!ends_at.isnull && DatumGetTimestampTz(ends_at.value) < DatumGetTimestampTz(end))
		end = ends_at.value;
	return arg_datum(end, false);
}

/* Returns false to try again, because another transaction changed the seat. */
static bool
renew(Heartbeat *beat, Row *seat, Row *license)
{
	TimestampTz last_seen_at = DatumGetTimestampTz(row_datum(seat, "last_seen_at"));
	SeatLife	life = {Max(last_seen_at, beat->at), arg_null(), arg_null()};
	SeatWritten written;

	if (!beat->expires_at.isnull)
	{
		life.lease = renewed_lease(beat, seat);
		life.expires_at = renewed_end(beat, license, life.lease);
	}
	written = seat_write(seat, &life);
	if (written == SEAT_WRITTEN)
	{
		beat->code = "GRANTED";
		beat->expires_at = life.expires_at;
	}
	return written != SEAT_CHANGED;
}

static bool
has_expired(const Heartbeat *beat)
{
	return !beat->expires_at.isnull && DatumGetTimestampTz(beat->expires_at.value) <= beat->at;
}

static bool
keep_alive(Heartbeat *beat, Row *seat)
{
	Datum		keys[2] = {Int64GetDatum(beat->account_id), row_datum(seat, "license_id")};
	Row			license;
	bool		settled = true;

	beat->expires_at = value_of(seat, "expires_at");
	beat->code = "LICENSE_NOT_VALID";
	if (row_open(&license, seat->snapshot, "license", "license_pkey", keys, lengthof(keys)) &&
		seat_license_is_valid(&license, beat->at))
	{
		beat->code = "LEASE_EXPIRED";
		settled = has_expired(beat) || renew(beat, seat, &license);
	}
	row_close(&license);
	return settled;
}

/* Returns false to try again, because another transaction changed the seat. */
static bool
try_heartbeat(Heartbeat *beat)
{
	Datum		keys[2] = {Int64GetDatum(beat->account_id), Int64GetDatum(beat->seat_id)};
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	Row			seat;
	bool		settled = true;

	beat->code = "NOT_FOUND";
	beat->expires_at = arg_null();
	if (row_open_to_write(&seat, snapshot, "seat", "seat_pkey", keys, lengthof(keys)))
		settled = keep_alive(beat, &seat);
	row_close(&seat);
	UnregisterSnapshot(snapshot);
	return settled;
}

/*
 * license.heartbeat(account_id, seat_id, lease, at) → (alive, code, expires_at)
 *		Renews the lease of a seat whose holder is still active.
 */
Datum
license_heartbeat(PG_FUNCTION_ARGS)
{
	Heartbeat	beat = {.lease = arg_passed(fcinfo, 2)};
	Datum		values[3];
	bool		nulls[3] = {false};
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "seat_id");
	beat.account_id = PG_GETARG_INT64(0);
	beat.seat_id = PG_GETARG_INT64(1);
	beat.at = moment_argument(fcinfo, 3);
	if (!beat.lease.isnull)
		(void) seat_lease_end(beat.lease, beat.at);
	operation_begin(&op, fcinfo, OP_HEARTBEAT, beat.at);
	/* Changes that the calling statement has made so far must be visible. */
	CommandCounterIncrement();
	while (!try_heartbeat(&beat))
		CHECK_FOR_INTERRUPTS();
	operation_end(&op);
	values[0] = BoolGetDatum(strcmp(beat.code, "GRANTED") == 0);
	values[1] = CStringGetTextDatum(beat.code);
	values[2] = beat.expires_at.value;
	nulls[2] = beat.expires_at.isnull;
	return form_result_row(fcinfo, values, nulls);
}
