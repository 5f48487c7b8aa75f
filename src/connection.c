/*
 * connection.c
 *		The connections that start a licence.
 *
 * The counted foreign key of license.connection keeps license.connections; the
 * licence's row is locked around it, so of two connections at once exactly one
 * finds that it reached the threshold.
 */
#include "license_ext.h"

#include "license.h"
#include "license_status.h"
#include "operation.h"
#include "plans.h"
#include "utils/inet.h"

PG_FUNCTION_INFO_V1(license_record_connection);

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
