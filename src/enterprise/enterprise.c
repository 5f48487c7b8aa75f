/*
 * enterprise.c
 *		Enterprise accounts: one counting licence, a standard and a floating pool.
 *
 * Both pools always exist, an unused one with maximum 0.  So a split is one
 * UPDATE, and whether an account is standard, floating or mixed follows from the
 * pools and needs no column of its own.
 */
#include "core/extension.h"

#include "account/account_email.h"
#include "account/permission.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "enterprise/enterprise_pools.h"
#include "history/event.h"
#include "license/license_status.h"

PG_FUNCTION_INFO_V1(license_create_enterprise);
PG_FUNCTION_INFO_V1(license_split_pools);
PG_FUNCTION_INFO_V1(license_add_licenses);
PG_FUNCTION_INFO_V1(license_renew_account);

typedef struct EnterpriseLicense
{
	int64		license_id;
	bool		limited;		/* it has an end */
	TimestampTz ends_at;
	TimestampTz starts_at;
	bool		running;		/* status in_use */
} EnterpriseLicense;

/* The price of added licences; price and currency outlive the operation */
typedef struct PriceRow
{
	NullableDatum price;		/* numeric */
	NullableDatum currency;		/* text */
	char	   *event;			/* JSON for the history */
} PriceRow;

static Statement enterprise_provider_kind = STATEMENT(
	"SELECT kind FROM license.account WHERE account_id = $1 FOR KEY SHARE",
	INT8OID);

/* Raises LX041 unless the account is a provider.  Inserting the new account refuses an unknown one. */
static void
check_provider(NullableDatum provider_id)
{
	char	   *kind;

	if (provider_id.isnull || RUN(enterprise_provider_kind, provider_id) == 0)
		return;
	kind = field_text("kind");
	if (strcmp(kind, "provider") != 0)
		ereport(ERROR,
				errcode(ERRCODE_PERMISSION_MISSING),
				errmsg("account " INT64_FORMAT " cannot create enterprise accounts",
					   DatumGetInt64(provider_id.value)),
				errdetail("Its kind is %s; only a provider creates them, upon request.", kind));
}

static Statement enterprise_account_insert = STATEMENT(
	"INSERT INTO license.account"
	" (parent_id, kind, name, email, email_override, region, currency, time_zone, created_at)"
	" SELECT $1, 'client', $2, $3, $4, coalesce(p.region, 'EU'), coalesce(p.currency, 'EUR'),"
	" coalesce(p.time_zone, 'UTC'), $5"
	" FROM (VALUES ($1)) v (account_id) LEFT JOIN license.account p ON p.account_id = v.account_id"
	" ON CONFLICT DO NOTHING RETURNING account_id",
	INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);

static int64
insert_account(FunctionCallInfo fcinfo, bool warned)
{
	if (RUN(enterprise_account_insert, arg_passed(fcinfo, 4), arg_passed(fcinfo, 0), arg_passed(fcinfo, 1),
			arg_text(warned ? EMAIL_OVERRIDE_WARNED : NULL), arg_time(operation_at())) == 0)
		account_email_refuse_taken(text_argument(fcinfo, 1), "account");
	return field_int64("account_id");
}

static Statement enterprise_admin_insert = STATEMENT(
	"INSERT INTO license.account_user (account_id, email, is_admin) VALUES ($1, $2, true)"
	" ON CONFLICT DO NOTHING",
	INT8OID, TEXTOID);

/* The error does not name the user that has the address, who may belong to another tenant. */
static void
insert_admin(FunctionCallInfo fcinfo, int64 account_id)
{
	if (RUN(enterprise_admin_insert, arg_int64(account_id), arg_passed(fcinfo, 1)) == 0)
		account_email_refuse_taken(text_argument(fcinfo, 1), "user");
}

static Statement enterprise_license_insert = STATEMENT(
	"INSERT INTO license.license"
	" (account_id, sku, status, term, payment_form, starts_at, ends_at, modules, created_at)"
	" SELECT a.account_id, o.sku, 'in_use', o.term, 'annual', $2,"
	" license._calendar_add($2, o.term, a.time_zone), o.modules, $2"
	" FROM license.account a, license.offer o"
	" WHERE a.account_id = $1 AND o.sku = 'COUNT-ANNUAL' AND o.min_quantity <= $3"
	" RETURNING license_id",
	INT8OID, TIMESTAMPTZOID, INT4OID);

static void
insert_license(int64 account_id, int32 quantity, int32 floating, TimestampTz at)
{
	int64		license_id;

	if (RUN(enterprise_license_insert, arg_int64(account_id), arg_time(at), arg_int32(quantity)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_QUANTITY_INVALID),
				errmsg("quantity %d is below the smallest that is sold", quantity));
	license_id = field_int64("license_id");
	enterprise_insert_pools(account_id, license_id, quantity - floating, floating);
	event_write(account_id, "license", license_id, operation_name(), NULL,
				psprintf("{\"quantity\": %d, \"floating\": %d}", quantity, floating));
}

/*
 * license.create_enterprise(name, email, quantity, floating, provider_id, at) → account_id
 *		Creates an enterprise account with its admin and its licences.
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
	enterprise_check_quantity("quantity", quantity, 1, PG_INT32_MAX);
	enterprise_check_quantity("floating quantity", floating, 0, quantity);
	operation_begin(&op, fcinfo, OP_CREATE_ENTERPRISE, moment_argument(fcinfo, 5));
	warned = account_email_check(text_argument(fcinfo, 1), NULL);
	check_provider(arg_passed(fcinfo, 4));
	account_id = insert_account(fcinfo, warned);
	insert_admin(fcinfo, account_id);
	insert_license(account_id, quantity, floating, moment_argument(fcinfo, 5));
	operation_end(&op);
	PG_RETURN_INT64(account_id);
}

static Statement enterprise_lock = STATEMENT(
	"SELECT FROM license.account WHERE account_id = $1 FOR NO KEY UPDATE", INT8OID);

static void
lock_account(int64 account_id)
{
	RUN(enterprise_lock, arg_int64(account_id));
}

static Statement enterprise_license = STATEMENT(
	"SELECT l.license_id, l.ends_at, l.status, l.starts_at"
	" FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" WHERE l.account_id = $1 AND l.site_id IS NULL AND o.family = 'COUNT'"
	" AND l.status IN ('in_use', 'access_denied', 'contract_finalized')"
	" ORDER BY l.status = 'contract_finalized', l.ends_at DESC, l.created_at, l.license_id"
	" LIMIT 1 FOR NO KEY UPDATE OF l",
	INT8OID);

/*
 * Locks the account and the counting licence that its operations work on: of
 * those that end last, the oldest; a finalized one only if there is no other.
 */
static void
lock_license(int64 account_id, EnterpriseLicense *license)
{
	lock_account(account_id);
	if (RUN(enterprise_license, arg_int64(account_id)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_LICENSE_NOT_FOUND),
				errmsg("account " INT64_FORMAT " has no counting licences", account_id),
				errhint("Create an enterprise account with license.create_enterprise()."));
	license->license_id = field_int64("license_id");
	license->limited = !field_is_null("ends_at");
	license->ends_at = license->limited ? field_time("ends_at") : DT_NOEND;
	license->running = strcmp(field_text("status"), IN_USE) == 0;
	license->starts_at = field_is_null("starts_at") ? DT_NOEND : field_time("starts_at");
}

static Statement enterprise_pools_split = STATEMENT(
	"UPDATE license.license_pool SET maximum = CASE pool WHEN 'device' THEN $3 ELSE $4 END"
	" WHERE account_id = $1 AND license_id = $2 AND pool IN ('device', 'floating_device')",
	INT8OID, INT8OID, INT4OID, INT4OID);

/*
 * license.split_pools(account_id, floating)
 *		Divides the licences of the account between the two pools.  If plain SQL
 *		has added counting licences, only the pools of the one that lock_license()
 *		finds change.
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
	operation_begin(&op, fcinfo, OP_SPLIT_POOLS, GetCurrentTransactionStartTimestamp());
	permission_require(account_id, MOVE_LICENSES);
	lock_license(account_id, &license);
	enterprise_lock_pools(account_id, license.license_id);
	totals = enterprise_read_totals(account_id, license.license_id);
	enterprise_check_quantity("floating quantity", PG_GETARG_INT32(1), totals.floating_elsewhere,
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
			errmsg("licences of account " INT64_FORMAT " are not valid at that moment", account_id),
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

/* A copy that outlives the operation */
static NullableDatum
kept(NullableDatum value)
{
	return value.isnull ? value : arg_datum(operation_keep_varlena(value.value), false);
}

static Statement enterprise_price = STATEMENT(
	"SELECT q.price, q.currency, pg_catalog.jsonb_build_object('quantity', $3, 'pool', $4, 'days', q.remaining,"
	" 'price', q.price, 'currency', q.currency)::text AS event"
	" FROM (SELECT d.currency, d.remaining,"
	" pg_catalog.round(p.unit_price * $3 * d.remaining / d.days, 2) AS price"
	" FROM (SELECT l.sku, a.currency, t.days,"
	" extract(day FROM e.ends_at - timezone(a.time_zone, $6)) AS remaining"
	" FROM license.license l JOIN license.account a ON a.account_id = l.account_id"
	" CROSS JOIN LATERAL (SELECT timezone(a.time_zone, l.ends_at) AS ends_at) e"
	" CROSS JOIN LATERAL (SELECT extract(day FROM e.ends_at - (e.ends_at - l.term)) AS days) t"
	" WHERE l.account_id = $1 AND l.license_id = $2) d"
	" LEFT JOIN LATERAL (SELECT unit_price FROM license.offer_price WHERE sku = d.sku AND currency = d.currency"
	" AND min_quantity <= $5 ORDER BY min_quantity DESC LIMIT 1) p ON true) q",
	INT8OID, INT8OID, INT4OID, TEXTOID, INT8OID, TIMESTAMPTZOID);

/* total: units after the addition, by which the tier of the price is chosen */
static PriceRow
read_price(int64 account_id, int64 license_id, int32 quantity, const char *pool, int64 total, TimestampTz at)
{
	PriceRow	row;

	RUN(enterprise_price, arg_int64(account_id), arg_int64(license_id), arg_int32(quantity),
		arg_text(pool), arg_int64(total), arg_time(at));
	row.price = kept(field_value("price"));
	row.currency = kept(field_value("currency"));
	row.event = field_text("event");
	return row;
}

static Statement enterprise_pool_add = STATEMENT(
	"UPDATE license.license_pool SET maximum = maximum + $4"
	" WHERE account_id = $1 AND license_id = $2 AND pool = $3",
	INT8OID, INT8OID, TEXTOID, INT4OID);

/* Adds licences to the pool and returns their price. */
static PriceRow
add_to_pool(int64 account_id, int64 license_id, int32 quantity, const char *pool, TimestampTz at)
{
	EnterpriseTotals totals;
	PriceRow	price;

	enterprise_lock_pools(account_id, license_id);
	totals = enterprise_read_totals(account_id, license_id);
	enterprise_check_quantity("quantity", quantity, 1, PG_INT32_MAX - totals.all);
	RUN(enterprise_pool_add, arg_int64(account_id), arg_int64(license_id), arg_text(pool), arg_int32(quantity));
	price = read_price(account_id, license_id, quantity, pool, totals.all + quantity, at);
	event_write(account_id, "license", license_id, operation_name(), NULL, price.event);
	return price;
}

/*
 * license.add_licenses(account_id, quantity, pool, at) → (license_id, ends_at, price, currency)
 *		Adds licences that end with those that the account has.
 */
Datum
license_add_licenses(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"account_id", "quantity", "pool"};
	EnterpriseLicense license;
	int64		account_id;
	TimestampTz at;
	PriceRow	price;
	Datum		values[4];
	bool		nulls[4] = {false};
	Operation	op;

	for (int i = 0; i < lengthof(names); i++)
		require_argument(fcinfo, i, names[i]);
	account_id = PG_GETARG_INT64(0);
	at = moment_argument(fcinfo, 3);
	enterprise_check_quantity("quantity", PG_GETARG_INT32(1), 1, PG_INT32_MAX);
	check_pool(text_argument(fcinfo, 2));
	operation_begin(&op, fcinfo, OP_ADD_LICENSES, at);
	permission_require(account_id, BUY_LICENSES);
	lock_license(account_id, &license);
	check_valid(account_id, &license, at);
	price = add_to_pool(account_id, license.license_id, PG_GETARG_INT32(1), text_argument(fcinfo, 2), at);
	operation_end(&op);
	values[0] = Int64GetDatum(license.license_id);
	values[1] = TimestampTzGetDatum(license.ends_at);
	nulls[1] = !license.limited;
	values[2] = price.price.value;
	nulls[2] = price.price.isnull;
	values[3] = price.currency.value;
	nulls[3] = price.currency.isnull;
	PG_RETURN_DATUM(form_result_row(fcinfo, values, nulls));
}

static Statement enterprise_renew = STATEMENT(
	"UPDATE license.license l SET"
	" status = CASE l.status WHEN 'contract_finalized' THEN 'in_use' ELSE l.status END,"
	" reason = CASE l.status WHEN 'contract_finalized' THEN NULL ELSE l.reason END,"
	" starts_at = CASE WHEN $3 < l.ends_at THEN l.starts_at ELSE $3 END, ends_at = n.ends_at"
	" FROM (SELECT license._calendar_add(greatest(r.ends_at, $3), r.term, a.time_zone) AS ends_at, r.status,"
	" r.ends_at AS common"
	" FROM license.license r JOIN license.account a ON a.account_id = r.account_id"
	" WHERE r.account_id = $1 AND r.license_id = $2) n, license.offer o"
	" WHERE l.account_id = $1 AND l.site_id IS NULL AND o.sku = l.sku AND o.family = 'COUNT'"
	" AND (n.status = 'contract_finalized' AND l.status = 'contract_finalized' AND l.ends_at = n.common"
	" OR n.status <> 'contract_finalized' AND l.status IN ('in_use', 'access_denied'))"
	" RETURNING n.ends_at",
	INT8OID, INT8OID, TIMESTAMPTZOID);

/*
 * license.renew_account(account_id, at) → ends_at
 *		Moves all counting licences of the account to one new end.
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
	operation_begin(&op, fcinfo, OP_RENEW_ACCOUNT, moment_argument(fcinfo, 1));
	permission_require(account_id, BUY_LICENSES);
	lock_license(account_id, &license);
	if (!license.limited ||
		RUN(enterprise_renew, arg_int64(account_id), arg_int64(license.license_id), arg_time(operation_at())) == 0)
		ereport(ERROR,
				errcode(ERRCODE_LICENSE_NOT_VALID),
				errmsg("licences of account " INT64_FORMAT " have no end that could be moved", account_id));
	ends_at = field_time("ends_at");
	operation_end(&op);
	PG_RETURN_TIMESTAMPTZ(ends_at);
}
