/*
 * device.c
 *		Codes of devices, and the apartment of a device that belongs to a user.
 *
 * A new device gets the number after the highest one among the devices of the
 * account and license.account_counter.  An INSERT does not write the counter,
 * so that a restore can replay it; a code that is changed or deleted does.
 */
#include "core/extension.h"

#include "core/field.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "counted/carry.h"

PG_FUNCTION_INFO_V1(license_device_trg);
PG_FUNCTION_INFO_V1(license_device_changed_trg);
PG_FUNCTION_INFO_V1(license_device_removed_trg);
PG_FUNCTION_INFO_V1(license_device_truncated_trg);
PG_FUNCTION_INFO_V1(license_device_user_trg);

#define FOLLOWS_USER "follows_user"
#define MAX_NUMBER 999999999

static Statement device_counter_lock = STATEMENT(
	"SELECT last_device_number FROM license.account_counter WHERE account_id = $1 FOR NO KEY UPDATE",
	INT8OID);

static Statement device_counter_make = STATEMENT(
	"INSERT INTO license.account_counter (account_id) SELECT account_id FROM license.account WHERE account_id = $1"
	" ON CONFLICT (account_id) DO NOTHING",
	INT8OID);

/*
 * Locks the counter of the account, which it creates at first use, and returns
 * the highest number that was given up.  The lock excludes every transaction
 * that gives a number to a device or takes one away.  0 for an unknown account,
 * which the foreign key refuses.
 */
static int64
lock_last_number(NullableDatum account_id)
{
	if (RUN_LATEST(device_counter_lock, account_id) > 0)
		return field_int32("last_device_number");
	RUN(device_counter_make, account_id);
	return RUN_LATEST(device_counter_lock, account_id) > 0 ? field_int32("last_device_number") : 0;
}

static Statement device_highest_number = STATEMENT(
	"SELECT license._device_number(device_code) AS number FROM license.device WHERE account_id = $1"
	" ORDER BY license._device_number(device_code) DESC LIMIT 1",
	INT8OID);

/* The next free code, by the latest rows: other transactions may have added devices since this one began. */
static char *
next_code(NullableDatum account_id)
{
	int64		last = lock_last_number(account_id);

	if (RUN_LATEST(device_highest_number, account_id) > 0)
		last = Max(last, field_int32("number"));
	if (last >= MAX_NUMBER)
		ereport(ERROR,
				errcode(ERRCODE_SEQUENCE_GENERATOR_LIMIT_EXCEEDED),
				errmsg("the account has run out of numbers for device codes"),
				errdetail("The highest number used is " INT64_FORMAT ".", last),
				errhint("Give a device_code of your own."));
	return psprintf("%03d", (int) last + 1);
}

static bool
same(NullableDatum a, NullableDatum b)
{
	return !a.isnull && !b.isnull && DatumGetInt64(a.value) == DatumGetInt64(b.value);
}

static void
refuse_elsewhere(const char *what, NullableDatum device, NullableDatum user)
{
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("a device and its user must be in one %s", what),
			errdetail("The device is in %s " INT64_FORMAT ", its user in %s " INT64_FORMAT ".",
					  what, DatumGetInt64(device.value), what, DatumGetInt64(user.value)),
			errhint("Leave apartment_id NULL to take the one of the user, or user_id NULL."));
}

/* Where a device belongs */
typedef struct Place
{
	NullableDatum site;
	NullableDatum apartment;
	bool		follows;		/* it is there because its user is */
	bool		moved;			/* the row says another place */
} Place;

static bool
follows_user(TriggerData *trigger, HeapTuple row)
{
	return DatumGetBool(trigger_value(trigger, row, FOLLOWS_USER).value);
}

/* A copy of the row, in the memory of the caller, with that place */
static HeapTuple
placed(TriggerData *trigger, HeapTuple row, const Place *place, MemoryContext caller)
{
	static const char *const names[] = {"site_id", "apartment_id", FOLLOWS_USER};
	Datum		values[] = {place->site.value, place->apartment.value, BoolGetDatum(place->follows)};
	bool		nulls[] = {place->site.isnull, place->apartment.isnull, false};
	MemoryContext work = MemoryContextSwitchTo(caller);

	row = trigger_change(trigger, row, lengthof(names), names, values, nulls);
	MemoryContextSwitchTo(work);
	return row;
}

static Statement device_user = STATEMENT(
	"SELECT site_id, apartment_id FROM license.account_user WHERE account_id = $1 AND user_id = $2 FOR SHARE",
	INT8OID, INT8OID);

/* Changes the place to that of the user, unless the user or the row has a reason against it. */
static void
place_with_user(TriggerData *trigger, HeapTuple row, Place *place)
{
	bool		updated = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	NullableDatum user_site;
	NullableDatum user_apartment;

	if (RUN(device_user, trigger_value(trigger, row, "account_id"), trigger_value(trigger, row, "user_id")) == 0)
		return;
	user_site = field_value("site_id");
	user_apartment = field_value("apartment_id");
	if (user_apartment.isnull)
		place->follows = place->follows && !(updated && trigger_changes(trigger, "apartment_id"));
	if (user_apartment.isnull || same(place->apartment, user_apartment))
		return;
	/* A device that followed another user until now keeps nothing of that place. */
	if (!updated || !place->follows || trigger_changes(trigger, "apartment_id"))
	{
		if (!place->apartment.isnull)
			refuse_elsewhere("apartment", place->apartment, user_apartment);
		if (!place->site.isnull && !same(place->site, user_site))
			refuse_elsewhere("site", place->site, user_site);
	}
	*place = (Place) {.site = user_site, .apartment = user_apartment, .follows = true, .moved = true};
}

/*
 * Finds where the device belongs: in the apartment of its user, if there is
 * one.  A device that has an apartment must have that one.  Returns true if the
 * row must change.
 */
static bool
find_place(TriggerData *trigger, HeapTuple row, Place *place)
{
	bool		followed = follows_user(trigger, row);

	place->site = trigger_value(trigger, row, "site_id");
	place->apartment = trigger_value(trigger, row, "apartment_id");
	place->follows = followed;
	place->moved = false;
	if (trigger_value(trigger, row, "user_id").isnull)
		place->follows = false;
	else
		place_with_user(trigger, row, place);
	return place->moved || place->follows != followed;
}

static HeapTuple
give_code(TriggerData *trigger, HeapTuple row, MemoryContext caller)
{
	static const char *const name = "device_code";
	char	   *code = next_code(trigger_value(trigger, row, "account_id"));
	MemoryContext work = MemoryContextSwitchTo(caller);
	Datum		value = CStringGetTextDatum(code);
	bool		isnull = false;

	row = trigger_change(trigger, row, 1, &name, &value, &isnull);
	MemoryContextSwitchTo(work);
	return row;
}

/*
 * license._device_trg() → trigger
 *		Before INSERT of a device.  One without a code gets the next free number
 *		of its account.  One of a user gets the apartment of the user, and
 *		follows when the user gets another.
 *		Errors: 23514 device and user in two places, 2200H no number left,
 *		39P01.
 */
Datum
license_device_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_device_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT, 0, "device");
	HeapTuple	row = trigger->tg_trigtuple;
	bool		needs_code = trigger_value(trigger, row, "device_code").isnull;
	MemoryContext caller = CurrentMemoryContext;
	Operation	op;
	Place		place;

	/* Bulk loads usually bring codes and no users; they end here. */
	if (!needs_code && trigger_value(trigger, row, "user_id").isnull && !follows_user(trigger, row))
		return PointerGetDatum(row);
	operation_begin_trigger(&op, fcinfo);
	if (needs_code)
		row = give_code(trigger, row, caller);
	if (find_place(trigger, row, &place))
		row = placed(trigger, row, &place, caller);
	operation_end(&op);
	return PointerGetDatum(row);
}

static Statement device_move = STATEMENT(
	"UPDATE license.device SET site_id = $3, apartment_id = $4, follows_user = $5"
	" WHERE account_id = $1 AND device_id = $2",
	INT8OID, INT8OID, INT8OID, INT8OID, BOOLOID);

/* Seats are checked once, after the change of the caller's statement and this one. */
static void
move_device(TriggerData *trigger, const Place *place)
{
	NullableDatum args[5] = {
		trigger_value(trigger, trigger->tg_newtuple, "account_id"),
		trigger_value(trigger, trigger->tg_newtuple, "device_id"),
		place->site, place->apartment, {BoolGetDatum(place->follows), false}
	};
	SeatCarry	outer = carry_begin();

	PG_TRY();
	{
		statement_run(&device_move, args, lengthof(args));
	}
	PG_FINALLY();
	{
		carry_end(outer);
	}
	PG_END_TRY();
}

/* Writes nothing if a device or the counter has a higher number: then this one is not given out again anyway. */
static Statement device_number_keep = STATEMENT(
	"INSERT INTO license.account_counter AS c (account_id, last_device_number)"
	" SELECT $1, license._device_number($2) WHERE license._device_number($2) > 0"
	" AND NOT EXISTS (SELECT FROM license.account_counter k WHERE k.account_id = $1"
	"  AND k.last_device_number >= license._device_number($2))"
	" AND NOT EXISTS (SELECT FROM license.device d WHERE d.account_id = $1"
	"  AND license._device_number(d.device_code) > license._device_number($2))"
	" ON CONFLICT (account_id) DO UPDATE SET last_device_number = excluded.last_device_number"
	" WHERE c.last_device_number < excluded.last_device_number",
	INT8OID, TEXTOID);

/* Keeps the number of the old row's code from being given out again. */
static void
keep_number(TriggerData *trigger)
{
	HeapTuple	old = trigger->tg_trigtuple;

	RUN_LATEST(device_number_keep, trigger_value(trigger, old, "account_id"),
			   trigger_value(trigger, old, "device_code"));
}

/*
 * license._device_changed_trg() → trigger
 *		After UPDATE of a device.  If its code or account changed, the old
 *		number is not given out again.  If its user changed, or it was taken out
 *		of its apartment, it moves to the apartment of its user.  A BEFORE
 *		trigger would make every UPDATE lock the row twice.
 *		Errors: 23514 device and user in two places, LX001 the apartment is
 *		full, 39P01.
 */
Datum
license_device_changed_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_device_changed_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "device");
	HeapTuple	row = trigger->tg_newtuple;
	bool		renamed = trigger_changes(trigger, "device_code") || trigger_changes(trigger, "account_id");
	Operation	op;
	Place		place;

	if (!renamed && trigger_value(trigger, row, "user_id").isnull && !follows_user(trigger, row))
		return PointerGetDatum(NULL);
	operation_begin_trigger(&op, fcinfo);
	if (renamed)
		keep_number(trigger);
	if (find_place(trigger, row, &place))
		move_device(trigger, &place);
	operation_end(&op);
	return PointerGetDatum(NULL);
}

/*
 * license._device_removed_trg() → trigger
 *		Before DELETE of a device: its number is not given out again.
 *		Errors: 39P01.
 */
Datum
license_device_removed_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_device_removed_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_DELETE, 0, "device");
	Operation	op;

	operation_begin_trigger(&op, fcinfo);
	keep_number(trigger);
	operation_end(&op);
	return PointerGetDatum(trigger->tg_trigtuple);
}

static Statement devices_truncated = STATEMENT(
	"INSERT INTO license.account_counter AS c (account_id, last_device_number)"
	" SELECT account_id, pg_catalog.max(license._device_number(device_code)) FROM license.device GROUP BY account_id"
	" ON CONFLICT (account_id) DO UPDATE SET last_device_number = excluded.last_device_number"
	" WHERE c.last_device_number < excluded.last_device_number");

/*
 * license._device_truncated_trg() → trigger
 *		Before TRUNCATE of devices: their numbers are not given out again.
 *		Errors: 39P01.
 */
Datum
license_device_truncated_trg(PG_FUNCTION_ARGS)
{
	Operation	op;

	(void) check_own_trigger(fcinfo, "_device_truncated_trg", TRIGGER_EVENT_BEFORE, ON_TRUNCATE, 0, "device");
	operation_begin_trigger(&op, fcinfo);
	RUN(devices_truncated);
	operation_end(&op);
	return PointerGetDatum(NULL);
}

static Statement device_elsewhere = STATEMENT(
	"SELECT device_code, coalesce(apartment_id::text, 'NULL') AS apartment, follows_user FROM license.device"
	" WHERE account_id = $1 AND user_id = $2 AND (site_id IS DISTINCT FROM $3 OR apartment_id IS DISTINCT FROM $4)"
	" ORDER BY device_code LIMIT 1",
	INT8OID, INT8OID, INT8OID, INT8OID);

/*
 * Raises 23514 if a device of the user was explicitly placed in another
 * apartment.  A device that is marked follows_user but did not move was changed
 * by a transaction invisible to our snapshot: 40001.
 */
static void
refuse_elsewhere_placed(NullableDatum account_id, NullableDatum user_id, NullableDatum site_id,
						NullableDatum apartment_id)
{
	char	   *code;
	char	   *apartment;

	if (RUN_LATEST(device_elsewhere, account_id, user_id, site_id, apartment_id) == 0)
		return;
	if (field_bool("follows_user"))
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not serialize access due to a concurrent change of a device"),
				errhint("The transaction might succeed if retried."));
	code = field_text("device_code");
	apartment = field_text("apartment");
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("a device and its user must be in one apartment"),
			errdetail("Device %s is in apartment %s, its user in apartment " INT64_FORMAT ".",
					  cut_for_message(code), apartment, DatumGetInt64(apartment_id.value)),
			errhint("The device was put there itself: change its apartment_id to NULL, and it goes where the user goes."));
}

static Statement device_follow_user = STATEMENT(
	"UPDATE license.device SET site_id = $3, apartment_id = $4, follows_user = true"
	" WHERE account_id = $1 AND user_id = $2 AND (apartment_id IS NULL OR follows_user)",
	INT8OID, INT8OID, INT8OID, INT8OID);

/*
 * license._device_user_trg() → trigger
 *		After a user got an apartment: devices of the user follow, unless they
 *		have an apartment of their own, which must be the same.
 *		Errors: 23514, LX001 the apartment is full, 40001, 39P01.
 */
Datum
license_device_user_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_device_user_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "account_user");
	HeapTuple	user = trigger->tg_newtuple;
	NullableDatum account_id = trigger_value(trigger, user, "account_id");
	NullableDatum user_id = trigger_value(trigger, user, "user_id");
	NullableDatum site_id = trigger_value(trigger, user, "site_id");
	NullableDatum apartment_id = trigger_value(trigger, user, "apartment_id");
	Operation	op;

	if (apartment_id.isnull ||
		(!trigger_changes(trigger, "site_id") && !trigger_changes(trigger, "apartment_id")))
		return PointerGetDatum(NULL);
	operation_begin_trigger(&op, fcinfo);
	RUN(device_follow_user, account_id, user_id, site_id, apartment_id);
	refuse_elsewhere_placed(account_id, user_id, site_id, apartment_id);
	operation_end(&op);
	return PointerGetDatum(NULL);
}
