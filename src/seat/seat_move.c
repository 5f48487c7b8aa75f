/*
 * seat_move.c
 *		Moving a seat from one device to another.
 *
 * A moved seat gets a new id: the client of the former device, who knows no
 * more than the id, must not keep alive what is no longer its own.
 */
#include "seat/seat_move.h"
#include "core/function.h"

#include "history/event.h"
#include "core/operation.h"
#include "account/permission.h"
#include "core/statement.h"
#include "seat/pool.h"

PG_FUNCTION_INFO_V1(license_move_seat);

static Statement seat_to_move = STATEMENT(
	"SELECT seat_id, license_id, pool, license.next_id() FROM license.seat"
	" WHERE account_id = $1 AND device_id = $2 AND (expires_at IS NULL OR expires_at > $3)"
	" ORDER BY seat_id FOR UPDATE",
	INT8OID, INT8OID, TIMESTAMPTZOID);

static Statement seat_of_device = STATEMENT(
	"SELECT s.pool FROM license.seat s JOIN license.license l ON l.account_id = s.account_id AND l.license_id = s.license_id"
	" WHERE s.account_id = $1 AND s.device_id = $3 AND (s.license_id = $2 AND s.pool = $4"
	" OR (s.expires_at IS NULL OR s.expires_at > $5)"
	" AND l.sku = (SELECT sku FROM license.license WHERE account_id = $1 AND license_id = $2))"
	" ORDER BY s.pool LIMIT 1",
	INT8OID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);

static Statement seat_move_statement = STATEMENT(
	"UPDATE license.seat SET seat_id = $3, device_id = $4, acquired_at = $5, last_seen_at = $5"
	" WHERE account_id = $1 AND seat_id = $2",
	INT8OID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID);

void
seat_moved(int64 account_id, int64 from_seat, int64 from_device,
		   int64 to_seat, int64 to_device, const char *extra)
{
	char	   *old = psprintf("{\"seat_id\": " INT64_FORMAT ", \"device_id\": " INT64_FORMAT "}",
							   from_seat, from_device);
	char	   *new = psprintf("{\"seat_id\": " INT64_FORMAT ", \"device_id\": " INT64_FORMAT "%s}",
							   to_seat, to_device, extra);

	event_write(account_id, "seat", to_seat, "move_seat", old, new);
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

static void
refuse_seated(int64 device_id, const char *pool)
{
	ereport(ERROR,
			errcode(ERRCODE_UNIQUE_VIOLATION),
			errmsg("device " INT64_FORMAT " holds a seat of pool %s already", device_id, pool),
			errhint("Release it with license.release_seat(), or move to a device without a licence."));
}

/* Seat before pool, as license.release_seat() does */
static int64
move_device_seat(int64 account_id, int64 from, int64 to, TimestampTz at)
{
	uint64		seats = RUN(seat_to_move, arg_int64(account_id), arg_int64(from), arg_time(at));
	PoolState	state;
	int64		old_seat;
	int64		new_seat;
	int64		license_id;
	char	   *pool;

	if (seats == 0)
		refuse_seatless(from);
	if (seats > 1)
		refuse_several(from, seats);
	old_seat = got_int64(1);
	license_id = got_int64(2);
	pool = got_text(3);
	new_seat = got_int64(4);
	(void) pool_lock(account_id, license_id, CStringGetTextDatum(pool), &state);
	if (RUN(seat_of_device, arg_int64(account_id), arg_int64(license_id), arg_int64(to),
			arg_text(pool), arg_time(at)) > 0)
		refuse_seated(to, got_text(1));
	RUN(seat_move_statement, arg_int64(account_id), arg_int64(old_seat), arg_int64(new_seat),
		arg_int64(to), arg_time(at));
	seat_moved(account_id, old_seat, from, new_seat, to, "");
	return new_seat;
}

/*
 * license.move_seat(account_id, from_device, to_device, at) → seat_id
 *		Gives the seat of one device to another of the account, in the same
 *		pool; the number of seats taken stays.  The seat gets a new id.
 *		Errors: LX005 from_device holds no seat, 21000 it holds several, 23505
 *		to_device holds one of that offer, LX041 not permitted, 23503 no such
 *		device, 22004, 40001.
 *		T4, T17, T26, T27.
 */
Datum
license_move_seat(PG_FUNCTION_ARGS)
{
	Operation	op;
	int64		seat_id;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "from_device");
	require_argument(fcinfo, 2, "to_device");
	operation_begin(&op, fcinfo, "move_seat", moment_argument(fcinfo, 3));
	permission_require(PG_GETARG_INT64(0), MOVE_LICENSES);
	seat_id = move_device_seat(PG_GETARG_INT64(0), PG_GETARG_INT64(1), PG_GETARG_INT64(2),
							   moment_argument(fcinfo, 3));
	operation_end(&op);
	PG_RETURN_INT64(seat_id);
}
