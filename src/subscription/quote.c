/*
 * quote.c
 *		Reads and checks the lines of an order, and returns them with their prices.
 */
#include "subscription/quote.h"

#include "access/detoast.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "miscadmin.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(license_quote);

#define SEE_OFFERS "See license.available_offers()."

/* The lines of the order that the parameter holds: SKU to quantity */
#define ORDER_ITEMS(items) \
	"SELECT i.key AS sku, i.value::text AS asked," \
	" CASE WHEN pg_catalog.jsonb_typeof(i.value) <> 'number' THEN NULL" \
	" WHEN i.value::numeric NOT BETWEEN 0 AND 2147483647 THEN NULL" \
	" WHEN i.value::numeric = pg_catalog.trunc(i.value::numeric) THEN i.value::integer END AS quantity" \
	" FROM pg_catalog.jsonb_each(" items ") i"

/* The subscription that account $1 has of offer o, i.sku; it may have ended without being finalized yet */
#define ORDER_SUBSCRIPTION(at) \
	"SELECT l.license_id, COALESCE(l.ends_at <= " at ", false) AS ended, COALESCE(p.maximum, 0) AS quantity," \
	" COALESCE(p.in_use, 0) AS in_use" \
	" FROM license.license l LEFT JOIN license.license_pool p ON p.account_id = $1" \
	" AND p.license_id = l.license_id AND p.pool = o.unit" \
	" WHERE l.account_id = $1 AND l.sku = i.sku AND l.subscription <> 'none'" \
	" AND l.status IN ('pending_start', 'in_use', 'access_denied')"

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

static NullableDatum
column_of(HeapTuple row, const char *column)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	int			number = SPI_fnumber(desc, column);
	NullableDatum value;

	if (number <= 0)
		elog(ERROR, "the lines of an order have no column \"%s\"", column);
	value.value = SPI_getbinval(row, desc, number, &value.isnull);
	return value;
}

static char *
text_of(HeapTuple row, const char *column)
{
	NullableDatum value = column_of(row, column);

	return value.isnull ? NULL : TextDatumGetCString(value.value);
}

static int64
id_or_zero(HeapTuple row, const char *column)
{
	NullableDatum id = column_of(row, column);

	return id.isnull ? 0 : DatumGetInt64(id.value);
}

static int32
number_or_zero(HeapTuple row, const char *column)
{
	NullableDatum number = column_of(row, column);

	return number.isnull ? 0 : DatumGetInt32(number.value);
}

static bool
is_true(HeapTuple row, const char *column)
{
	NullableDatum truth = column_of(row, column);

	return !truth.isnull && DatumGetBool(truth.value);
}

static Statement order_lines = STATEMENT(
	"SELECT i.sku, i.asked, i.quantity IS NOT NULL AS is_whole, i.quantity,"
	" CASE WHEN s.ended THEN 0 ELSE s.quantity END AS old_quantity,"
	" CASE WHEN NOT s.ended THEN s.license_id END AS license_id,"
	" CASE WHEN s.ended THEN s.license_id END AS ended_id,"
	" o.min_quantity, COALESCE(o.start_rule = 'immediate', false) AS known,"
	" o.audience = 'internal' AS by_application,"
	" EXISTS (SELECT FROM license.partner_offer po WHERE po.account_id = $2 AND po.sku = i.sku) AS enabled,"
	" o.trial AND s.ended IS NOT FALSE AND EXISTS (SELECT FROM license.license l"
	" WHERE l.account_id = $1 AND l.sku = i.sku AND l.subscription = 'trial') AS trial_used, s.in_use"
	" FROM (" ORDER_ITEMS("$3") ") i LEFT JOIN license.offer o ON o.sku = i.sku"
	" LEFT JOIN LATERAL (" ORDER_SUBSCRIPTION("$4") ") s ON true ORDER BY i.sku",
	INT8OID, INT8OID, JSONBOID, TIMESTAMPTZOID);

static void
read_line(OrderLine *line, HeapTuple row)
{
	line->sku = text_of(row, "sku");
	line->asked = text_of(row, "asked");
	line->is_whole = is_true(row, "is_whole");
	line->quantity = number_or_zero(row, "quantity");
	line->old_quantity = number_or_zero(row, "old_quantity");
	line->license_id = id_or_zero(row, "license_id");
	line->ended_id = id_or_zero(row, "ended_id");
	line->min_quantity = number_or_zero(row, "min_quantity");
	line->known = is_true(row, "known");
	line->by_application = is_true(row, "by_application");
	line->enabled = is_true(row, "enabled");
	line->trial_used = is_true(row, "trial_used");
	line->in_use = number_or_zero(row, "in_use");
}

static void
read_lines(Order *order)
{
	order->nlines = (int) RUN(order_lines, arg_int64(order->account_id),
							  arg_datum(Int64GetDatum(order->base.partner_id), !order->base.found),
							  arg_datum(order->items, false), arg_time(order->at));
	order->lines = palloc0_array(OrderLine, order->nlines);
	for (int i = 0; i < order->nlines; i++)
		read_line(&order->lines[i], SPI_tuptable->vals[i]);
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

/* A subscription of an offer that is no longer enabled for the partner may still be reduced or cancelled. */
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
	read_lines(order);
	for (int i = 0; i < order->nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		check_offer(order, &order->lines[i]);
		check_quantity(&order->lines[i]);
		check_trial(&order->lines[i]);
	}
}

static Statement quote_hash = STATEMENT(
	"SELECT pg_catalog.md5(pg_catalog.concat_ws('/',"
	" (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(':', l.license_id, l.version, p.pool, p.maximum), ','"
	" ORDER BY l.license_id, p.pool) FROM license.license l"
	" LEFT JOIN license.license_pool p ON p.account_id = $1 AND p.license_id = l.license_id"
	" WHERE l.account_id = $1 AND l.subscription <> 'none' AND l.status <> 'contract_finalized'),"
	" (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(':', t.sku, t.min_quantity, t.unit_price), ','"
	" ORDER BY t.sku, t.min_quantity)"
	" FROM license.partner_offer po JOIN license.offer_price t ON t.sku = po.sku AND t.currency = $3"
	" WHERE po.account_id = $2))) AS version",
	INT8OID, INT8OID, TEXTOID);

char *
quote_version(Order *order)
{
	RUN(quote_hash, arg_int64(order->account_id),
		arg_datum(Int64GetDatum(order->base.partner_id), !order->base.found),
		arg_text(order->base.currency));
	return field_text("version");
}

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

/*
 * license.quote(account_id, items) → SETOF (sku, old_quantity, old_total, new_quantity, unit_price,
 *		new_total, version)
 *		What an order would change and cost, and the grand totals in a last row.
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
	operation_begin(&op, fcinfo, OP_QUOTE, order.at);
	order.base = account_base(order.account_id);
	order_prepare(&order);
	RUN(quote_rows, arg_int64(order.account_id), arg_text(order.base.currency),
		arg_datum(order.items, false), arg_time(order.at), arg_text(quote_version(&order)));
	return_rows(fcinfo);
	operation_end(&op);
	return (Datum) 0;
}
