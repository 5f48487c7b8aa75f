/*
 * child.c
 *		The triggers of the child of a counted foreign key: what each row takes
 *		and gives back.
 */
#include "core/extension.h"

#include "core/trigger.h"
#include "counted/attachment.h"
#include "counted/definition_cache.h"
#include "counted/own_trigger.h"
#include "counted/recount.h"
#include "counted/sums.h"
#include "miscadmin.h"
#include "utils/datum.h"

PG_FUNCTION_INFO_V1(license_seat_count_trg);
PG_FUNCTION_INFO_V1(license_seat_row_trg);
PG_FUNCTION_INFO_V1(license_seat_truncate_trg);

/* Reads the parent's key from a child row; false when a key column is NULL, so that the row has no parent. */
static bool
read_keys(SeatDefinition *def, TupleTableSlot *row, Datum *keys)
{
	for (int i = 0; i < def->nkeys; i++)
	{
		int			column = def->keys[i].child_attnum - 1;

		if (row->tts_isnull[column])
			return false;
		keys[i] = row->tts_values[column];
	}
	return true;
}

static int64
read_weight(SeatDefinition *def, TupleTableSlot *row)
{
	int			column = def->weight.attnum - 1;
	int64		weight;

	if (def->weight.attnum == 0)
		return 1;
	if (row->tts_isnull[column])
		return 0;
	weight = column_int64(row->tts_values[column], def->weight.type);
	if (weight < 0)
		ereport(ERROR,
				errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("a row cannot take " INT64_FORMAT " seats", weight));
	return weight;
}

static bool
same_column(TupleTableSlot *old, TupleTableSlot *new, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(old->tts_tupleDescriptor, attnum - 1);
	int			column = attnum - 1;

	if (old->tts_isnull[column] || new->tts_isnull[column])
		return old->tts_isnull[column] == new->tts_isnull[column];
	return datumIsEqual(old->tts_values[column], new->tts_values[column],
						att->attbyval, att->attlen);
}

/* Compares the rows, not the columns that the UPDATE names, because a BEFORE trigger may change others. */
static bool
same_seats(SeatDefinition *def, TupleTableSlot *old, TupleTableSlot *new)
{
	slot_getsomeattrs(old, def->last_child_attnum);
	slot_getsomeattrs(new, def->last_child_attnum);
	for (int i = 0; i < def->nkeys; i++)
	{
		if (!same_column(old, new, def->keys[i].child_attnum))
			return false;
	}
	return def->weight.attnum == 0 || same_column(old, new, def->weight.attnum);
}

static void
count_row(SeatDefinition *def, TupleTableSlot *row, int sign)
{
	Datum		keys[INDEX_MAX_KEYS];
	int64		weight;

	slot_getsomeattrs(row, def->last_child_attnum);
	weight = read_weight(def, row);
	if (weight != 0 && read_keys(def, row, keys))
		sums_add(def, keys, sign * weight, sign > 0 ? weight : 0);
}

static TriggerData *
check_child_trigger(FunctionCallInfo fcinfo, const char *name, TriggerEvent timing, int events)
{
	TriggerData *trigger = check_trigger(fcinfo, name, timing, events, -1);

	if (trigger->tg_trigger->tgnargs <= CHILD_ARG_KEYS)
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("seat triggers are made by license.attach_seat_limit()"));
	return trigger;
}

/*
 * license._seat_row_trg() → trigger
 *		After each row that a statement wrote to the child: adds up what the
 *		row takes and gives back.  _seat_count_trg() writes the sums when the
 *		statement ends.  Arguments: own_trigger.h.
 *		Errors: 0A000 the table or its foreign key became one that cannot be
 *		counted; 42703, 42704, 42804, 55000 columns or foreign key were renamed,
 *		changed or dropped; 42501 the owner of the child may no longer update
 *		the used column; 23514 a weight is negative; 39P01 not called as this
 *		trigger.
 */
Datum
license_seat_row_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_child_trigger(fcinfo, "_seat_row_trg",
											   TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											   ON_INSERT | ON_UPDATE | ON_DELETE);
	SeatDefinition *def = definition_cache_find(trigger);

	CHECK_FOR_INTERRUPTS();
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		count_row(def, trigger->tg_trigslot, +1);
	else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		count_row(def, trigger->tg_trigslot, -1);
	else if (!same_seats(def, trigger->tg_trigslot, trigger->tg_newslot))
	{
		count_row(def, trigger->tg_trigslot, -1);
		count_row(def, trigger->tg_newslot, +1);
	}
	return PointerGetDatum(NULL);
}

/*
 * license._seat_count_trg() → trigger
 *		After each statement on the child: adds what it changed to the used
 *		column of the parents.  Arguments: own_trigger.h.
 *		Errors: LX001 limit exceeded, LX002 one row asks for more than the
 *		limit, 23503 parent gone, 39P01 not called as this trigger.
 */
Datum
license_seat_count_trg(PG_FUNCTION_ARGS)
{
	sums_write(check_child_trigger(fcinfo, "_seat_count_trg", TRIGGER_EVENT_AFTER,
								   ON_INSERT | ON_UPDATE | ON_DELETE));
	return PointerGetDatum(NULL);
}

/*
 * license._seat_truncate_trg() → trigger
 *		After TRUNCATE of the child: counts again, which finds no seats in
 *		use.  Errors: those of _seat_row_trg().
 */
Datum
license_seat_truncate_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_child_trigger(fcinfo, "_seat_truncate_trg", TRIGGER_EVENT_AFTER,
											   ON_TRUNCATE);

	(void) recount_correct(attachment_lock(RelationGetRelid(trigger->tg_relation),
										   trigger->tg_trigger->tgoid, NoLock, RowExclusiveLock),
						   OWNER_UNRESTRICTED);
	return PointerGetDatum(NULL);
}
