/*
 * seat_guard.c
 *		The triggers on the parent of a counted foreign key, and the way round
 *		for parents whose own triggers must see each count.
 */
#include "seat_limit.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "seat_trigger.h"
#include "trigger_util.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(license_seat_guard_trg);
PG_FUNCTION_INFO_V1(license_seat_recreate_trg);

static int	maintaining = 0;

bool
seat_maintaining(void)
{
	return maintaining > 0;
}

char *
seat_qualified_name(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

/* The type may come with its own "=", in a schema of its own. */
char *
seat_equal_operator(Oid type)
{
	Oid			operator = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char	   *text;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("type %s has no equality operator", format_type_be(type)));
	form = (Form_pg_operator) GETSTRUCT(tuple);
	text = psprintf("OPERATOR(%s.%s)",
					quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return text;
}

static Oid
relation_owner(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relation);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* The owner's own triggers run, so they run as the owner and not as somebody mightier. */
void
seat_execute_as_owner(Oid parent, const char *sql, int nargs, Oid *types, Datum *values)
{
	Oid			caller;
	int			context;
	int			result;

	GetUserIdAndSecContext(&caller, &context);
	SetUserIdAndSecContext(relation_owner(parent),
						   context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	maintaining++;
	PG_TRY();
	{
		result = SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0);
		if (result < 0)
			elog(ERROR, "could not write seat counts: %s", SPI_result_code_string(result));
	}
	PG_FINALLY();
	{
		maintaining--;
	}
	PG_END_TRY();
	SetUserIdAndSecContext(caller, context);
}

/* " WHERE k1 = $2 AND k2 = $3" over the key columns of the parent */
static void
append_key_filter(StringInfo sql, SeatLimitDef *def)
{
	for (int i = 0; i < def->nkeys; i++)
	{
		AttrNumber	attnum = def->keys[i].parent_attnum;

		appendStringInfo(sql, " %s %s %s $%d", i ? "AND" : "WHERE",
						 quote_identifier(get_attname(def->parent, attnum, false)),
						 seat_equal_operator(get_atttype(def->parent, attnum)), i + 2);
	}
}

static char *
select_parent_sql(SeatLimitDef *def)
{
	StringInfoData sql;
	char	   *limit = def->limit.attnum == 0 ? NULL :
		get_attname(def->parent, def->limit.attnum, false);

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s::bigint, %s::bigint, $1 FROM ONLY %s",
					 quote_identifier(get_attname(def->parent, def->used.attnum, false)),
					 limit ? quote_identifier(limit) : "NULL",
					 seat_qualified_name(def->parent));
	append_key_filter(&sql, def);
	appendStringInfoString(&sql, " FOR NO KEY UPDATE");
	return sql.data;
}

static char *
update_parent_sql(SeatLimitDef *def)
{
	const char *used = quote_identifier(get_attname(def->parent, def->used.attnum, false));
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE ONLY %s SET %s = %s OPERATOR(pg_catalog.+) $1",
					 seat_qualified_name(def->parent), used, used);
	append_key_filter(&sql, def);
	return sql.data;
}

static int64
column_or_zero(int column, bool *isnull)
{
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);

	return *isnull ? 0 : DatumGetInt64(value);
}

static void
apply_one_sql(SeatLimitDef *def, Relation parent, const SeatDelta *delta,
			  const char *select, const char *update)
{
	Oid			types[INDEX_MAX_KEYS + 1] = {INT8OID};
	Datum		values[INDEX_MAX_KEYS + 1] = {Int64GetDatum(delta->units)};
	bool		uncounted;
	bool		unlimited;
	int64		used;
	int64		limit;

	for (int i = 0; i < def->nkeys; i++)
	{
		types[i + 1] = get_atttype(def->parent, def->keys[i].parent_attnum);
		values[i + 1] = delta->keys[i];
	}
	seat_execute_as_owner(def->parent, select, def->nkeys + 1, types, values);
	if (SPI_processed == 0 && delta->units <= 0)
		return;
	if (SPI_processed == 0)
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("%s does not exist", seat_key_text(parent, def, delta->keys)));
	used = column_or_zero(1, &uncounted);
	limit = column_or_zero(2, &unlimited);
	seat_check_limit(parent, def, delta, used, unlimited, limit);
	seat_execute_as_owner(def->parent, update, def->nkeys + 1, types, values);
}

void
seat_parents_apply_sql(SeatLimitDef *def, SeatDelta **deltas, int ndeltas)
{
	int			path_level = search_path_restrict();
	Relation	parent;
	char	   *select;
	char	   *update;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	parent = RelationIdGetRelation(def->parent);
	select = select_parent_sql(def);
	update = update_parent_sql(def);
	for (int i = 0; i < ndeltas; i++)
	{
		CHECK_FOR_INTERRUPTS();
		apply_one_sql(def, parent, deltas[i], select, update);
	}
	RelationClose(parent);
	SPI_finish();
	search_path_restore(path_level);
}

static TriggerData *
check_guard(FunctionCallInfo fcinfo, const char *name, TriggerEvent timing, int events)
{
	TriggerData *trigger = check_trigger(fcinfo, name, timing | TRIGGER_EVENT_ROW, events, -1);

	if (trigger->tg_trigger->tgnargs <= GUARD_ARG_KEYS)
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("seat triggers are made by license.attach_seat_limit()"));
	return trigger;
}

/* Counting starts from nothing: the children count up again, also in a restore. */
static HeapTuple
start_from_nothing(TriggerData *trigger)
{
	Relation	rel = trigger->tg_relation;
	const char *used = trigger->tg_trigger->tgargs[GUARD_ARG_USED];
	SeatColumn	column = seat_integer_column(rel, used);
	Datum		zero = seat_integer_datum(0, column.type);
	bool		isnull = false;

	return trigger_change(trigger, trigger->tg_trigtuple, 1, &used, &zero, &isnull);
}

static int64
guarded_value(TriggerData *trigger, HeapTuple row, const char *column, bool *isnull)
{
	Datum		value = trigger_column(trigger, row, column, isnull);

	return *isnull ? 0 :
		seat_integer(value, seat_integer_column(trigger->tg_relation, column).type);
}

static void
guard_used(TriggerData *trigger, const char *used)
{
	if (!trigger_changes(trigger, used) || !seat_guard_is_alive(trigger->tg_relation, used))
		return;
	ereport(ERROR,
			errcode(ERRCODE_GENERATED_ALWAYS),
			errmsg("column \"%s\" of \"%s\" counts seats and cannot be written",
				   used, RelationGetRelationName(trigger->tg_relation)),
			errhint("It follows the rows that take seats; license.recount_seats() puts it right."));
}

static void
guard_limit(TriggerData *trigger, const char *used, const char *limit)
{
	bool		unlimited;
	bool		uncounted;
	int64		new_limit;
	int64		in_use;

	if (limit[0] == '\0' || !trigger_changes(trigger, limit))
		return;
	new_limit = guarded_value(trigger, trigger->tg_newtuple, limit, &unlimited);
	in_use = guarded_value(trigger, trigger->tg_newtuple, used, &uncounted);
	if (unlimited || in_use <= new_limit || !seat_guard_is_alive(trigger->tg_relation, used))
		return;
	ereport(ERROR,
			errcode(ERRCODE_QUANTITY_BELOW_USE),
			errmsg("%s of \"%s\" cannot fall below what is in use",
				   limit, RelationGetRelationName(trigger->tg_relation)),
			errdetail_plural(INT64_FORMAT " seat is in use; the new limit is " INT64_FORMAT ".",
							 INT64_FORMAT " seats are in use; the new limit is " INT64_FORMAT ".",
							 (unsigned long) in_use, in_use, new_limit),
			errhint("Release seats first."));
}

/* A key that moves away from its children would leave them uncounted. */
static void
guard_keys(TriggerData *trigger, const char *used)
{
	bool		uncounted;

	if (guarded_value(trigger, trigger->tg_trigtuple, used, &uncounted) == 0)
		return;
	for (int i = GUARD_ARG_KEYS; i < trigger->tg_trigger->tgnargs; i++)
	{
		const char *key = trigger->tg_trigger->tgargs[i];

		if (trigger_changes(trigger, key) && seat_guard_is_alive(trigger->tg_relation, used))
			ereport(ERROR,
					errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					errmsg("key column \"%s\" of \"%s\" cannot change while seats are in use",
						   key, RelationGetRelationName(trigger->tg_relation)));
	}
}

/*
 * license._seat_guard_trg() → trigger
 *		Before each row written to the parent of a counted foreign key: an
 *		INSERT starts with no seat used; an UPDATE may neither write the count,
 *		nor lower the limit below it, nor move the key while seats are in use.
 *		Errors: LX032, 428C9, 23503, 39P01.  O45, C15.
 */
Datum
license_seat_guard_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_guard(fcinfo, "_seat_guard_trg", TRIGGER_EVENT_BEFORE,
									   ON_INSERT | ON_UPDATE);
	char	  **args = trigger->tg_trigger->tgargs;

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return PointerGetDatum(start_from_nothing(trigger));
	if (!seat_maintaining())
	{
		guard_used(trigger, args[GUARD_ARG_USED]);
		guard_limit(trigger, args[GUARD_ARG_USED], args[GUARD_ARG_LIMIT]);
		guard_keys(trigger, args[GUARD_ARG_USED]);
	}
	return PointerGetDatum(trigger->tg_newtuple);
}

static bool
key_exists(TriggerData *trigger)
{
	char	  **args = trigger->tg_trigger->tgargs;
	int			nkeys = trigger->tg_trigger->tgnargs - GUARD_ARG_KEYS;
	Relation	rel = trigger->tg_relation;
	Oid			types[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT FROM ONLY %s", seat_qualified_name(RelationGetRelid(rel)));
	for (int i = 0; i < nkeys; i++)
	{
		const char *key = args[GUARD_ARG_KEYS + i];
		bool		isnull;

		types[i] = get_atttype(RelationGetRelid(rel), get_attnum(RelationGetRelid(rel), key));
		values[i] = trigger_column(trigger, trigger->tg_trigtuple, key, &isnull);
		if (isnull)
			return false;
		appendStringInfo(&sql, " %s %s %s $%d", i ? "AND" : "WHERE",
						 quote_identifier(key), seat_equal_operator(types[i]), i + 1);
	}
	seat_execute_as_owner(RelationGetRelid(rel), sql.data, nkeys, types, values);
	return SPI_processed > 0;
}

/*
 * license._seat_recreate_trg() → trigger
 *		After a parent with seats in use was deleted: refuses when the same
 *		statement made its key anew, since the children would then hang on a
 *		row that never counted them.  Errors: 23503, 39P01.
 */
Datum
license_seat_recreate_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_guard(fcinfo, "_seat_recreate_trg", TRIGGER_EVENT_AFTER, ON_DELETE);
	int			path_level = search_path_restrict();
	bool		exists;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	exists = key_exists(trigger);
	SPI_finish();
	search_path_restore(path_level);
	if (exists)
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("a row of \"%s\" with seats in use cannot be deleted and made anew in one statement",
					   RelationGetRelationName(trigger->tg_relation)));
	return PointerGetDatum(NULL);
}
