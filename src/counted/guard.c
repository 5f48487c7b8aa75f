/*
 * guard.c
 *		The triggers of the parent of a counted foreign key.
 */
#include "core/extension.h"

#include "core/trigger.h"
#include "counted/column.h"
#include "counted/maintenance.h"
#include "counted/message.h"
#include "counted/own_trigger.h"
#include "counted/owner.h"
#include "counted/quote.h"
#include "counted/used_column.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(license_seat_guard_trg);
PG_FUNCTION_INFO_V1(license_seat_recreate_trg);

static TriggerData *
check_guard(FunctionCallInfo fcinfo, const char *name, TriggerEvent timing, int events)
{
	TriggerData *trigger = check_trigger(fcinfo, name, timing | TRIGGER_EVENT_ROW, events, -1);

	if (trigger->tg_trigger->tgnargs <= GUARD_ARG_KEYS ||
		trigger->tg_trigger->tgnargs > GUARD_ARG_KEYS + INDEX_MAX_KEYS)
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("seat triggers are made by license.attach_seat_limit()"));
	return trigger;
}

/* A new parent starts with count 0, also when a dump is restored: its children are counted as they are inserted. */
static HeapTuple
start_from_zero(TriggerData *trigger)
{
	Relation	rel = trigger->tg_relation;
	const char *used = trigger->tg_trigger->tgargs[GUARD_ARG_USED];
	SeatColumn	column = column_require_integer(rel, used);
	Datum		zero = column_datum(0, column.type);
	bool		isnull = false;

	return trigger_change(trigger, trigger->tg_trigtuple, 1, &used, &zero, &isnull);
}

static int64
guarded_value(TriggerData *trigger, HeapTuple row, const char *column, bool *isnull)
{
	Datum		value = trigger_column(trigger, row, column, isnull);

	return *isnull ? 0 :
		column_int64(value, column_require_integer(trigger->tg_relation, column).type);
}

/* Raises 428C9 when the UPDATE changes the used column. */
static void
guard_used(TriggerData *trigger, const char *used)
{
	Oid			constraint;

	if (!trigger_changes(trigger, used) || !used_column_is_counted(trigger->tg_relation, used, &constraint))
		return;
	ereport(ERROR,
			errcode(ERRCODE_GENERATED_ALWAYS),
			errmsg("column \"%s\" of \"%s\" counts seats and cannot be written",
				   used, RelationGetRelationName(trigger->tg_relation)),
			errhint("It follows the rows that take seats; license.recount_seats() puts it right."),
			errtablecolname(trigger->tg_relation, used));
}

/* "(a, b)=(1, 2)" of a row */
static char *
key_text(TriggerData *trigger, HeapTuple row)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int			nkeys = trigger->tg_trigger->tgnargs - GUARD_ARG_KEYS;
	AttrNumber	columns[INDEX_MAX_KEYS];
	NullableDatum keys[INDEX_MAX_KEYS];

	for (int i = 0; i < nkeys; i++)
	{
		columns[i] = column_require(RelationGetRelid(trigger->tg_relation),
									trigger->tg_trigger->tgargs[GUARD_ARG_KEYS + i]);
		keys[i].value = heap_getattr(row, columns[i], desc, &keys[i].isnull);
	}
	return message_key(desc, nkeys, columns, keys);
}

/* Raises LX032 when the UPDATE lowers the limit below the seats in use. */
static void
guard_limit(TriggerData *trigger, const char *used, const char *limit)
{
	bool		unlimited;
	bool		uncounted;
	int64		new_limit;
	int64		in_use;
	Oid			constraint;

	if (limit[0] == '\0' || !trigger_changes(trigger, limit))
		return;
	new_limit = guarded_value(trigger, trigger->tg_newtuple, limit, &unlimited);
	in_use = guarded_value(trigger, trigger->tg_newtuple, used, &uncounted);
	if (unlimited || in_use <= new_limit ||
		!used_column_is_counted(trigger->tg_relation, used, &constraint))
		return;
	ereport(ERROR,
			errcode(ERRCODE_QUANTITY_BELOW_USE),
			errmsg("\"%s\" of \"%s\" cannot fall below what is in use",
				   limit, RelationGetRelationName(trigger->tg_relation)),
			errdetail_plural("Key %s: " INT64_FORMAT " seat is in use; the new limit is " INT64_FORMAT ".",
							 "Key %s: " INT64_FORMAT " seats are in use; the new limit is " INT64_FORMAT ".",
							 (unsigned long) in_use, key_text(trigger, trigger->tg_newtuple), in_use, new_limit),
			errhint("Release seats first."),
			message_constraint(constraint));
}

/*
 * Raises 23503 when the UPDATE changes a key column of a parent with seats in
 * use: ON UPDATE CASCADE would move the children to a row that has not counted
 * them.
 */
static void
guard_keys(TriggerData *trigger, const char *used)
{
	bool		uncounted;
	Oid			constraint;

	if (guarded_value(trigger, trigger->tg_trigtuple, used, &uncounted) == 0)
		return;
	for (int i = GUARD_ARG_KEYS; i < trigger->tg_trigger->tgnargs; i++)
	{
		const char *key = trigger->tg_trigger->tgargs[i];

		if (trigger_changes(trigger, key) &&
			used_column_is_counted(trigger->tg_relation, used, &constraint))
			ereport(ERROR,
					errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					errmsg("key column \"%s\" of \"%s\" cannot change while seats are in use",
						   key, RelationGetRelationName(trigger->tg_relation)),
					errdetail("Key %s: seats are in use.", key_text(trigger, trigger->tg_trigtuple)),
					message_constraint(constraint));
	}
}

/*
 * license._seat_guard_trg() → trigger
 *		Before each row that is written to the parent: an INSERT starts with
 *		no seat in use; an UPDATE may neither write the used column, nor lower
 *		the limit below it, nor change the key while seats are in use.
 *		Errors: LX032, 428C9, 23503, 39P01.
 */
Datum
license_seat_guard_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_guard(fcinfo, "_seat_guard_trg", TRIGGER_EVENT_BEFORE,
									   ON_INSERT | ON_UPDATE);
	char	  **args = trigger->tg_trigger->tgargs;

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return PointerGetDatum(start_from_zero(trigger));
	if (!maintenance_is_running(RelationGetRelid(trigger->tg_relation)))
	{
		guard_used(trigger, args[GUARD_ARG_USED]);
		guard_limit(trigger, args[GUARD_ARG_USED], args[GUARD_ARG_LIMIT]);
		guard_keys(trigger, args[GUARD_ARG_USED]);
	}
	return PointerGetDatum(trigger->tg_newtuple);
}

/* For key_exists(): does the parent have a row with the key of the deleted one? */
typedef struct KeyQuestion
{
	TriggerData *trigger;
	bool		exists;
} KeyQuestion;

static void
key_exists(void *argument)
{
	KeyQuestion *question = argument;
	TriggerData *trigger = question->trigger;
	char	  **args = trigger->tg_trigger->tgargs;
	int			nkeys = trigger->tg_trigger->tgnargs - GUARD_ARG_KEYS;
	Oid			relation = RelationGetRelid(trigger->tg_relation);
	Oid			types[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT FROM ONLY %s", quote_table(relation));
	for (int i = 0; i < nkeys; i++)
	{
		const char *key = args[GUARD_ARG_KEYS + i];
		bool		isnull;

		types[i] = get_atttype(relation, get_attnum(relation, key));
		values[i] = trigger_column(trigger, trigger->tg_trigtuple, key, &isnull);
		if (isnull)
			return;
		appendStringInfo(&sql, " %s %s %s $%d", i ? "AND" : "WHERE",
						 quote_identifier(key), quote_equal_operator(types[i]), i + 1);
	}
	maintenance_execute(relation, sql.data, nkeys, types, values);
	question->exists = SPI_processed > 0;
}

/*
 * license._seat_recreate_trg() → trigger
 *		After a parent with seats in use was deleted: refuses it when the same
 *		statement also inserted a row with its key, because the children would
 *		then belong to a row that has not counted them.  Errors: 23503, 39P01.
 */
Datum
license_seat_recreate_trg(PG_FUNCTION_ARGS)
{
	KeyQuestion question = {0};

	question.trigger = check_guard(fcinfo, "_seat_recreate_trg", TRIGGER_EVENT_AFTER, ON_DELETE);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	owner_run(question.trigger->tg_relation, OWNER_UNRESTRICTED, key_exists, &question);
	SPI_finish();
	if (question.exists)
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("a row of \"%s\" with seats in use cannot be deleted and inserted again in one statement",
					   RelationGetRelationName(question.trigger->tg_relation)),
				errtable(question.trigger->tg_relation));
	return PointerGetDatum(NULL);
}
