/*
 * order.c
 *		Orders and amendments of subscriptions.
 *
 * A subscription is a licence with one pool of the offer's unit; its quantity
 * is the maximum of the pool.  Orders of one account run one after another: each
 * first increments a counter of the account.  At READ COMMITTED this makes the
 * next order wait and then read the new state; at higher isolation levels it
 * makes it fail.  After the account, an order locks its licences, then their
 * pools, as all operations do.
 */
#include "subscription/order.h"

#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "history/event.h"

PG_FUNCTION_INFO_V1(license_place_order);

static Statement order_lock = STATEMENT(
	"INSERT INTO license.account_counter AS c (account_id, order_count)"
	" SELECT account_id, 1 FROM license.account WHERE account_id = $1"
	" ON CONFLICT (account_id) DO UPDATE SET order_count = c.order_count + 1"
	" RETURNING (SELECT COALESCE(a.closed_at <= $2, false)"
	" FROM license.account a WHERE a.account_id = $1) AS closed",
	INT8OID, TIMESTAMPTZOID);

static void
lock_account(Order *order)
{
	if (RUN(order_lock, arg_int64(order->account_id), arg_time(order->at)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("account " INT64_FORMAT " does not exist", order->account_id));
	if (field_bool("closed"))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("account " INT64_FORMAT " is closed", order->account_id));
}

static Statement order_lock_licenses = STATEMENT(
	"SELECT FROM license.license WHERE account_id = $1 AND subscription <> 'none'"
	" AND status <> 'contract_finalized' ORDER BY license_id FOR NO KEY UPDATE",
	INT8OID);

static Statement order_lock_pools = STATEMENT(
	"SELECT FROM license.license_pool p JOIN license.license l ON l.license_id = p.license_id"
	" WHERE p.account_id = $1 AND l.account_id = $1 AND l.subscription <> 'none'"
	" AND l.status <> 'contract_finalized' ORDER BY p.license_id, p.pool FOR NO KEY UPDATE OF p",
	INT8OID);

/* No renewal and no plain UPDATE may change a subscription between reading and writing it. */
static void
lock_subscriptions(int64 account_id)
{
	RUN(order_lock_licenses, arg_int64(account_id));
	RUN(order_lock_pools, arg_int64(account_id));
}

static void
check_version(Order *order, const char *version)
{
	if (version == NULL || strcmp(version, quote_version(order)) == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_STALE_QUOTE),
			errmsg("the subscriptions or prices of account " INT64_FORMAT " changed after the quote",
				   order->account_id),
			errhint("Call license.quote() again."));
}

/* Quantity 0 for an offer without a subscription: the line changes nothing. */
static bool
is_ignored(const OrderLine *line)
{
	return line->quantity == 0 && line->license_id == 0;
}

static void
require_lines(Order *order)
{
	for (int i = 0; i < order->nlines; i++)
	{
		if (!is_ignored(&order->lines[i]))
			return;
	}
	ereport(ERROR,
			errcode(ERRCODE_QUANTITY_INVALID),
			errmsg("nothing is ordered"),
			errdetail("No quantity is above 0, and there is no subscription to cancel."));
}

static Statement subscription_finalize = STATEMENT(
	"UPDATE license.license SET status = 'contract_finalized', reason = $3"
	" WHERE account_id = $1 AND license_id = $2",
	INT8OID, INT8OID, TEXTOID);

static void
finalize_subscription(Order *order, int64 license_id, const char *reason)
{
	RUN(subscription_finalize, arg_int64(order->account_id), arg_int64(license_id), arg_text(reason));
}

static Statement subscription_pool = STATEMENT(
	"INSERT INTO license.license_pool AS p (account_id, license_id, pool, maximum)"
	" SELECT $1, l.license_id, o.unit, $3 FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" WHERE l.account_id = $1 AND l.license_id = $2"
	" ON CONFLICT (account_id, license_id, pool) DO UPDATE SET maximum = excluded.maximum",
	INT8OID, INT8OID, INT4OID);

static void
set_quantity(Order *order, int64 license_id, int32 quantity)
{
	RUN(subscription_pool, arg_int64(order->account_id), arg_int64(license_id), arg_int32(quantity));
}

static Statement subscription_values = STATEMENT(
	"SELECT pg_catalog.jsonb_build_object('sku', l.sku, 'quantity', p.maximum, 'starts_at', l.starts_at,"
	" 'ends_at', l.ends_at)::text AS event FROM license.license l JOIN license.license_pool p"
	" ON p.account_id = $1 AND p.license_id = l.license_id WHERE l.account_id = $1 AND l.license_id = $2",
	INT8OID, INT8OID);

static void
write_start(Order *order, int64 license_id)
{
	RUN(subscription_values, arg_int64(order->account_id), arg_int64(license_id));
	event_write(order->account_id, "license", license_id, operation_name(), NULL, field_text("event"));
}

static Statement subscription_start = STATEMENT(
	"INSERT INTO license.license (account_id, sku, status, term, starts_at, ends_at, partner_id, modules,"
	" subscription, created_at) SELECT $1, o.sku, 'in_use', o.term, $3,"
	" license._calendar_add($3, o.term, a.time_zone), $4, o.modules,"
	" CASE WHEN o.trial THEN 'trial' WHEN o.audience = 'internal' THEN 'internal' ELSE 'regular' END, $3"
	" FROM license.offer o CROSS JOIN license.account a WHERE o.sku = $2 AND a.account_id = $1"
	" RETURNING license_id",
	INT8OID, TEXTOID, TIMESTAMPTZOID, INT8OID);

/* Returns the id of the new licence. */
static int64
start_subscription(Order *order, const OrderLine *line)
{
	int64		license_id;

	RUN(subscription_start, arg_int64(order->account_id), arg_text(line->sku), arg_time(order->at),
		arg_datum(Int64GetDatum(order->base.partner_id), !order->base.found));
	license_id = field_int64("license_id");
	set_quantity(order, license_id, line->quantity);
	write_start(order, license_id);
	return license_id;
}

/* The seat limit of the pool would raise an error too, but one that does not name the offer. */
static void
check_use(const OrderLine *line)
{
	if (line->quantity < line->in_use)
		ereport(ERROR,
				errcode(ERRCODE_QUANTITY_BELOW_USE),
				errmsg("quantity of offer \"%s\" cannot fall below what is in use", cut_for_message(line->sku)),
				errdetail("In use are %d; the new quantity is %d.", line->in_use, line->quantity),
				errhint("Give seats back with license.release_seat() first."));
}

/* Returns the id of the licence.  A cancelled subscription keeps an empty pool, so that nobody gets a seat. */
static int64
change_subscription(Order *order, const OrderLine *line)
{
	check_use(line);
	set_quantity(order, line->license_id, line->quantity);
	if (line->quantity == 0)
		finalize_subscription(order, line->license_id, "cancelled");
	return line->license_id;
}

static Statement purchase_line = STATEMENT(
	"INSERT INTO license.purchase_line (account_id, purchase_id, sku, license_id, old_quantity, new_quantity,"
	" unit_price, total) SELECT $1, $2, $3, $4, $5, $6, t.unit_price, license._total($6, t.unit_price)"
	" FROM (SELECT license._unit_price($3, $7, $6) AS unit_price) t",
	INT8OID, INT8OID, TEXTOID, INT8OID, INT4OID, INT4OID, TEXTOID);

static void
place_line(Order *order, int64 purchase_id, const OrderLine *line)
{
	int64		license_id;

	if (line->ended_id != 0)
		finalize_subscription(order, line->ended_id, "contract ended");
	if (is_ignored(line))
		return;
	license_id = line->license_id == 0 ? start_subscription(order, line) :
		change_subscription(order, line);
	RUN(purchase_line, arg_int64(order->account_id), arg_int64(purchase_id), arg_text(line->sku),
		arg_int64(license_id), arg_int32(line->old_quantity), arg_int32(line->quantity),
		arg_text(order->base.currency));
}

/* Increases come first: in between, the account never has fewer seats than before or than after the order. */
static void
place_lines(Order *order, int64 purchase_id)
{
	for (int less = 0; less <= 1; less++)
	{
		for (int i = 0; i < order->nlines; i++)
		{
			OrderLine  *line = &order->lines[i];

			if ((line->quantity < line->old_quantity) == (less == 1))
				place_line(order, purchase_id, line);
		}
	}
}

static Statement purchase_insert = STATEMENT(
	"INSERT INTO license.purchase (account_id, placed_at, placed_by, currency) SELECT $1, $2, $3,"
	" CASE WHEN EXISTS (SELECT FROM pg_catalog.jsonb_each($5) i"
	" WHERE license._unit_price(i.key, $4, i.value::integer) IS NOT NULL) THEN $4 END RETURNING purchase_id",
	INT8OID, TIMESTAMPTZOID, TEXTOID, TEXTOID, JSONBOID);

static int64
insert_purchase(Order *order, const char *placed_by)
{
	RUN(purchase_insert, arg_int64(order->account_id), arg_time(order->at),
		arg_text(placed_by ? placed_by : operation_actor()), arg_text(order->base.currency),
		arg_datum(order->items, false));
	return field_int64("purchase_id");
}

static Statement purchase_values = STATEMENT(
	"SELECT pg_catalog.jsonb_build_object('placed_by', p.placed_by, 'items',"
	" (SELECT pg_catalog.jsonb_object_agg(l.sku, l.new_quantity) FROM license.purchase_line l"
	" WHERE l.account_id = $1 AND l.purchase_id = $2))::text AS event"
	" FROM license.purchase p WHERE p.account_id = $1 AND p.purchase_id = $2",
	INT8OID, INT8OID);

static void
write_purchase(Order *order, int64 purchase_id)
{
	RUN(purchase_values, arg_int64(order->account_id), arg_int64(purchase_id));
	event_write(order->account_id, "purchase", purchase_id, operation_name(), NULL, field_text("event"));
}

int64
order_place(Order *order, const char *version, const char *placed_by)
{
	int64		purchase_id;

	lock_account(order);
	lock_subscriptions(order->account_id);
	order->base = account_base(order->account_id);
	check_version(order, version);
	order_prepare(order);
	require_lines(order);
	purchase_id = insert_purchase(order, placed_by);
	place_lines(order, purchase_id);
	write_purchase(order, purchase_id);
	return purchase_id;
}

/*
 * license.place_order(account_id, items, quote_version, placed_by, at) → purchase_id
 *		Orders, amends and cancels subscriptions in one step or not at all.
 */
Datum
license_place_order(PG_FUNCTION_ARGS)
{
	Order		order = {0};
	int64		purchase_id;
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "items");
	order.account_id = PG_GETARG_INT64(0);
	order.items = PG_GETARG_DATUM(1);
	order.at = moment_argument(fcinfo, 4);
	operation_begin(&op, fcinfo, OP_PLACE_ORDER, order.at);
	purchase_id = order_place(&order, text_argument(fcinfo, 2), text_argument(fcinfo, 3));
	operation_end(&op);
	PG_RETURN_INT64(purchase_id);
}
