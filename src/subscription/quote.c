/*
 * quote.c
 *		Reads and checks the lines of an order; shows them with their prices.
 */
#include "subscription/quote.h"
#include "core/function.h"

#include "access/detoast.h"
#include "miscadmin.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(license_quote);

#define ORDER_ITEMS(items) \
	 "SELECT i.key AS sku, i.value::text AS asked," \
	 " CASE WHEN pg_catalog.jsonb_typeof(i.value) <> 'number' THEN NULL" \
	 " WHEN i.value::numeric NOT BETWEEN 0 AND 2147483647 THEN NULL" \
	 " WHEN i.value::numeric = pg_catalog.trunc(i.value::numeric) THEN i.value::integer END AS quantity" \
	 " FROM pg_catalog.jsonb_each(" items ") i"

#define ORDER_SUBSCRIPTION(at) \
	 "SELECT l.license_id, COALESCE(l.ends_at <= " at ", false) AS ended, COALESCE(p.maximum, 0) AS quantity," \
	 " COALESCE(p.in_use, 0) AS in_use" \
	 " FROM license.license l LEFT JOIN license.license_pool p ON p.account_id = $1" \
	 " AND p.license_id = l.license_id AND p.pool = o.unit" \
	 " WHERE l.account_id = $1 AND l.sku = i.sku AND l.subscription <> 'none'" \
	 " AND l.status IN ('pending_start', 'in_use', 'access_denied')"

static Statement order_lines = STATEMENT(
	"SELECT i.sku, i.asked, i.quantity IS NOT NULL, i.quantity,"
	" CASE WHEN s.ended THEN 0 ELSE s.quantity END,"
	" CASE WHEN NOT s.ended THEN s.license_id END, CASE WHEN s.ended THEN s.license_id END,"
	" o.min_quantity, COALESCE(o.start_rule = 'immediate', false), o.audience = 'internal',"
	" EXISTS (SELECT FROM license.partner_offer po WHERE po.account_id = $2 AND po.sku = i.sku),"
	" o.trial AND s.ended IS NOT FALSE AND EXISTS (SELECT FROM license.license l"
	" WHERE l.account_id = $1 AND l.sku = i.sku AND l.subscription = 'trial'), s.in_use"
	" FROM (" ORDER_ITEMS("$3") ") i LEFT JOIN license.offer o ON o.sku = i.sku"
	" LEFT JOIN LATERAL (" ORDER_SUBSCRIPTION("$4") ") s ON true ORDER BY i.sku",
	INT8OID, INT8OID, JSONBOID, TIMESTAMPTZOID);

static Statement quote_rows = STATEMENT(
	"WITH line AS (SELECT i.sku, i.quantity, b.quantity AS old_quantity, n.unit_price,"
	" license._total(b.quantity, license._unit_price(i.sku, $2, b.quantity)) AS old_total,"
	" license._total(i.quantity, n.unit_price) AS new_total"
	" FROM (" ORDER_ITEMS("$3") ") i JOIN license.offer o ON o.sku = i.sku"
	" LEFT JOIN LATERAL (" ORDER_SUBSCRIPTION("$4") ") s ON true"
	" CROSS JOIN LATERAL (SELECT CASE WHEN s.ended IS FALSE THEN s.quantity ELSE 0 END AS quantity) b"
	" CROSS JOIN LATERAL (SELECT license._unit_price(i.sku, $2, i.quantity) AS unit_price) n)"
	" SELECT t.sku, t.old_quantity, t.old_total, t.quantity, t.unit_price, t.new_total, $5 FROM ("
	"SELECT sku, old_quantity, old_total, quantity, unit_price, new_total FROM line UNION ALL "
	"SELECT NULL, NULL, CASE WHEN pg_catalog.count(*) = pg_catalog.count(old_total)"
	" THEN COALESCE(pg_catalog.sum(old_total), 0) END, NULL, NULL,"
	" CASE WHEN pg_catalog.count(*) = pg_catalog.count(new_total)"
	" THEN COALESCE(pg_catalog.sum(new_total), 0) END FROM line) t ORDER BY t.sku NULLS LAST",
	INT8OID, TEXTOID, JSONBOID, TIMESTAMPTZOID, TEXTOID);

static Statement quote_version_statement = STATEMENT(
	"SELECT pg_catalog.md5(pg_catalog.concat_ws('/',"
	" (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(':', l.license_id, l.version, p.pool, p.maximum), ','"
	" ORDER BY l.license_id, p.pool)"
	" FROM license.license l LEFT JOIN license.license_pool p ON p.account_id = $1 AND p.license_id = l.license_id"
	" WHERE l.account_id = $1 AND l.subscription <> 'none' AND l.status <> 'contract_finalized'),"
	" (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(':', t.sku, t.min_quantity, t.unit_price), ','"
	" ORDER BY t.sku, t.min_quantity)"
	" FROM license.partner_offer po JOIN license.offer_price t ON t.sku = po.sku AND t.currency = $3"
	" WHERE po.account_id = $2)))",
	INT8OID, INT8OID, TEXTOID);

static void
require_object(Datum items)
{
	if (!JB_ROOT_IS_OBJECT(DatumGetJsonbP(items)))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("items must be an object of SKUs and quantities"),
				errhint("Write them as {\"C2TU1\": 40, \"T2TU80\": 82}."));
}

static void
require_bounded(Datum items)
{
	if (toast_raw_datum_size(items) > MAX_ITEMS_SIZE || JB_ROOT_COUNT(DatumGetJsonbP(items)) > MAX_ITEMS)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("items must not name more than %d SKUs or take more than %d bytes", MAX_ITEMS, MAX_ITEMS_SIZE));
}

static int64
id_or_zero(HeapTuple row, int column)
{
	bool		isnull;
	Datum		id = SPI_getbinval(row, SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetInt64(id);
}

static int32
number_or_zero(HeapTuple row, int column)
{
	bool		isnull;
	Datum		number = SPI_getbinval(row, SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetInt32(number);
}

static bool
is_true(HeapTuple row, int column)
{
	bool		isnull;
	Datum		truth = SPI_getbinval(row, SPI_tuptable->tupdesc, column, &isnull);

	return !isnull && DatumGetBool(truth);
}

static void
read_line(OrderLine *line, HeapTuple row)
{
	line->sku = SPI_getvalue(row, SPI_tuptable->tupdesc, 1);
	line->asked = SPI_getvalue(row, SPI_tuptable->tupdesc, 2);
	line->is_whole = is_true(row, 3);
	line->quantity = number_or_zero(row, 4);
	line->old_quantity = number_or_zero(row, 5);
	line->license_id = id_or_zero(row, 6);
	line->ended_id = id_or_zero(row, 7);
	line->min_quantity = number_or_zero(row, 8);
	line->known = is_true(row, 9);
	line->by_application = is_true(row, 10);
	line->enabled = is_true(row, 11);
	line->trial_used = is_true(row, 12);
	line->in_use = number_or_zero(row, 13);
}

static void
refuse_offer(const OrderLine *line, const char *reason, const char *hint)
{
	ereport(ERROR,
			errcode(ERRCODE_OFFER_NOT_AVAILABLE),
			errmsg("offer \"%s\" is not available to this account", cut_for_message(line->sku)),
			errdetail_internal("%s", reason),
			errhint("%s", hint));
}

#define SEE_OFFERS "See license.available_offers()."

/* What the partner can no longer sell may still be reduced or cancelled. */
static void
check_offer(const Order *order, const OrderLine *line)
{
	if (!line->known)
		refuse_offer(line, "There is no such offer to order.", SEE_OFFERS);
	if (line->by_application != order->by_application)
		refuse_offer(line, line->by_application ? "Internal licences are granted upon application only." :
					 "It is not for internal use.",
					 line->by_application ? "Apply with license.apply_internal()." :
					 "Order it with license.place_order().");
	if (order->by_application || line->enabled)
		return;
	if (line->license_id == 0 || line->quantity > line->old_quantity)
		refuse_offer(line, "It is not enabled for the partner.", SEE_OFFERS);
}

static void
check_quantity(const OrderLine *line)
{
	if (!line->is_whole)
		ereport(ERROR,
				errcode(ERRCODE_QUANTITY_INVALID),
				errmsg("quantity of offer \"%s\" is not a whole number from 0", cut_for_message(line->sku)),
				errdetail("It is %s.", cut_for_message(line->asked)));
	if (line->quantity > 0 && line->quantity < line->min_quantity)
		ereport(ERROR,
				errcode(ERRCODE_QUANTITY_INVALID),
				errmsg("quantity of offer \"%s\" is too small", cut_for_message(line->sku)),
				errdetail("It is %d; the offer starts at %d.", line->quantity, line->min_quantity));
}

static void
check_trial(const OrderLine *line)
{
	if (line->trial_used && line->quantity > 0)
		ereport(ERROR,
				errcode(ERRCODE_TRIAL_ALREADY_USED),
				errmsg("the account has had the trial \"%s\"", cut_for_message(line->sku)),
				errdetail("A trial is given once and not extended."),
				errhint("Order an offer that is not a trial; see license.available_offers()."));
}

void
order_prepare(Order *order)
{
	require_bounded(order->items);
	require_object(order->items);
	order->nlines = (int) RUN(order_lines, arg_int64(order->account_id),
							  arg_datum(Int64GetDatum(order->base.partner_id), !order->base.found),
							  arg_datum(order->items, false), arg_time(order->at));
	order->lines = palloc0_array(OrderLine, order->nlines);
	for (int i = 0; i < order->nlines; i++)
		read_line(&order->lines[i], SPI_tuptable->vals[i]);
	for (int i = 0; i < order->nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		check_offer(order, &order->lines[i]);
		check_quantity(&order->lines[i]);
		check_trial(&order->lines[i]);
	}
}

char *
quote_version(Order *order)
{
	RUN(quote_version_statement, arg_int64(order->account_id),
		arg_datum(Int64GetDatum(order->base.partner_id), !order->base.found),
		arg_text(order->base.currency));
	return got_text(1);
}

/*
 * license.quote(account_id, items) → SETOF (sku, old_quantity, old_total, new_quantity, unit_price, new_total, version)
 *		What an order of these quantities (SKU to new total) would change and
 *		cost, in the partner's currency at its present prices; the last row has
 *		SKU NULL and the grand totals.  A total is NULL where no price fits.
 *		Stores nothing.  version goes to place_order().
 *		Errors: LX030, LX031, LX034, 22004, 22023 items not an object, 23503.
 *		C10, C12, C13, C18.
 */
Datum
license_quote(PG_FUNCTION_ARGS)
{
	Order		order = {0};
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "items");
	order.account_id = PG_GETARG_INT64(0);
	order.items = PG_GETARG_DATUM(1);
	order.at = GetCurrentTransactionStartTimestamp();
	operation_begin(&op, fcinfo, "quote", order.at);
	order.base = account_base(order.account_id);
	order_prepare(&order);
	RUN(quote_rows, arg_int64(order.account_id), arg_text(order.base.currency),
		arg_datum(order.items, false), arg_time(order.at), arg_text(quote_version(&order)));
	return_rows(fcinfo);
	operation_end(&op);
	return (Datum) 0;
}
