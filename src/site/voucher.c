/*
 * voucher.c
 *		Voucher codes: made in batches, redeemed once, cancelled at once.
 *
 * The row of the voucher decides: whoever changes it first wins.
 */
#include "core/extension.h"
#include "core/function.h"

#include "site/coverage.h"
#include "history/event.h"
#include "funcapi.h"
#include "license/license_key.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/secret.h"
#include "core/text_limit.h"
#include "core/trigger.h"

PG_FUNCTION_INFO_V1(license_create_vouchers);
PG_FUNCTION_INFO_V1(license_redeem_voucher);
PG_FUNCTION_INFO_V1(license_cancel_voucher);
PG_FUNCTION_INFO_V1(license_voucher_trg);
PG_FUNCTION_INFO_V1(license_voucher_truncated_trg);

#define ACTIVE		"active"
#define USED		"used"
#define CANCELLED	"cancelled"

/* The rows of a set of scalars, which has no row type of its own */
static void
return_codes(FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	add_result_rows(fcinfo);
}

static Statement voucher_new = STATEMENT(
	"INSERT INTO license.voucher (batch, sku, quantity, purchased_at, valid_until)"
	" SELECT $4, o.sku, $3, $5, license._calendar_add($5, interval '3 years', 'UTC')"
	" FROM license.offer o CROSS JOIN pg_catalog.generate_series(1, $2) WHERE o.sku = $1 RETURNING code",
	TEXTOID, INT4OID, INT4OID, TEXTOID, TIMESTAMPTZOID);

/*
 * license.create_vouchers(sku, vouchers, quantity, batch, at) → SETOF license_key
 *		Makes that many codes, each good for quantity units of the offer for
 *		three years from at.  They grant nothing until redeemed.  M32, M33, P22.
 *		Errors: LX030 no such offer, LX031, 22004.
 */
Datum
license_create_vouchers(PG_FUNCTION_ARGS)
{
	Operation	op;

	require_argument(fcinfo, 0, "sku");
	require_argument(fcinfo, 1, "vouchers");
	require_argument(fcinfo, 2, "quantity");
	coverage_check_quantity(PG_GETARG_INT32(1), "the number of vouchers");
	coverage_check_quantity(PG_GETARG_INT32(2), "the quantity of a voucher");
	operation_begin(&op, fcinfo, "create_vouchers", moment_argument(fcinfo, 4));
	if (RUN(voucher_new, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1), arg_passed(fcinfo, 2),
			arg_passed(fcinfo, 3), arg_time(operation_at())) == 0)
		ereport(ERROR,
				errcode(ERRCODE_OFFER_NOT_AVAILABLE),
				errmsg("offer %s does not exist", cut_for_message(text_argument(fcinfo, 0))));
	return_codes(fcinfo);
	operation_end(&op);
	return (Datum) 0;
}

static void
refuse_used(const char *detail)
{
	ereport(ERROR,
			errcode(ERRCODE_VOUCHER_USED),
			errmsg("the voucher was redeemed before"),
			errdetail_internal("%s", detail));
}

static void
refuse_cancelled(const char *reason)
{
	ereport(ERROR,
			errcode(ERRCODE_VOUCHER_CANCELLED),
			errmsg("the voucher was cancelled"),
			errdetail("Reason given: %s.", reason ? cut_for_message(reason) : "none"));
}

/* Raises LX004 unless the argument reads as a code. */
static void
require_code(FunctionCallInfo fcinfo, int n)
{
	LicenseKey	key;

	license_key_require(text_argument(fcinfo, n), &key);
}

static Statement voucher_lock = STATEMENT(
	"SELECT state, sku, quantity, valid_until, redeemed_at::text, cancel_reason, valid_until::text"
	" FROM license.voucher WHERE code OPERATOR(license.=) $1::license.license_key FOR NO KEY UPDATE",
	TEXTOID);

/* Locks the voucher and leaves its row to read; it must still be active. */
static void
lock_voucher(FunctionCallInfo fcinfo, int code)
{
	if (RUN(voucher_lock, arg_passed(fcinfo, code)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_VOUCHER_NOT_FOUND),
				errmsg("no voucher has this code"));
	if (strcmp(got_text(1), USED) == 0)
		refuse_used(psprintf("That was at %s.", got_text(5)));
	if (strcmp(got_text(1), CANCELLED) == 0)
		refuse_cancelled(got_text(6));
}

static void
check_in_time(TimestampTz at)
{
	if (at >= got_time(4))
		ereport(ERROR,
				errcode(ERRCODE_VOUCHER_EXPIRED),
				errmsg("the voucher has expired"),
				errdetail("It could be redeemed until %s.", got_text(7)));
}

static Statement voucher_use = STATEMENT(
	"UPDATE license.voucher SET state = 'used', redeemed_account_id = $2, redeemed_site_id = $3, redeemed_at = $4"
	" WHERE code OPERATOR(license.=) $1::license.license_key"
	" RETURNING pg_catalog.json_build_object('sku', sku, 'quantity', quantity, 'batch', batch)::text",
	TEXTOID, INT8OID, INT8OID, TIMESTAMPTZOID);

static List *
redeem(FunctionCallInfo fcinfo, TimestampTz at)
{
	char	   *sku;
	int32		quantity;
	Site		site;
	List	   *changes;

	lock_voucher(fcinfo, 2);
	check_in_time(at);
	sku = got_text(2);
	quantity = got_int32(3);
	site_lock_for_grant(PG_GETARG_INT64(0), PG_GETARG_INT64(1), &site);
	site_require_sellable(&site);
	changes = coverage_grant(&site, sku, quantity, at);
	RUN(voucher_use, arg_passed(fcinfo, 2), arg_int64(site.account_id), arg_int64(site.site_id),
		arg_time(at));
	event_write(site.account_id, "site", site.site_id, operation_name(), NULL, got_text(1));
	return changes;
}

/*
 * license.redeem_voucher(account_id, site_id, code, at) → SETOF (quantity, action, ends_at)
 *		Grants the units of a voucher to a site, from at on: added where a
 *		licence was missing, the rest extended.  M29, M32 to M36, M38, M47, P24.
 *		Errors: LX004, LX020 unknown, LX021 used, LX022 cancelled, LX023
 *		expired, LX010 custom site, LX012 type pending, LX024 region, LX030 not
 *		for this type of site, 23503 no such site, 22004.
 */
Datum
license_redeem_voucher(PG_FUNCTION_ARGS)
{
	ErrorContextCallback secret;
	Operation	op;

	secret_begin(&secret);
	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "site_id");
	require_argument(fcinfo, 2, "code");
	require_code(fcinfo, 2);
	operation_begin(&op, fcinfo, "redeem_voucher", moment_argument(fcinfo, 3));
	coverage_return_changes(fcinfo, redeem(fcinfo, operation_at()));
	operation_end(&op);
	secret_end(&secret);
	return (Datum) 0;
}

static Statement voucher_cancel = STATEMENT(
	"UPDATE license.voucher SET state = 'cancelled', cancel_reason = $2"
	" WHERE code OPERATOR(license.=) $1::license.license_key",
	TEXTOID, TEXTOID);

/*
 * license.cancel_voucher(code, reason) → void
 *		Takes an unused voucher back, at once and for good.  M34, P22.
 *		Errors: LX004, LX020 unknown, LX021 used, LX022 cancelled before,
 *		22023 empty reason, 22004.
 */
Datum
license_cancel_voucher(PG_FUNCTION_ARGS)
{
	ErrorContextCallback secret;
	char	   *reason;
	Operation	op;

	secret_begin(&secret);
	require_argument(fcinfo, 0, "code");
	reason = reason_argument(fcinfo, 1);
	require_code(fcinfo, 0);
	operation_begin(&op, fcinfo, "cancel_voucher", GetCurrentTransactionStartTimestamp());
	lock_voucher(fcinfo, 0);
	RUN(voucher_cancel, arg_passed(fcinfo, 0), arg_text(reason));
	operation_end(&op);
	secret_end(&secret);
	PG_RETURN_VOID();
}

static void
refuse_direct_use(void)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_STATUS_TRANSITION),
			errmsg("a voucher is used only by redeeming it"),
			errhint("Call license.redeem_voucher()."));
}

/* What a sold code stands for is not changed behind its holder's back. */
static void
check_fixed(TriggerData *trigger)
{
	if (trigger_changes(trigger, "code") || trigger_changes(trigger, "sku") ||
		trigger_changes(trigger, "quantity"))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_STATUS_TRANSITION),
				errmsg("code, offer and quantity of a voucher cannot be changed"),
				errhint("Cancel it with license.cancel_voucher() and create another."));
}

static void
check_state(TriggerData *trigger, const char *state)
{
	char	   *next;

	if (strcmp(state, USED) == 0)
		refuse_used("A used voucher can be neither changed nor removed.");
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return;
	if (strcmp(state, CANCELLED) == 0 && trigger_changes(trigger, "state"))
		refuse_cancelled(trigger_text(trigger, trigger->tg_trigtuple, "cancel_reason"));
	next = trigger_text(trigger, trigger->tg_newtuple, "state");
	if (next != NULL && strcmp(next, USED) == 0 && !operation_is("redeem_voucher"))
		refuse_direct_use();
	check_fixed(trigger);
}

/*
 * license._voucher_trg() → trigger
 *		Before a voucher is changed or removed by any statement: a used one
 *		stays as it is, a cancelled one stays cancelled, an active one becomes
 *		used by redeem_voucher() only.  M34.
 *		Errors: LX003, LX021, LX022, 39P01.
 */
Datum
license_voucher_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_voucher_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_UPDATE | ON_DELETE, 0, "voucher");

	check_state(trigger, trigger_text(trigger, trigger->tg_trigtuple, "state"));
	return PointerGetDatum(TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ?
						   trigger->tg_trigtuple : trigger->tg_newtuple);
}

static Statement vouchers_used = STATEMENT(
	"SELECT pg_catalog.count(*) FROM license.voucher WHERE state = 'used'");

/*
 * license._voucher_truncated_trg() → trigger
 *		Before all vouchers are removed at once: used ones are history.  M34.
 *		Errors: LX021, 39P01.
 */
Datum
license_voucher_truncated_trg(PG_FUNCTION_ARGS)
{
	Operation	op;

	check_own_trigger(fcinfo, "_voucher_truncated_trg", TRIGGER_EVENT_BEFORE, ON_TRUNCATE, 0, "voucher");
	operation_begin(&op, fcinfo, NULL, 0);
	RUN(vouchers_used);
	if (got_int64(1) > 0)
		ereport(ERROR,
				errcode(ERRCODE_VOUCHER_USED),
				errmsg("used vouchers cannot be removed"),
				errdetail(INT64_FORMAT " of them were redeemed.", got_int64(1)),
				errhint("Use DELETE for those that were not."));
	operation_end(&op);
	return PointerGetDatum(NULL);
}
