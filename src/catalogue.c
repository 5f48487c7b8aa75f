/*
 * catalogue.c
 *		Catalogue rows that come with the extension and may be edited.
 *
 * CREATE EXTENSION inserts the shipped rows; pg_dump saves only edited ones.
 * A restore therefore meets an untouched row of the same key, and its row
 * takes the place of that one.
 */
#include "license_ext.h"

#include "access/htup_details.h"
#include "executor/spi.h"
#include "operation.h"
#include "plans.h"
#include "trigger_util.h"
#include "utils/json.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(license_catalogue_trg);

static Datum
row_as_text(TriggerData *trigger)
{
	Datum		row = heap_copy_tuple_as_datum(trigger->tg_trigtuple,
											   RelationGetDescr(trigger->tg_relation));

	return DirectFunctionCall1(row_to_json, row);
}

/* Overwrites the untouched shipped row of the same key; false: there is none. */
static bool
replace_shipped(FunctionCallInfo fcinfo, TriggerData *trigger)
{
	const char *table = RelationGetRelationName(trigger->tg_relation);
	Datum		row = row_as_text(trigger);
	Operation	op;
	uint64		replaced;

	operation_begin(&op, fcinfo, "replace_shipped", operation_at());
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
mark_edited(TriggerData *trigger)
{
	const char *const column = "shipped";
	Datum		edited = BoolGetDatum(false);
	bool		isnull = false;

	return trigger_change(trigger, trigger->tg_newtuple, 1, &column, &edited, &isnull);
}

static void
refuse_delete(TriggerData *trigger)
{
	bool		isnull;

	if (!DatumGetBool(trigger_column(trigger, trigger->tg_trigtuple, "shipped", &isnull)))
		return;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("a row of \"%s\" that comes with the extension cannot be deleted",
				   RelationGetRelationName(trigger->tg_relation)),
			errdetail("It would come back with the next restore."),
			errhint("Edit it instead."));
}

/*
 * license._catalogue_trg() → trigger
 *		Before a row of a catalogue table with shipped rows is written: a new
 *		row replaces the untouched shipped row of its key, an edited row is no
 *		longer shipped, a shipped row cannot be deleted.
 *		Errors: 55000, 39P01.
 */
Datum
license_catalogue_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_catalogue_trg",
										 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
										 ON_INSERT | ON_UPDATE | ON_DELETE, 0);

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return PointerGetDatum(replace_shipped(fcinfo, trigger) ? NULL : trigger->tg_trigtuple);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return PointerGetDatum(mark_edited(trigger));
	refuse_delete(trigger);
	return PointerGetDatum(trigger->tg_trigtuple);
}
