/*
 * offer.c
 *		Offers that an account may order, and rules between prices.
 */
#include "core/extension.h"

#include "account/account.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(license_available_offers);
PG_FUNCTION_INFO_V1(license_offer_price_trg);
PG_FUNCTION_INFO_V1(license_partner_offer_trg);

static Statement offers_available = STATEMENT(
	"SELECT o.sku, o.name, license._unit_price(o.sku, $3, o.min_quantity) AS unit_price, $3 AS currency"
	" FROM license.partner_offer po JOIN license.offer o ON o.sku = po.sku"
	" WHERE po.account_id = $2 AND o.audience <> 'internal' AND o.start_rule = 'immediate'"
	" AND NOT EXISTS (SELECT FROM license.license l WHERE l.account_id = $1 AND l.sku = o.sku"
	" AND l.subscription <> 'none' AND (l.subscription = 'trial'"
	" OR l.status IN ('pending_start', 'in_use', 'access_denied') AND (l.ends_at IS NULL OR l.ends_at > $4)))"
	" ORDER BY o.sku",
	INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);

/*
 * license.available_offers(account_id) → SETOF (sku, name, unit_price, currency)
 *		Lists the offers that are enabled for the partner of the account and
 *		that the account has not ordered yet, without internal ones and trials
 *		that it has had.  The price is that of the smallest quantity in the
 *		partner's currency, NULL if there is none.
 *		Errors: 22004, 23503 unknown account.
 */
Datum
license_available_offers(PG_FUNCTION_ARGS)
{
	BaseAccount base;
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	operation_begin(&op, fcinfo, OP_AVAILABLE_OFFERS, GetCurrentTransactionStartTimestamp());
	base = account_base(PG_GETARG_INT64(0));
	RUN(offers_available, arg_passed(fcinfo, 0), arg_datum(Int64GetDatum(base.partner_id), !base.found),
		arg_text(base.currency), arg_time(operation_at()));
	return_rows(fcinfo);
	operation_end(&op);
	return (Datum) 0;
}

typedef struct RisingPrice
{
	int32		lower_quantity;
	char	   *lower_price;
	int32		quantity;
	char	   *price;
} RisingPrice;

static Statement offer_price_rising = STATEMENT(
	"SELECT t.lower_quantity, t.lower_price::text AS lower_price, t.min_quantity, t.unit_price::text AS unit_price"
	" FROM (SELECT p.min_quantity, p.unit_price,"
	" pg_catalog.lag(p.min_quantity) OVER tiers AS lower_quantity,"
	" pg_catalog.lag(p.unit_price) OVER tiers AS lower_price"
	" FROM license.offer_price p WHERE p.sku = $1 AND p.currency = $2"
	" WINDOW tiers AS (ORDER BY p.min_quantity)) t"
	" WHERE t.unit_price > t.lower_price ORDER BY t.min_quantity LIMIT 1",
	TEXTOID, TEXTOID);

/* Raises 23514 if a larger quantity has a higher price. */
static void
refuse_rising(const char *sku, const char *currency)
{
	RisingPrice price;

	if (RUN_LATEST(offer_price_rising, arg_text(sku), arg_text(currency)) == 0)
		return;
	price = (RisingPrice) {
		.lower_quantity = field_int32("lower_quantity"),
		.lower_price = field_text("lower_price"),
		.quantity = field_int32("min_quantity"),
		.price = field_text("unit_price"),
	};
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("price of offer \"%s\" in %s would rise with the quantity", cut_for_message(sku), currency),
			errdetail("From %d units one costs %s, from %d units %s.",
					  price.lower_quantity, price.lower_price, price.quantity, price.price));
}

typedef struct DearInternal
{
	char	   *internal_sku;
	char	   *public_sku;
	int32		quantity;
	char	   *internal_price;
	char	   *public_price;
} DearInternal;

static Statement offer_price_internal = STATEMENT(
	"SELECT i.sku AS internal_sku, s.sku AS public_sku, q.quantity,"
	" ip.unit_price::text AS internal_price, sp.unit_price::text AS public_price"
	" FROM license.offer x"
	" JOIN license.offer i ON i.family = x.family AND i.audience = 'internal' AND NOT i.trial"
	" JOIN license.offer s ON s.family = x.family AND s.audience = 'public' AND NOT s.trial"
	" CROSS JOIN LATERAL (SELECT DISTINCT GREATEST(p.min_quantity, i.min_quantity, s.min_quantity) AS quantity"
	" FROM license.offer_price p WHERE p.sku IN (i.sku, s.sku) AND p.currency = $2) q"
	" CROSS JOIN LATERAL (SELECT license._unit_price(i.sku, $2, q.quantity) AS unit_price) ip"
	" CROSS JOIN LATERAL (SELECT license._unit_price(s.sku, $2, q.quantity) AS unit_price) sp"
	" WHERE x.sku = $1 AND ip.unit_price >= sp.unit_price"
	" ORDER BY i.sku, s.sku, q.quantity LIMIT 1",
	TEXTOID, TEXTOID);

/* Raises 23514 if an internal offer of the family is not cheaper than a public one for some quantity. */
static void
refuse_dear_internal(const char *sku, const char *currency)
{
	DearInternal dear;

	if (RUN_LATEST(offer_price_internal, arg_text(sku), arg_text(currency)) == 0)
		return;
	dear = (DearInternal) {
		.internal_sku = field_text("internal_sku"),
		.public_sku = field_text("public_sku"),
		.quantity = field_int32("quantity"),
		.internal_price = field_text("internal_price"),
		.public_price = field_text("public_price"),
	};
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("internal offer \"%s\" must be cheaper than \"%s\"",
				   cut_for_message(dear.internal_sku), cut_for_message(dear.public_sku)),
			errdetail("From %d units one costs %s and %s %s.",
					  dear.quantity, dear.internal_price, dear.public_price, currency));
}

static Statement offer_price_lock = STATEMENT(
	"SELECT FROM license.offer o WHERE o.sku = $1"
	" OR o.family = (SELECT f.family FROM license.offer f WHERE f.sku = $1)"
	" ORDER BY o.sku FOR NO KEY UPDATE",
	TEXTOID);

/* Locks the offers of the family, so that concurrent changes of their prices see each other. */
static void
check_prices(const char *sku, const char *currency)
{
	RUN(offer_price_lock, arg_text(sku));
	refuse_rising(sku, currency);
	refuse_dear_internal(sku, currency);
}

static Statement offer_price_currencies = STATEMENT(
	"SELECT DISTINCT p.currency FROM license.offer_price p"
	" JOIN license.offer o ON o.sku = p.sku JOIN license.offer x ON x.sku = $1"
	" WHERE o.sku = x.sku OR o.family = x.family ORDER BY p.currency",
	TEXTOID);

static void
check_offer(const char *sku)
{
	SPITupleTable *rows;
	int			currency;

	RUN_LATEST(offer_price_currencies, arg_text(sku));
	rows = SPI_tuptable;
	currency = SPI_fnumber(rows->tupdesc, "currency");
	for (uint64 i = 0; i < rows->numvals; i++)
		check_prices(sku, SPI_getvalue(rows->vals[i], rows->tupdesc, currency));
}

/*
 * license._offer_price_trg() → trigger
 *		After INSERT or UPDATE of a price, or of a column of an offer by which
 *		prices are compared.  Prices must not rise with the quantity, and an
 *		internal offer must be cheaper than the public ones of its family.
 *		Errors: 23514, 39P01.
 */
Datum
license_offer_price_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_offer_price_trg",
										 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
										 ON_INSERT | ON_UPDATE, 0);
	HeapTuple	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
	char	   *sku = trigger_text(trigger, row, "sku");
	Operation	op;

	operation_begin_trigger(&op, fcinfo);
	if (strcmp(RelationGetRelationName(trigger->tg_relation), "offer") == 0)
		check_offer(sku);
	else
		check_prices(sku, trigger_text(trigger, row, "currency"));
	operation_end(&op);
	return PointerGetDatum(NULL);
}

/* Locks the account, so that it stays a partner.  The foreign key refuses an unknown account. */
static void
require_partner(NullableDatum account_id)
{
	char	   *kind = account_kind_locked(account_id);

	if (kind == NULL || strcmp(kind, "partner") == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("offers are enabled for partners, not for account " INT64_FORMAT,
				   DatumGetInt64(account_id.value)),
			errdetail("The account is of kind %s.", kind),
			errhint("Enable the offer for the partner above; its clients order it with license.place_order()."));
}

/*
 * license._partner_offer_trg() → trigger
 *		Before an offer is enabled for an account, which must be a partner.
 *		Errors: 23514, 39P01.
 */
Datum
license_partner_offer_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_partner_offer_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT | ON_UPDATE, 0, "partner_offer");
	HeapTuple	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
	Operation	op;

	operation_begin_trigger(&op, fcinfo);
	require_partner(trigger_value(trigger, row, "account_id"));
	operation_end(&op);
	return PointerGetDatum(row);
}
