/*
 * trigger.c
 *		Checks the arguments of trigger functions, and reads their rows.
 *
 * A trigger function called by plain SELECT has no TriggerData, and following
 * the missing pointer would crash the whole server.
 */
#include "core/trigger.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static int
event_bit(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return ON_INSERT;
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return ON_UPDATE;
	return TRIGGER_FIRED_BY_DELETE(event) ? ON_DELETE : ON_TRUNCATE;
}

static void
protocol_violation(const char *name, const char *what)
{
	ereport(ERROR,
			errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("trigger function license.%s %s", name, what));
}

TriggerData *
check_trigger(FunctionCallInfo fcinfo, const char *name,
			  TriggerEvent timing, int events, int nargs)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		protocol_violation(name, "was not called as a trigger");
	if ((trigger->tg_event & (TRIGGER_EVENT_TIMINGMASK | TRIGGER_EVENT_ROW)) != timing)
		protocol_violation(name, "fired at the wrong time or level");
	if ((event_bit(trigger->tg_event) & events) == 0)
		protocol_violation(name, "fired for the wrong event");
	if (nargs >= 0 && trigger->tg_trigger->tgnargs != nargs)
		protocol_violation(name, "has the wrong number of arguments");
	return trigger;
}

TriggerData *
check_own_trigger(FunctionCallInfo fcinfo, const char *name,
				  TriggerEvent timing, int events, int nargs, const char *table)
{
	TriggerData *trigger = check_trigger(fcinfo, name, timing, events, nargs);
	Relation	rel = trigger->tg_relation;
	char	   *schema = get_namespace_name(RelationGetNamespace(rel));

	if (schema == NULL || strcmp(schema, "license") != 0 ||
		strcmp(RelationGetRelationName(rel), table) != 0)
		protocol_violation(name, "fired on a table that is not its own");
	return trigger;
}

static int
column_number(TriggerData *trigger, const char *column)
{
	int			number = SPI_fnumber(RelationGetDescr(trigger->tg_relation), column);

	if (number <= 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("table \"%s\" has no column \"%s\"",
					   RelationGetRelationName(trigger->tg_relation), column));
	return number;
}

Datum
trigger_column(TriggerData *trigger, HeapTuple row, const char *column, bool *isnull)
{
	return heap_getattr(row, column_number(trigger, column),
						RelationGetDescr(trigger->tg_relation), isnull);
}

NullableDatum
trigger_value(TriggerData *trigger, HeapTuple row, const char *column)
{
	NullableDatum field;

	field.value = trigger_column(trigger, row, column, &field.isnull);
	return field;
}

char *
trigger_text(TriggerData *trigger, HeapTuple row, const char *column)
{
	bool		isnull;
	Datum		value = trigger_column(trigger, row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

HeapTuple
trigger_change(TriggerData *trigger, HeapTuple row, int columns,
			   const char *const *names, Datum *values, bool *nulls)
{
	int			numbers[16];

	Assert(columns <= lengthof(numbers));
	for (int i = 0; i < columns; i++)
		numbers[i] = column_number(trigger, names[i]);
	return heap_modify_tuple_by_cols(row, RelationGetDescr(trigger->tg_relation),
									 columns, numbers, values, nulls);
}

bool
trigger_changes(TriggerData *trigger, const char *column)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int			number = column_number(trigger, column);
	Form_pg_attribute att = TupleDescAttr(desc, number - 1);
	bool		old_null;
	bool		new_null;
	Datum		old_value = heap_getattr(trigger->tg_trigtuple, number, desc, &old_null);
	Datum		new_value = heap_getattr(trigger->tg_newtuple, number, desc, &new_null);

	if (old_null || new_null)
		return old_null != new_null;
	return !datum_image_eq(old_value, new_value, att->attbyval, att->attlen);
}

bool
trigger_names_column(TriggerData *trigger, const char *column)
{
	return bms_is_member(column_number(trigger, column) - FirstLowInvalidHeapAttributeNumber,
						 trigger->tg_updatedcols);
}
