/*
 * offer.c
 *		What an account may order, and the rules between prices.
 */
#include "account/account.h"
#include "core/function.h"

#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(license_available_offers);
PG_FUNCTION_INFO_V1(license_offer_price_trg);
PG_FUNCTION_INFO_V1(license_partner_offer_trg);

static Statement available_offers_statement = STATEMENT(
	"SELECT o.sku, o.name, license._unit_price(o.sku, $3, o.min_quantity), $3"
	" FROM license.partner_offer po JOIN license.offer o ON o.sku = po.sku"
	" WHERE po.account_id = $2 AND o.audience <> 'internal' AND o.start_rule = 'immediate'"
	" AND NOT EXISTS (SELECT FROM license.license l WHERE l.account_id = $1 AND l.sku = o.sku"
	" AND l.subscription <> 'none' AND (l.subscription = 'trial'"
	" OR l.status IN ('pending_start', 'in_use', 'access_denied') AND (l.ends_at IS NULL OR l.ends_at > $4)))"
	" ORDER BY o.sku",
	INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);

/*
 * license.available_offers(account_id) → SETOF (sku, name, unit_price, currency)
 *		The offers enabled for the account's partner which the account has not
 *		ordered yet, with the price of the smallest quantity in the partner's
 *		currency (NULL: no price fits).  Never internal ones, never a trial the
 *		account has had.  Errors: 22004, 23503 unknown account.
 *		C2, C17, C22, C27, C28.
 */
Datum
license_available_offers(PG_FUNCTION_ARGS)
{
	BaseAccount base;
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	operation_begin(&op, fcinfo, "available_offers", GetCurrentTransactionStartTimestamp());
	base = account_base(PG_GETARG_INT64(0));
	RUN(available_offers_statement, arg_passed(fcinfo, 0), arg_datum(Int64GetDatum(base.partner_id), !base.found),
		arg_text(base.currency), arg_time(operation_at()));
	return_rows(fcinfo);
	operation_end(&op);
	return (Datum) 0;
}

static Statement offer_price_rising = STATEMENT(
	"SELECT t.lower_quantity, t.lower_price::text, t.min_quantity, t.unit_price::text"
	" FROM (SELECT p.min_quantity, p.unit_price,"
	" pg_catalog.lag(p.min_quantity) OVER tiers AS lower_quantity,"
	" pg_catalog.lag(p.unit_price) OVER tiers AS lower_price"
	" FROM license.offer_price p WHERE p.sku = $1 AND p.currency = $2"
	" WINDOW tiers AS (ORDER BY p.min_quantity)) t"
	" WHERE t.unit_price > t.lower_price ORDER BY t.min_quantity LIMIT 1",
	TEXTOID, TEXTOID);

static void
refuse_rising(const char *sku, const char *currency)
{
	if (RUN_LATEST(offer_price_rising, arg_text(sku), arg_text(currency)) == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("price of offer \"%s\" in %s would rise with the quantity", cut_for_message(sku), currency),
			errdetail("From %d units one costs %s, from %d units %s.",
					  got_int32(1), got_text(2), got_int32(3), got_text(4)));
}

static Statement offer_price_internal = STATEMENT(
	"SELECT i.sku, s.sku, q.quantity, ip.unit_price::text, sp.unit_price::text"
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

static void
refuse_dear_internal(const char *sku, const char *currency)
{
	if (RUN_LATEST(offer_price_internal, arg_text(sku), arg_text(currency)) == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("internal offer \"%s\" must be cheaper than \"%s\"", cut_for_message(got_text(1)),
				   cut_for_message(got_text(2))),
			errdetail("From %d units one costs %s and %s %s.",
					  got_int32(3), got_text(4), got_text(5), currency));
}

static Statement offer_price_lock = STATEMENT(
	"SELECT FROM license.offer o WHERE o.sku = $1"
	" OR o.family = (SELECT f.family FROM license.offer f WHERE f.sku = $1)"
	" ORDER BY o.sku FOR NO KEY UPDATE",
	TEXTOID);

/* Whoever waited for the lock must see what the other one wrote. */
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
	" WHERE o.sku = x.sku OR o.family = x.family ORDER BY 1",
	TEXTOID);

static void
check_offer(const char *sku)
{
	uint64		count = RUN_LATEST(offer_price_currencies, arg_text(sku));
	char	  **currencies = palloc_array(char *, count);

	for (uint64 i = 0; i < count; i++)
		currencies[i] = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
	for (uint64 i = 0; i < count; i++)
		check_prices(sku, currencies[i]);
}

/*
 * license._offer_price_trg() → trigger
 *		After a price was written, or an offer changed what its prices are
 *		compared with: prices may not rise with the quantity, and an internal
 *		one is below every standard one of its family for that quantity.
 *		Errors: 23514, 39P01.  T2, C23.
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

	operation_begin(&op, fcinfo, NULL, 0);
	if (strcmp(RelationGetRelationName(trigger->tg_relation), "offer") == 0)
		check_offer(sku);
	else
		check_prices(sku, trigger_text(trigger, row, "currency"));
	operation_end(&op);
	return PointerGetDatum(NULL);
}

static Statement account_kind_shared = STATEMENT(
	"SELECT kind FROM license.account WHERE account_id = $1 FOR SHARE",
	INT8OID);

/* Nobody may make something else of the partner meanwhile; an unknown account is for the foreign key. */
static void
require_partner(TriggerData *trigger, HeapTuple row)
{
	bool		isnull;
	Datum		account_id = trigger_column(trigger, row, "account_id", &isnull);

	if (isnull || RUN(account_kind_shared, arg_datum(account_id, false)) == 0 ||
		strcmp(got_text(1), "partner") == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("offers are enabled for partners, not for account " INT64_FORMAT, DatumGetInt64(account_id)),
			errdetail("The account is of kind %s.", got_text(1)),
			errhint("Enable the offer for the partner above; its clients order it with license.place_order()."));
}

/*
 * license._partner_offer_trg() → trigger
 *		Before an offer is enabled: the account is a partner.
 *		Errors: 23514, 39P01.  C2.
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

	operation_begin(&op, fcinfo, NULL, 0);
	require_partner(trigger, row);
	operation_end(&op);
	return PointerGetDatum(row);
}
