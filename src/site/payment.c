/*
 * payment.c
 *		Card payments.  The reference of the card provider identifies a payment,
 *		so that a repeated call does not grant twice.
 */
#include "core/extension.h"

#include "catalog/pg_type.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "lib/stringinfo.h"
#include "site/coverage.h"
#include "utils/datetime.h"
#include "utils/json.h"

PG_FUNCTION_INFO_V1(license_record_payment);
PG_FUNCTION_INFO_V1(license_payment_trg);

#define ARG_ACCOUNT		0
#define ARG_SITE		1
#define ARG_QUANTITY	2
#define ARG_AMOUNT		3
#define ARG_CURRENCY	4
#define ARG_REFERENCE	5
#define ARG_AUTO_RENEW	6
#define ARG_AT			7

static void
require_arguments(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {
		"account_id", "site_id", "quantity", "amount", "currency",
		"provider_reference", "auto_renew"
	};

	for (int i = 0; i < lengthof(names); i++)
		require_argument(fcinfo, i, names[i]);
	coverage_check_quantity(PG_GETARG_INT32(ARG_QUANTITY), "the quantity of a payment");
}

/* What the payment granted, as JSON: a repeated call answers it again. */
static char *
changes_as_json(List *changes)
{
	StringInfoData json;
	ListCell   *cell;

	initStringInfo(&json);
	foreach(cell, changes)
	{
		const CoverageChange *change = lfirst(cell);
		char		moment[MAXDATELEN + 1];

		appendStringInfo(&json, "%s{\"quantity\": %d, \"action\": \"%s\", \"ends_at\": ",
						 json.len ? ", " : "", change->quantity,
						 change->added ? "added" : "extended");
		if (change->open_ended)
			appendStringInfoString(&json, "null}");
		else
			appendStringInfo(&json, "\"%s\"}",
							 JsonEncodeDateTime(moment, TimestampTzGetDatum(change->ends_at),
												TIMESTAMPTZOID, NULL));
	}
	return psprintf("[%s]", json.data);
}

static Statement payment_offer = STATEMENT(
	"SELECT sku FROM license.offer WHERE unit = $1"
	" AND (regions IS NULL OR $2 = ANY (regions)) AND term IS NOT NULL AND NOT trial"
	" AND audience = 'public' AND start_rule = 'immediate' AND min_quantity = 1"
	" ORDER BY family = '9137958' DESC NULLS LAST, regions IS NULL, sku LIMIT 1",
	TEXTOID, TEXTOID);

static char *
offer_to_pay(const Site *site)
{
	if (RUN(payment_offer, arg_text(site->type), arg_text(site->region)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_OFFER_NOT_AVAILABLE),
				errmsg("no offer for sites of type %s is sold in region %s",
					   site->type, site->region));
	return field_text("sku");
}

static Statement payment_site_renews = STATEMENT(
	"UPDATE license.site SET auto_renew = true WHERE account_id = $1 AND site_id = $2 AND NOT auto_renew",
	INT8OID, INT8OID);

static void
set_auto_renew(const Site *site)
{
	NullableDatum account_id = arg_int64(site->account_id);
	NullableDatum site_id = arg_int64(site->site_id);

	RUN(payment_site_renews, account_id, site_id);
	site_set_renewal_of_licenses(account_id, site_id, arg_text(site->type), arg_bool(true));
}

static Statement payment_outcome = STATEMENT(
	"UPDATE license.payment SET outcome = $3::jsonb WHERE account_id = $1 AND payment_id = $2",
	INT8OID, INT8OID, TEXTOID);

static void
grant_paid(FunctionCallInfo fcinfo, Site *site, const char *sku, int64 payment_id)
{
	List	   *changes;

	site->auto_renew |= PG_GETARG_BOOL(ARG_AUTO_RENEW);
	changes = coverage_grant(site, sku, PG_GETARG_INT32(ARG_QUANTITY),
							 moment_argument(fcinfo, ARG_AT));
	if (PG_GETARG_BOOL(ARG_AUTO_RENEW))
		set_auto_renew(site);
	RUN(payment_outcome, arg_int64(site->account_id), arg_int64(payment_id),
		arg_text(changes_as_json(changes)));
	coverage_return_changes(fcinfo, changes);
}

/* The payment that has the reference already */
typedef struct KnownPayment
{
	bool		same;			/* as the one that is to be recorded */
	char	   *quantity;
	char	   *amount;
	char	   *currency;
	char	   *site_id;
	char	   *auto_renew;
} KnownPayment;

static Statement payment_known = STATEMENT(
	"SELECT site_id = $3 AND quantity = $4 AND amount = $5 AND currency = $6 AND auto_renew = $7 AS same,"
	" quantity::text, amount::text, currency, site_id::text,"
	" CASE WHEN auto_renew THEN 'on' ELSE 'off' END AS auto_renew"
	" FROM license.payment WHERE account_id = $1 AND provider_reference = $2",
	INT8OID, TEXTOID, INT8OID, INT4OID, NUMERICOID, TEXTOID, BOOLOID);

static bool
find_known(FunctionCallInfo fcinfo, KnownPayment *known)
{
	if (RUN(payment_known, arg_passed(fcinfo, ARG_ACCOUNT), arg_passed(fcinfo, ARG_REFERENCE),
			arg_passed(fcinfo, ARG_SITE), arg_passed(fcinfo, ARG_QUANTITY),
			arg_passed(fcinfo, ARG_AMOUNT), arg_passed(fcinfo, ARG_CURRENCY),
			arg_passed(fcinfo, ARG_AUTO_RENEW)) == 0)
		return false;
	*known = (KnownPayment) {
		.same = field_bool("same"),
		.quantity = field_text("quantity"),
		.amount = field_text("amount"),
		.currency = field_text("currency"),
		.site_id = field_text("site_id"),
		.auto_renew = field_text("auto_renew"),
	};
	return true;
}

static Statement payment_answer = STATEMENT(
	"SELECT r.quantity, r.action, r.ends_at FROM license.payment p CROSS JOIN LATERAL"
	" ROWS FROM (pg_catalog.jsonb_to_recordset(p.outcome) AS (quantity integer, action text, ends_at timestamptz))"
	" WITH ORDINALITY AS r (quantity, action, ends_at, n)"
	" WHERE p.account_id = $1 AND p.provider_reference = $2 ORDER BY n",
	INT8OID, TEXTOID);

/* Answers a repeated payment as it was answered the first time.  Raises LX043 if it is another payment. */
static void
answer_again(FunctionCallInfo fcinfo, const KnownPayment *known)
{
	if (!known->same)
		ereport(ERROR,
				errcode(ERRCODE_PAYMENT_CONFLICT),
				errmsg("payment \"%s\" was recorded with other data",
					   cut_for_message(text_argument(fcinfo, ARG_REFERENCE))),
				errdetail("It is of %s units for %s %s, site %s, automatic renewal %s.",
						  known->quantity, known->amount, known->currency, known->site_id, known->auto_renew));
	RUN(payment_answer, arg_passed(fcinfo, ARG_ACCOUNT), arg_passed(fcinfo, ARG_REFERENCE));
	return_rows(fcinfo);
}

static Statement payment_new = STATEMENT(
	"INSERT INTO license.payment (account_id, site_id, sku, quantity, amount, currency, provider_reference,"
	" auto_renew, paid_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
	" ON CONFLICT (account_id, provider_reference) DO NOTHING RETURNING payment_id",
	INT8OID, INT8OID, TEXTOID, INT4OID, NUMERICOID, TEXTOID, TEXTOID, BOOLOID, TIMESTAMPTZOID);

/* Returns false if the account has a payment of that reference. */
static bool
insert_payment(FunctionCallInfo fcinfo, const char *sku, int64 *payment_id)
{
	if (RUN(payment_new, arg_passed(fcinfo, ARG_ACCOUNT), arg_passed(fcinfo, ARG_SITE),
			arg_text(sku), arg_passed(fcinfo, ARG_QUANTITY), arg_passed(fcinfo, ARG_AMOUNT),
			arg_passed(fcinfo, ARG_CURRENCY), arg_passed(fcinfo, ARG_REFERENCE),
			arg_passed(fcinfo, ARG_AUTO_RENEW), arg_time(operation_at())) == 0)
		return false;
	*payment_id = field_int64("payment_id");
	return true;
}

static void
record_payment(FunctionCallInfo fcinfo)
{
	Site		site;
	KnownPayment known;
	char	   *sku;
	int64		payment_id;

	site_lock_for_grant(PG_GETARG_INT64(ARG_ACCOUNT), PG_GETARG_INT64(ARG_SITE), &site);
	/* A repeated payment gets its answer even if nothing is sold to the site any more. */
	if (find_known(fcinfo, &known))
	{
		answer_again(fcinfo, &known);
		return;
	}
	site_require_sellable(&site);
	sku = offer_to_pay(&site);
	if (insert_payment(fcinfo, sku, &payment_id))
		grant_paid(fcinfo, &site, sku, payment_id);
	else
	{
		/* Another transaction recorded it for another site of the account. */
		if (!find_known(fcinfo, &known))
			ereport(ERROR,
					errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("could not serialize access due to concurrent delete"),
					errhint("The transaction might succeed if retried."));
		answer_again(fcinfo, &known);
	}
}

/*
 * license.record_payment(account_id, site_id, quantity, amount, currency,
 *						  provider_reference, auto_renew, at) → SETOF (quantity, action, ends_at)
 *		Grants quantity units of the offer recommended for the site, for which
 *		the card provider was paid amount.  A repeated reference grants nothing
 *		and answers the same.  auto_renew marks the site and its running
 *		licences.
 *		Errors: LX010 custom site, LX012 type pending, LX030 no offer, LX031,
 *		LX043 the reference is of another payment, 23503 no such site, 23514
 *		currency or amount, 22004.
 */
Datum
license_record_payment(PG_FUNCTION_ARGS)
{
	Operation	op;

	require_arguments(fcinfo);
	operation_begin(&op, fcinfo, OP_RECORD_PAYMENT, moment_argument(fcinfo, ARG_AT));
	record_payment(fcinfo);
	operation_end(&op);
	return (Datum) 0;
}

/*
 * license._payment_trg() → trigger
 *		Before INSERT of a payment: its site must be on the subscription model
 *		and have a type.  Errors: LX010, LX012, 39P01.
 */
Datum
license_payment_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_payment_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT, 0, "payment");
	HeapTuple	row = trigger->tg_trigtuple;
	Operation	op;
	Site		site;

	operation_begin_trigger(&op, fcinfo);
	/* The foreign key refuses a site that does not exist. */
	if (site_read_model(trigger_value(trigger, row, "account_id"), trigger_value(trigger, row, "site_id"), &site))
		site_require_sellable(&site);
	operation_end(&op);
	return PointerGetDatum(trigger->tg_trigtuple);
}
