/*
 * subscription.c
 *		Which licences are subscriptions, and the rules for their end and quantity.
 */
#include "core/extension.h"

#include "account/account.h"
#include "core/field.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"

PG_FUNCTION_INFO_V1(license_subscription_trg);
PG_FUNCTION_INFO_V1(license_subscription_quantity_trg);

static void
refuse_client(const char *sku)
{
	ereport(ERROR,
			errcode(ERRCODE_OFFER_NOT_AVAILABLE),
			errmsg("offer \"%s\" is not available to this account", cut_for_message(sku)),
			errdetail("Internal licences are for the own staff of a partner, not for clients."));
}

static Statement subscription_class = STATEMENT(
	"SELECT CASE WHEN o.trial THEN 'trial' WHEN o.audience = 'internal' THEN 'internal'"
	" WHEN o.unit = 'user' THEN 'regular' ELSE 'none' END::text AS class,"
	" o.audience = 'internal' AS internal"
	" FROM license.offer o WHERE o.sku = $1",
	TEXTOID);

/* Raises LX030 if the account is a client; otherwise nobody can make it one before the transaction ends. */
static void
refuse_internal_for_client(TriggerData *trigger, HeapTuple row, const char *sku)
{
	char	   *kind = account_kind_locked(trigger_value(trigger, row, "account_id"));

	if (kind != NULL && strcmp(kind, "client") == 0)
		refuse_client(sku);
}

/* The class of subscription that the offer makes the license; a foreign key refuses an unknown offer. */
static Datum
classify(TriggerData *trigger, HeapTuple row)
{
	char	   *sku = trigger_text(trigger, row, "sku");
	Datum		class;
	bool		internal;

	if (RUN(subscription_class, arg_text(sku)) == 0)
		return CStringGetTextDatum("none");
	class = field_value("class").value;
	internal = field_bool("internal");
	if (internal)
		refuse_internal_for_client(trigger, row, sku);
	return class;
}

static HeapTuple
with_class(FunctionCallInfo fcinfo, TriggerData *trigger, HeapTuple row)
{
	const char *const column = "subscription";
	bool		isnull = false;
	Datum		class;
	Operation	op;

	operation_begin_trigger(&op, fcinfo);
	class = classify(trigger, row);
	row = SPI_copytuple(trigger_change(trigger, row, 1, &column, &class, &isnull));
	operation_end(&op);
	return row;
}

/* Raises LX030 if a trial gets a later end. */
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
						  cut_for_message(trigger_text(trigger, trigger->tg_newtuple, "sku"))),
				errhint("Order an offer that is not a trial with license.place_order()."));
}

/*
 * license._subscription_trg() → trigger
 *		Before a licence is written: sets the column subscription to regular,
 *		trial, internal or none, unless it is set, as in a row restored from a
 *		dump; refuses internal licences to clients, and a later end to trials.
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
	if (trigger_changes(trigger, "sku") || trigger_changes(trigger, "account_id") ||
		trigger_text(trigger, row, "subscription") == NULL)
		return PointerGetDatum(with_class(fcinfo, trigger, row));
	refuse_extension(trigger);
	return PointerGetDatum(row);
}

static Statement subscription_minimum = STATEMENT(
	"SELECT o.sku, o.min_quantity FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" WHERE l.account_id = $1 AND l.license_id = $2 AND l.subscription <> 'none'"
	" AND o.unit = $3 AND o.min_quantity > $4",
	INT8OID, INT8OID, TEXTOID, INT4OID);

/* Raises LX031 if the pool is that of a subscription and has less than the minimum quantity of its offer. */
static void
check_minimum(TriggerData *trigger, int32 quantity)
{
	HeapTuple	row = trigger->tg_newtuple;
	bool		isnull;
	Datum		account_id = trigger_column(trigger, row, "account_id", &isnull);
	Datum		license_id = trigger_column(trigger, row, "license_id", &isnull);

	if (RUN(subscription_minimum, arg_datum(account_id, false), arg_datum(license_id, false),
			arg_text(trigger_text(trigger, row, "pool")), arg_int32(quantity)) == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_QUANTITY_INVALID),
			errmsg("quantity of offer \"%s\" is too small", cut_for_message(field_text("sku"))),
			errdetail("It is %d; the offer starts at %d.", quantity, field_int32("min_quantity")));
}

/*
 * license._subscription_quantity_trg() → trigger
 *		After the maximum of a pool changed: that of a subscription is 0 or at
 *		least the minimum of its offer.  Inserted pools are not checked, because
 *		the minimum may have been raised before a dump that is restored.
 */
Datum
license_subscription_quantity_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_subscription_quantity_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "license_pool");
	bool		isnull;
	int32		quantity = DatumGetInt32(trigger_column(trigger, trigger->tg_newtuple, "maximum", &isnull));
	Operation	op;

	if (quantity == 0 || !trigger_changes(trigger, "maximum"))
		return PointerGetDatum(NULL);
	operation_begin_trigger(&op, fcinfo);
	check_minimum(trigger, quantity);
	operation_end(&op);
	return PointerGetDatum(NULL);
}
