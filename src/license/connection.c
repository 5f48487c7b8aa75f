/*
 * connection.c
 *		The connections that start a licence.
 *
 * The counted foreign key of license.connection keeps license.connections; the
 * licence's row is locked around it, so of two connections at once exactly one
 * finds that it reached the threshold.
 */
#include "core/extension.h"
#include "core/function.h"

#include "license/license.h"
#include "license/license_status.h"
#include "core/operation.h"
#include "core/statement.h"
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

/* The license_id and status of the site's licence become the row that was got. */
static void
find_live_license(int64 account_id, int64 site_id)
{
	if (RUN(connection_status, arg_int64(account_id), arg_int64(site_id)) > 0)
		return;
	if (RUN(connection_other_status, arg_int64(account_id), arg_int64(site_id)) > 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_LICENSE_NOT_FOUND),
			errmsg("site " INT64_FORMAT " has no live licence", site_id),
			errdetail("Account " INT64_FORMAT " has none that is provisioned there or assigned to it.", account_id),
			errhint("Send a licence key with license.provision()."));
}

/* A licence that is assigned here but lives at another site waits for connections there. */
static bool
counts_here(FunctionCallInfo fcinfo, int64 license_id)
{
	return RUN(connection_status, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1)) > 0 &&
		got_int64(1) == license_id;
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
 * Locked first, the licence cannot start meanwhile, and two connections of
 * transactions that could not see each other's do not both stay short of the
 * threshold.
 */
static void
count_connection(FunctionCallInfo fcinfo, int64 license_id)
{
	NullableDatum account = arg_passed(fcinfo, 0);
	NullableDatum at = arg_time(operation_at());

	if (RUN(connection_lock, account, arg_int64(license_id)) == 0 ||
		strcmp(got_text(1), PENDING_START) != 0)
		return;
	RUN(connection_insert, account, arg_int64(license_id), arg_passed(fcinfo, 1),
		arg_passed(fcinfo, 2), at);
	RUN(connection_start, account, arg_int64(license_id), at);
}

static Statement connection_answer = STATEMENT(
	"SELECT status FROM license.license WHERE account_id = $1 AND license_id = $2",
	INT8OID, INT8OID);

/* The status after a device connected to a licence that was waiting */
static Datum
connect_waiting(FunctionCallInfo fcinfo, int64 license_id)
{
	bool		isnull;

	if (counts_here(fcinfo, license_id))
		count_connection(fcinfo, license_id);
	if (RUN(connection_answer, arg_passed(fcinfo, 0), arg_int64(license_id)) == 0)
		license_not_found(PG_GETARG_INT64(0), license_id);
	return got_datum_to_keep(1, &isnull);
}

/*
 * license.record_connection(account_id, site_id, mac, at) → status
 *		Counts a device that connected while the site's licence waits for its
 *		start, each address once; the one that reaches the threshold starts the
 *		contract at that moment.  In every other status nothing is written.
 *		O19, O20, O21, O22.
 *		Errors: LX005 no live licence at the site, 22004.
 */
Datum
license_record_connection(PG_FUNCTION_ARGS)
{
	Operation	op;
	Datum		status;
	bool		isnull;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "site_id");
	require_argument(fcinfo, 2, "mac");
	operation_begin(&op, fcinfo, "record_connection", moment_argument(fcinfo, 3));
	find_live_license(PG_GETARG_INT64(0), PG_GETARG_INT64(1));
	if (strcmp(got_text(2), PENDING_START) == 0)
		status = connect_waiting(fcinfo, got_int64(1));
	else
		status = got_datum_to_keep(2, &isnull);
	operation_end(&op);
	return status;
}
