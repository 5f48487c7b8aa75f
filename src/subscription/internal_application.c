/*
 * internal_application.c
 *		Licences for a partner's own staff, granted upon application.
 */
#include "core/extension.h"

#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "history/event.h"
#include "subscription/order.h"

PG_FUNCTION_INFO_V1(license_apply_internal);
PG_FUNCTION_INFO_V1(license_decide_application);
PG_FUNCTION_INFO_V1(license_internal_application_trg);

/* Returns the kind of the account; raises LX030 unless accounts of that kind may apply. */
static char *
applicant_kind(int64 account_id)
{
	char	   *kind = account_kind(account_id);

	if (strcmp(kind, "partner") != 0 && strcmp(kind, "internal") != 0)
		ereport(ERROR,
				errcode(ERRCODE_OFFER_NOT_AVAILABLE),
				errmsg("internal licences are not available to account " INT64_FORMAT, account_id),
				errdetail("They are for the own staff of a partner; the account is of kind %s.", kind));
	return kind;
}

static Statement internal_offer = STATEMENT(
	"SELECT FROM license.offer WHERE sku = $1 AND audience = 'internal'",
	TEXTOID);

static void
require_internal_offer(const char *sku)
{
	if (RUN(internal_offer, arg_text(sku)) > 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_OFFER_NOT_AVAILABLE),
			errmsg("offer \"%s\" cannot be applied for", cut_for_message(sku)),
			errdetail("Applications are for offers of audience internal."),
			errhint("Order it with license.place_order()."));
}

static Statement application_insert = STATEMENT(
	"INSERT INTO license.internal_application (account_id, sku, quantity, ticket, requested_at)"
	" VALUES ($1, $2, $3, $4, $5) RETURNING application_id, pg_catalog.jsonb_build_object("
	"'sku', sku, 'quantity', quantity, 'ticket', ticket, 'state', state)::text AS event",
	INT8OID, TEXTOID, INT4OID, TEXTOID, TIMESTAMPTZOID);

/*
 * license.apply_internal(account_id, sku, quantity, ticket) → application_id
 *		Files an application of a partner, or its internal account, for internal
 *		licences.
 */
Datum
license_apply_internal(PG_FUNCTION_ARGS)
{
	int64		application_id;
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "sku");
	require_argument(fcinfo, 2, "quantity");
	require_argument(fcinfo, 3, "ticket");
	if (PG_GETARG_INT32(2) <= 0)
		ereport(ERROR,
				errcode(ERRCODE_QUANTITY_INVALID),
				errmsg("quantity applied for must be above 0"),
				errdetail("It is %d.", PG_GETARG_INT32(2)));
	operation_begin(&op, fcinfo, OP_APPLY_INTERNAL, GetCurrentTransactionStartTimestamp());
	RUN(application_insert, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1), arg_passed(fcinfo, 2),
		arg_passed(fcinfo, 3), arg_time(operation_at()));
	application_id = field_int64("application_id");
	event_write(PG_GETARG_INT64(0), "internal_application", application_id, operation_name(), NULL,
				field_text("event"));
	operation_end(&op);
	PG_RETURN_INT64(application_id);
}

static Statement application_state = STATEMENT(
	"SELECT state FROM license.internal_application WHERE account_id = $1 AND application_id = $2",
	INT8OID, INT8OID);

/* Raises the error for an application that is not open, or not there. */
static void
refuse_decision(int64 account_id, int64 application_id)
{
	if (RUN(application_state, arg_int64(account_id), arg_int64(application_id)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("account " INT64_FORMAT " has no application " INT64_FORMAT,
					   account_id, application_id));
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("application " INT64_FORMAT " was decided before", application_id),
			errdetail("It was %s.", field_text("state")),
			errhint("File another with license.apply_internal()."));
}

static Statement application_decide = STATEMENT(
	"UPDATE license.internal_application SET state = CASE WHEN $3 THEN 'approved' ELSE 'rejected' END,"
	" decided_at = $4 WHERE account_id = $1 AND application_id = $2 AND state = 'requested'"
	" RETURNING pg_catalog.jsonb_build_object(sku, quantity) AS items, pg_catalog.jsonb_build_object("
	"'sku', sku, 'quantity', quantity, 'ticket', ticket, 'state', state)::text AS event",
	INT8OID, INT8OID, BOOLOID, TIMESTAMPTZOID);

/* Writes the decision and returns the items to order. */
static Datum
decide(int64 account_id, int64 application_id, bool approve, TimestampTz at)
{
	Datum		items;

	if (RUN(application_decide, arg_int64(account_id), arg_int64(application_id), arg_bool(approve),
			arg_time(at)) == 0)
		refuse_decision(account_id, application_id);
	items = field_value("items").value;
	event_write(account_id, "internal_application", application_id, operation_name(), NULL,
				field_text("event"));
	return items;
}

/*
 * license.decide_application(account_id, application_id, approve, at)
 *		Approves or rejects an application; approval places the order.
 */
Datum
license_decide_application(PG_FUNCTION_ARGS)
{
	Order		order = {0};
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "application_id");
	require_argument(fcinfo, 2, "approve");
	order.account_id = PG_GETARG_INT64(0);
	order.at = moment_argument(fcinfo, 3);
	order.by_application = true;
	operation_begin(&op, fcinfo, OP_DECIDE_APPLICATION, order.at);
	order.items = decide(order.account_id, PG_GETARG_INT64(1), PG_GETARG_BOOL(2), order.at);
	if (PG_GETARG_BOOL(2))
	{
		applicant_kind(order.account_id);
		order_place(&order, NULL, NULL);
	}
	operation_end(&op);
	PG_RETURN_VOID();
}

/* Sets the column applicant to the kind of the account. */
static HeapTuple
record_applicant(TriggerData *trigger)
{
	const char *const column = "applicant";
	HeapTuple	row = trigger->tg_trigtuple;
	bool		isnull;
	int64		account_id = DatumGetInt64(trigger_column(trigger, row, "account_id", &isnull));
	char	   *sku = trigger_text(trigger, row, "sku");
	Datum		kind;

	/* The constraints of the table refuse a NULL key. */
	if (isnull || sku == NULL)
		return row;
	kind = CStringGetTextDatum(applicant_kind(account_id));
	require_internal_offer(sku);
	return SPI_copytuple(trigger_change(trigger, row, 1, &column, &kind, &isnull));
}

static void
check_decision(TriggerData *trigger)
{
	if (!trigger_changes(trigger, "state") || operation_is(OP_DECIDE_APPLICATION))
		return;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("an application is decided once, and by the provider"),
			errhint("Decide it with license.decide_application()."));
}

/*
 * license._internal_application_trg() → trigger
 *		Before an application is written: only partners and internal accounts
 *		apply, for internal offers; only decide_application() decides.  A row
 *		with an applicant is restored from a dump; it was checked when it was
 *		filed.
 */
Datum
license_internal_application_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_internal_application_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT | ON_UPDATE, 0, "internal_application");
	HeapTuple	row = trigger->tg_trigtuple;
	Operation	op;

	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		check_decision(trigger);
		return PointerGetDatum(trigger->tg_newtuple);
	}
	if (trigger_text(trigger, row, "applicant") != NULL)
		return PointerGetDatum(row);
	operation_begin_trigger(&op, fcinfo);
	row = record_applicant(trigger);
	operation_end(&op);
	return PointerGetDatum(row);
}
