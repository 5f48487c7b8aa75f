/*
 * notice.c
 *		Claiming and acknowledging raised notices, and withdrawing planned ones.
 */
#include "core/extension.h"

#include "catalog/pg_type.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/settings.h"
#include "core/statement.h"
#include "core/trigger.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(license_claim_notices);
PG_FUNCTION_INFO_V1(license_acknowledge_notices);
PG_FUNCTION_INFO_V1(license_notice_withdraw_trg);

/* Two lists of the same length: the keys of notices */
typedef struct NoticeKeys
{
	NullableDatum account_ids;
	NullableDatum notice_ids;
} NoticeKeys;

static TimestampTz
claim_end(void)
{
	return GetCurrentTransactionStartTimestamp() + claim_timeout * USECS_PER_SEC;
}

static Statement notice_pick_sent = STATEMENT(
	"SELECT pg_catalog.array_agg(account_id) AS account_ids, pg_catalog.array_agg(notice_id) AS notice_ids"
	" FROM (SELECT account_id, notice_id FROM license.notice"
	"  WHERE state = 'sent' AND (claimed_until IS NULL OR claimed_until <= $1)"
	"  ORDER BY due_at, notice_id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED) d",
	TIMESTAMPTZOID, INT4OID);

/* Locks up to max notices that no consumer has, the longest due first. */
static NoticeKeys
lock_sent(int32 max)
{
	NoticeKeys	keys;

	RUN(notice_pick_sent, arg_time(operation_at()), arg_int32(max));
	keys.account_ids = field_value("account_ids");
	keys.notice_ids = field_value("notice_ids");
	return keys;
}

static Statement notice_claim = STATEMENT(
	"WITH claimed AS (UPDATE license.notice n SET claimed_until = $3"
	"  FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) k (account_id, notice_id)"
	"  WHERE n.account_id = k.account_id AND n.notice_id = k.notice_id RETURNING n.*)"
	" SELECT * FROM claimed ORDER BY due_at, notice_id",
	INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID);

/*
 * license.claim_notices(max int) → SETOF notice
 *		Claims raised notices for the caller until license_ext.claim_timeout.
 */
Datum
license_claim_notices(PG_FUNCTION_ARGS)
{
	NoticeKeys	keys;
	Operation	op;

	require_argument(fcinfo, 0, "max");
	if (PG_GETARG_INT32(0) < 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("max must be at least 1, not %d", PG_GETARG_INT32(0)));
	operation_begin(&op, fcinfo, OP_CLAIM_NOTICES, GetCurrentTransactionStartTimestamp());
	keys = lock_sent(PG_GETARG_INT32(0));
	RUN(notice_claim, keys.account_ids, keys.notice_ids, arg_time(claim_end()));
	return_rows(fcinfo);
	operation_end(&op);
	return (Datum) 0;
}

static void
require_id_list(FunctionCallInfo fcinfo, int n, const char *name)
{
	require_argument(fcinfo, n, name);
	if (ARR_NDIM(PG_GETARG_ARRAYTYPE_P(n)) > 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s must be a one-dimensional array", name));
	if (array_contains_nulls(PG_GETARG_ARRAYTYPE_P(n)))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not contain NULL", name));
}

static int
list_length_of(FunctionCallInfo fcinfo, int n)
{
	ArrayType  *list = PG_GETARG_ARRAYTYPE_P(n);

	return ArrayGetNItems(ARR_NDIM(list), ARR_DIMS(list));
}

static Statement notice_acknowledge = STATEMENT(
	"WITH sent AS (SELECT n.account_id, n.notice_id FROM license.notice n"
	"  JOIN (SELECT DISTINCT * FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2))"
	"   k (account_id, notice_id)) k"
	"  ON n.account_id = k.account_id AND n.notice_id = k.notice_id"
	"  WHERE n.state = 'sent' ORDER BY n.account_id, n.notice_id FOR NO KEY UPDATE OF n)"
	" UPDATE license.notice n SET state = 'acknowledged', acknowledged_at = $3, claimed_until = NULL"
	" FROM sent WHERE n.account_id = sent.account_id AND n.notice_id = sent.notice_id AND n.state = 'sent'",
	INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID);

/*
 * license.acknowledge_notices(account_id bigint[], notice_id bigint[]) → int
 *		Confirms that notices were delivered; returns how many it changed.
 */
Datum
license_acknowledge_notices(PG_FUNCTION_ARGS)
{
	Operation	op;
	int32		acknowledged;

	require_id_list(fcinfo, 0, "account_id");
	require_id_list(fcinfo, 1, "notice_id");
	if (list_length_of(fcinfo, 0) != list_length_of(fcinfo, 1))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("account_id and notice_id must have the same length"),
				errdetail("There are %d accounts and %d notices.",
						  list_length_of(fcinfo, 0), list_length_of(fcinfo, 1)));
	operation_begin(&op, fcinfo, OP_ACKNOWLEDGE_NOTICES, GetCurrentTransactionStartTimestamp());
	acknowledged = (int32) RUN(notice_acknowledge, arg_passed(fcinfo, 0),
							   arg_passed(fcinfo, 1), arg_time(operation_at()));
	operation_end(&op);
	PG_RETURN_INT32(acknowledged);
}

static Statement notice_withdraw = STATEMENT(
	"UPDATE license.notice SET state = 'withdrawn'"
	" WHERE account_id = $1 AND license_id = $2 AND kind = 'expiry' AND state = 'pending'"
	" AND ($5 AND term_ends_at IS DISTINCT FROM $3 OR $4 = 'contract_finalized')",
	INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID, BOOLOID);

/*
 * license._notice_withdraw_trg() → trigger
 *		After a licence was updated: withdraws planned notices of a term that
 *		has another end now, or of a contract that was finalized by hand.  The
 *		sweep raises planned notices itself before it ends a contract.
 */
Datum
license_notice_withdraw_trg(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"account_id", "license_id", "ends_at", "status"};
	TriggerData *trigger = check_own_trigger(fcinfo, "_notice_withdraw_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW, ON_UPDATE, 0, "license");
	NullableDatum args[5];
	Operation	op;

	if (operation_is(OP_SWEEP) ||
		(!trigger_changes(trigger, "ends_at") && !trigger_changes(trigger, "status")))
		return PointerGetDatum(NULL);
	for (int i = 0; i < lengthof(names); i++)
		args[i].value = trigger_column(trigger, trigger->tg_newtuple, names[i], &args[i].isnull);
	if (!trigger_changes(trigger, "status"))
		args[3] = arg_null();
	args[4] = arg_bool(trigger_changes(trigger, "ends_at"));
	operation_begin_trigger(&op, fcinfo);
	statement_run(&notice_withdraw, args, lengthof(args));
	operation_end(&op);
	return PointerGetDatum(NULL);
}
