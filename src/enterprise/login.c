/*
 * login.c
 *		Logging in and out, and the licence that a device gets by logging in.
 */
#include "core/extension.h"

#include "access/access.h"
#include "account/password.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/secret.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "history/denial.h"
#include "seat/seat.h"

PG_FUNCTION_INFO_V1(license_login);
PG_FUNCTION_INFO_V1(license_logout);

#define OK					"OK"
#define INVALID_CREDENTIALS "INVALID_CREDENTIALS"
#define ACCOUNT_CLOSED		"ACCOUNT_CLOSED"
#define ACTIVE				"ACTIVE"
#define NONE				"NONE"

#define MAX_DEVICE_CODE 100		/* in characters, as in the CHECK of license.device */

extern Datum license_is_device_kind(PG_FUNCTION_ARGS);

/* A login: what was given, and its result */
typedef struct Login
{
	TimestampTz at;
	bool		on_device;		/* channel app: a device logs in, not a browser */
	NullableDatum given_code;	/* of the device; NULL for a new device */
	int64		account_id;
	int64		user_id;
	int64		session_id;
	NullableDatum device_id;
	NullableDatum device_code;	/* outlives the operation */
	const char *license_status;
} Login;

/* The account and the user that the addresses of a login name */
typedef struct UserRow
{
	int64		account_id;
	bool		closed;			/* the account, at the moment of the login */
	NullableDatum user_id;		/* NULL: the account has no such user */
	char	   *password_hash;
} UserRow;

/* A pool in which devices of the account can have a seat */
typedef struct DevicePool
{
	int64		license_id;
	char	   *name;
	bool		valid;			/* its licence, at the moment of the login */
	bool		room;			/* it has a free seat, or one that can be freed or moved */
} DevicePool;

/* Keeps the denial and returns its code. */
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

static Statement login_user = STATEMENT(
	"SELECT a.account_id, a.closed_at <= $3 IS TRUE AS closed, u.user_id, u.password_hash"
	" FROM license.account a"
	" LEFT JOIN license.account_user u ON u.account_id = a.account_id AND lower(u.email) = lower($2)"
	" WHERE lower(a.email) = lower($1)",
	TEXTOID, TEXTOID, TIMESTAMPTZOID);

/* Returns false if there is no account with that address. */
static bool
find_user(FunctionCallInfo fcinfo, TimestampTz at, UserRow *user)
{
	if (argument_is_longer(fcinfo, 0, MAX_EMAIL) || argument_is_longer(fcinfo, 1, MAX_EMAIL) ||
		RUN(login_user, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1), arg_time(at)) == 0)
		return false;
	user->account_id = field_int64("account_id");
	user->closed = field_bool("closed");
	user->user_id = field_value("user_id");
	user->password_hash = field_text("password_hash");
	return true;
}

/* A caller confined to some accounts finds no users of other accounts. */
static bool
may_log_in(FunctionCallInfo fcinfo, const Operation *op, int64 account_id)
{
	return op->caller == op->owner || access_caller_may_in(fcinfo, op->caller, account_id);
}

/* The given password; NULL, which matches nothing, for a text too long to be one */
static char *
given_password(FunctionCallInfo fcinfo)
{
	return argument_is_longer(fcinfo, 2, MAX_PASSWORD) ? NULL : text_argument(fcinfo, 2);
}

/*
 * Exactly one password is hashed, whatever was given, so that neither the answer
 * nor its time tells what was wrong.  Only a caller that knows the password
 * learns that the account is closed.
 */
static const char *
authenticate(FunctionCallInfo fcinfo, const Operation *op, Login *login)
{
	UserRow		user = {0};
	bool		known = find_user(fcinfo, login->at, &user) && may_log_in(fcinfo, op, user.account_id);

	login->account_id = user.account_id;
	if (!password_matches(given_password(fcinfo), known ? user.password_hash : NULL))
		return known ? refuse(login, INVALID_CREDENTIALS, user.user_id) : INVALID_CREDENTIALS;
	if (user.closed)
		return refuse(login, ACCOUNT_CLOSED, user.user_id);
	login->user_id = DatumGetInt64(user.user_id.value);
	return OK;
}

/* The kind of a new device: phone if none was given, third_party for an unknown one. */
static NullableDatum
device_kind(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(4))
		return arg_text("phone");
	if (DatumGetBool(DirectFunctionCall1(license_is_device_kind, PG_GETARG_DATUM(4))))
		return arg_passed(fcinfo, 4);
	ereport(WARNING,
			errcode(ERRCODE_WARNING),
			errmsg("a device of an unknown kind logs in; it is taken for third_party"));
	return arg_text("third_party");
}

static Statement login_device_touch = STATEMENT(
	"UPDATE license.device SET last_seen_at = greatest(last_seen_at, $3)"
	" WHERE account_id = $1 AND device_code = $2 RETURNING device_id, device_code",
	INT8OID, TEXTOID, TIMESTAMPTZOID);

/* Reads the row of a statement that returned the device. */
static void
read_device(Login *login)
{
	login->device_id = arg_int64(field_int64("device_id"));
	login->device_code = arg_datum(operation_keep_varlena(field_value("device_code").value), false);
}

/* Returns false if the account has no device with the given code. */
static bool
touch_device(Login *login)
{
	if (RUN(login_device_touch, arg_int64(login->account_id), login->given_code, arg_time(login->at)) == 0)
		return false;
	read_device(login);
	return true;
}

static Statement login_device_insert = STATEMENT(
	"INSERT INTO license.device (account_id, device_code, kind, last_seen_at) VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (account_id, device_code) DO NOTHING RETURNING device_id, device_code",
	INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID);

/* Returns false if another transaction has inserted a device with the given code. */
static bool
insert_device(FunctionCallInfo fcinfo, Login *login)
{
	if (RUN(login_device_insert, arg_int64(login->account_id), login->given_code, device_kind(fcinfo),
			arg_time(login->at)) == 0)
		return false;
	read_device(login);
	return true;
}

/* Finds the device with the given code or inserts it; without a code, always inserts a new device. */
static void
find_device(FunctionCallInfo fcinfo, Login *login)
{
	if (!login->given_code.isnull && touch_device(login))
		return;
	if (!insert_device(fcinfo, login) && !touch_device(login))
		elog(ERROR, "the device that logs in could be neither inserted nor found");
}

static Statement login_pools = STATEMENT(
	"SELECT p.license_id, p.pool AS name,"
	" (l.status = 'in_use' AND l.starts_at <= $2 AND (l.ends_at > $2) IS NOT FALSE) IS TRUE AS valid,"
	" p.in_use < p.maximum OR p.pool = 'floating_device' OR EXISTS (SELECT FROM license.seat s"
	"  WHERE s.account_id = p.account_id AND s.license_id = p.license_id AND s.pool = p.pool"
	"  AND s.expires_at <= $2) AS room"
	" FROM license.license_pool p"
	" JOIN license.license l ON l.account_id = p.account_id AND l.license_id = p.license_id"
	" WHERE p.account_id = $1 AND l.site_id IS NULL AND p.pool IN ('device', 'floating_device')"
	" AND p.maximum > 0"
	" ORDER BY valid DESC, p.pool, l.created_at, p.license_id",
	INT8OID, TIMESTAMPTZOID);

static DevicePool *
device_pools(const Login *login, int *count)
{
	DevicePool *pools;
	TupleDesc	desc;
	bool		isnull;

	*count = (int) RUN(login_pools, arg_int64(login->account_id), arg_time(login->at));
	desc = SPI_tuptable->tupdesc;
	pools = palloc(sizeof(DevicePool) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		DevicePool *pool = &pools[i];

		pool->license_id = DatumGetInt64(SPI_getbinval(row, desc, SPI_fnumber(desc, "license_id"), &isnull));
		pool->name = SPI_getvalue(row, desc, SPI_fnumber(desc, "name"));
		pool->valid = DatumGetBool(SPI_getbinval(row, desc, SPI_fnumber(desc, "valid"), &isnull));
		pool->room = DatumGetBool(SPI_getbinval(row, desc, SPI_fnumber(desc, "room"), &isnull));
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

/*
 * Gives the device a seat, of a standard pool if possible, else of a floating
 * one.  Each refusal is kept in license.denial, so a pool without room is asked
 * only if there is no other, once.
 */
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

static Statement login_seat_touch = STATEMENT(
	"UPDATE license.seat s SET last_seen_at = greatest(s.last_seen_at, $3) FROM license.license l"
	" WHERE s.account_id = $1 AND s.device_id = $2 AND (s.expires_at > $3) IS NOT FALSE"
	" AND s.pool IN ('device', 'floating_device')"
	" AND l.account_id = s.account_id AND l.license_id = s.license_id"
	" AND l.status = 'in_use' AND l.starts_at <= $3 AND (l.ends_at > $3) IS NOT FALSE",
	INT8OID, INT8OID, TIMESTAMPTZOID);

/*
 * A device that has a seat keeps it, and counts as recently used for floating
 * strategies; otherwise it gets one, unless the admin put the device on hold.
 */
static const char *
license_device(const Login *login)
{
	if (RUN(login_seat_touch, arg_int64(login->account_id), login->device_id, arg_time(login->at)) > 0)
		return ACTIVE;
	return allocate(login) ? ACTIVE : NONE;
}

static Statement login_session_insert = STATEMENT(
	"INSERT INTO license.session (account_id, user_id, device_id, channel, started_at)"
	" VALUES ($1, $2, $3, $4, $5) RETURNING session_id",
	INT8OID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);

static void
start_session(FunctionCallInfo fcinfo, Login *login)
{
	if (login->on_device)
		find_device(fcinfo, login);
	RUN(login_session_insert, arg_int64(login->account_id), arg_int64(login->user_id), login->device_id,
		arg_text(login->on_device ? "app" : "portal"), arg_time(login->at));
	login->session_id = field_int64("session_id");
	if (login->on_device)
		login->license_status = license_device(login);
}

/* Any channel but app logs in without a device; an unknown one is treated like portal. */
static bool
is_on_device(const char *channel)
{
	if (channel == NULL || strcmp(channel, "app") == 0)
		return true;
	if (strcmp(channel, "portal") != 0)
		ereport(WARNING,
				errcode(ERRCODE_WARNING),
				errmsg("a login comes by an unknown channel; it is taken for portal"));
	return false;
}

/* Returns false for a code that no device can have; a blank code is treated like none. */
static bool
read_device_code(FunctionCallInfo fcinfo, Login *login)
{
	char	   *code;

	login->given_code = arg_null();
	if (argument_is_longer(fcinfo, 3, MAX_DEVICE_CODE))
		return false;
	code = text_argument(fcinfo, 3);
	if (code == NULL || is_blank(code))
		return true;
	login->given_code = arg_passed(fcinfo, 3);
	return is_plain_text(code, strlen(code), MAX_DEVICE_CODE, false);
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

static const char *
log_in(FunctionCallInfo fcinfo, const Operation *op, Login *login)
{
	const char *code = authenticate(fcinfo, op, login);

	if (strcmp(code, OK) != 0)
		return code;
	login->on_device = is_on_device(text_argument(fcinfo, 5));
	if (login->on_device && !read_device_code(fcinfo, login))
		return refuse(login, INVALID_CREDENTIALS, arg_int64(login->user_id));
	start_session(fcinfo, login);
	return OK;
}

/*
 * license.login(account_email, user_email, password, device_code, device_kind, channel, at)
 *		→ (code, session_id, account_id, user_id, device_id, device_code, license_status)
 *		Starts a session.  In the app, also finds or inserts the device and
 *		gives it a licence.
 */
Datum
license_login(PG_FUNCTION_ARGS)
{
	Login		login = {.device_id = {.isnull = true}, .device_code = {.isnull = true}, .license_status = NONE};
	const char *code;
	ErrorContextCallback secret;
	Operation	op;

	secret_begin(&secret);
	login.at = moment_argument(fcinfo, 6);
	operation_begin(&op, fcinfo, OP_LOGIN, login.at);
	code = log_in(fcinfo, &op, &login);
	operation_end(&op);
	secret_end(&secret);
	PG_RETURN_DATUM(login_row(fcinfo, code, &login));
}

static Statement session_end = STATEMENT(
	"UPDATE license.session SET ended_at = greatest(started_at, $3), end_reason = 'logout'"
	" WHERE account_id = $1 AND session_id = $2 AND ended_at IS NULL",
	INT8OID, INT8OID, TIMESTAMPTZOID);

static Statement session_exists = STATEMENT(
	"SELECT FROM license.session WHERE account_id = $1 AND session_id = $2",
	INT8OID, INT8OID);

/*
 * license.logout(account_id, session_id)
 *		Ends a session; one that has ended stays as it is.
 */
Datum
license_logout(PG_FUNCTION_ARGS)
{
	TimestampTz at = GetCurrentTransactionStartTimestamp();
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "session_id");
	operation_begin(&op, fcinfo, OP_LOGOUT, at);
	if (RUN(session_end, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1), arg_time(at)) == 0 &&
		RUN(session_exists, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("account " INT64_FORMAT " has no session " INT64_FORMAT,
					   PG_GETARG_INT64(0), PG_GETARG_INT64(1)));
	operation_end(&op);
	PG_RETURN_VOID();
}
