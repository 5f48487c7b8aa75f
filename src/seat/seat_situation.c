/*
 * seat_situation.c
 *		Reads the licence, the pool, the holder and its seat before a seat is taken.
 */
#include "seat/seat_situation.h"

#include "core/statement.h"
#include "license/license_status.h"
#include "utils/snapmgr.h"

/* The table of a kind of holder, its primary key, and the index that finds the seat of a holder */
typedef struct HolderKind
{
	const char *table;
	const char *index;
	const char *seat_index;
} HolderKind;

static const HolderKind device_kind = {"device", "device_pkey", "seat_device_key"};
static const HolderKind user_kind = {"account_user", "account_user_pkey", "seat_user_key"};
static const HolderKind apartment_kind = {"apartment", "apartment_pkey", "seat_apartment_key"};

static const HolderKind *
kind_of(const SeatHolder *holder, Datum *id)
{
	if (!holder->device_id.isnull)
	{
		*id = holder->device_id.value;
		return &device_kind;
	}
	if (!holder->user_id.isnull)
	{
		*id = holder->user_id.value;
		return &user_kind;
	}
	*id = holder->apartment_id.value;
	return &apartment_kind;
}

bool
seat_license_is_valid(Row *license, TimestampTz at)
{
	bool		pending;
	bool		open_end;
	Datum		starts_at = row_value(license, "starts_at", &pending);
	Datum		ends_at = row_value(license, "ends_at", &open_end);

	return strcmp(TextDatumGetCString(row_datum(license, "status")), IN_USE) == 0 &&
		!pending && DatumGetTimestampTz(starts_at) <= at &&
		(open_end || DatumGetTimestampTz(ends_at) > at);
}

static bool
read_license(const SeatRequest *request, Snapshot snapshot, SeatSituation *now)
{
	Datum		keys[2] = {Int64GetDatum(request->account_id), Int64GetDatum(request->license_id)};
	Row			row;
	bool		found = row_open(&row, snapshot, "license", "license_pkey", keys, lengthof(keys));

	if (found)
	{
		now->valid = seat_license_is_valid(&row, request->at);
		now->ends_at = DatumGetTimestampTz(row_value(&row, "ends_at", &now->open_end));
	}
	row_close(&row);
	return found;
}

static bool
pool_exists(const SeatRequest *request, Snapshot snapshot)
{
	Datum		keys[3] = {Int64GetDatum(request->account_id), Int64GetDatum(request->license_id),
		request->pool_datum};
	Row			row;
	bool		found = row_open(&row, snapshot, "license_pool", "license_pool_pkey",
								 keys, lengthof(keys));

	row_close(&row);
	return found;
}

static bool
read_holder(const SeatRequest *request, Snapshot snapshot, SeatSituation *now)
{
	Datum		keys[2] = {Int64GetDatum(request->account_id)};
	const HolderKind *kind = kind_of(&request->holder, &keys[1]);
	Row			row;
	bool		found = row_open(&row, snapshot, kind->table, kind->index, keys, lengthof(keys));

	now->hold = found && kind == &device_kind && DatumGetBool(row_datum(&row, "hold"));
	row_close(&row);
	return found;
}

static void
read_seat(const SeatRequest *request, Snapshot snapshot, SeatSituation *now)
{
	Datum		keys[4] = {Int64GetDatum(request->account_id), 0,
		Int64GetDatum(request->license_id), request->pool_datum};
	const HolderKind *kind = kind_of(&request->holder, &keys[1]);
	Row			row;
	bool		unleased;

	now->seat_id = 0;
	if (row_open(&row, snapshot, "seat", kind->seat_index, keys, lengthof(keys)))
	{
		now->seat_id = DatumGetInt64(row_datum(&row, "seat_id"));
		now->seat_expires_at = DatumGetTimestampTz(row_value(&row, "expires_at", &unleased));
		now->seat_leased = !unleased;
	}
	row_close(&row);
}

void
seat_situation_read(const SeatRequest *request, SeatSituation *now)
{
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());

	memset(now, 0, sizeof(*now));
	now->found = read_license(request, snapshot, now) &&
		pool_exists(request, snapshot) &&
		read_holder(request, snapshot, now);
	if (now->found)
		read_seat(request, snapshot, now);
	UnregisterSnapshot(snapshot);
}

void
seat_situation_read_seat(const SeatRequest *request, SeatSituation *now)
{
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());

	read_seat(request, snapshot, now);
	UnregisterSnapshot(snapshot);
}

bool
seat_situation_is_live(const SeatSituation *now, TimestampTz at)
{
	return now->seat_id != 0 && (!now->seat_leased || now->seat_expires_at > at);
}
