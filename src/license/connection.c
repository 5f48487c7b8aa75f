/*
 * connection.c
 *		Connections of devices, enough of which start a licence.
 *
 * The counted foreign key of license.connection maintains
 * license.license.connections.  The row of the licence is locked meanwhile, so
 * that of two concurrent connections exactly one reaches the threshold.
 */
#include "core/extension.h"

#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "license/license.h"
#include "license/license_status.h"
#include "utils/inet.h"

PG_FUNCTION_INFO_V1(license_record_connection);

static Statement connection_status = STATEMENT(
	"SELECT license_id, status FROM license.license"
	" WHERE account_id = $1 AND site_id = $2 AND start_rule = 'on_connections'"
	" AND status IN ('pending_start', 'in_use', 'access_denied')",
	INT8OID, INT8OID);

static Statement connection_other_status = STATEMENT(
	"SELECT l.license_id, l.status FROM license.license l"
	" WHERE l.account_id = $1 AND l.status IN ('pending_start', 'in_use', 'access_denied')"
	" AND (l.site_id = $2 OR EXISTS (SELECT FROM license.seat s WHERE s.account_id = $1"
	" AND s.license_id = l.license_id AND s.site_id = $2))"
	" ORDER BY l.status = 'in_use' DESC, l.license_id LIMIT 1",
	INT8OID, INT8OID);

typedef struct LiveLicense
{
	int64		license_id;
	char	   *status;
} LiveLicense;

static LiveLicense
find_live_license(FunctionCallInfo fcinfo)
{
	NullableDatum account_id = arg_passed(fcinfo, 0);
	NullableDatum site_id = arg_passed(fcinfo, 1);

	if (RUN(connection_status, account_id, site_id) == 0 && RUN(connection_other_status, account_id, site_id) == 0)
		ereport(ERROR,
				errcode(ERRCODE_LICENSE_NOT_FOUND),
				errmsg("site " INT64_FORMAT " has no live licence", PG_GETARG_INT64(1)),
				errdetail("Account " INT64_FORMAT " has none that is provisioned there or assigned to it.",
						  PG_GETARG_INT64(0)),
				errhint("Send a licence key with license.provision()."));
	return (LiveLicense) {
		.license_id = field_int64("license_id"),
		.status = field_text("status"),
	};
}

/* A licence that is assigned here but lives at another site waits for connections there. */
static bool
counts_here(FunctionCallInfo fcinfo, int64 license_id)
{
	return RUN(connection_status, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1)) > 0 &&
		field_int64("license_id") == license_id;
}

static Statement connection_lock = STATEMENT(
	"SELECT status FROM license.license WHERE account_id = $1 AND license_id = $2 FOR NO KEY UPDATE",
	INT8OID, INT8OID);

static Statement connection_insert = STATEMENT(
	"INSERT INTO license.connection (account_id, license_id, site_id, mac, first_seen_at)"
	" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, license_id, mac) DO NOTHING",
	INT8OID, INT8OID, INT8OID, MACADDROID, TIMESTAMPTZOID);

static Statement connection_start = STATEMENT(
	"UPDATE license.license l SET status = 'in_use', starts_at = $3,"
	" ends_at = license._calendar_add($3, l.term, a.time_zone)"
	" FROM license.account a, license.offer o"
	" WHERE l.account_id = $1 AND l.license_id = $2 AND l.status = 'pending_start'"
	" AND a.account_id = $1 AND o.sku = l.sku AND l.connections >= o.connection_threshold",
	INT8OID, INT8OID, TIMESTAMPTZOID);

/*
 * The lock keeps the licence from starting meanwhile.  It also makes concurrent
 * connections wait for each other: else two that do not see each other could
 * both stay below the threshold that they reach together.
 */
static void
count_connection(FunctionCallInfo fcinfo, int64 license_id)
{
	NullableDatum account = arg_passed(fcinfo, 0);
	NullableDatum at = arg_time(operation_at());

	if (RUN(connection_lock, account, arg_int64(license_id)) == 0 ||
		strcmp(field_text("status"), PENDING_START) != 0)
		return;
	RUN(connection_insert, account, arg_int64(license_id), arg_passed(fcinfo, 1),
		arg_passed(fcinfo, 2), at);
	RUN(connection_start, account, arg_int64(license_id), at);
}

static Statement connection_answer = STATEMENT(
	"SELECT status FROM license.license WHERE account_id = $1 AND license_id = $2",
	INT8OID, INT8OID);

/* Counts the device, and returns the status of the licence afterwards. */
static Datum
connect_waiting(FunctionCallInfo fcinfo, int64 license_id)
{
	if (counts_here(fcinfo, license_id))
		count_connection(fcinfo, license_id);
	if (RUN(connection_answer, arg_passed(fcinfo, 0), arg_int64(license_id)) == 0)
		license_not_found(PG_GETARG_INT64(0), license_id);
	return operation_keep_varlena(field_value("status").value);
}

/*
 * license.record_connection(account_id, site_id, mac, at) → status
 *		Counts a device that connected while the licence of the site is pending
 *		start, each hardware address once.  The device that reaches the
 *		threshold of the offer starts the contract at that moment.  In every
 *		other status it writes nothing.
 *		Errors: LX005 no live licence at the site, 22004.
 */
Datum
license_record_connection(PG_FUNCTION_ARGS)
{
	Operation	op;
	LiveLicense license;
	Datum		status;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "site_id");
	require_argument(fcinfo, 2, "mac");
	operation_begin(&op, fcinfo, OP_RECORD_CONNECTION, moment_argument(fcinfo, 3));
	license = find_live_license(fcinfo);
	if (strcmp(license.status, PENDING_START) == 0)
		status = connect_waiting(fcinfo, license.license_id);
	else
		status = operation_keep_varlena(arg_text(license.status).value);
	operation_end(&op);
	return status;
}
