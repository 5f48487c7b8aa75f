/*
 * voucher.c
 *		Voucher codes, which are made in batches and redeemed once.
 *
 * Operations lock the row of the voucher first, so that of two that redeem or
 * cancel it at the same time the second finds what the first has done.
 */
#include "core/extension.h"

#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/secret.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "funcapi.h"
#include "history/event.h"
#include "license/license_key.h"
#include "site/coverage.h"

PG_FUNCTION_INFO_V1(license_create_vouchers);
PG_FUNCTION_INFO_V1(license_redeem_voucher);
PG_FUNCTION_INFO_V1(license_cancel_voucher);
PG_FUNCTION_INFO_V1(license_voucher_trg);
PG_FUNCTION_INFO_V1(license_voucher_truncated_trg);

#define ACTIVE		"active"
#define USED		"used"
#define CANCELLED	"cancelled"

/* Returns the rows of the statement just run as SETOF license_key, which is no row type. */
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
 *		Makes that many codes.  Each can be redeemed for quantity units of the
 *		offer within three years from at, and grants nothing until then.
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
	operation_begin(&op, fcinfo, OP_CREATE_VOUCHERS, moment_argument(fcinfo, 4));
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

typedef struct VoucherRow
{
	char	   *state;
	char	   *sku;
	int32		quantity;
	TimestampTz valid_until;
	char	   *valid_until_text;
	char	   *redeemed_at_text;
	char	   *cancel_reason;
} VoucherRow;

static Statement voucher_lock = STATEMENT(
	"SELECT state, sku, quantity, valid_until, valid_until::text AS valid_until_text,"
	" redeemed_at::text AS redeemed_at_text, cancel_reason"
	" FROM license.voucher WHERE code OPERATOR(license.=) $1::license.license_key FOR NO KEY UPDATE",
	TEXTOID);

/* Locks the voucher.  Raises LX020 for an unknown code, LX021 and LX022 for a voucher that is not active. */
static VoucherRow
lock_voucher(NullableDatum code)
{
	VoucherRow	voucher;

	if (RUN(voucher_lock, code) == 0)
		ereport(ERROR,
				errcode(ERRCODE_VOUCHER_NOT_FOUND),
				errmsg("no voucher has this code"));
	voucher = (VoucherRow) {
		.state = field_text("state"),
		.sku = field_text("sku"),
		.quantity = field_int32("quantity"),
		.valid_until = field_time("valid_until"),
		.valid_until_text = field_text("valid_until_text"),
		.redeemed_at_text = field_text("redeemed_at_text"),
		.cancel_reason = field_text("cancel_reason"),
	};
	if (strcmp(voucher.state, USED) == 0)
		refuse_used(psprintf("That was at %s.", voucher.redeemed_at_text));
	if (strcmp(voucher.state, CANCELLED) == 0)
		refuse_cancelled(voucher.cancel_reason);
	return voucher;
}

static void
check_in_time(const VoucherRow *voucher, TimestampTz at)
{
	if (at >= voucher->valid_until)
		ereport(ERROR,
				errcode(ERRCODE_VOUCHER_EXPIRED),
				errmsg("the voucher has expired"),
				errdetail("It could be redeemed until %s.", voucher->valid_until_text));
}

static Statement voucher_use = STATEMENT(
	"UPDATE license.voucher SET state = 'used', redeemed_account_id = $2, redeemed_site_id = $3, redeemed_at = $4"
	" WHERE code OPERATOR(license.=) $1::license.license_key"
	" RETURNING pg_catalog.json_build_object('sku', sku, 'quantity', quantity, 'batch', batch)::text AS contents",
	TEXTOID, INT8OID, INT8OID, TIMESTAMPTZOID);

static List *
redeem(FunctionCallInfo fcinfo, TimestampTz at)
{
	VoucherRow	voucher = lock_voucher(arg_passed(fcinfo, 2));
	Site		site;
	List	   *changes;

	check_in_time(&voucher, at);
	site_lock_for_grant(PG_GETARG_INT64(0), PG_GETARG_INT64(1), &site);
	site_require_sellable(&site);
	changes = coverage_grant(&site, voucher.sku, voucher.quantity, at);
	RUN(voucher_use, arg_passed(fcinfo, 2), arg_int64(site.account_id), arg_int64(site.site_id),
		arg_time(at));
	event_write(site.account_id, "site", site.site_id, operation_name(), NULL, field_text("contents"));
	return changes;
}

/*
 * license.redeem_voucher(account_id, site_id, code, at) → SETOF (quantity, action, ends_at)
 *		Grants the units of a voucher to a site from at on.  They first cover
 *		what has no licence (added); the rest prolongs licences (extended).
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
	operation_begin(&op, fcinfo, OP_REDEEM_VOUCHER, moment_argument(fcinfo, 3));
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
 *		Cancels a voucher that was not redeemed; this cannot be undone.
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
	operation_begin(&op, fcinfo, OP_CANCEL_VOUCHER, GetCurrentTransactionStartTimestamp());
	(void) lock_voucher(arg_passed(fcinfo, 0));
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

/* The holder of a code relies on what it stands for. */
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
	if (next != NULL && strcmp(next, USED) == 0 && !operation_is(OP_REDEEM_VOUCHER))
		refuse_direct_use();
	check_fixed(trigger);
}

/*
 * license._voucher_trg() → trigger
 *		Before UPDATE or DELETE of a voucher.  A used voucher cannot be changed
 *		or removed, a cancelled one stays cancelled, and only redeem_voucher()
 *		uses one.  Errors: LX003, LX021, LX022, 39P01.
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
	"SELECT pg_catalog.count(*) AS vouchers FROM license.voucher WHERE state = 'used'");

/*
 * license._voucher_truncated_trg() → trigger
 *		Before TRUNCATE of vouchers: none may be used.  Errors: LX021, 39P01.
 */
Datum
license_voucher_truncated_trg(PG_FUNCTION_ARGS)
{
	Operation	op;
	int64		used;

	check_own_trigger(fcinfo, "_voucher_truncated_trg", TRIGGER_EVENT_BEFORE, ON_TRUNCATE, 0, "voucher");
	operation_begin_trigger(&op, fcinfo);
	RUN(vouchers_used);
	used = field_int64("vouchers");
	if (used > 0)
		ereport(ERROR,
				errcode(ERRCODE_VOUCHER_USED),
				errmsg("used vouchers cannot be removed"),
				errdetail(INT64_FORMAT " of them were redeemed.", used),
				errhint("Use DELETE for those that were not."));
	operation_end(&op);
	return PointerGetDatum(NULL);
}
