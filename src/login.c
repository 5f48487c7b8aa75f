/*
 * login.c
 *		Logging in and out, and the licence a device gets by it.
 */
#include "license_ext.h"

#include "access.h"
#include "denial.h"
#include "operation.h"
#include "password.h"
#include "plans.h"
#include "seat.h"
#include "text_limit.h"

PG_FUNCTION_INFO_V1(license_login);
PG_FUNCTION_INFO_V1(license_logout);

#define OK					"OK"
#define INVALID_CREDENTIALS "INVALID_CREDENTIALS"
#define ACCOUNT_CLOSED		"ACCOUNT_CLOSED"
#define ACTIVE				"ACTIVE"
#define NONE				"NONE"

typedef struct Login
{
	TimestampTz at;
	int64		account_id;
	int64		user_id;
	int64		session_id;
	NullableDatum device_id;
	NullableDatum device_code;
	const char *license_status;
} Login;

/* A pool that devices of the account can have a seat in */
typedef struct DevicePool
{
	int64		license_id;
	char	   *name;
	bool		valid;			/* its licence, at the moment of the login */
	bool		room;			/* or a way to make some */
} DevicePool;

static const char *
refuse(const Login *login, const char *code, NullableDatum user_id)
{
	Denial		denial = {
		.license_id = arg_null(), .device_id = arg_null(), .user_id = user_id,
		.site_id = arg_null(), .apartment_id = arg_null()
	};

	denial_write(login->account_id, login->at, code, &denial);
	return code;
}

/* False for an address that no account has, and for an account in which the caller may log nobody in */
static bool
find_account(FunctionCallInfo fcinfo, const Operation *op, TimestampTz at)
{
	return RUN(login_user, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1), arg_time(at)) > 0 &&
		(op->caller == op->owner || access_caller_may_in(fcinfo, op->caller, got_int64(1)));
}

/* No address or password is; to fold and hash it would take as long as whoever typed it wants. */
static bool
is_too_long(FunctionCallInfo fcinfo)
{
	return argument_is_longer(fcinfo, 0, MAX_EMAIL) || argument_is_longer(fcinfo, 1, MAX_EMAIL) ||
		argument_is_longer(fcinfo, 2, MAX_PASSWORD);
}

/*
 * One password is hashed whoever asks, so that neither the answer nor its
 * time tells what was wrong.  Only who knows the password learns of a closed
 * account.
 */
static const char *
authenticate(FunctionCallInfo fcinfo, const Operation *op, Login *login)
{
	char	   *password;
	NullableDatum user_id = arg_null();
	char	   *hash = NULL;
	bool		known;
	bool		closed = false;

	if (is_too_long(fcinfo))
		return INVALID_CREDENTIALS;
	password = text_argument(fcinfo, 2);
	known = find_account(fcinfo, op, login->at);
	if (known)
	{
		login->account_id = got_int64(1);
		closed = got_bool(2);
		user_id.value = got_datum(3, &user_id.isnull);
		hash = got_text(4);
	}
	if (!password_matches(password, hash))
		return known ? refuse(login, INVALID_CREDENTIALS, user_id) : INVALID_CREDENTIALS;
	if (closed)
		return refuse(login, ACCOUNT_CLOSED, user_id);
	login->user_id = DatumGetInt64(user_id.value);
	return OK;
}

/* The device of that code, made if there is none; without a code always a new one */
static void
find_device(FunctionCallInfo fcinfo, Login *login)
{
	NullableDatum code = arg_passed(fcinfo, 3);
	NullableDatum account_id = arg_int64(login->account_id);

	if (code.isnull || RUN(login_device_touch, account_id, code, arg_time(login->at)) == 0)
	{
		/* Somebody else may make it meanwhile. */
		if (RUN(login_device_insert, account_id, code, arg_passed(fcinfo, 4), arg_time(login->at)) == 0)
			RUN(login_device_touch, account_id, code, arg_time(login->at));
	}
	login->device_id = arg_int64(got_int64(1));
	login->device_code.value = got_datum_to_keep(2, &login->device_code.isnull);
}

static DevicePool *
device_pools(const Login *login, int *count)
{
	DevicePool *pools;
	bool		isnull;

	*count = (int) RUN(login_pools, arg_int64(login->account_id), arg_time(login->at));
	pools = palloc(sizeof(DevicePool) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;

		pools[i].license_id = DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull));
		pools[i].name = SPI_getvalue(row, desc, 2);
		pools[i].valid = DatumGetBool(SPI_getbinval(row, desc, 3, &isnull)) && !isnull;
		pools[i].room = DatumGetBool(SPI_getbinval(row, desc, 4, &isnull)) && !isnull;
	}
	return pools;
}

static bool
acquire(const Login *login, const DevicePool *pool, bool *held)
{
	SeatHolder	holder = {
		.device_id = login->device_id, .user_id = arg_null(), .apartment_id = arg_null()
	};
	SeatAnswer	answer;

	seat_acquire(login->account_id, pool->license_id, pool->name, &holder, arg_null(), login->at, &answer);
	*held = strcmp(answer.code, "DEVICE_HELD") == 0;
	return answer.granted;
}

/* Standard licences go first, floating ones second; no pool is asked in vain, as each refusal is kept. */
static bool
allocate(const Login *login)
{
	int			count;
	DevicePool *pools = device_pools(login, &count);
	bool		asked = false;
	bool		held = false;

	for (int i = 0; i < count && !held; i++)
	{
		if (!pools[i].valid || !pools[i].room)
			continue;
		asked = true;
		if (acquire(login, &pools[i], &held))
			return true;
	}
	if (!asked && count > 0)
		return acquire(login, &pools[0], &held);
	return false;
}

/*
 * A seat the device has is used, which a floating strategy takes note of;
 * otherwise it gets one, unless the admin holds the device.
 */
static const char *
license_device(const Login *login)
{
	if (RUN(login_seat_touch, arg_int64(login->account_id), login->device_id, arg_time(login->at)) > 0)
		return ACTIVE;
	return allocate(login) ? ACTIVE : NONE;
}

static void
start_session(FunctionCallInfo fcinfo, Login *login, bool on_device)
{
	if (on_device)
		find_device(fcinfo, login);
	RUN(login_session_insert, arg_int64(login->account_id), arg_int64(login->user_id), login->device_id,
		arg_passed(fcinfo, 5), arg_time(login->at));
	login->session_id = got_int64(1);
	if (on_device)
		login->license_status = license_device(login);
}

static bool
is_on_device(const char *channel)
{
	if (strcmp(channel, "app") == 0)
		return true;
	if (strcmp(channel, "portal") != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("channel \"%s\" is neither app nor portal", cut_for_message(channel)));
	return false;
}

static Datum
login_row(FunctionCallInfo fcinfo, const char *code, const Login *login)
{
	Datum		values[7] = {CStringGetTextDatum(code)};
	bool		nulls[7] = {false, true, true, true, true, true, true};

	if (strcmp(code, OK) == 0)
	{
		values[1] = Int64GetDatum(login->session_id);
		values[2] = Int64GetDatum(login->account_id);
		values[3] = Int64GetDatum(login->user_id);
		values[4] = login->device_id.value;
		values[5] = login->device_code.value;
		values[6] = CStringGetTextDatum(login->license_status);
		memset(nulls, false, sizeof(nulls));
		nulls[4] = login->device_id.isnull;
		nulls[5] = login->device_code.isnull;
	}
	return form_result_row(fcinfo, values, nulls);
}

/*
 * license.login(account_email, user_email, password, device_code, device_kind, channel, at)
 *		→ (code, session_id, account_id, user_id, device_id, device_code, license_status)
 *		Answers OK, INVALID_CREDENTIALS or ACCOUNT_CLOSED.  In the app an
 *		unknown device is made, and a device without a licence gets one: of the
 *		standard pool, else of the floating one.  license_status is ACTIVE or
 *		NONE; the portal needs no device.  The session has no end of its own.
 *		Errors: 22004, 22023 no such channel, 23514 no such device_kind.
 *		T13, T16, T19-T22, T25, T26, T28, T30.
 */
Datum
license_login(PG_FUNCTION_ARGS)
{
	static const struct
	{
		int			n;
		const char *name;
	}			required[] = {
		{0, "account_email"}, {1, "user_email"}, {2, "password"},
		{4, "device_kind"}, {5, "channel"}, {6, "at"}
	};
	Login		login = {.device_id = {.isnull = true}, .device_code = {.isnull = true}, .license_status = NONE};
	const char *code;
	bool		on_device;
	Operation	op;

	for (int i = 0; i < lengthof(required); i++)
		require_argument(fcinfo, required[i].n, required[i].name);
	on_device = is_on_device(text_argument(fcinfo, 5));
	login.at = PG_GETARG_TIMESTAMPTZ(6);
	operation_begin(&op, fcinfo, "login", login.at);
	code = authenticate(fcinfo, &op, &login);
	if (strcmp(code, OK) == 0)
		start_session(fcinfo, &login, on_device);
	operation_end(&op);
	PG_RETURN_DATUM(login_row(fcinfo, code, &login));
}

/*
 * license.logout(account_id, session_id)
 *		Ends a session; one that has ended stays as it is.  The licence stays
 *		with the device.  Errors: 22004, 22023 unknown session.  T21.
 */
Datum
license_logout(PG_FUNCTION_ARGS)
{
	TimestampTz at = GetCurrentTransactionStartTimestamp();
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "session_id");
	operation_begin(&op, fcinfo, "logout", at);
	if (RUN(session_end, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1), arg_time(at)) == 0 &&
		RUN(session_exists, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("account %lld has no session %lld",
					   (long long) PG_GETARG_INT64(0), (long long) PG_GETARG_INT64(1)));
	operation_end(&op);
	PG_RETURN_VOID();
}
