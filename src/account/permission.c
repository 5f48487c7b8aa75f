/*
 * permission.c
 *		The admin of an account, its users and what they may do.
 */
#include "access/access.h"
#include "account/permission.h"
#include "core/settings.h"
#include "core/function.h"

#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(license_has_permission);
PG_FUNCTION_INFO_V1(license_account_user_trg);
PG_FUNCTION_INFO_V1(license_account_user_late_trg);

static Statement permission_of_actor = STATEMENT(
	"SELECT is_admin OR $3 = ANY (permissions) FROM license.account_user"
	" WHERE account_id = $1 AND lower(email) = lower($2)",
	INT8OID, TEXTOID, TEXTOID);

void
permission_require(int64 account_id, const char *permission)
{
	if (actor_setting == NULL || actor_setting[0] == '\0')
		return;
	if (RUN(permission_of_actor, arg_int64(account_id), arg_text(actor_setting),
			arg_text(permission)) == 0 || got_bool(1))
		return;
	ereport(ERROR,
			errcode(ERRCODE_PERMISSION_MISSING),
			errmsg("user \"%s\" lacks the permission %s", cut_for_message(actor_setting), permission),
			errdetail("Only the admin of account %lld and users with this permission may do it.",
					  (long long) account_id),
			errhint("The admin adds it to license.account_user.permissions."));
}

static Statement permission_of_user = STATEMENT(
	"SELECT is_admin OR $3 = ANY (permissions) FROM license.account_user WHERE account_id = $1 AND user_id = $2",
	INT8OID, INT8OID, TEXTOID);

/*
 * license.has_permission(account_id, user_id, permission) → boolean
 *		May the user do it?  The admin may do everything, an unknown user
 *		nothing.  Errors: 22004.  T15, T17.
 */
Datum
license_has_permission(PG_FUNCTION_ARGS)
{
	Operation	op;
	bool		allowed;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "user_id");
	require_argument(fcinfo, 2, "permission");
	operation_begin(&op, fcinfo, "has_permission", GetCurrentTransactionStartTimestamp());
	allowed = RUN(permission_of_user, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1),
				  arg_passed(fcinfo, 2)) > 0 && got_bool(1);
	operation_end(&op);
	PG_RETURN_BOOL(allowed);
}

static int64
account_of(TriggerData *trigger, HeapTuple row)
{
	bool		isnull;
	Datum		account_id = trigger_column(trigger, row, "account_id", &isnull);

	return isnull ? 0 : DatumGetInt64(account_id);
}

static bool
is_admin(TriggerData *trigger, HeapTuple row)
{
	bool		isnull;
	Datum		admin = trigger_column(trigger, row, "is_admin", &isnull);

	return !isnull && DatumGetBool(admin);
}

static Statement email_of_enterprise = STATEMENT(
	"SELECT a.email FROM license.account a WHERE a.account_id = $1"
	" AND EXISTS (SELECT FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" WHERE l.account_id = a.account_id AND l.site_id IS NULL AND o.family = 'COUNT')",
	INT8OID);

/* The e-mail of the account if it is an enterprise account, else NULL */
static char *
enterprise_email(int64 account_id)
{
	return RUN(email_of_enterprise, arg_int64(account_id)) > 0 ? got_text(1) : NULL;
}

static void
refuse_admin_change(int64 account_id, const char *hint)
{
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("account %lld must keep its one admin, who logs in by the account e-mail",
				   (long long) account_id),
			errhint("%s", hint));
}

/* An enterprise account has its admin as long as it has licences. */
static void
keep_admin(TriggerData *trigger)
{
	int64		account_id = account_of(trigger, trigger->tg_trigtuple);
	HeapTuple	row = trigger->tg_newtuple;
	char	   *email;

	if (!is_admin(trigger, trigger->tg_trigtuple))
		return;
	email = enterprise_email(account_id);
	if (email == NULL)
		return;
	if (row == NULL || !is_admin(trigger, row) || account_of(trigger, row) != account_id)
		refuse_admin_change(account_id, "Change license.account.email to hand the account over; the admin's e-mail follows.");
	if (trigger_changes(trigger, "email") &&
		pg_strcasecmp(email, trigger_text(trigger, row, "email")) != 0)
		refuse_admin_change(account_id, "Change license.account.email; the admin's e-mail follows.");
}

static bool
has_permissions(TriggerData *trigger, HeapTuple row)
{
	bool		isnull;
	Datum		permissions = trigger_column(trigger, row, "permissions", &isnull);
	ArrayType  *array;

	if (isnull)
		return false;
	array = DatumGetArrayTypeP(permissions);
	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > 0;
}

static bool
is_own(TriggerData *trigger, HeapTuple row)
{
	char	   *email = trigger_text(trigger, row, "email");

	return email != NULL && pg_strcasecmp(email, actor_setting) == 0;
}

/* Whoever makes users gives them no permissions of his own accord, and cannot become the admin. */
static void
check_written(TriggerData *trigger, int64 account_id)
{
	HeapTuple	row = trigger->tg_trigtuple;

	permission_require(account_id, CREATE_USERS);
	if (is_admin(trigger, row))
		permission_require(account_id, ACT_AS_ADMIN);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && has_permissions(trigger, row))
		permission_require(account_id, SET_PERMISSIONS);
}

static void
check_changed(TriggerData *trigger, int64 account_id)
{
	HeapTuple	row = trigger->tg_trigtuple;

	if (trigger_changes(trigger, "permissions"))
		permission_require(account_id, SET_PERMISSIONS);
	if (trigger_changes(trigger, "is_admin"))
		permission_require(account_id, ACT_AS_ADMIN);
	if ((trigger_changes(trigger, "email") || trigger_changes(trigger, "password_hash")) &&
		!is_own(trigger, row))
		permission_require(account_id, is_admin(trigger, row) ? ACT_AS_ADMIN : CREATE_USERS);
}

/* What only the admin may do to users, unless he permits it to others */
static void
check_permission(TriggerData *trigger)
{
	int64		account_id = account_of(trigger, trigger->tg_trigtuple);

	if (actor_setting == NULL || actor_setting[0] == '\0')
		return;
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		check_changed(trigger, account_id);
	else
		check_written(trigger, account_id);
}

static bool
names_actor(void)
{
	return actor_setting != NULL && actor_setting[0] != '\0';
}

static bool
is_hidden(TriggerData *trigger)
{
	return access_hides_account(trigger->tg_relation, account_of(trigger, trigger->tg_trigtuple));
}

/*
 * license._account_user_trg() → trigger
 *		Before a user is written: a user whom license_ext.actor names needs the
 *		permission for it, except for his own password, and an enterprise
 *		account keeps its admin.  Errors: LX041, 23514, 39P01.  T12, T13, T15, T17.
 */
Datum
license_account_user_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_account_user_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT | ON_UPDATE | ON_DELETE, 0, "account_user");
	bool		inserted = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	Operation	op;

	if (!inserted || (names_actor() && !is_hidden(trigger)))
	{
		operation_begin(&op, fcinfo, NULL, 0);
		check_permission(trigger);
		if (!inserted)
			keep_admin(trigger);
		operation_end(&op);
	}
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
						   trigger->tg_newtuple : trigger->tg_trigtuple);
}

/*
 * license._account_user_late_trg() → trigger
 *		After a user was inserted: what _account_user_trg() did not look at,
 *		because row-level security might have refused the row.  T15, T17.
 *		Errors: LX041, 39P01.
 */
Datum
license_account_user_late_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_account_user_late_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_INSERT, 0, "account_user");
	Operation	op;

	if (!names_actor() || !is_hidden(trigger))
		return PointerGetDatum(NULL);
	operation_begin(&op, fcinfo, NULL, 0);
	check_permission(trigger);
	operation_end(&op);
	return PointerGetDatum(NULL);
}
