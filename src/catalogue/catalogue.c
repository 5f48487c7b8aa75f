/*
 * catalogue.c
 *		Protects catalogue rows that come with the extension and can be edited.
 *
 * CREATE EXTENSION inserts the shipped rows; pg_dump saves only the edited ones.
 * A restore therefore inserts an edited row where the untouched one stands, and
 * replaces it.  Since pg_dump leaves out exactly what CREATE EXTENSION brings
 * back, only scripts of the extension mark a row as shipped, and a shipped row
 * cannot be deleted or get another key.
 */
#include "core/extension.h"

#include "access/htup_details.h"
#include "commands/extension.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/trigger.h"
#include "executor/spi.h"
#include "utils/json.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(license_catalogue_trg);
PG_FUNCTION_INFO_V1(license_catalogue_truncate_trg);

static Datum
row_as_text(TriggerData *trigger)
{
	Datum		row = heap_copy_tuple_as_datum(trigger->tg_trigtuple,
											   RelationGetDescr(trigger->tg_relation));

	return DirectFunctionCall1(row_to_json, row);
}

static Statement shipped_module_replace = STATEMENT(
	"UPDATE license.module m SET name = n.name, base = n.base"
	" FROM pg_catalog.json_populate_record(NULL::license.module, $1::json) n"
	" WHERE m.module = n.module AND m.shipped AND NOT m.edited",
	TEXTOID);

static Statement shipped_offer_replace = STATEMENT(
	"UPDATE license.offer o SET name = n.name, family = n.family, unit = n.unit, term = n.term,"
	" trial = n.trial, audience = n.audience, start_rule = n.start_rule,"
	" connection_threshold = n.connection_threshold, min_quantity = n.min_quantity,"
	" regions = n.regions, modules = n.modules, base_module = n.base_module"
	" FROM pg_catalog.json_populate_record(NULL::license.offer, $1::json) n"
	" WHERE o.sku = n.sku AND o.shipped AND NOT o.edited",
	TEXTOID);

static Statement shipped_stage_replace = STATEMENT(
	"UPDATE license.notice_stage s SET lead = n.lead, title = n.title, cuts_off = n.cuts_off, active = n.active,"
	" scheduled = coalesce(n.scheduled, false)"
	" FROM pg_catalog.json_populate_record(NULL::license.notice_stage, $1::json) n"
	" WHERE s.stage = n.stage AND s.shipped AND NOT s.edited",
	TEXTOID);

/* Overwrites the untouched shipped row of the same key; returns false if there is none. */
static bool
replace_shipped(FunctionCallInfo fcinfo, TriggerData *trigger)
{
	const char *table = RelationGetRelationName(trigger->tg_relation);
	Datum		row = row_as_text(trigger);
	Operation	op;
	uint64		replaced;

	operation_begin(&op, fcinfo, OP_REPLACE_SHIPPED, operation_at());
	if (strcmp(table, "offer") == 0)
		replaced = RUN(shipped_offer_replace, arg_datum(row, false));
	else if (strcmp(table, "module") == 0)
		replaced = RUN(shipped_module_replace, arg_datum(row, false));
	else
		replaced = RUN(shipped_stage_replace, arg_datum(row, false));
	operation_end(&op);
	return replaced > 0;
}

static HeapTuple
set_marks(TriggerData *trigger, HeapTuple row, bool shipped, bool edited)
{
	static const char *const columns[] = {"shipped", "edited"};
	Datum		values[] = {BoolGetDatum(shipped), BoolGetDatum(edited)};
	bool		nulls[] = {false, false};

	return trigger_change(trigger, row, 2, columns, values, nulls);
}

static void
refuse_loss(TriggerData *trigger, const char *what)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("a row of \"%s\" that comes with the extension cannot %s",
				   RelationGetRelationName(trigger->tg_relation), what),
			errdetail("It would come back with the next restore."),
			errhint("Edit its other columns instead."));
}

static bool
was_shipped(TriggerData *trigger)
{
	bool		isnull;

	return DatumGetBool(trigger_column(trigger, trigger->tg_trigtuple, "shipped", &isnull));
}

static HeapTuple
after_edit(TriggerData *trigger)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	bool		shipped = was_shipped(trigger);

	/* The key is the first column. */
	if (shipped && trigger_changes(trigger, NameStr(TupleDescAttr(desc, 0)->attname)))
		refuse_loss(trigger, "change its key");
	return set_marks(trigger, trigger->tg_newtuple, shipped, shipped);
}

/*
 * license._catalogue_trg() → trigger
 *		Before INSERT, UPDATE or DELETE of a row of a table with shipped rows.
 *		A new row replaces the untouched shipped row of its key.  A shipped row
 *		that is edited is marked.  It cannot be deleted or get another key.
 *		Scripts of the extension may do all of this.
 *		Errors: 55000, 39P01.
 */
Datum
license_catalogue_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_catalogue_trg",
										 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
										 ON_INSERT | ON_UPDATE | ON_DELETE, 0);

	if (creating_extension)
		return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
							   trigger->tg_newtuple : trigger->tg_trigtuple);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return PointerGetDatum(after_edit(trigger));
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
	{
		if (was_shipped(trigger))
			refuse_loss(trigger, "be deleted");
		return PointerGetDatum(trigger->tg_trigtuple);
	}
	if (replace_shipped(fcinfo, trigger))
		return PointerGetDatum(NULL);
	return PointerGetDatum(set_marks(trigger, trigger->tg_trigtuple, false, false));
}

/*
 * license._catalogue_truncate_trg() → trigger
 *		Before TRUNCATE of a table with shipped rows: raises 55000.
 *		Errors: 55000, 39P01.
 */
Datum
license_catalogue_truncate_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_catalogue_truncate_trg",
										 TRIGGER_EVENT_BEFORE, ON_TRUNCATE, 0);

	refuse_loss(trigger, "be deleted");
	return PointerGetDatum(NULL);
}
