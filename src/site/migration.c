/*
 * migration.c
 *		Moves a site from the custom licence model to subscriptions.  The
 *		customer prepares the site and files a request, support approves it,
 *		which changes the model, and the customer chooses the type of the site.
 *
 * Every operation locks the site before the request: a fixed order prevents
 * deadlocks.
 */
#include "core/extension.h"

#include "account/site.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "history/event.h"
#include "lib/stringinfo.h"

PG_FUNCTION_INFO_V1(license_migration_blockers);
PG_FUNCTION_INFO_V1(license_request_migration);
PG_FUNCTION_INFO_V1(license_approve_migration);
PG_FUNCTION_INFO_V1(license_set_site_type);
PG_FUNCTION_INFO_V1(license_migration_request_trg);

/* At most so many devices are listed in an error message. */
#define MAX_NAMED 50

static Statement migration_blocking_devices = STATEMENT(
	"WITH device AS ("
	" SELECT d.device_id, d.device_code, d.kind, d.seats, d.apartment_id, u.apartment_id AS user_apartment_id"
	" FROM license.device d"
	" LEFT JOIN license.account_user u ON u.account_id = d.account_id AND u.user_id = d.user_id"
	" WHERE d.account_id = $1 AND d.site_id = $2"
	" UNION ALL SELECT d.device_id, d.device_code, d.kind, d.seats, d.apartment_id, u.apartment_id"
	" FROM license.account_user u JOIN license.device d ON d.account_id = u.account_id AND d.user_id = u.user_id"
	" WHERE u.account_id = $1 AND u.site_id = $2 AND d.site_id IS NULL),"
	" crowd AS (SELECT a.apartment_id, a.seat_limit, pg_catalog.sum(d.seats) AS seats FROM device d"
	" JOIN license.apartment a ON a.account_id = $1"
	" AND a.apartment_id = coalesce(d.apartment_id, d.user_apartment_id)"
	" GROUP BY a.apartment_id, a.seat_limit HAVING pg_catalog.sum(d.seats) > coalesce(a.seat_limit, 4))"
	" SELECT device_id, device_code, kind, apartment_id, problem FROM ("
	" SELECT device_id, device_code, kind, apartment_id, 'device is not assigned to an apartment'::text AS problem"
	" FROM device WHERE kind <> 'intercom' AND coalesce(apartment_id, user_apartment_id) IS NULL"
	" UNION ALL SELECT device_id, device_code, kind, apartment_id,"
	" pg_catalog.format('device is not in apartment %s of its user', user_apartment_id)"
	" FROM device WHERE apartment_id <> user_apartment_id"
	" UNION ALL SELECT d.device_id, d.device_code, d.kind, c.apartment_id,"
	" pg_catalog.format('apartment %s holds %s paid devices of at most %s',"
	" c.apartment_id, c.seats, coalesce(c.seat_limit, 4))"
	" FROM crowd c JOIN device d ON coalesce(d.apartment_id, d.user_apartment_id) = c.apartment_id"
	" WHERE d.seats > 0) b"
	" ORDER BY device_id, problem",
	INT8OID, INT8OID);

/*
 * license.migration_blockers(account_id, site_id)
 *		→ SETOF (device_id, device_code, kind, apartment_id, problem)
 *		Lists the devices that prevent a migration: those other than intercoms
 *		without an apartment, those of apartments above their limit (4 where
 *		they have none), and those in another apartment than their user.  The
 *		site is ready when there are none.  Changes nothing.
 *		Errors: 23503, 22004.
 */
Datum
license_migration_blockers(PG_FUNCTION_ARGS)
{
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "site_id");
	operation_begin(&op, fcinfo, OP_MIGRATION_BLOCKERS, GetCurrentTransactionStartTimestamp());
	site_require_existing(PG_GETARG_INT64(0), PG_GETARG_INT64(1));
	RUN(migration_blocking_devices, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1));
	return_rows(fcinfo);
	operation_end(&op);
	return (Datum) 0;
}

static char *
list_devices(const SPITupleTable *blockers)
{
	TupleDesc	desc = blockers->tupdesc;
	int			device_code = SPI_fnumber(desc, "device_code");
	int			problem = SPI_fnumber(desc, "problem");
	StringInfoData list;

	initStringInfo(&list);
	for (uint64 i = 0; i < Min(blockers->numvals, MAX_NAMED); i++)
		appendStringInfo(&list, "%s%s (%s)", i > 0 ? ", " : "",
						 cut_for_message(SPI_getvalue(blockers->vals[i], desc, device_code)),
						 SPI_getvalue(blockers->vals[i], desc, problem));
	if (blockers->numvals > MAX_NAMED)
		appendStringInfo(&list, " and " UINT64_FORMAT " more", blockers->numvals - MAX_NAMED);
	return list.data;
}

/* Looks at the latest rows: a device added since this transaction began prevents the migration, too. */
static void
require_ready(int64 account_id, int64 site_id)
{
	if (RUN_LATEST(migration_blocking_devices, arg_int64(account_id), arg_int64(site_id)) > 0)
		ereport(ERROR,
				errcode(ERRCODE_MIGRATION_NOT_READY),
				errmsg("site " INT64_FORMAT " is not ready for the migration", site_id),
				errdetail("In the way: %s.", list_devices(SPI_tuptable)),
				errhint("license.migration_blockers() lists them; assign each device to an apartment."));
}

static Statement migration_site_lock = STATEMENT(
	"SELECT license_model, site_type FROM license.site WHERE account_id = $1 AND site_id = $2 FOR NO KEY UPDATE",
	INT8OID, INT8OID);

static Site
lock_site(int64 account_id, int64 site_id)
{
	if (RUN(migration_site_lock, arg_int64(account_id), arg_int64(site_id)) == 0)
		site_refuse_unknown(account_id, site_id);
	return (Site) {
		.account_id = account_id,
		.site_id = site_id,
		.model = field_text("license_model"),
		.type = field_text("site_type"),
	};
}

static void
require_custom(const Site *site)
{
	if (!site_is_custom(site))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_STATUS_TRANSITION),
				errmsg("site " INT64_FORMAT " needs no migration", site->site_id),
				errdetail("Its licence model is \"%s\".", site->model));
}

static Statement migration_request_new = STATEMENT(
	"INSERT INTO license.migration_request (account_id, site_id, channel, ticket, requested_by, requested_at)"
	" VALUES ($1, $2, $3, $4, $5, $6)"
	" ON CONFLICT (account_id, site_id) WHERE state = 'open' DO NOTHING RETURNING request_id",
	INT8OID, INT8OID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID);

static int64
file_request(FunctionCallInfo fcinfo)
{
	if (RUN(migration_request_new, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1),
			arg_passed(fcinfo, 2), arg_passed(fcinfo, 3), arg_passed(fcinfo, 4),
			arg_time(operation_at())) == 0)
		ereport(ERROR,
				errcode(ERRCODE_UNIQUE_VIOLATION),
				errmsg("site " INT64_FORMAT " has an open migration request", PG_GETARG_INT64(1)),
				errdetail("There is one at a time."));
	return field_int64("request_id");
}

/*
 * license.request_migration(account_id, site_id, channel, ticket, requested_by, at) → bigint
 *		Files the customer's request and returns its id.  A request made by
 *		replying to a ticket gives the number of the ticket.
 *		Errors: LX011 not ready, LX003 the site needs no migration, 23505 a
 *		request is open, 23514 channel and ticket do not fit, 23503 no such
 *		site or user, 22004.
 */
Datum
license_request_migration(PG_FUNCTION_ARGS)
{
	Operation	op;
	Site		site;
	int64		request_id;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "site_id");
	require_argument(fcinfo, 2, "channel");
	operation_begin(&op, fcinfo, OP_REQUEST_MIGRATION, moment_argument(fcinfo, 5));
	site = lock_site(PG_GETARG_INT64(0), PG_GETARG_INT64(1));
	require_custom(&site);
	require_ready(site.account_id, site.site_id);
	request_id = file_request(fcinfo);
	event_write(site.account_id, "site", site.site_id, operation_name(), NULL,
				psprintf("{\"request_id\": " INT64_FORMAT "}", request_id));
	operation_end(&op);
	PG_RETURN_INT64(request_id);
}

static void
refuse_decided(int64 request_id, const char *state)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_STATUS_TRANSITION),
			errmsg("migration request " INT64_FORMAT " was decided before", request_id),
			errdetail("It is %s.", state));
}

static Statement migration_request_site = STATEMENT(
	"SELECT site_id FROM license.migration_request WHERE account_id = $1 AND request_id = $2",
	INT8OID, INT8OID);

static int64
site_of_request(int64 account_id, int64 request_id)
{
	if (RUN(migration_request_site, arg_int64(account_id), arg_int64(request_id)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("migration request " INT64_FORMAT " does not exist", request_id),
				errdetail("Account " INT64_FORMAT " has no such request.", account_id));
	return field_int64("site_id");
}

static Statement migration_request_lock = STATEMENT(
	"SELECT state FROM license.migration_request WHERE account_id = $1 AND request_id = $2 FOR UPDATE",
	INT8OID, INT8OID);

static void
lock_open_request(int64 account_id, int64 request_id)
{
	char	   *state;

	RUN(migration_request_lock, arg_int64(account_id), arg_int64(request_id));
	state = field_text("state");
	if (strcmp(state, "open") != 0)
		refuse_decided(request_id, state);
}

#define USERS_OF_SITE \
	"(SELECT user_id FROM license.account_user WHERE account_id = $1 AND site_id = $2" \
	" UNION SELECT user_id FROM license.device WHERE account_id = $1 AND site_id = $2 AND user_id IS NOT NULL)"

static Statement migration_users_lock = STATEMENT(
	"SELECT FROM license.account_user u WHERE u.account_id = $1 AND u.user_id IN " USERS_OF_SITE
	" ORDER BY u.user_id FOR UPDATE",
	INT8OID, INT8OID);

static Statement migration_site_lock_devices = STATEMENT(
	"SELECT FROM license.site WHERE account_id = $1 AND site_id = $2 FOR UPDATE",
	INT8OID, INT8OID);

static Statement migration_apartments_lock_devices = STATEMENT(
	"SELECT FROM license.apartment WHERE account_id = $1 AND site_id = $2 ORDER BY apartment_id FOR UPDATE",
	INT8OID, INT8OID);

/*
 * Locks the users first, so that no login is under way; then the site and its
 * apartments, so that no device is added; then the request.  The apartments
 * need locks of their own, because adding a device to an apartment locks only
 * the apartment.
 */
static void
lock_for_approval(int64 account_id, int64 site_id, int64 request_id)
{
	RUN(migration_users_lock, arg_int64(account_id), arg_int64(site_id));
	RUN(migration_site_lock_devices, arg_int64(account_id), arg_int64(site_id));
	RUN_LATEST(migration_apartments_lock_devices, arg_int64(account_id), arg_int64(site_id));
	lock_open_request(account_id, request_id);
}

static Statement migration_sessions_end = STATEMENT(
	"UPDATE license.session s SET ended_at = greatest($3, s.started_at), end_reason = 'migration'"
	" WHERE s.account_id = $1 AND s.user_id IN " USERS_OF_SITE " AND s.ended_at IS NULL AND s.channel = 'app'",
	INT8OID, INT8OID, TIMESTAMPTZOID);

static Statement migration_sessions_open = STATEMENT(
	"SELECT FROM license.session s WHERE s.account_id = $1 AND s.user_id IN " USERS_OF_SITE
	" AND s.ended_at IS NULL AND s.channel = 'app' LIMIT 1",
	INT8OID, INT8OID);

/* A concurrent login is invisible at REPEATABLE READ.  Its session must not survive, so it raises 40001. */
static uint64
end_sessions(int64 account_id, int64 site_id, TimestampTz at)
{
	uint64		ended = RUN(migration_sessions_end, arg_int64(account_id), arg_int64(site_id),
							arg_time(at));

	if (RUN_LATEST(migration_sessions_open, arg_int64(account_id), arg_int64(site_id)) > 0)
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not serialize access due to a concurrent login"),
				errhint("The transaction might succeed if retried."));
	return ended;
}

static Statement migration_site_change = STATEMENT(
	"UPDATE license.site SET license_model = 'subscription', site_type = NULL, legacy_ends_at = NULL"
	" WHERE account_id = $1 AND site_id = $2",
	INT8OID, INT8OID);

static Statement migration_request_approve = STATEMENT(
	"UPDATE license.migration_request SET state = 'approved', decided_at = $3"
	" WHERE account_id = $1 AND request_id = $2",
	INT8OID, INT8OID, TIMESTAMPTZOID);

static Statement migration_notice = STATEMENT(
	"INSERT INTO license.notice (account_id, kind, site_id, due_at, recipient, payload)"
	" SELECT r.account_id, 'migration_approved', r.site_id, $3, coalesce(u.email, a.email),"
	" pg_catalog.jsonb_build_object('request_id', r.request_id, 'site', s.name, 'ticket', r.ticket)"
	" FROM license.migration_request r JOIN license.account a ON a.account_id = r.account_id"
	" JOIN license.site s ON s.account_id = r.account_id AND s.site_id = r.site_id"
	" LEFT JOIN license.account_user u ON u.account_id = r.account_id AND u.user_id = r.requested_by"
	" WHERE r.account_id = $1 AND r.request_id = $2",
	INT8OID, INT8OID, TIMESTAMPTZOID);

static uint64
approve(int64 account_id, int64 request_id, TimestampTz at)
{
	int64		site_id = site_of_request(account_id, request_id);
	Site		site;

	lock_for_approval(account_id, site_id, request_id);
	site = lock_site(account_id, site_id);
	require_custom(&site);
	require_ready(account_id, site_id);
	RUN(migration_site_change, arg_int64(account_id), arg_int64(site_id));
	RUN(migration_request_approve, arg_int64(account_id), arg_int64(request_id), arg_time(at));
	RUN(migration_notice, arg_int64(account_id), arg_int64(request_id), arg_time(at));
	return end_sessions(account_id, site_id, at);
}

/*
 * license.approve_migration(account_id, request_id, at) → integer
 *		Support's step.  Changes the site to the subscription model without a
 *		type, logs the users of the site out of the app, plans one notice to
 *		the requester, and returns how many sessions it ended.  Users of the
 *		site are those who belong to it and those with a device there.
 *		Errors: LX011 not ready any more, LX003 decided before, 23503 no such
 *		request, 40001 a concurrent login or device, 22004.
 */
Datum
license_approve_migration(PG_FUNCTION_ARGS)
{
	Operation	op;
	uint64		ended;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "request_id");
	operation_begin(&op, fcinfo, OP_APPROVE_MIGRATION, moment_argument(fcinfo, 2));
	ended = approve(PG_GETARG_INT64(0), PG_GETARG_INT64(1), moment_argument(fcinfo, 2));
	operation_end(&op);
	PG_RETURN_INT32((int32) ended);
}

static void
require_type_open(const Site *site)
{
	if (site_is_custom(site))
		site_refuse_custom(site->site_id, "the type is chosen after the migration");
	if (site->type != NULL)
		site_refuse_other_type(site->site_id, site->type);
}

static Statement migration_site_type = STATEMENT(
	"UPDATE license.site SET site_type = $3 WHERE account_id = $1 AND site_id = $2",
	INT8OID, INT8OID, TEXTOID);

/*
 * license.set_site_type(account_id, site_id, site_type) → void
 *		The customer's step after the migration: chooses once whether apartments
 *		or devices are paid for.  Choosing the same type again is an error, too.
 *		Errors: LX010 custom site, LX013 chosen before, 23514 no such type,
 *		23503 no such site, 22004.
 */
Datum
license_set_site_type(PG_FUNCTION_ARGS)
{
	Operation	op;
	Site		site;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "site_id");
	require_argument(fcinfo, 2, "site_type");
	operation_begin(&op, fcinfo, OP_SET_SITE_TYPE, GetCurrentTransactionStartTimestamp());
	site = lock_site(PG_GETARG_INT64(0), PG_GETARG_INT64(1));
	require_type_open(&site);
	RUN(migration_site_type, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1), arg_passed(fcinfo, 2));
	operation_end(&op);
	PG_RETURN_VOID();
}

static int64
changed_request_id(TriggerData *trigger)
{
	return DatumGetInt64(trigger_value(trigger, trigger->tg_trigtuple, "request_id").value);
}

/* The new row, with the current moment as that of the decision unless the statement sets one */
static HeapTuple
decided(TriggerData *trigger)
{
	static const char *const name = "decided_at";
	Datum		value = TimestampTzGetDatum(operation_at());
	bool		isnull;

	(void) trigger_column(trigger, trigger->tg_newtuple, name, &isnull);
	if (!isnull)
		return trigger->tg_newtuple;
	isnull = false;
	return trigger_change(trigger, trigger->tg_newtuple, 1, &name, &value, &isnull);
}

/*
 * license._migration_request_trg() → trigger
 *		Before UPDATE of a migration request: only approve_migration() approves
 *		one, and a decided one keeps its state.  Errors: LX003, 39P01.
 */
Datum
license_migration_request_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_migration_request_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "migration_request");
	char	   *from = trigger_text(trigger, trigger->tg_trigtuple, "state");
	char	   *to = trigger_text(trigger, trigger->tg_newtuple, "state");

	if (!trigger_changes(trigger, "state") || to == NULL)
		return PointerGetDatum(trigger->tg_newtuple);
	if (strcmp(from, "open") != 0)
		refuse_decided(changed_request_id(trigger), from);
	if (strcmp(to, "approved") == 0 && !operation_is(OP_APPROVE_MIGRATION))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_STATUS_TRANSITION),
				errmsg("migration request " INT64_FORMAT " cannot be approved by changing its row",
					   changed_request_id(trigger)),
				errhint("Call license.approve_migration()."));
	return PointerGetDatum(decided(trigger));
}
