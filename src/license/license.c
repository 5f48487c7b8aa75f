/*
 * license.c
 *		Issues licences, denies and restores access to them, finalizes and
 *		renews them.
 *
 * Every operation locks the row of the licence first and decides by the locked
 * row.  The trigger in license_status.c checks every change again, as it checks
 * plain statements.
 */
#include "license/license.h"

#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "history/event.h"
#include "license/license_status.h"

PG_FUNCTION_INFO_V1(license_issue_license);
PG_FUNCTION_INFO_V1(license_deny_access);
PG_FUNCTION_INFO_V1(license_restore_access);
PG_FUNCTION_INFO_V1(license_finalize);
PG_FUNCTION_INFO_V1(license_renew);

/* A licence, its row locked until the end of the transaction */
typedef struct License
{
	int64		account_id;
	int64		license_id;
	char	   *status;
	bool		started;
	bool		has_end;
	bool		ended;			/* or finalized */
} License;

void
license_not_found(int64 account_id, int64 license_id)
{
	ereport(ERROR,
			errcode(ERRCODE_LICENSE_NOT_FOUND),
			errmsg("licence " INT64_FORMAT " does not exist", license_id),
			errdetail("Account " INT64_FORMAT " has no such licence.", account_id));
}

static Statement license_lock = STATEMENT(
	"SELECT status, starts_at IS NOT NULL AS started, ends_at IS NOT NULL AS has_end,"
	" coalesce(ends_at <= $3, false) OR status = 'contract_finalized' AS ended"
	" FROM license.license WHERE account_id = $1 AND license_id = $2 FOR NO KEY UPDATE",
	INT8OID, INT8OID, TIMESTAMPTZOID);

static License
lock_license(int64 account_id, int64 license_id, TimestampTz at)
{
	if (RUN(license_lock, arg_int64(account_id), arg_int64(license_id), arg_time(at)) == 0)
		license_not_found(account_id, license_id);
	return (License) {
		.account_id = account_id,
		.license_id = license_id,
		.status = field_text("status"),
		.started = field_bool("started"),
		.has_end = field_bool("has_end"),
		.ended = field_bool("ended"),
	};
}

static Statement license_set_status = STATEMENT(
	"UPDATE license.license SET status = $3, reason = $4 WHERE account_id = $1 AND license_id = $2",
	INT8OID, INT8OID, TEXTOID, TEXTOID);

static void
set_status(const License *license, const char *status, const char *reason)
{
	license_status_require(license->license_id, license->status, status);
	RUN(license_set_status, arg_int64(license->account_id), arg_int64(license->license_id),
		arg_text(status), arg_text(reason));
}

static void
require_license_arguments(FunctionCallInfo fcinfo)
{
	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "license_id");
}

typedef struct RequestRow
{
	NullableDatum license_id;	/* once issued */
	bool		issuable;		/* the offer is counted in access points or rooms */
	char	   *sku;
} RequestRow;

static Statement request_lock = STATEMENT(
	"SELECT r.license_id, o.unit IN ('access_point', 'room') AS issuable, r.sku FROM license.license_request r"
	" JOIN license.offer o ON o.sku = r.sku WHERE r.account_id = $1 AND r.request_id = $2 FOR NO KEY UPDATE OF r",
	INT8OID, INT8OID);

static RequestRow
lock_request(int64 account_id, int64 request_id)
{
	if (RUN(request_lock, arg_int64(account_id), arg_int64(request_id)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("licence request " INT64_FORMAT " does not exist", request_id),
				errdetail("Account " INT64_FORMAT " has no such request.", account_id));
	return (RequestRow) {
		.license_id = field_value("license_id"),
		.issuable = field_bool("issuable"),
		.sku = field_text("sku"),
	};
}

static void
check_request(int64 account_id, int64 request_id)
{
	RequestRow	request = lock_request(account_id, request_id);

	if (!request.license_id.isnull)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_STATUS_TRANSITION),
				errmsg("licence request " INT64_FORMAT " was issued before", request_id),
				errdetail("It became licence " INT64_FORMAT ".", DatumGetInt64(request.license_id.value)),
				errhint("Read its document with license.license_document()."));
	if (!request.issuable)
		ereport(ERROR,
				errcode(ERRCODE_OFFER_NOT_AVAILABLE),
				errmsg("offer %s cannot be issued upon a licence request", cut_for_message(request.sku)),
				errdetail("It is not counted in access points or rooms."));
}

static Statement license_issue = STATEMENT(
	"INSERT INTO license.license AS l"
	" (account_id, sku, term, payment_form, partner_id, distributor_id, modules, created_at)"
	" SELECT r.account_id, r.sku, pg_catalog.make_interval(years => r.years), r.payment_form,"
	" r.partner_id, r.distributor_id,"
	" ARRAY(SELECT m FROM pg_catalog.unnest(o.base_module || o.modules || r.modules) WITH ORDINALITY u (m, n)"
	" WHERE m IS NOT NULL GROUP BY m ORDER BY min(n)), $3"
	" FROM license.license_request r JOIN license.offer o ON o.sku = r.sku"
	" WHERE r.account_id = $1 AND r.request_id = $2"
	" RETURNING l.license_id, (pg_catalog.to_jsonb(l) - 'key'::text)::text AS contents",
	INT8OID, INT8OID, TIMESTAMPTZOID);

static Statement license_issue_pool = STATEMENT(
	"INSERT INTO license.license_pool (account_id, license_id, pool, maximum)"
	" SELECT r.account_id, $3, CASE WHEN r.rooms IS NULL THEN 'access_point' ELSE 'room' END,"
	" coalesce(r.rooms, r.access_points) FROM license.license_request r"
	" WHERE r.account_id = $1 AND r.request_id = $2",
	INT8OID, INT8OID, INT8OID);

static Statement request_issued = STATEMENT(
	"UPDATE license.license_request SET license_id = $3 WHERE account_id = $1 AND request_id = $2",
	INT8OID, INT8OID, INT8OID);

/*
 * license.issue_license(account_id, request_id, at) → license_id
 *		Issues the licence that a request asks for.  The licence is pending
 *		provision, with a new key, a pool of access points or rooms, and the
 *		modules of the offer and the request.
 *		Errors: LX003 issued before, LX030 offer counts something else, 23503
 *		no such request, 22004.
 */
Datum
license_issue_license(PG_FUNCTION_ARGS)
{
	int64		account_id;
	int64		request_id;
	int64		license_id;
	TimestampTz at;
	char	   *contents;
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "request_id");
	account_id = PG_GETARG_INT64(0);
	request_id = PG_GETARG_INT64(1);
	at = moment_argument(fcinfo, 2);

	operation_begin(&op, fcinfo, OP_ISSUE_LICENSE, at);
	check_request(account_id, request_id);
	RUN(license_issue, arg_int64(account_id), arg_int64(request_id), arg_time(at));
	license_id = field_int64("license_id");
	contents = field_text("contents");
	RUN(license_issue_pool, arg_int64(account_id), arg_int64(request_id), arg_int64(license_id));
	RUN(request_issued, arg_int64(account_id), arg_int64(request_id), arg_int64(license_id));
	event_write(account_id, "license", license_id, operation_name(), NULL, contents);
	operation_end(&op);
	PG_RETURN_INT64(license_id);
}

/*
 * license.deny_access(account_id, license_id, reason, at)
 *		Denies the service of a licence.  Its contract goes on and ends at the
 *		same time.
 *		Errors: LX003 not pending start or in use, LX005, 22023 empty reason,
 *		22004.
 */
Datum
license_deny_access(PG_FUNCTION_ARGS)
{
	Operation	op;
	License		license;
	char	   *reason;

	require_license_arguments(fcinfo);
	reason = reason_argument(fcinfo, 2);
	operation_begin(&op, fcinfo, OP_DENY_ACCESS, moment_argument(fcinfo, 3));
	license = lock_license(PG_GETARG_INT64(0), PG_GETARG_INT64(1), moment_argument(fcinfo, 3));
	set_status(&license, ACCESS_DENIED, reason);
	operation_end(&op);
	PG_RETURN_VOID();
}

/*
 * license.restore_access(account_id, license_id, at)
 *		Gives a denied licence the status it had before, while its contract
 *		runs.
 *		Errors: LX003 not denied or contract ended, LX005, 22004.
 */
Datum
license_restore_access(PG_FUNCTION_ARGS)
{
	Operation	op;
	License		license;

	require_license_arguments(fcinfo);
	operation_begin(&op, fcinfo, OP_RESTORE_ACCESS, moment_argument(fcinfo, 2));
	license = lock_license(PG_GETARG_INT64(0), PG_GETARG_INT64(1), moment_argument(fcinfo, 2));
	if (strcmp(license.status, ACCESS_DENIED) != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_STATUS_TRANSITION),
				errmsg("access to licence " INT64_FORMAT " is not denied", license.license_id),
				errdetail("Its status is %s.", license.status));
	if (license.ended)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_STATUS_TRANSITION),
				errmsg("access to licence " INT64_FORMAT " cannot be restored", license.license_id),
				errdetail("Its contract has ended."),
				errhint("Renew it with license.renew() first."));
	set_status(&license, license.started ? IN_USE : PENDING_START, NULL);
	operation_end(&op);
	PG_RETURN_VOID();
}

/*
 * license.finalize(account_id, license_id, reason, at)
 *		Terminates the contract.  Its dates and seats are kept.
 *		Errors: LX003 finalized before, LX005, 22023 empty reason, 22004.
 */
Datum
license_finalize(PG_FUNCTION_ARGS)
{
	Operation	op;
	License		license;
	char	   *reason;

	require_license_arguments(fcinfo);
	reason = reason_argument(fcinfo, 2);
	operation_begin(&op, fcinfo, OP_FINALIZE, moment_argument(fcinfo, 3));
	license = lock_license(PG_GETARG_INT64(0), PG_GETARG_INT64(1), moment_argument(fcinfo, 3));
	set_status(&license, CONTRACT_FINALIZED, reason);
	operation_end(&op);
	PG_RETURN_VOID();
}

static Statement license_live_at_site = STATEMENT(
	"SELECT o.license_id FROM license.license l JOIN license.license o ON o.account_id = l.account_id"
	" AND o.site_id = coalesce($3, l.site_id) AND o.license_id <> l.license_id"
	" AND o.start_rule = 'on_connections' AND o.status IN ('pending_start', 'in_use', 'access_denied')"
	" WHERE l.account_id = $1 AND l.license_id = $2 AND l.start_rule = 'on_connections'",
	INT8OID, INT8OID, INT8OID);

void
license_check_site_is_free(int64 account_id, int64 license_id, NullableDatum site_id)
{
	int64		live_id;

	if (RUN(license_live_at_site, arg_int64(account_id), arg_int64(license_id), site_id) == 0)
		return;
	live_id = field_int64("license_id");
	ereport(ERROR,
			errcode(ERRCODE_LICENSE_ALREADY_LIVE),
			errmsg("the site has a live licence already"),
			errdetail("It is licence " INT64_FORMAT ".", live_id),
			errhint("End it with license.finalize(), or prolong it with license.renew()."));
}

static Statement license_renewable = STATEMENT(
	"SELECT o.trial, coalesce(s.license_model = 'custom', false) AS at_custom_site FROM license.license l"
	" JOIN license.offer o ON o.sku = l.sku"
	" LEFT JOIN license.site s ON s.account_id = l.account_id AND s.site_id = l.site_id"
	" WHERE l.account_id = $1 AND l.license_id = $2",
	INT8OID, INT8OID);

static void
check_renewable(const License *license)
{
	bool		trial;
	bool		at_custom_site;

	if (!license->started)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_STATUS_TRANSITION),
				errmsg("licence " INT64_FORMAT " cannot be renewed", license->license_id),
				errdetail("Its status is %s and its contract has not started.", license->status));
	if (!license->has_end && !license->ended)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("licence " INT64_FORMAT " has no end that could be renewed", license->license_id));
	RUN(license_renewable, arg_int64(license->account_id), arg_int64(license->license_id));
	trial = field_bool("trial");
	at_custom_site = field_bool("at_custom_site");
	if (trial)
		ereport(ERROR,
				errcode(ERRCODE_OFFER_NOT_AVAILABLE),
				errmsg("licence " INT64_FORMAT " is a trial and cannot be renewed", license->license_id),
				errhint("Order the offer itself with license.place_order()."));
	if (at_custom_site)
		ereport(ERROR,
				errcode(ERRCODE_MIGRATION_REQUIRED),
				errmsg("licence " INT64_FORMAT " cannot be renewed on the old licence model", license->license_id),
				errhint("Migrate the site with license.request_migration() first."));
}

static Statement license_lock_site = STATEMENT(
	"SELECT s.site_id FROM license.license l"
	" JOIN license.site s ON s.account_id = l.account_id AND s.site_id = l.site_id"
	" WHERE l.account_id = $1 AND l.license_id = $2 AND l.status = 'contract_finalized'"
	" AND l.start_rule = 'on_connections' FOR NO KEY UPDATE OF s",
	INT8OID, INT8OID);

/*
 * A renewal revives a finalized licence, so the site may not have another one
 * that lives.  The site is locked before the licence, as license.provision()
 * does it.
 */
static License
lock_for_renewal(int64 account_id, int64 license_id, TimestampTz at)
{
	bool		revived = RUN(license_lock_site, arg_int64(account_id), arg_int64(license_id)) > 0;
	License		license = lock_license(account_id, license_id, at);

	check_renewable(&license);
	if (revived)
		license_check_site_is_free(account_id, license_id, arg_null());
	return license;
}

static void
check_term(FunctionCallInfo fcinfo, int n)
{
	Interval	none = {0};

	if (PG_ARGISNULL(n) ||
		DatumGetBool(DirectFunctionCall2(interval_gt, PG_GETARG_DATUM(n), IntervalPGetDatum(&none))))
		return;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("term must be positive"));
}

static Statement license_renew_statement = STATEMENT(
	"UPDATE license.license l SET"
	" status = CASE l.status WHEN 'contract_finalized' THEN 'in_use' ELSE l.status END,"
	" reason = CASE l.status WHEN 'access_denied' THEN l.reason END,"
	" starts_at = CASE WHEN $5 THEN l.starts_at ELSE $3 END,"
	" ends_at = license._calendar_add(CASE WHEN $5 THEN l.ends_at ELSE $3 END,"
	" coalesce($4, l.term, l.ends_at - l.starts_at), a.time_zone)"
	" FROM license.account a WHERE a.account_id = $1 AND l.account_id = $1 AND l.license_id = $2"
	" RETURNING l.ends_at",
	INT8OID, INT8OID, TIMESTAMPTZOID, INTERVALOID, BOOLOID);

/*
 * license.renew(account_id, license_id, term, at) → ends_at
 *		Prolongs a licence by a term (NULL: its own).  While the contract runs,
 *		the term is added to its end.  Else a new period begins at that moment,
 *		and a finalized licence is in use again.  A denied one stays denied.
 *		Errors: LX003 not started, LX005, LX008, LX010, LX030 a trial, 22023
 *		term not positive or no end to renew, 22004.
 */
Datum
license_renew(PG_FUNCTION_ARGS)
{
	Operation	op;
	License		license;
	TimestampTz at;
	NullableDatum ends_at;

	require_license_arguments(fcinfo);
	check_term(fcinfo, 2);
	at = moment_argument(fcinfo, 3);
	operation_begin(&op, fcinfo, OP_RENEW, at);
	license = lock_for_renewal(PG_GETARG_INT64(0), PG_GETARG_INT64(1), at);
	RUN(license_renew_statement, arg_int64(license.account_id), arg_int64(license.license_id),
		arg_time(at), arg_passed(fcinfo, 2), arg_bool(!license.ended));
	ends_at = field_value("ends_at");
	operation_end(&op);
	if (ends_at.isnull)
		PG_RETURN_NULL();
	return ends_at.value;
}
