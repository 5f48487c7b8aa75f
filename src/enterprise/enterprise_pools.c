/*
 * enterprise_pools.c
 *		The standard and the floating pool of an enterprise account.
 */
#include "enterprise/enterprise_pools.h"

#include "core/field.h"
#include "core/statement.h"

void
enterprise_check_quantity(const char *what, int64 value, int64 minimum, int64 maximum)
{
	if (value < minimum || value > maximum)
		ereport(ERROR,
				errcode(ERRCODE_QUANTITY_INVALID),
				errmsg("%s " INT64_FORMAT " is not in the allowed range", what, value),
				errdetail("It must be from " INT64_FORMAT " to " INT64_FORMAT ".", minimum, maximum));
}

static Statement pools_insert = STATEMENT(
	"INSERT INTO license.license_pool (account_id, license_id, pool, maximum)"
	" VALUES ($1, $2, 'device', $3), ($1, $2, 'floating_device', $4)"
	" ON CONFLICT (account_id, license_id, pool) DO NOTHING",
	INT8OID, INT8OID, INT4OID, INT4OID);

void
enterprise_insert_pools(int64 account_id, int64 license_id, int32 standard, int32 floating)
{
	RUN(pools_insert, arg_int64(account_id), arg_int64(license_id), arg_int32(standard),
		arg_int32(floating));
}

static Statement pools_lock = STATEMENT(
	"SELECT FROM license.license_pool WHERE account_id = $1 AND license_id = $2"
	" AND pool IN ('device', 'floating_device') ORDER BY pool FOR NO KEY UPDATE",
	INT8OID, INT8OID);

void
enterprise_lock_pools(int64 account_id, int64 license_id)
{
	enterprise_insert_pools(account_id, license_id, 0, 0);
	RUN(pools_lock, arg_int64(account_id), arg_int64(license_id));
}

static Statement pools_totals = STATEMENT(
	"SELECT coalesce(pg_catalog.sum(p.maximum), 0)::bigint AS all_units,"
	" coalesce(pg_catalog.sum(p.maximum) FILTER (WHERE l.license_id = $2), 0)::bigint AS of_license,"
	" coalesce(pg_catalog.sum(p.maximum) FILTER"
	"  (WHERE l.license_id <> $2 AND p.pool = 'floating_device'), 0)::bigint AS floating_elsewhere"
	" FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" JOIN license.license_pool p ON p.account_id = l.account_id AND p.license_id = l.license_id"
	" AND p.pool IN ('device', 'floating_device')"
	" WHERE l.account_id = $1 AND l.site_id IS NULL AND o.family = 'COUNT'"
	" AND (l.status IN ('in_use', 'access_denied') OR l.license_id = $2)",
	INT8OID, INT8OID);

EnterpriseTotals
enterprise_read_totals(int64 account_id, int64 license_id)
{
	EnterpriseTotals totals;

	RUN(pools_totals, arg_int64(account_id), arg_int64(license_id));
	totals.all = field_int64("all_units");
	totals.of_license = field_int64("of_license");
	totals.floating_elsewhere = field_int64("floating_elsewhere");
	return totals;
}
