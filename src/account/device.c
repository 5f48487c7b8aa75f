/*
 * device.c
 *		Kinds and codes of devices, and the apartment of one that belongs to a
 *		user.
 *
 * Codes are numbered by what is there: an INSERT writes no other row, so that
 * a restore can replay it.  Only a code that is given up leaves its number
 * with the account.
 */
#include "core/extension.h"

#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "counted/carry.h"

PG_FUNCTION_INFO_V1(license_device_number);
PG_FUNCTION_INFO_V1(license_is_device_kind);
PG_FUNCTION_INFO_V1(license_is_device_mode);
PG_FUNCTION_INFO_V1(license_device_seats);
PG_FUNCTION_INFO_V1(license_device_trg);
PG_FUNCTION_INFO_V1(license_device_changed_trg);
PG_FUNCTION_INFO_V1(license_device_removed_trg);
PG_FUNCTION_INFO_V1(license_device_truncated_trg);
PG_FUNCTION_INFO_V1(license_device_user_trg);

#define MAX_DIGITS 9
#define FOLLOWS_USER "follows_user"
#define MAX_NUMBER 999999999

/*
 * license._device_number(device_code) → integer
 *		The number a device code stands for, 0 when it is none: more than
 *		digits, or more than nine of them.  Raises nothing.  T23.
 */
Datum
license_device_number(PG_FUNCTION_ARGS)
{
	text	   *code = PG_GETARG_TEXT_PP(0);
	const char *digits = VARDATA_ANY(code);
	int			length = VARSIZE_ANY_EXHDR(code);
	int32		number = 0;

	if (length > MAX_DIGITS)
		PG_RETURN_INT32(0);
	for (int i = 0; i < length; i++)
	{
		if (digits[i] < '0' || digits[i] > '9')
			PG_RETURN_INT32(0);
		number = number * 10 + (digits[i] - '0');
	}
	PG_RETURN_INT32(number);
}

static bool
is_one_of(const text *value, const char *const *words)
{
	size_t		length = VARSIZE_ANY_EXHDR(value);

	for (; *words != NULL; words++)
	{
		if (strlen(*words) == length && memcmp(VARDATA_ANY(value), *words, length) == 0)
			return true;
	}
	return false;
}

/*
 * license._is_device_kind(kind) → boolean
 *		Whether a device can be of this kind.  Raises nothing.  M10.
 */
Datum
license_is_device_kind(PG_FUNCTION_ARGS)
{
	static const char *const kinds[] = {"phone", "tablet", "third_party", "intercom",
	"answering_unit", "access_point", NULL};

	PG_RETURN_BOOL(is_one_of(PG_GETARG_TEXT_PP(0), kinds));
}

/*
 * license._is_device_mode(mode) → boolean
 *		Whether a device can be in this mode.  Raises nothing.  M13.
 */
Datum
license_is_device_mode(PG_FUNCTION_ARGS)
{
	static const char *const modes[] = {"cloud", "local", NULL};

	PG_RETURN_BOOL(is_one_of(PG_GETARG_TEXT_PP(0), modes));
}

/*
 * license._device_seats(kind, mode) → integer
 *		Seats of its apartment that a device takes: 1 when it is paid for, a
 *		cloud phone, tablet or third-party unit, else 0.  Raises nothing.
 *		M10, M13.
 */
Datum
license_device_seats(PG_FUNCTION_ARGS)
{
	static const char *const paid_kinds[] = {"phone", "tablet", "third_party", NULL};
	static const char *const paid_modes[] = {"cloud", NULL};

	PG_RETURN_INT32(is_one_of(PG_GETARG_TEXT_PP(0), paid_kinds) &&
					is_one_of(PG_GETARG_TEXT_PP(1), paid_modes) ? 1 : 0);
}

static NullableDatum
column(TriggerData *trigger, HeapTuple row, const char *name)
{
	NullableDatum value;

	value.value = trigger_column(trigger, row, name, &value.isnull);
	return value;
}

static Statement device_counter_lock = STATEMENT(
	"SELECT last_device_number FROM license.account_counter WHERE account_id = $1 FOR NO KEY UPDATE",
	INT8OID);

static Statement device_counter_make = STATEMENT(
	"INSERT INTO license.account_counter (account_id) SELECT account_id FROM license.account WHERE account_id = $1"
	" ON CONFLICT (account_id) DO NOTHING",
	INT8OID);

/*
 * Locks the counter of an account, and makes it at first use.  The lock shuts
 * out who else could give out or give up a number.  An unknown account is for
 * the foreign key to refuse.
 */
static int64
lock_last_number(NullableDatum account_id)
{
	if (RUN_LATEST(device_counter_lock, account_id) > 0)
		return got_int32(1);
	RUN(device_counter_make, account_id);
	return RUN_LATEST(device_counter_lock, account_id) > 0 ? got_int32(1) : 0;
}

static Statement device_highest_number = STATEMENT(
	"SELECT license._device_number(device_code) FROM license.device WHERE account_id = $1"
	" ORDER BY license._device_number(device_code) DESC LIMIT 1",
	INT8OID);

/* Numbers are looked for in the latest committed rows, not in the transaction's snapshot. */
static char *
next_code(NullableDatum account_id)
{
	int64		last = lock_last_number(account_id);

	if (RUN_LATEST(device_highest_number, account_id) > 0)
		last = Max(last, got_int32(1));
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

/* Where a device belongs, and whether because its user is there */
typedef struct Place
{
	NullableDatum site;
	NullableDatum apartment;
	bool		follows;
	bool		moved;			/* from where the row is */
} Place;

static bool
follows_user(TriggerData *trigger, HeapTuple row)
{
	return DatumGetBool(column(trigger, row, FOLLOWS_USER).value);
}

/* The row at its user's place, whom it follows from then on */
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

static void
place_with_user(TriggerData *trigger, HeapTuple row, Place *place)
{
	bool		updated = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	NullableDatum user_site;
	NullableDatum user_apartment;

	if (RUN(device_user, column(trigger, row, "account_id"), column(trigger, row, "user_id")) == 0)
		return;
	user_site.value = got_datum(1, &user_site.isnull);
	user_apartment.value = got_datum(2, &user_apartment.isnull);
	if (user_apartment.isnull)
		place->follows = place->follows && !(updated && trigger_changes(trigger, "apartment_id"));
	if (user_apartment.isnull || same(place->apartment, user_apartment))
		return;
	/* What it had of the former user is not its own. */
	if (!updated || !place->follows || trigger_changes(trigger, "apartment_id"))
	{
		if (!place->apartment.isnull)
			refuse_elsewhere("apartment", place->apartment, user_apartment);
		if (!place->site.isnull && !same(place->site, user_site))
			refuse_elsewhere("site", place->site, user_site);
	}
	*place = (Place) {.site = user_site, .apartment = user_apartment, .follows = true, .moved = true};
}

/* With its user, unless it has its own apartment, which must be the same; true: not as the row says. */
static bool
find_place(TriggerData *trigger, HeapTuple row, Place *place)
{
	bool		followed = follows_user(trigger, row);

	place->site = column(trigger, row, "site_id");
	place->apartment = column(trigger, row, "apartment_id");
	place->follows = followed;
	place->moved = false;
	if (column(trigger, row, "user_id").isnull)
		place->follows = false;
	else
		place_with_user(trigger, row, place);
	return place->moved || place->follows != followed;
}

static HeapTuple
give_code(TriggerData *trigger, HeapTuple row, MemoryContext caller)
{
	static const char *const name = "device_code";
	char	   *code = next_code(column(trigger, row, "account_id"));
	MemoryContext work = MemoryContextSwitchTo(caller);
	Datum		value = CStringGetTextDatum(code);
	bool		isnull = false;

	row = trigger_change(trigger, row, 1, &name, &value, &isnull);
	MemoryContextSwitchTo(work);
	return row;
}

/*
 * license._device_trg() → trigger
 *		Before a device is inserted: one without code takes the next free
 *		number of its account, one with a user the apartment of the user, to
 *		follow when that changes.
 *		Errors: 23514 device and user in two places, 2200H no number left,
 *		39P01.  T23, M8, M9.
 */
Datum
license_device_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_device_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT, 0, "device");
	HeapTuple	row = trigger->tg_trigtuple;
	bool		needs_code = column(trigger, row, "device_code").isnull;
	MemoryContext caller = CurrentMemoryContext;
	Operation	op;
	Place		place;

	/* The usual device of a bulk load costs no more than this look. */
	if (!needs_code && column(trigger, row, "user_id").isnull && !follows_user(trigger, row))
		return PointerGetDatum(row);
	operation_begin(&op, fcinfo, NULL, 0);
	if (needs_code)
		row = give_code(trigger, row, caller);
	if (find_place(trigger, row, &place))
		row = placed(trigger, row, &place, caller);
	operation_end(&op);
	return PointerGetDatum(row);
}

static Statement device_move = STATEMENT(
	"UPDATE license.device SET site_id = $3, apartment_id = $4, follows_user = $5 WHERE account_id = $1 AND device_id = $2",
	INT8OID, INT8OID, INT8OID, INT8OID, BOOLOID);

/* What the row gave up and what it takes now are one change of the seats. */
static void
move_device(TriggerData *trigger, const Place *place)
{
	NullableDatum args[5] = {
		column(trigger, trigger->tg_newtuple, "account_id"),
		column(trigger, trigger->tg_newtuple, "device_id"),
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

/* Only the highest number of an account, and one above all that were given up before, has to be kept. */
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

/* The number of the code that the row had is not given out again. */
static void
keep_number(TriggerData *trigger)
{
	HeapTuple	old = trigger->tg_trigtuple;

	RUN_LATEST(device_number_keep, column(trigger, old, "account_id"), column(trigger, old, "device_code"));
}

/*
 * license._device_changed_trg() → trigger
 *		After an UPDATE of a device: the number of one that got another code
 *		or account is not given out again; one with another user, or taken out
 *		of its apartment, goes where its user is.  A BEFORE trigger would make
 *		every UPDATE lock the device's row twice.
 *		Errors: 23514 device and user in two places, LX001 the apartment is
 *		full, 39P01.  T23, M8, M9.
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

	if (!renamed && column(trigger, row, "user_id").isnull && !follows_user(trigger, row))
		return PointerGetDatum(NULL);
	operation_begin(&op, fcinfo, NULL, 0);
	if (renamed)
		keep_number(trigger);
	if (find_place(trigger, row, &place))
		move_device(trigger, &place);
	operation_end(&op);
	return PointerGetDatum(NULL);
}

/*
 * license._device_removed_trg() → trigger
 *		Before a device is deleted: its number is not given out again.
 *		Errors: 39P01.  T23.
 */
Datum
license_device_removed_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_device_removed_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_DELETE, 0, "device");
	Operation	op;

	operation_begin(&op, fcinfo, NULL, 0);
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
 *		Before all devices are truncated: their numbers are not given out
 *		again.  Errors: 39P01.  T23.
 */
Datum
license_device_truncated_trg(PG_FUNCTION_ARGS)
{
	Operation	op;

	(void) check_own_trigger(fcinfo, "_device_truncated_trg", TRIGGER_EVENT_BEFORE, ON_TRUNCATE, 0, "device");
	operation_begin(&op, fcinfo, NULL, 0);
	RUN(devices_truncated);
	operation_end(&op);
	return PointerGetDatum(NULL);
}

/* One that follows and did not is of a transaction that this one cannot see. */
static void
refuse_leaving(NullableDatum user_apartment)
{
	if (got_bool(3))
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not serialize access due to a concurrent change of a device"),
				errhint("The transaction might succeed if retried."));
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("a device and its user must be in one apartment"),
			errdetail("Device %s is in apartment %s, its user in apartment " INT64_FORMAT ".",
					  cut_for_message(got_text(1)), got_text(2), DatumGetInt64(user_apartment.value)),
			errhint("The device was put there itself: change its apartment_id to NULL, and it goes where the user goes."));
}

static Statement device_follow_user = STATEMENT(
	"UPDATE license.device SET site_id = $3, apartment_id = $4, follows_user = true"
	" WHERE account_id = $1 AND user_id = $2 AND (apartment_id IS NULL OR follows_user)",
	INT8OID, INT8OID, INT8OID, INT8OID);

static Statement device_elsewhere = STATEMENT(
	"SELECT device_code, coalesce(apartment_id::text, 'NULL'), follows_user FROM license.device"
	" WHERE account_id = $1 AND user_id = $2 AND (site_id IS DISTINCT FROM $3 OR apartment_id IS DISTINCT FROM $4)"
	" ORDER BY device_code LIMIT 1",
	INT8OID, INT8OID, INT8OID, INT8OID);

/*
 * license._device_user_trg() → trigger
 *		After a user got an apartment: devices of the user without one of their
 *		own follow, those put elsewhere forbid it.  Errors: 23514, LX001 the apartment is
 *		full, 40001, 39P01.  M9.
 */
Datum
license_device_user_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_device_user_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "account_user");
	HeapTuple	user = trigger->tg_newtuple;
	NullableDatum args[4] = {
		column(trigger, user, "account_id"), column(trigger, user, "user_id"),
		column(trigger, user, "site_id"), column(trigger, user, "apartment_id")
	};
	Operation	op;

	if (args[3].isnull ||
		(!trigger_changes(trigger, "site_id") && !trigger_changes(trigger, "apartment_id")))
		return PointerGetDatum(NULL);
	operation_begin(&op, fcinfo, NULL, 0);
	statement_run(&device_follow_user, args, lengthof(args));
	if (statement_run_latest(&device_elsewhere, args, lengthof(args)) > 0)
		refuse_leaving(args[3]);
	operation_end(&op);
	return PointerGetDatum(NULL);
}
