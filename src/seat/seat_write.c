/*
 * seat_write.c
 *		Writes the lease of a seat, without SPI where an UPDATE would do nothing more.
 *
 * A lease is renewed every few minutes by each holder, and for a single row,
 * starting the executor and compiling the constraints costs more than the work
 * itself.  So the row is replaced directly, as the executor would do it.  If the
 * table has triggers, rules, or anything else beyond what it comes with, an
 * UPDATE is run.
 */
#include "seat/seat_write.h"

#include "access/heapam.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "core/field.h"
#include "core/kept.h"
#include "core/statement.h"
#include "executor/executor.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

typedef enum LifeColumn
{
	LAST_SEEN_AT, LEASE, EXPIRES_AT, LIFE_COLUMNS
} LifeColumn;

static const char *const column_names[] = {"last_seen_at", "lease", "expires_at"};

/* Properties of the table, kept until it is altered */
typedef struct SeatTable
{
	Kept		kept;
	Oid			relation;
	AttrNumber	columns[LIFE_COLUMNS];
	bool		plain;			/* an UPDATE would do nothing beyond writing the row */
} SeatTable;

static SeatTable *known = NULL;

static void
forget_on_relation(Datum arg, Oid relation)
{
	if (known != NULL && (relation == InvalidOid || relation == known->relation))
		known->kept.valid = false;
}

/* Is the column part of a foreign key from or to this table? */
static bool
is_key_column(Relation rel, AttrNumber column)
{
	Bitmapset  *keys = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_KEY);
	ListCell   *cell;

	if (bms_is_member(column - FirstLowInvalidHeapAttributeNumber, keys))
		return true;
	foreach(cell, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst(cell);

		for (int i = 0; i < fk->nkeys; i++)
		{
			if (fk->conkey[i] == column)
				return true;
		}
	}
	return false;
}

/*
 * Would this trigger do anything in an UPDATE of our columns?  Foreign keys and
 * triggers of this extension concern other columns.
 */
static bool
heeds_update(const Trigger *trigger)
{
	return trigger->tgenabled != TRIGGER_DISABLED && TRIGGER_FOR_UPDATE(trigger->tgtype) &&
		RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_NONE &&
		get_func_namespace(trigger->tgfoid) != get_namespace_oid("license", false);
}

static bool
is_plain(Relation rel, const AttrNumber *columns)
{
	Form_pg_class form = rel->rd_rel;
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);

	if (form->relkind != RELKIND_RELATION || form->relispartition || form->relhassubclass ||
		form->relhasrules || form->relforcerowsecurity ||
		(constr != NULL && has_generated_column(constr)))
		return false;
	for (int i = 0; i < LIFE_COLUMNS; i++)
	{
		if (is_key_column(rel, columns[i]))
			return false;
	}
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (heeds_update(&triggers->triggers[i]))
			return false;
	}
	return true;
}

static void
find_columns(SeatTable *table)
{
	for (int i = 0; i < LIFE_COLUMNS; i++)
	{
		table->columns[i] = get_attnum(table->relation, column_names[i]);
		if (table->columns[i] == InvalidAttrNumber)
			elog(ERROR, "table license.seat has no column %s", column_names[i]);
	}
}

static SeatTable *
build_table(Relation rel)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "license_ext seat table",
												  ALLOCSET_SMALL_SIZES);
	SeatTable  *table = MemoryContextAllocZero(context, sizeof(SeatTable));

	table->kept.context = context;
	table->kept.valid = true;
	table->relation = RelationGetRelid(rel);
	find_columns(table);
	table->plain = is_plain(rel, table->columns);
	return table;
}

/* Held for the running call; rel is locked, so others cannot change the table. */
static SeatTable *
look_at_table(Relation rel)
{
	static bool registered = false;
	SeatTable  *replaced = known;

	if (!registered)
		CacheRegisterRelcacheCallback(forget_on_relation, (Datum) 0);
	registered = true;
	if (known == NULL || known->relation != RelationGetRelid(rel) || !kept_is_true(&known->kept))
	{
		known = build_table(rel);
		kept_cache(&known->kept);
		if (replaced != NULL)
			kept_let_go(&replaced->kept);
	}
	kept_hold(&known->kept, CurrentMemoryContext);
	return known;
}

static void
set_column(TupleTableSlot *row, AttrNumber column, NullableDatum value)
{
	row->tts_values[column - 1] = value.value;
	row->tts_isnull[column - 1] = value.isnull;
}

/* The row found, with another life */
static TupleTableSlot *
changed_row(const SeatTable *table, Row *seat, const SeatLife *life)
{
	TupleDesc	desc = RelationGetDescr(seat->rel);
	TupleTableSlot *changed = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);

	slot_getallattrs(seat->slot);
	memcpy(changed->tts_values, seat->slot->tts_values, sizeof(Datum) * desc->natts);
	memcpy(changed->tts_isnull, seat->slot->tts_isnull, sizeof(bool) * desc->natts);
	set_column(changed, table->columns[LAST_SEEN_AT], arg_time(life->last_seen_at));
	set_column(changed, table->columns[LEASE], life->lease);
	set_column(changed, table->columns[EXPIRES_AT], life->expires_at);
	return ExecStoreVirtualTuple(changed);
}

static bool
keeps_not_null(const SeatTable *table, Relation rel, TupleTableSlot *row)
{
	for (int i = 0; i < LIFE_COLUMNS; i++)
	{
		int			column = table->columns[i] - 1;

		if (row->tts_isnull[column] && TupleDescAttr(RelationGetDescr(rel), column)->attnotnull)
			return false;
	}
	return true;
}

static bool
keeps_checks(SeatTable *table, Relation rel, TupleTableSlot *row)
{
	ExprContext *context = CreateStandaloneExprContext();
	const RowChecks *checks = kept_checks(&table->kept, rel, 0);
	bool		kept = row_checks_broken(checks, row_checks_compile(checks), row, context) < 0;

	FreeExprContext(context, true);
	return kept;
}

/* Another transaction changed the row first.  The caller reads it again; an old snapshot would not show it. */
static SeatWritten
lost_race(TM_Result result)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				result == TM_Updated ? errmsg("could not serialize access due to concurrent update") :
				errmsg("could not serialize access due to concurrent delete"),
				errhint("The transaction might succeed if retried."));
	return SEAT_CHANGED;
}

/* Locks the new version, so that the retry cannot lose the race again. */
static SeatWritten
lock_changed(Row *seat, TM_Result result)
{
	SeatWritten lost = lost_race(result);
	bool		newer;

	(void) row_lock(seat, &newer);
	return lost;
}

static SeatWritten
write_directly(Row *seat, TupleTableSlot *changed, CommandId command)
{
	RowWriter	writer = {.rel = seat->rel};
	TM_Result	result = row_replace(&writer, seat->slot->tts_tid, changed, command, seat->snapshot);

	row_writer_close(&writer);
	if (result == TM_Updated || result == TM_Deleted)
		return lock_changed(seat, result);
	if (result == TM_SelfModified)
		row_refuse_self_modified(seat->rel);
	if (result != TM_Ok)
		elog(ERROR, "unexpected result %d of updating a seat", (int) result);
	CommandCounterIncrement();
	return SEAT_WRITTEN;
}

static Statement seat_heartbeat = STATEMENT(
	"UPDATE license.seat SET last_seen_at = $3, lease = $4, expires_at = $5"
	" WHERE account_id = $1 AND seat_id = $2 RETURNING expires_at",
	INT8OID, INT8OID, TIMESTAMPTZOID, INTERVALOID, TIMESTAMPTZOID);

/* Also used for a row that violates a constraint, so that the server raises its own error. */
static SeatWritten
write_by_statement(Row *seat, SeatLife *life)
{
	NullableDatum account_id = arg_datum(row_datum(seat, "account_id"), false);
	NullableDatum seat_id = arg_datum(row_datum(seat, "seat_id"), false);
	bool		newer;

	/* The snapshot of the statement might show a newer version than the one that the caller has checked. */
	if (!row_lock(seat, &newer))
		return lost_race(TM_Deleted);
	if (newer)
		return lost_race(TM_Updated);
	if (RUN(seat_heartbeat, account_id, seat_id, arg_time(life->last_seen_at),
			life->lease, life->expires_at) == 0)
		return SEAT_REFUSED;
	life->expires_at = field_value("expires_at");
	return SEAT_WRITTEN;
}

SeatWritten
seat_write(Row *seat, SeatLife *life)
{
	SeatTable  *table = look_at_table(seat->rel);
	CommandId	command = GetCurrentCommandId(true);
	TupleTableSlot *changed;
	SeatWritten written;

	if (!table->plain)
		return write_by_statement(seat, life);
	CheckCmdReplicaIdentity(seat->rel, CMD_UPDATE);
	changed = changed_row(table, seat, life);
	if (keeps_not_null(table, seat->rel, changed) && keeps_checks(table, seat->rel, changed))
		written = write_directly(seat, changed, command);
	else
		written = write_by_statement(seat, life);
	ExecDropSingleTupleTableSlot(changed);
	return written;
}
