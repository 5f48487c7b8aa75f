/*
 * client.c
 *		Creates a client of a partner with its first subscriptions.
 */
#include "core/extension.h"

#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "history/event.h"
#include "subscription/order.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(license_create_client);

static Statement client_insert = STATEMENT(
	"INSERT INTO license.account (parent_id, kind, name, region, currency, time_zone, created_at)"
	" SELECT p.account_id, 'client', $2, p.region, p.currency, p.time_zone, $3"
	" FROM license.account p WHERE p.account_id = $1 AND p.kind = 'partner'"
	" AND (p.closed_at IS NULL OR p.closed_at > $3)"
	" RETURNING account_id,"
	" pg_catalog.jsonb_build_object('parent_id', parent_id, 'kind', kind, 'name', name)::text AS event",
	INT8OID, TEXTOID, TIMESTAMPTZOID);

static int64
insert_client(FunctionCallInfo fcinfo)
{
	int64		account_id;

	if (RUN(client_insert, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1), arg_time(operation_at())) == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("account " INT64_FORMAT " is not an open partner account", PG_GETARG_INT64(0)),
				errdetail("Only partners have clients."));
	account_id = field_int64("account_id");
	event_write(account_id, "account", account_id, operation_name(), NULL, field_text("event"));
	return account_id;
}

static bool
has_items(Datum items)
{
	Jsonb	   *object = DatumGetJsonbP(items);

	return !JB_ROOT_IS_OBJECT(object) || JB_ROOT_COUNT(object) > 0;
}

/*
 * license.create_client(partner_id, name, items, at) → account_id
 *		Creates a client account of a partner and places its first order.
 */
Datum
license_create_client(PG_FUNCTION_ARGS)
{
	Order		order = {0};
	Operation	op;

	require_argument(fcinfo, 0, "partner_id");
	require_argument(fcinfo, 1, "name");
	require_argument(fcinfo, 2, "items");
	order.items = PG_GETARG_DATUM(2);
	order.at = moment_argument(fcinfo, 3);
	operation_begin(&op, fcinfo, OP_CREATE_CLIENT, order.at);
	order.account_id = insert_client(fcinfo);
	if (has_items(order.items))
		order_place(&order, NULL, NULL);
	operation_end(&op);
	PG_RETURN_INT64(order.account_id);
}
