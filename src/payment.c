/*
 * payment.c
 *		Card payments: the provider's reference makes a retry harmless.
 */
#include "license_ext.h"

#include "catalog/pg_type.h"
#include "coverage.h"
#include "lib/stringinfo.h"
#include "operation.h"
#include "plans.h"
#include "text_limit.h"
#include "trigger_util.h"
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
