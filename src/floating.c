/*
 * floating.c
 *		How a full floating pool finds a seat for one who asks.
 */
#include "floating.h"

#include "plans.h"

/* The seat that is taken from another device, and why */
typedef struct Victim
{
	int64		seat_id;
	int64		device_id;
	int64		new_seat_id;
	char	   *reason;			/* JSON members */
} Victim;

static bool
find_idle(const SeatRequest *request, Victim *victim)
{
	if (RUN(floating_idle, arg_int64(request->account_id), arg_int64(request->license_id),
			arg_datum(request->pool_datum, false), arg_time(request->at)) == 0)
		return false;
	victim->reason = psprintf(", \"reason\": \"idle_longest\", \"idle_seconds\": " INT64_FORMAT,
							  got_int64(4));
	return true;
}

static bool
find_lower_priority(const SeatRequest *request, Victim *victim)
{
	if (RUN(floating_priority, arg_int64(request->account_id), arg_int64(request->license_id),
			arg_datum(request->pool_datum, false), request->holder.device_id) == 0)
		return false;
	victim->reason = psprintf(", \"reason\": \"priority\", \"from_priority\": %d, \"to_priority\": %d",
							  got_int32(4), got_int32(5));
	return true;
}

static bool
find_victim(const SeatRequest *request, Victim *victim)
{
	char	   *strategy;
	bool		found = false;

	RUN(floating_strategy, arg_int64(request->account_id));
	strategy = got_text(1);
	if (strcmp(strategy, "idle_longest") == 0)
		found = find_idle(request, victim);
	else if (strcmp(strategy, "priority") == 0)
		found = find_lower_priority(request, victim);
	if (!found)
		return false;
	victim->seat_id = got_int64(1);
	victim->device_id = got_int64(2);
	victim->new_seat_id = got_int64(3);
	return true;
}

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
