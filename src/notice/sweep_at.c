/*
 * sweep_at.c
 *		Maintains license.sweep_at: when the sweep next looks at a licence.
 *
 * The moment may be too early, because the sweep finds in the notice ledger what
 * it has done already; it must never be too late.
 */
#include "core/extension.h"

#include "catalog/pg_type.h"
#include "core/field.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/trigger.h"
#include "license/license_status.h"

PG_FUNCTION_INFO_V1(license_sweep_at_trg);
PG_FUNCTION_INFO_V1(license_stage_trg);
PG_FUNCTION_INFO_V1(license_time_zone_trg);

static const char *const sweep_at_column = "sweep_at";

/* Is the contract running, and does it have an end? */
static bool
has_end_ahead(TriggerData *trigger, HeapTuple row)
{
	char	   *status = trigger_text(trigger, row, "status");
	bool		no_end;

	(void) trigger_column(trigger, row, "ends_at", &no_end);
	return !no_end && status != NULL &&
		(strcmp(status, IN_USE) == 0 || strcmp(status, ACCESS_DENIED) == 0);
}

static Statement sweep_at_first = STATEMENT(
	"SELECT least($2, pg_catalog.min(license._calendar_add($2, -s.lead, a.time_zone))) AS moment"
	" FROM license.account a JOIN license.notice_stage s ON s.active WHERE a.account_id = $1",
	INT8OID, TIMESTAMPTZOID);

/* The earliest of the end and the moments of all notice stages */
static TimestampTz
first_moment(FunctionCallInfo fcinfo, TriggerData *trigger, HeapTuple row)
{
	bool		isnull;
	Datum		account = trigger_column(trigger, row, "account_id", &isnull);
	Datum		ends_at = trigger_column(trigger, row, "ends_at", &isnull);
	Operation	op;
	TimestampTz moment;

	operation_begin_trigger(&op, fcinfo);
	RUN(sweep_at_first, arg_datum(account, false), arg_datum(ends_at, false));
	moment = field_time("moment");
	operation_end(&op);
	return moment;
}

static HeapTuple
set_sweep_at(FunctionCallInfo fcinfo, TriggerData *trigger, HeapTuple row)
{
	bool		none = !has_end_ahead(trigger, row);
	Datum		moment = (Datum) 0;

	if (!none)
		moment = TimestampTzGetDatum(first_moment(fcinfo, trigger, row));
	return trigger_change(trigger, row, 1, &sweep_at_column, &moment, &none);
}

/* Must sweep_at be computed?  Not in a restored row, nor where the sweep or a reschedule sets it. */
static bool
is_unset(TriggerData *trigger)
{
	bool		isnull;

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
	{
		(void) trigger_column(trigger, trigger->tg_trigtuple, sweep_at_column, &isnull);
		return isnull && has_end_ahead(trigger, trigger->tg_trigtuple);
	}
	if (operation_is(OP_SWEEP) || operation_is(OP_RESCHEDULE))
		return false;
	return trigger_changes(trigger, "status") || trigger_changes(trigger, "ends_at") ||
		trigger_changes(trigger, sweep_at_column);
}

/*
 * license._sweep_at_trg() → trigger
 *		Before a licence is written: sets when the sweep must look at it, when
 *		its status or its end has changed.  NULL for a licence that is pending,
 *		open-ended or finalized by hand.
 */
Datum
license_sweep_at_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_sweep_at_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT | ON_UPDATE, 0, "license");
	HeapTuple	row = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ?
		trigger->tg_trigtuple : trigger->tg_newtuple;

	if (is_unset(trigger))
		row = set_sweep_at(fcinfo, trigger, row);
	return PointerGetDatum(row);
}

static void
register_rows(TriggerData *trigger)
{
	if (SPI_register_trigger_data(trigger) != SPI_OK_TD_REGISTER)
		elog(ERROR, "could not register the rows of the statement");
}

static Statement stage_unscheduled = STATEMENT(
	"SELECT FROM new_rows WHERE NOT scheduled LIMIT 1");

static Statement stage_changed = STATEMENT(
	"SELECT FROM new_rows n LEFT JOIN old_rows o USING (stage) WHERE n.active"
	" AND (o.stage IS NULL OR NOT o.active OR o.lead <> n.lead) LIMIT 1");

/*
 * A stage restored from a dump, inserted or in place of a shipped one, has
 * scheduled = true: the restored licences have a sweep_at that respects it.
 */
static bool
stages_changed(TriggerData *trigger, bool replaced)
{
	if (replaced || TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return RUN(stage_unscheduled) > 0;
	return RUN(stage_changed) > 0;
}

static Statement stage_lock_licenses = STATEMENT(
	"LOCK TABLE license.license IN SHARE ROW EXCLUSIVE MODE");

#define RESCHEDULE(accounts, condition) \
	"WITH first AS (" \
	"  SELECT l.account_id, l.license_id, pg_catalog.min(d.due_at) AS due_at" \
	"  FROM " accounts " JOIN license.license l ON l.account_id = a.account_id" \
	"  JOIN license.notice_stage s ON s.active AND (l.status <> 'contract_finalized' OR s.lead < interval '0')" \
	"  CROSS JOIN LATERAL (SELECT license._calendar_add(l.ends_at, -s.lead, a.time_zone) AS due_at) d" \
	"  WHERE d.due_at < l.sweep_at" condition " AND NOT EXISTS (SELECT FROM license.notice n" \
	"   WHERE n.account_id = l.account_id AND n.license_id = l.license_id" \
	"   AND n.term_ends_at = l.ends_at AND n.stage = s.stage AND n.state <> 'pending')" \
	"  GROUP BY l.account_id, l.license_id)" \
	" UPDATE license.license l SET sweep_at = least(l.sweep_at, f.due_at) FROM first f" \
	" WHERE l.account_id = f.account_id AND l.license_id = f.license_id AND l.sweep_at IS NOT NULL"

static Statement stage_reschedule = STATEMENT(
	RESCHEDULE("license.account a", ""));

/* Waits for transactions that are writing licences: their sweep_at was computed from the former stages. */
static void
reschedule_all(void)
{
	RUN(stage_lock_licenses);
	RUN(stage_reschedule);
}

static Statement stage_mark_scheduled = STATEMENT(
	"UPDATE license.notice_stage SET scheduled = true WHERE NOT scheduled");

/*
 * license._stage_trg() → trigger
 *		After notice stages were inserted or updated: moves sweep_at of licences
 *		forward where a stage is due before it.  A deleted stage needs nothing,
 *		because sweep_at may be too early.
 */
Datum
license_stage_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_stage_trg", TRIGGER_EVENT_AFTER,
											 ON_INSERT | ON_UPDATE, 0, "notice_stage");
	bool		replaced = operation_is(OP_REPLACE_SHIPPED);
	Operation	op;

	operation_begin(&op, fcinfo, OP_RESCHEDULE, operation_at());
	register_rows(trigger);
	if (stages_changed(trigger, replaced))
	{
		reschedule_all();
		RUN(stage_mark_scheduled);
	}
	operation_end(&op);
	return PointerGetDatum(NULL);
}

static Statement time_zone_reschedule = STATEMENT(
	RESCHEDULE("new_rows a JOIN old_rows o ON o.account_id = a.account_id",
			   " AND a.time_zone <> o.time_zone"));

/*
 * license._time_zone_trg() → trigger
 *		After accounts were updated: moves sweep_at of their licences forward
 *		where the new time zone makes a stage due before it.
 */
Datum
license_time_zone_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_time_zone_trg", TRIGGER_EVENT_AFTER,
											 ON_UPDATE, 0, "account");
	Operation	op;

	if (!trigger_names_column(trigger, "time_zone"))
		return PointerGetDatum(NULL);
	operation_begin(&op, fcinfo, OP_RESCHEDULE, operation_at());
	register_rows(trigger);
	RUN(time_zone_reschedule);
	operation_end(&op);
	return PointerGetDatum(NULL);
}
