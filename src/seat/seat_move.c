/*
 * seat_move.c
 *		Moving a seat from one device to another.
 *
 * A moved seat gets a new id, so that heartbeats of the former device, whose
 * client knows only the old id, no longer renew it.
 */
#include "seat/seat_move.h"

#include "account/permission.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "history/event.h"
#include "seat/pool.h"

PG_FUNCTION_INFO_V1(license_move_seat);

/* A seat to be moved */
typedef struct MovableSeat
{
	int64		seat_id;
	int64		new_seat_id;
	int64		license_id;
	char	   *pool;
} MovableSeat;

void
seat_moved(int64 account_id, int64 from_seat, int64 from_device,
		   int64 to_seat, int64 to_device, const char *extra)
{
	char	   *old = psprintf("{\"seat_id\": " INT64_FORMAT ", \"device_id\": " INT64_FORMAT "}",
							   from_seat, from_device);
	char	   *new = psprintf("{\"seat_id\": " INT64_FORMAT ", \"device_id\": " INT64_FORMAT "%s}",
							   to_seat, to_device, extra);

	event_write(account_id, "seat", to_seat, operation_name_of(OP_MOVE_SEAT), old, new);
}

static void
refuse_seatless(int64 device_id)
{
	ereport(ERROR,
			errcode(ERRCODE_LICENSE_NOT_FOUND),
			errmsg("device " INT64_FORMAT " holds no seat that could be moved", device_id),
			errhint("license.acquire_seat() takes a free one for a device."));
}

static void
refuse_several(int64 device_id, uint64 seats)
{
	ereport(ERROR,
			errcode(ERRCODE_CARDINALITY_VIOLATION),
			errmsg("device " INT64_FORMAT " holds " UINT64_FORMAT " seats, and which one to move is open",
				   device_id, seats),
			errhint("Use license.release_seat() and license.acquire_seat()."));
}

static Statement seat_to_move = STATEMENT(
	"SELECT seat_id, license_id, pool, license.next_id() AS new_seat_id FROM license.seat"
	" WHERE account_id = $1 AND device_id = $2 AND (expires_at IS NULL OR expires_at > $3)"
	" ORDER BY seat_id FOR UPDATE",
	INT8OID, INT8OID, TIMESTAMPTZOID);

/* Locks the only seat of the device. */
static MovableSeat
lock_seat(int64 account_id, int64 device_id, TimestampTz at)
{
	uint64		seats = RUN(seat_to_move, arg_int64(account_id), arg_int64(device_id), arg_time(at));
	MovableSeat seat;

	if (seats == 0)
		refuse_seatless(device_id);
	if (seats > 1)
		refuse_several(device_id, seats);
	seat.seat_id = field_int64("seat_id");
	seat.new_seat_id = field_int64("new_seat_id");
	seat.license_id = field_int64("license_id");
	seat.pool = field_text("pool");
	return seat;
}

static Statement seat_of_device = STATEMENT(
	"SELECT s.pool FROM license.seat s"
	" JOIN license.license l ON l.account_id = s.account_id AND l.license_id = s.license_id"
	" WHERE s.account_id = $1 AND s.device_id = $3 AND (s.license_id = $2 AND s.pool = $4"
	" OR (s.expires_at IS NULL OR s.expires_at > $5)"
	" AND l.sku = (SELECT sku FROM license.license WHERE account_id = $1 AND license_id = $2))"
	" ORDER BY s.pool LIMIT 1",
	INT8OID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);

/* Raises 23505 if the device has a seat of the same offer, in whatever pool. */
static void
check_seatless(int64 account_id, int64 device_id, const MovableSeat *seat, TimestampTz at)
{
	if (RUN(seat_of_device, arg_int64(account_id), arg_int64(seat->license_id), arg_int64(device_id),
			arg_text(seat->pool), arg_time(at)) == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_UNIQUE_VIOLATION),
			errmsg("device " INT64_FORMAT " holds a seat of pool %s already", device_id, field_text("pool")),
			errhint("Release it with license.release_seat(), or move to a device without a licence."));
}

static Statement seat_give = STATEMENT(
	"UPDATE license.seat SET seat_id = $3, device_id = $4, acquired_at = $5, last_seen_at = $5"
	" WHERE account_id = $1 AND seat_id = $2",
	INT8OID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID);

/* Locks the seat before the pool, which is known only then. */
static int64
move_device_seat(int64 account_id, int64 from, int64 to, TimestampTz at)
{
	MovableSeat seat = lock_seat(account_id, from, at);
	PoolState	pool;

	(void) pool_lock(account_id, seat.license_id, CStringGetTextDatum(seat.pool), &pool);
	check_seatless(account_id, to, &seat, at);
	RUN(seat_give, arg_int64(account_id), arg_int64(seat.seat_id), arg_int64(seat.new_seat_id),
		arg_int64(to), arg_time(at));
	seat_moved(account_id, seat.seat_id, from, seat.new_seat_id, to, "");
	return seat.new_seat_id;
}

/*
 * license.move_seat(account_id, from_device, to_device, at) → seat_id
 *		Gives the seat of one device to another, in the same pool.
 */
Datum
license_move_seat(PG_FUNCTION_ARGS)
{
	Operation	op;
	int64		seat_id;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "from_device");
	require_argument(fcinfo, 2, "to_device");
	operation_begin(&op, fcinfo, OP_MOVE_SEAT, moment_argument(fcinfo, 3));
	permission_require(PG_GETARG_INT64(0), MOVE_LICENSES);
	seat_id = move_device_seat(PG_GETARG_INT64(0), PG_GETARG_INT64(1), PG_GETARG_INT64(2),
							   moment_argument(fcinfo, 3));
	operation_end(&op);
	PG_RETURN_INT64(seat_id);
}
