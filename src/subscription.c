/*
 * subscription.c
 *		Which licences are subscriptions, of which an account has one per offer.
 */
#include "license_ext.h"

#include "operation.h"
#include "plans.h"
#include "trigger_util.h"

PG_FUNCTION_INFO_V1(license_subscription_trg);

static void
refuse_client(const char *sku)
{
	ereport(ERROR,
			errcode(ERRCODE_OFFER_NOT_AVAILABLE),
			errmsg("offer \"%s\" is not available to this account", sku),
			errdetail("Internal licences are for the own staff of a partner, not for clients."));
}

/* What the offer makes of the licence, whose other columns constraints check */
static Datum
classify(TriggerData *trigger, HeapTuple row)
{
	bool		isnull;
	Datum		account_id = trigger_column(trigger, row, "account_id", &isnull);
	char	   *sku = trigger_text(trigger, row, "sku");

	if (RUN(subscription_class, arg_datum(account_id, isnull), arg_text(sku)) == 0)
		return CStringGetTextDatum("none");
	if (got_bool(2))
		refuse_client(sku);
	return got_datum_to_keep(1, &isnull);
}

static HeapTuple
with_class(FunctionCallInfo fcinfo, TriggerData *trigger, HeapTuple row)
{
	const char *const column = "subscription";
	bool		isnull = false;
	Datum		class;
	Operation	op;

	operation_begin(&op, fcinfo, NULL, 0);
	class = classify(trigger, row);
	row = SPI_copytuple(trigger_change(trigger, row, 1, &column, &class, &isnull));
	operation_end(&op);
	return row;
}

static void
refuse_extension(TriggerData *trigger)
{
	bool		old_null;
	bool		new_null;
	Datum		old_end = trigger_column(trigger, trigger->tg_trigtuple, "ends_at", &old_null);
	Datum		new_end = trigger_column(trigger, trigger->tg_newtuple, "ends_at", &new_null);

	if (old_null || (!new_null && DatumGetTimestampTz(new_end) <= DatumGetTimestampTz(old_end)))
		return;
	if (strcmp(trigger_text(trigger, trigger->tg_newtuple, "subscription"), "trial") == 0)
		ereport(ERROR,
				errcode(ERRCODE_OFFER_NOT_AVAILABLE),
				errmsg("a trial cannot be extended"),
				errdetail("Offer \"%s\" is a trial, given once.",
						  trigger_text(trigger, trigger->tg_newtuple, "sku")),
				errhint("Order an offer that is not a trial with license.place_order()."));
}

/*
 * license._subscription_trg() → trigger
 *		Before a licence is written: records whether it is a subscription
 *		(C4), a trial (C27) or internal (C21), unless the row says so, as a
 *		restored one does; refuses internal licences to clients and a later end
 *		to trials.  Errors: LX030, 39P01.  C4, C21, C25-C27.
 */
Datum
license_subscription_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_subscription_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT | ON_UPDATE, 0, "license");
	HeapTuple	row = trigger->tg_trigtuple;

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return PointerGetDatum(trigger_text(trigger, row, "subscription") != NULL ? row :
							   with_class(fcinfo, trigger, row));
	row = trigger->tg_newtuple;
	if (trigger_changes(trigger, "sku") || trigger_text(trigger, row, "subscription") == NULL)
		return PointerGetDatum(with_class(fcinfo, trigger, row));
	refuse_extension(trigger);
	return PointerGetDatum(row);
}
