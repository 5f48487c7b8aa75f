/*
 * permission.c
 *		The admin of an account, its users and what they may do.
 */
#include "access/access.h"
#include "account/permission.h"

#include "account/account_email.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/settings.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(license_has_permission);
PG_FUNCTION_INFO_V1(license_account_user_trg);
PG_FUNCTION_INFO_V1(license_account_user_late_trg);

static Statement permission_of_actor = STATEMENT(
	"SELECT is_admin OR $3 = ANY (permissions) AS allowed FROM license.account_user"
	" WHERE account_id = $1 AND lower(email) = lower($2)",
	INT8OID, TEXTOID, TEXTOID);

void
permission_require(int64 account_id, const char *permission)
{
	if (actor_setting == NULL || actor_setting[0] == '\0')
		return;
	if (RUN(permission_of_actor, arg_int64(account_id), arg_text(actor_setting),
			arg_text(permission)) == 0 || field_bool("allowed"))
		return;
	ereport(ERROR,
			errcode(ERRCODE_PERMISSION_MISSING),
			errmsg("user \"%s\" lacks the permission %s", cut_for_message(actor_setting), permission),
			errdetail("Only the admin of account " INT64_FORMAT " and users with this permission may do it.",
					  account_id),
			errhint("The admin adds it to license.account_user.permissions."));
}

static Statement permission_of_user = STATEMENT(
	"SELECT is_admin OR $3 = ANY (permissions) AS allowed FROM license.account_user"
	" WHERE account_id = $1 AND user_id = $2",
	INT8OID, INT8OID, TEXTOID);

/*
 * license.has_permission(account_id, user_id, permission) → boolean
 *		Has the user the permission?  The admin has all, an unknown user none.
 *		Errors: 22004.
 */
Datum
license_has_permission(PG_FUNCTION_ARGS)
{
	Operation	op;
	bool		allowed;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "user_id");
	require_argument(fcinfo, 2, "permission");
	operation_begin(&op, fcinfo, OP_HAS_PERMISSION, GetCurrentTransactionStartTimestamp());
	allowed = RUN(permission_of_user, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1),
				  arg_passed(fcinfo, 2)) > 0 && field_bool("allowed");
	operation_end(&op);
	PG_RETURN_BOOL(allowed);
}

static int64
account_of(TriggerData *trigger, HeapTuple row)
{
	NullableDatum account_id = trigger_value(trigger, row, "account_id");

	return account_id.isnull ? 0 : DatumGetInt64(account_id.value);
}

static bool
is_admin(TriggerData *trigger, HeapTuple row)
{
	NullableDatum admin = trigger_value(trigger, row, "is_admin");

	return !admin.isnull && DatumGetBool(admin.value);
}

static void
refuse_admin_change(int64 account_id, const char *hint)
{
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("account " INT64_FORMAT " must keep its one admin, who logs in by the account e-mail",
				   account_id),
			errhint("%s", hint));
}

/* Raises 23514 if an enterprise account would lose its admin, or the admin get another e-mail than the account. */
static void
keep_admin(TriggerData *trigger)
{
	int64		account_id = account_of(trigger, trigger->tg_trigtuple);
	HeapTuple	row = trigger->tg_newtuple;
	char	   *email;

	if (!is_admin(trigger, trigger->tg_trigtuple))
		return;
	email = account_email_of_enterprise(account_id);
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
	NullableDatum permissions = trigger_value(trigger, row, "permissions");
	ArrayType  *array;

	if (permissions.isnull)
		return false;
	array = DatumGetArrayTypeP(permissions.value);
	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > 0;
}

static bool
is_own(TriggerData *trigger, HeapTuple row)
{
	char	   *email = trigger_text(trigger, row, "email");

	return email != NULL && pg_strcasecmp(email, actor_setting) == 0;
}

/* A user is created or deleted; a new one may come with permissions or be the admin. */
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

/* Raises LX041 if license_ext.actor names a user who lacks a permission for the change. */
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
 *		Before INSERT, UPDATE or DELETE of a user.  If license_ext.actor names a
 *		user, that user needs the permission for it, except for his own e-mail
 *		and password.  An enterprise account keeps its admin.
 *		Errors: LX041, 23514, 39P01.
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
		operation_begin_trigger(&op, fcinfo);
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
	operation_begin_trigger(&op, fcinfo);
	check_permission(trigger);
	operation_end(&op);
	return PointerGetDatum(NULL);
}
