/*
 * seat_floating.c
 *		Moves a seat of a full floating pool to the device that requests one.
 *
 * The caller holds the lock of the pool, so seats that others have locked are
 * skipped: their transactions may be waiting for the pool.
 */
#include "seat/seat_floating.h"

#include "core/field.h"
#include "core/statement.h"
#include "seat/seat_move.h"

/* The seat that is taken from another device, and why */
typedef struct Victim
{
	int64		seat_id;
	int64		device_id;
	int64		new_seat_id;
	char	   *reason;			/* JSON members for the history, each after a comma */
} Victim;

/* Reads what all statements that choose a seat have in common. */
static void
read_victim(Victim *victim)
{
	victim->seat_id = field_int64("seat_id");
	victim->device_id = field_int64("device_id");
	victim->new_seat_id = field_int64("new_seat_id");
}

static Statement floating_idle = STATEMENT(
	"SELECT s.seat_id, s.device_id, license.next_id() AS new_seat_id,"
	" pg_catalog.floor(EXTRACT(epoch FROM $4 - s.last_seen_at))::bigint AS idle_seconds"
	" FROM license.seat s JOIN license.account a ON a.account_id = s.account_id"
	" WHERE s.account_id = $1 AND s.license_id = $2 AND s.pool = $3 AND s.device_id IS NOT NULL"
	" AND $4 - s.last_seen_at > a.floating_min_idle"
	" ORDER BY s.last_seen_at, s.seat_id LIMIT 1 FOR UPDATE OF s SKIP LOCKED",
	INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);

static bool
find_idle(const SeatRequest *request, Victim *victim)
{
	if (RUN(floating_idle, arg_int64(request->account_id), arg_int64(request->license_id),
			arg_datum(request->pool_datum, false), arg_time(request->at)) == 0)
		return false;
	read_victim(victim);
	victim->reason = psprintf(", \"reason\": \"idle_longest\", \"idle_seconds\": " INT64_FORMAT,
							  field_int64("idle_seconds"));
	return true;
}

static Statement floating_priority = STATEMENT(
	"SELECT s.seat_id, s.device_id, license.next_id() AS new_seat_id,"
	" d.priority AS from_priority, asker.priority AS to_priority"
	" FROM license.seat s JOIN license.device d ON d.account_id = s.account_id AND d.device_id = s.device_id"
	" JOIN license.device asker ON asker.account_id = s.account_id AND asker.device_id = $4"
	" WHERE s.account_id = $1 AND s.license_id = $2 AND s.pool = $3 AND d.priority < asker.priority"
	" ORDER BY d.priority, s.last_seen_at, s.seat_id LIMIT 1 FOR UPDATE OF s SKIP LOCKED",
	INT8OID, INT8OID, TEXTOID, INT8OID);

static bool
find_lower_priority(const SeatRequest *request, Victim *victim)
{
	if (RUN(floating_priority, arg_int64(request->account_id), arg_int64(request->license_id),
			arg_datum(request->pool_datum, false), request->holder.device_id) == 0)
		return false;
	read_victim(victim);
	victim->reason = psprintf(", \"reason\": \"priority\", \"from_priority\": %d, \"to_priority\": %d",
							  field_int32("from_priority"), field_int32("to_priority"));
	return true;
}

static Statement floating_strategy = STATEMENT(
	"SELECT floating_strategy FROM license.account WHERE account_id = $1",
	INT8OID);

static bool
find_victim(const SeatRequest *request, Victim *victim)
{
	char	   *strategy;

	RUN(floating_strategy, arg_int64(request->account_id));
	strategy = field_text("floating_strategy");
	if (strcmp(strategy, "idle_longest") == 0)
		return find_idle(request, victim);
	if (strcmp(strategy, "priority") == 0)
		return find_lower_priority(request, victim);
	return false;
}

static Statement floating_move = STATEMENT(
	"UPDATE license.seat SET seat_id = $3, device_id = $4, acquired_at = $5, last_seen_at = $5,"
	" lease = $6, expires_at = $7 WHERE account_id = $1 AND seat_id = $2",
	INT8OID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, INTERVALOID, TIMESTAMPTZOID);

bool
floating_take(const SeatRequest *request, NullableDatum expires_at, SeatAnswer *answer)
{
	Victim		victim;

	if (strcmp(request->pool, "floating_device") != 0 || request->holder.device_id.isnull ||
		!find_victim(request, &victim))
		return false;
	RUN(floating_move, arg_int64(request->account_id), arg_int64(victim.seat_id),
		arg_int64(victim.new_seat_id), request->holder.device_id, arg_time(request->at),
		request->lease, expires_at);
	seat_moved(request->account_id, victim.seat_id, victim.device_id, victim.new_seat_id,
			   DatumGetInt64(request->holder.device_id.value), victim.reason);
	answer->granted = true;
	answer->code = "MOVED";
	answer->seat_id = victim.new_seat_id;
	answer->leased = !expires_at.isnull;
	answer->expires_at = expires_at.isnull ? 0 : DatumGetTimestampTz(expires_at.value);
	return true;
}
