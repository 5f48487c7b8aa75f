/*
 * seat_parent.c
 *		Checks the limit of a parent row and writes the new count.
 *
 * The count is read from the version that the new one replaces, the latest
 * committed, never from the transaction's snapshot: that is why no isolation
 * level oversells, and why REPEATABLE READ does not fail where there is still
 * room.  Row and index are reached directly, since for one row SPI would cost
 * more than the work itself.
 */
#include "counted/seat_limit.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "common/int.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* What stays open while the parents of one statement are written */
typedef struct ParentWriter
{
	SeatLimitDef *def;
	Relation	rel;
	Relation	index;
	const RowChecks *checks;	/* and compiled for this statement */
	ExprState **states;
	Snapshot	snapshot;
	IndexScanDesc scan;
	ScanKeyData keys[INDEX_MAX_KEYS];
	TupleTableSlot *current;	/* the version found, or locked */
	TupleTableSlot *changed;	/* what replaces it */
	ExprContext *context;		/* for CHECK constraints */
	RowWriter	rows;
} ParentWriter;

static void
init_scan_keys(ParentWriter *writer)
{
	SeatLimitDef *def = writer->def;

	for (int i = 0; i < def->nkeys; i++)
	{
		Oid			family = writer->index->rd_opfamily[i];
		Oid			type = writer->index->rd_opcintype[i];
		Oid			operator = get_opfamily_member(family, type, type, BTEqualStrategyNumber);

		ScanKeyEntryInitialize(&writer->keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   def->keys[i].collation, get_opcode(operator), (Datum) 0);
	}
}

static void
open_writer(ParentWriter *writer, SeatLimitDef *def, Relation parent)
{
	memset(writer, 0, sizeof(ParentWriter));
	writer->def = def;
	writer->rel = parent;
	writer->checks = kept_checks(&def->kept, parent, def->used.attnum);
	writer->states = row_checks_compile(writer->checks);
	writer->index = index_open(def->index, AccessShareLock);
	init_scan_keys(writer);
	writer->snapshot = RegisterSnapshot(GetLatestSnapshot());
	writer->scan = index_begin_plain_scan(writer->rel, writer->index, writer->snapshot, def->nkeys);
	writer->current = table_slot_create(writer->rel, NULL);
	writer->changed = MakeSingleTupleTableSlot(RelationGetDescr(writer->rel), &TTSOpsVirtual);
	writer->rows.rel = writer->rel;
	if (writer->checks->count > 0)
		writer->context = CreateStandaloneExprContext();
}

static void
close_writer(ParentWriter *writer)
{
	row_writer_close(&writer->rows);
	if (writer->context != NULL)
		FreeExprContext(writer->context, true);
	ExecDropSingleTupleTableSlot(writer->changed);
	ExecDropSingleTupleTableSlot(writer->current);
	index_endscan(writer->scan);
	UnregisterSnapshot(writer->snapshot);
	index_close(writer->index, AccessShareLock);
}

/* The snapshot is a copy of our own, taken for all parents of the statement. */
static void
see_nested_statements(ParentWriter *writer)
{
	if (GetCurrentCommandId(true) != writer->snapshot->curcid)
	{
		CommandCounterIncrement();
		writer->snapshot->curcid = GetCurrentCommandId(true);
	}
}

static bool
find_parent(ParentWriter *writer, const Datum *keys)
{
	see_nested_statements(writer);
	for (int i = 0; i < writer->def->nkeys; i++)
		writer->keys[i].sk_argument = keys[i];
	index_rescan(writer->scan, writer->keys, writer->def->nkeys, NULL, 0);
	return index_getnext_slot(writer->scan, ForwardScanDirection, writer->current);
}

/* Who updated this version, and was rolled back if it is locked, while others hold key share locks on it */
static TransactionId
shared_updater(TupleTableSlot *version)
{
	BufferHeapTupleTableSlot *slot = (BufferHeapTupleTableSlot *) version;
	TransactionId updater = InvalidTransactionId;
	HeapTupleHeader row;

	if (!TTS_IS_BUFFERTUPLE(version))
		return updater;
	row = slot->base.tuple->t_data;
	LockBuffer(slot->buffer, BUFFER_LOCK_SHARE);
	if ((row->t_infomask & HEAP_XMAX_IS_MULTI) && !HEAP_XMAX_IS_LOCKED_ONLY(row->t_infomask))
		updater = HeapTupleGetUpdateXid(row);
	LockBuffer(slot->buffer, BUFFER_LOCK_UNLOCK);
	return updater;
}

/*
 * A rollback is on record a moment before its transaction stops counting as
 * running.  In between, servers before 15.20 hand out the row's lock, but
 * heap_update() keeps the updater that was rolled back beside the new one and
 * fails with "new multixact has more than one updating member".
 */
static void
wait_for_rollback(TupleTableSlot *locked)
{
	TransactionId updater = shared_updater(locked);

	if (TransactionIdIsValid(updater) && TransactionIdIsInProgress(updater))
		XactLockTableWait(updater, NULL, NULL, XLTW_None);
}

/* Waits for whoever changes the row and locks its last version; false: it is gone. */
static bool
lock_parent(ParentWriter *writer)
{
	TM_FailureData failure;
	ItemPointerData tid = writer->current->tts_tid;
	TM_Result	result = table_tuple_lock(writer->rel, &tid, writer->snapshot, writer->current,
										  writer->snapshot->curcid,
										  LockTupleNoKeyExclusive, LockWaitBlock,
										  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

	if (result == TM_Deleted)
		return false;
	if (result == TM_SelfModified)
		row_refuse_self_modified(writer->rel);
	if (result != TM_Ok)
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not lock row of \"%s\" to count its seats",
					   RelationGetRelationName(writer->rel)),
				errhint("The transaction might succeed if retried."));
	wait_for_rollback(writer->current);
	return true;
}

/* The locked row with another count, ready to be stored */
static void
change_used(ParentWriter *writer, int64 used)
{
	TupleTableSlot *from = writer->current;
	TupleTableSlot *to = writer->changed;
	int			column = writer->def->used.attnum - 1;
	int			natts = from->tts_tupleDescriptor->natts;

	ExecClearTuple(to);
	slot_getallattrs(from);
	memcpy(to->tts_values, from->tts_values, sizeof(Datum) * natts);
	memcpy(to->tts_isnull, from->tts_isnull, sizeof(bool) * natts);
	to->tts_values[column] = seat_integer_datum(used, writer->def->used.type);
	to->tts_isnull[column] = false;
	ExecStoreVirtualTuple(to);
}

/* The constraint that the changed row breaks; -1: none */
static int
broken_constraint(ParentWriter *writer)
{
	return writer->checks->count == 0 ? -1 :
		row_checks_broken(writer->checks, writer->states, writer->changed, writer->context);
}

static void
check_constraints(ParentWriter *writer)
{
	char	  **names = writer->checks->names;
	int			broken = broken_constraint(writer);

	if (broken >= 0)
		ereport(ERROR,
				errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("new row for relation \"%s\" violates check constraint \"%s\"",
					   RelationGetRelationName(writer->rel), names[broken]),
				errtableconstraint(writer->rel, names[broken]));
}

/* False when another transaction changed the row since it was found */
static bool
store_parent(ParentWriter *writer)
{
	TM_Result	result = row_replace(&writer->rows, writer->current->tts_tid, writer->changed,
									 writer->snapshot->curcid, writer->snapshot);

	if (result == TM_SelfModified)
		row_refuse_self_modified(writer->rel);
	return result == TM_Ok;
}

static int64
read_integer(TupleTableSlot *row, SeatColumn column, bool *isnull)
{
	Datum		value;

	*isnull = true;
	if (column.attnum == 0)
		return 0;
	value = slot_getattr(row, column.attnum, isnull);
	return *isnull ? 0 : seat_integer(value, column.type);
}

/*
 * Writes the row as it was found, which succeeds only if that is its last
 * version: without a lock taken first, one record less goes into the log.
 * False: nothing is written, and only a lock can tell what holds now (or keep
 * heap_update() from failing, see wait_for_rollback()).
 */
static bool
write_found(ParentWriter *writer, const SeatDelta *delta)
{
	bool		uncounted;
	bool		unlimited;
	int64		used = read_integer(writer->current, writer->def->used, &uncounted);
	int64		limit = read_integer(writer->current, writer->def->limit, &unlimited);
	int64		count;

	if (!seat_fits(delta, used, unlimited, limit) ||
		pg_add_s64_overflow(used, delta->units, &count) ||
		TransactionIdIsValid(shared_updater(writer->current)))
		return false;
	change_used(writer, count);
	return broken_constraint(writer) < 0 && store_parent(writer);
}

static void
write_locked(ParentWriter *writer, const SeatDelta *delta)
{
	bool		uncounted;
	bool		unlimited;
	int64		used = read_integer(writer->current, writer->def->used, &uncounted);
	int64		limit = read_integer(writer->current, writer->def->limit, &unlimited);
	int64		count;

	seat_check_limit(writer->rel, writer->def, delta, used, unlimited, limit);
	if (pg_add_s64_overflow(used, delta->units, &count))
		ereport(ERROR,
				errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("seat count is out of range"));
	change_used(writer, count);
	check_constraints(writer);
	if (!store_parent(writer))
		elog(ERROR, "a locked row of \"%s\" was changed", RelationGetRelationName(writer->rel));
}

static void
write_parent(ParentWriter *writer, const SeatDelta *delta)
{
	bool		found = find_parent(writer, delta->keys);

	if (found && write_found(writer, delta))
		return;
	if (found && lock_parent(writer))
		write_locked(writer, delta);
	/* The children of a parent that is being deleted need no count. */
	else if (delta->units > 0)
		seat_refuse_missing(writer->rel, writer->def, delta);
}

static void
write_parents(SeatChanges *changes)
{
	ParentWriter writer;

	open_writer(&writer, changes->def, changes->parent);
	for (int i = 0; i < changes->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		write_parent(&writer, changes->deltas[i]);
	}
	close_writer(&writer);
}

static void
apply(void *argument)
{
	SeatChanges *changes = argument;

	if (changes->def->plain_parent)
		write_parents(changes);
	else
		seat_parents_apply_sql(changes);
}

void
seat_parents_apply(SeatLimitDef *def, SeatDelta **deltas, int count)
{
	SeatChanges changes = {.def = def, .deltas = deltas, .count = count};

	/* Parents written by the statement itself must be visible. */
	CommandCounterIncrement();
	changes.parent = table_open(def->parent, NoLock);
	seat_run_as_owner(changes.parent, SEAT_AS_OWNER, apply, &changes);
	table_close(changes.parent, NoLock);
	/* What was written must be visible to the next trigger. */
	CommandCounterIncrement();
}
