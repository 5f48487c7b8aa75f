/*
 * payment.c
 *		Card payments: the provider's reference makes a retry harmless.
 */
#include "core/extension.h"
#include "core/function.h"

#include "catalog/pg_type.h"
#include "site/coverage.h"
#include "lib/stringinfo.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
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

#define SITE_OFFER(region) \
	 "(regions IS NULL OR " region " = ANY (regions)) AND term IS NOT NULL AND NOT trial" \
	 " AND audience = 'public' AND start_rule = 'immediate' AND min_quantity = 1" \
	 " ORDER BY family = '9137958' DESC NULLS LAST, regions IS NULL, sku"

static Statement payment_offer = STATEMENT(
	"SELECT sku FROM license.offer WHERE unit = $1 AND " SITE_OFFER("$2") " LIMIT 1",
	TEXTOID, TEXTOID);

static Statement payment_new = STATEMENT(
	"INSERT INTO license.payment (account_id, site_id, sku, quantity, amount, currency, provider_reference,"
	" auto_renew, paid_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
	" ON CONFLICT (account_id, provider_reference) DO NOTHING RETURNING payment_id",
	INT8OID, INT8OID, TEXTOID, INT4OID, NUMERICOID, TEXTOID, TEXTOID, BOOLOID, TIMESTAMPTZOID);

static Statement payment_outcome = STATEMENT(
	"UPDATE license.payment SET outcome = $3::jsonb WHERE account_id = $1 AND payment_id = $2",
	INT8OID, INT8OID, TEXTOID);

static Statement payment_repeated = STATEMENT(
	"SELECT site_id = $3 AND quantity = $4 AND amount = $5 AND currency = $6 AND auto_renew = $7,"
	" quantity::text, amount::text, currency, site_id::text, CASE WHEN auto_renew THEN 'on' ELSE 'off' END"
	" FROM license.payment WHERE account_id = $1 AND provider_reference = $2",
	INT8OID, TEXTOID, INT8OID, INT4OID, NUMERICOID, TEXTOID, BOOLOID);

static Statement payment_answer = STATEMENT(
	"SELECT r.quantity, r.action, r.ends_at FROM license.payment p CROSS JOIN LATERAL"
	" ROWS FROM (pg_catalog.jsonb_to_recordset(p.outcome) AS (quantity integer, action text, ends_at timestamptz))"
	" WITH ORDINALITY AS r (quantity, action, ends_at, n)"
	" WHERE p.account_id = $1 AND p.provider_reference = $2 ORDER BY n",
	INT8OID, TEXTOID);

static Statement payment_site_renews = STATEMENT(
	"UPDATE license.site SET auto_renew = true WHERE account_id = $1 AND site_id = $2 AND NOT auto_renew",
	INT8OID, INT8OID);

static Statement site_model = STATEMENT(
	"SELECT license_model, site_type FROM license.site WHERE account_id = $1 AND site_id = $2",
	INT8OID, INT8OID);

static Statement site_licenses_renew = STATEMENT(
	"UPDATE license.license l SET auto_renew = $4 FROM license.license_pool p"
	" WHERE l.account_id = $1 AND l.site_id = $2 AND l.status IN ('in_use', 'access_denied') AND l.auto_renew <> $4"
	" AND p.account_id = $1 AND p.license_id = l.license_id AND p.pool = $3",
	INT8OID, INT8OID, TEXTOID, BOOLOID);

/* What the payment granted, kept for a retry to answer */
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

static char *
offer_to_pay(const Site *site)
{
	if (RUN(payment_offer, arg_text(site->type), arg_text(site->region)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_OFFER_NOT_AVAILABLE),
				errmsg("no offer for sites of type %s is sold in region %s",
					   site->type, site->region));
	return got_text(1);
}

static void
set_auto_renew(const Site *site)
{
	RUN(payment_site_renews, arg_int64(site->account_id), arg_int64(site->site_id));
	RUN(site_licenses_renew, arg_int64(site->account_id), arg_int64(site->site_id),
		arg_text(site->type), arg_bool(true));
}

static void
grant_paid(FunctionCallInfo fcinfo, Site *site, const char *sku)
{
	int64		payment_id = got_int64(1);
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

/* Whether there is a payment of that reference, and how it compares */
static bool
is_known(FunctionCallInfo fcinfo)
{
	return RUN(payment_repeated, arg_passed(fcinfo, ARG_ACCOUNT), arg_passed(fcinfo, ARG_REFERENCE),
			   arg_passed(fcinfo, ARG_SITE), arg_passed(fcinfo, ARG_QUANTITY),
			   arg_passed(fcinfo, ARG_AMOUNT), arg_passed(fcinfo, ARG_CURRENCY),
			   arg_passed(fcinfo, ARG_AUTO_RENEW)) > 0;
}

/* The reference is known: the same payment is answered again, another one refused. */
static void
answer_again(FunctionCallInfo fcinfo)
{
	if (!got_bool(1))
		ereport(ERROR,
				errcode(ERRCODE_PAYMENT_CONFLICT),
				errmsg("payment \"%s\" was recorded with other data",
					   cut_for_message(text_argument(fcinfo, ARG_REFERENCE))),
				errdetail("It is of %s units for %s %s, site %s, automatic renewal %s.",
						  got_text(2), got_text(3), got_text(4), got_text(5), got_text(6)));
	RUN(payment_answer, arg_passed(fcinfo, ARG_ACCOUNT), arg_passed(fcinfo, ARG_REFERENCE));
	return_rows(fcinfo);
}

static void
record_payment(FunctionCallInfo fcinfo)
{
	Site		site;
	char	   *sku;

	site_lock_for_grant(PG_GETARG_INT64(ARG_ACCOUNT), PG_GETARG_INT64(ARG_SITE), &site);
	/* A retry is answered whatever is sold by now. */
	if (is_known(fcinfo))
	{
		answer_again(fcinfo);
		return;
	}
	site_require_sellable(&site);
	sku = offer_to_pay(&site);
	if (RUN(payment_new, arg_passed(fcinfo, ARG_ACCOUNT), arg_passed(fcinfo, ARG_SITE),
			arg_text(sku), arg_passed(fcinfo, ARG_QUANTITY), arg_passed(fcinfo, ARG_AMOUNT),
			arg_passed(fcinfo, ARG_CURRENCY), arg_passed(fcinfo, ARG_REFERENCE),
			arg_passed(fcinfo, ARG_AUTO_RENEW), arg_time(operation_at())) > 0)
		grant_paid(fcinfo, &site, sku);
	else
	{
		(void) is_known(fcinfo);
		answer_again(fcinfo);
	}
}

/*
 * license.record_payment(account_id, site_id, quantity, amount, currency,
 *						  provider_reference, auto_renew, at) → SETOF (quantity, action, ends_at)
 *		Grants quantity units of the site's own offer, which the provider has
 *		been paid amount for.  The same reference again answers the same and
 *		does nothing.  auto_renew marks the site and its running licences.
 *		M29, M31, M39.  Errors: LX010 custom site, LX012 type pending, LX030 no
 *		offer, LX031, LX043 the reference is of another payment, 23503 no such
 *		site, 23514 currency or amount, 22004.
 */
Datum
license_record_payment(PG_FUNCTION_ARGS)
{
	Operation	op;

	require_arguments(fcinfo);
	operation_begin(&op, fcinfo, "record_payment", moment_argument(fcinfo, ARG_AT));
	record_payment(fcinfo);
	operation_end(&op);
	return (Datum) 0;
}

/*
 * license._payment_trg() → trigger
 *		Before a payment is inserted by any statement: its site must be on the
 *		subscription model with a type.  M29, M39.  Errors: LX010, LX012, 39P01.
 */
Datum
license_payment_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_payment_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT, 0, "payment");
	NullableDatum key[2];
	Operation	op;
	Site		site = {0};

	key[0].value = trigger_column(trigger, trigger->tg_trigtuple, "account_id", &key[0].isnull);
	key[1].value = trigger_column(trigger, trigger->tg_trigtuple, "site_id", &key[1].isnull);
	operation_begin(&op, fcinfo, NULL, 0);
	/* A site that does not exist is for the foreign key to refuse. */
	if (RUN(site_model, key[0], key[1]) > 0)
	{
		site.site_id = DatumGetInt64(key[1].value);
		site.model = got_text(1);
		site.type = got_text(2);
		site_require_sellable(&site);
	}
	operation_end(&op);
	return PointerGetDatum(trigger->tg_trigtuple);
}
