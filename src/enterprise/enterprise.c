/*
 * enterprise.c
 *		Enterprise accounts: one counting licence, a standard and a floating pool.
 *
 * Both pools are always there, an unused one with maximum 0, so that a split is
 * one UPDATE and the type of an account needs no column that could be wrong.
 */
#include "core/extension.h"
#include "core/function.h"

#include "account/account_email.h"
#include "history/event.h"
#include "license/license_status.h"
#include "core/operation.h"
#include "account/permission.h"
#include "core/statement.h"
#include "core/text_limit.h"

PG_FUNCTION_INFO_V1(license_create_enterprise);
PG_FUNCTION_INFO_V1(license_split_pools);
PG_FUNCTION_INFO_V1(license_add_licenses);
PG_FUNCTION_INFO_V1(license_renew_account);

#define STANDARD_POOL "device"
#define FLOATING_POOL "floating_device"

typedef struct EnterpriseLicense
{
	int64		license_id;
	bool		limited;		/* it has an end */
	TimestampTz ends_at;
	TimestampTz starts_at;
	bool		running;		/* status in_use */
} EnterpriseLicense;

/* Units of all live counting licences of an account, of one of them, and those floating in the others */
typedef struct EnterpriseTotals
{
	int64		all;
	int64		of_license;
	int64		floating_elsewhere;
} EnterpriseTotals;

static void
refuse_quantity(const char *what, int64 value, int64 minimum, int64 maximum)
{
	ereport(ERROR,
			errcode(ERRCODE_QUANTITY_INVALID),
			errmsg("%s %lld is not in the allowed range", what, (long long) value),
			errdetail("It must be from %lld to %lld.", (long long) minimum, (long long) maximum));
}

static void
check_quantity(const char *what, int64 value, int64 minimum, int64 maximum)
{
	if (value < minimum || value > maximum)
		refuse_quantity(what, value, minimum, maximum);
}

static Statement enterprise_provider_kind = STATEMENT(
	"SELECT kind FROM license.account WHERE account_id = $1 FOR KEY SHARE",
	INT8OID);

static void
check_provider(NullableDatum provider_id)
{
	if (provider_id.isnull || RUN(enterprise_provider_kind, provider_id) == 0 ||
		strcmp(got_text(1), "provider") == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_PERMISSION_MISSING),
			errmsg("account %lld cannot create enterprise accounts",
				   (long long) DatumGetInt64(provider_id.value)),
			errdetail("Its kind is %s; only a provider creates them, upon request.", got_text(1)));
}

static Statement enterprise_account_insert = STATEMENT(
	"INSERT INTO license.account (parent_id, kind, name, email, email_override, region, currency, time_zone, created_at)"
	" SELECT $1, 'client', $2, $3, $4, coalesce(p.region, 'EU'), coalesce(p.currency, 'EUR'),"
	" coalesce(p.time_zone, 'UTC'), $5"
	" FROM (VALUES ($1)) v (account_id) LEFT JOIN license.account p ON p.account_id = v.account_id"
	" ON CONFLICT DO NOTHING RETURNING account_id",
	INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);

static int64
insert_account(FunctionCallInfo fcinfo, bool warned)
{
	RUN(enterprise_account_insert, arg_passed(fcinfo, 4), arg_passed(fcinfo, 0), arg_passed(fcinfo, 1),
		arg_text(warned ? EMAIL_OVERRIDE_WARNED : NULL), arg_time(operation_at()));
	if (SPI_processed == 0)
		account_email_refuse_taken(text_argument(fcinfo, 1), "account");
	return got_int64(1);
}

static Statement enterprise_admin_insert = STATEMENT(
	"INSERT INTO license.account_user (account_id, email, is_admin) VALUES ($1, $2, true)"
	" ON CONFLICT DO NOTHING",
	INT8OID, TEXTOID);

/* Who has the address is not told: it may be somebody of another tenant. */
static void
insert_admin(FunctionCallInfo fcinfo, int64 account_id)
{
	if (RUN(enterprise_admin_insert, arg_int64(account_id), arg_passed(fcinfo, 1)) == 0)
		account_email_refuse_taken(text_argument(fcinfo, 1), "user");
}

static Statement enterprise_license_insert = STATEMENT(
	"INSERT INTO license.license (account_id, sku, status, term, payment_form, starts_at, ends_at, modules, created_at)"
	" SELECT a.account_id, o.sku, 'in_use', o.term, 'annual', $2,"
	" license._calendar_add($2, o.term, a.time_zone), o.modules, $2"
	" FROM license.account a, license.offer o"
	" WHERE a.account_id = $1 AND o.sku = 'COUNT-ANNUAL' AND o.min_quantity <= $3"
	" RETURNING license_id",
	INT8OID, TIMESTAMPTZOID, INT4OID);

static Statement enterprise_pools_insert = STATEMENT(
	"INSERT INTO license.license_pool (account_id, license_id, pool, maximum)"
	" VALUES ($1, $2, 'device', $3), ($1, $2, 'floating_device', $4)"
	" ON CONFLICT (account_id, license_id, pool) DO NOTHING",
	INT8OID, INT8OID, INT4OID, INT4OID);

static Statement enterprise_lock = STATEMENT(
	"SELECT account_id FROM license.account WHERE account_id = $1 FOR NO KEY UPDATE",
	INT8OID);

static Statement enterprise_license = STATEMENT(
	"SELECT l.license_id, l.ends_at, l.status, l.starts_at, l.term FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" WHERE l.account_id = $1 AND l.site_id IS NULL AND o.family = 'COUNT'"
	" AND l.status IN ('in_use', 'access_denied', 'contract_finalized')"
	" ORDER BY l.status = 'contract_finalized', l.ends_at DESC, l.created_at, l.license_id"
	" LIMIT 1 FOR NO KEY UPDATE OF l",
	INT8OID);

static Statement enterprise_lock_pools = STATEMENT(
	"SELECT maximum FROM license.license_pool WHERE account_id = $1 AND license_id = $2"
	" AND pool IN ('device', 'floating_device') ORDER BY pool FOR NO KEY UPDATE",
	INT8OID, INT8OID);

static Statement enterprise_totals = STATEMENT(
	"SELECT coalesce(pg_catalog.sum(p.maximum), 0)::bigint,"
	" coalesce(pg_catalog.sum(p.maximum) FILTER (WHERE l.license_id = $2), 0)::bigint,"
	" coalesce(pg_catalog.sum(p.maximum) FILTER (WHERE l.license_id <> $2 AND p.pool = 'floating_device'), 0)::bigint"
	" FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" JOIN license.license_pool p ON p.account_id = l.account_id AND p.license_id = l.license_id"
	" AND p.pool IN ('device', 'floating_device')"
	" WHERE l.account_id = $1 AND l.site_id IS NULL AND o.family = 'COUNT'"
	" AND (l.status IN ('in_use', 'access_denied') OR l.license_id = $2)",
	INT8OID, INT8OID);

static Statement enterprise_pools_split = STATEMENT(
	"UPDATE license.license_pool SET maximum = CASE pool WHEN 'device' THEN $3 ELSE $4 END"
	" WHERE account_id = $1 AND license_id = $2 AND pool IN ('device', 'floating_device')",
	INT8OID, INT8OID, INT4OID, INT4OID);

static Statement enterprise_pool_add = STATEMENT(
	"UPDATE license.license_pool SET maximum = maximum + $4"
	" WHERE account_id = $1 AND license_id = $2 AND pool = $3",
	INT8OID, INT8OID, TEXTOID, INT4OID);

static Statement enterprise_price = STATEMENT(
	"SELECT q.price, q.currency, pg_catalog.jsonb_build_object('quantity', $3, 'pool', $4, 'days', q.remaining,"
	" 'price', q.price, 'currency', q.currency)::text"
	" FROM (SELECT d.currency, d.remaining, pg_catalog.round(p.unit_price * $3 * d.remaining / d.days, 2) AS price"
	" FROM (SELECT l.sku, a.currency, t.days,"
	" extract(day FROM e.ends_at - timezone(a.time_zone, $6)) AS remaining"
	" FROM license.license l JOIN license.account a ON a.account_id = l.account_id"
	" CROSS JOIN LATERAL (SELECT timezone(a.time_zone, l.ends_at) AS ends_at) e"
	" CROSS JOIN LATERAL (SELECT extract(day FROM e.ends_at - (e.ends_at - l.term)) AS days) t"
	" WHERE l.account_id = $1 AND l.license_id = $2) d"
	" LEFT JOIN LATERAL (SELECT unit_price FROM license.offer_price WHERE sku = d.sku AND currency = d.currency"
	" AND min_quantity <= $5 ORDER BY min_quantity DESC LIMIT 1) p ON true) q",
	INT8OID, INT8OID, INT4OID, TEXTOID, INT8OID, TIMESTAMPTZOID);

static Statement enterprise_renew = STATEMENT(
	"UPDATE license.license l SET status = CASE l.status WHEN 'contract_finalized' THEN 'in_use' ELSE l.status END,"
	" reason = CASE l.status WHEN 'contract_finalized' THEN NULL ELSE l.reason END,"
	" starts_at = CASE WHEN $3 < l.ends_at THEN l.starts_at ELSE $3 END, ends_at = n.ends_at"
	" FROM (SELECT license._calendar_add(greatest(r.ends_at, $3), r.term, a.time_zone) AS ends_at, r.status, r.ends_at AS common"
	" FROM license.license r JOIN license.account a ON a.account_id = r.account_id"
	" WHERE r.account_id = $1 AND r.license_id = $2) n, license.offer o"
	" WHERE l.account_id = $1 AND l.site_id IS NULL AND o.sku = l.sku AND o.family = 'COUNT'"
	" AND (n.status = 'contract_finalized' AND l.status = 'contract_finalized' AND l.ends_at = n.common"
	" OR n.status <> 'contract_finalized' AND l.status IN ('in_use', 'access_denied'))"
	" RETURNING n.ends_at",
	INT8OID, INT8OID, TIMESTAMPTZOID);

static void
insert_license(int64 account_id, int32 quantity, int32 floating, TimestampTz at)
{
	int64		license_id;

	if (RUN(enterprise_license_insert, arg_int64(account_id), arg_time(at), arg_int32(quantity)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_QUANTITY_INVALID),
				errmsg("quantity %d is below the smallest that is sold", quantity));
	license_id = got_int64(1);
	RUN(enterprise_pools_insert, arg_int64(account_id), arg_int64(license_id),
		arg_int32(quantity - floating), arg_int32(floating));
	event_write(account_id, "license", license_id, "create_enterprise", NULL,
				psprintf("{\"quantity\": %d, \"floating\": %d}", quantity, floating));
}

/*
 * license.create_enterprise(name, email, quantity, floating, provider_id, at) → account_id
 *		Creates an account, its admin, who logs in by the account e-mail once a
 *		password is set, and its licences for one year, floating ones of them in
 *		the floating pool.  Region, currency and time zone are the provider's.
 *		Errors: 22004, LX031, LX040, LX041 not a provider, 23503, 23505, 23514.
 *		T1, T3, T7, T8, T11-T14.
 */
Datum
license_create_enterprise(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"name", "email", "quantity", "floating"};
	int32		quantity;
	int32		floating;
	int64		account_id;
	bool		warned;
	Operation	op;

	for (int i = 0; i < lengthof(names); i++)
		require_argument(fcinfo, i, names[i]);
	quantity = PG_GETARG_INT32(2);
	floating = PG_GETARG_INT32(3);
	check_quantity("quantity", quantity, 1, PG_INT32_MAX);
	check_quantity("floating quantity", floating, 0, quantity);
	operation_begin(&op, fcinfo, "create_enterprise", moment_argument(fcinfo, 5));
	warned = account_email_check(text_argument(fcinfo, 1), NULL);
	check_provider(arg_passed(fcinfo, 4));
	account_id = insert_account(fcinfo, warned);
	insert_admin(fcinfo, account_id);
	insert_license(account_id, quantity, floating, moment_argument(fcinfo, 5));
	operation_end(&op);
	PG_RETURN_INT64(account_id);
}

/* Locks the account and answers the counting licence its operations work on. */
static void
lock_license(int64 account_id, EnterpriseLicense *license)
{
	RUN(enterprise_lock, arg_int64(account_id));
	if (RUN(enterprise_license, arg_int64(account_id)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_LICENSE_NOT_FOUND),
				errmsg("account %lld has no counting licences", (long long) account_id),
				errhint("Create an enterprise account with license.create_enterprise()."));
	license->license_id = got_int64(1);
	license->limited = !got_null(2);
	license->ends_at = license->limited ? got_time(2) : DT_NOEND;
	license->running = strcmp(got_text(3), IN_USE) == 0;
	license->starts_at = got_null(4) ? DT_NOEND : got_time(4);
}

/* Locks both pools, standard before floating as logins do, and sums them up. */
static void
lock_pools(int64 account_id, int64 license_id, EnterpriseTotals *totals)
{
	RUN(enterprise_pools_insert, arg_int64(account_id), arg_int64(license_id), arg_int32(0), arg_int32(0));
	RUN(enterprise_lock_pools, arg_int64(account_id), arg_int64(license_id));
	RUN(enterprise_totals, arg_int64(account_id), arg_int64(license_id));
	totals->all = got_int64(1);
	totals->of_license = got_int64(2);
	totals->floating_elsewhere = got_int64(3);
}

/*
 * license.split_pools(account_id, floating)
 *		Makes that many of the account's licences floating and the others
 *		standard, at once; the total stays.  Should more licences have been
 *		added by plain SQL, the oldest one takes the difference.
 *		Errors: 22004, LX005, LX031 not from 0 to the total, LX032 below what is
 *		in use, LX041.  T3, T7, T8, T31.
 */
Datum
license_split_pools(PG_FUNCTION_ARGS)
{
	EnterpriseLicense license;
	EnterpriseTotals totals;
	int64		account_id;
	int64		floating;
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "floating");
	account_id = PG_GETARG_INT64(0);
	operation_begin(&op, fcinfo, "split_pools", GetCurrentTransactionStartTimestamp());
	permission_require(account_id, MOVE_LICENSES);
	lock_license(account_id, &license);
	lock_pools(account_id, license.license_id, &totals);
	check_quantity("floating quantity", PG_GETARG_INT32(1), totals.floating_elsewhere,
				   totals.floating_elsewhere + totals.of_license);
	floating = PG_GETARG_INT32(1) - totals.floating_elsewhere;
	RUN(enterprise_pools_split, arg_int64(account_id), arg_int64(license.license_id),
		arg_int32((int32) (totals.of_license - floating)), arg_int32((int32) floating));
	operation_end(&op);
	PG_RETURN_VOID();
}

static void
check_valid(int64 account_id, const EnterpriseLicense *license, TimestampTz at)
{
	if (license->running && license->starts_at <= at && at < license->ends_at)
		return;
	ereport(ERROR,
			errcode(ERRCODE_LICENSE_NOT_VALID),
			errmsg("licences of account %lld are not valid at that moment", (long long) account_id),
			license->limited ? errdetail("They end at %s.", timestamptz_to_str(license->ends_at)) : 0,
			errhint("Renew them with license.renew_account()."));
}

static void
check_pool(const char *pool)
{
	if (strcmp(pool, STANDARD_POOL) != 0 && strcmp(pool, FLOATING_POOL) != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("pool \"%s\" is neither %s nor %s", cut_for_message(pool), STANDARD_POOL, FLOATING_POOL));
}

/* Adds to the pool and says for which price; both outlive the operation. */
static void
add_to_pool(int64 account_id, const EnterpriseLicense *license, int32 quantity,
			const char *pool, TimestampTz at, NullableDatum *price, NullableDatum *currency)
{
	EnterpriseTotals totals;

	lock_pools(account_id, license->license_id, &totals);
	check_quantity("quantity", quantity, 1, PG_INT32_MAX - totals.all);
	RUN(enterprise_pool_add, arg_int64(account_id), arg_int64(license->license_id),
		arg_text(pool), arg_int32(quantity));
	RUN(enterprise_price, arg_int64(account_id), arg_int64(license->license_id), arg_int32(quantity),
		arg_text(pool), arg_int64(totals.all + quantity), arg_time(at));
	price->value = got_datum_to_keep(1, &price->isnull);
	currency->value = got_datum_to_keep(2, &currency->isnull);
	event_write(account_id, "license", license->license_id, "add_licenses", NULL, got_text(3));
}

/*
 * license.add_licenses(account_id, quantity, pool, at) → (license_id, ends_at, price, currency)
 *		Adds licences that end with those the account has.  The price is that of
 *		the tier of the new total, for the whole days left of the term, rounded
 *		to cents; NULL when no price fits.
 *		Errors: 22004, 22023 no such pool, LX005, LX007 not valid at that
 *		moment, LX031, LX041.  T2, T9, T10, P4, P6.
 */
Datum
license_add_licenses(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"account_id", "quantity", "pool"};
	EnterpriseLicense license;
	int64		account_id;
	TimestampTz at;
	NullableDatum price;
	NullableDatum currency;
	Datum		values[4];
	bool		nulls[4] = {false};
	Operation	op;

	for (int i = 0; i < lengthof(names); i++)
		require_argument(fcinfo, i, names[i]);
	account_id = PG_GETARG_INT64(0);
	at = moment_argument(fcinfo, 3);
	check_quantity("quantity", PG_GETARG_INT32(1), 1, PG_INT32_MAX);
	check_pool(text_argument(fcinfo, 2));
	operation_begin(&op, fcinfo, "add_licenses", at);
	permission_require(account_id, BUY_LICENSES);
	lock_license(account_id, &license);
	check_valid(account_id, &license, at);
	add_to_pool(account_id, &license, PG_GETARG_INT32(1), text_argument(fcinfo, 2), at, &price, &currency);
	operation_end(&op);
	values[0] = Int64GetDatum(license.license_id);
	values[1] = TimestampTzGetDatum(license.ends_at);
	nulls[1] = !license.limited;
	values[2] = price.value;
	nulls[2] = price.isnull;
	values[3] = currency.value;
	nulls[3] = currency.isnull;
	PG_RETURN_DATUM(form_result_row(fcinfo, values, nulls));
}

/*
 * license.renew_account(account_id, at) → ends_at
 *		Moves all counting licences of the account to one new date: a term from
 *		their common end, or from at when that has passed.  Seats stay with
 *		their devices.  Errors: 22004, LX005, LX007 open-ended, LX041.
 *		T9, T10, T30.
 */
Datum
license_renew_account(PG_FUNCTION_ARGS)
{
	EnterpriseLicense license;
	int64		account_id;
	TimestampTz ends_at;
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	account_id = PG_GETARG_INT64(0);
	operation_begin(&op, fcinfo, "renew_account", moment_argument(fcinfo, 1));
	permission_require(account_id, BUY_LICENSES);
	lock_license(account_id, &license);
	if (!license.limited ||
		RUN(enterprise_renew, arg_int64(account_id), arg_int64(license.license_id), arg_time(operation_at())) == 0)
		ereport(ERROR,
				errcode(ERRCODE_LICENSE_NOT_VALID),
				errmsg("licences of account %lld have no end that could be moved", (long long) account_id));
	ends_at = got_time(1);
	operation_end(&op);
	PG_RETURN_TIMESTAMPTZ(ends_at);
}
