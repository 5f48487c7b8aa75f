/*
 * parent_heap.c
 *		Checks the limit of a parent row and writes the new count, without a
 *		statement.
 *
 * The count is read from the version that the new one replaces, which is the
 * latest committed one, and never from the snapshot of the transaction.
 * Therefore no isolation level exceeds the limit, and REPEATABLE READ does not
 * fail while seats are left.  The file reads the index and writes the heap
 * itself, because for a single row SPI costs more than the update.
 */
#include "counted/parent_heap.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/int.h"
#include "counted/limit.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* What stays open while the parents of one statement are written */
typedef struct ParentWriter
{
	SeatDefinition *def;
	Relation	rel;
	Relation	index;
	const RowChecks *checks;	/* CHECK constraints that read the used column */
	ExprState **states;			/* the same, compiled for this statement */
	Snapshot	snapshot;
	IndexScanDesc scan;
	ScanKeyData keys[INDEX_MAX_KEYS];
	TupleTableSlot *current;	/* the version that was found or locked */
	TupleTableSlot *changed;	/* the version that replaces it */
	ExprContext *context;		/* for the CHECK constraints; NULL without any */
	RowWriter	rows;
} ParentWriter;

static void
init_scan_keys(ParentWriter *writer)
{
	SeatDefinition *def = writer->def;

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
open_writer(ParentWriter *writer, SeatDefinition *def, Relation parent)
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

/*
 * A CHECK may have run a statement that wrote the next parent.  The snapshot,
 * a private copy taken once for all parents, must see that write.
 */
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

/*
 * The transaction that updated this version while others held key share locks
 * on it, else 0.  If we hold the lock of the row, that transaction was rolled
 * back.
 */
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
 * A transaction that rolls back is recorded as aborted a moment before it is no
 * longer listed as running.  In between, servers before 15.20 grant the lock of
 * the row, but heap_update() puts the aborted updater next to the new one and
 * fails with "new multixact has more than one updating member".  So wait until
 * the transaction has ended.
 */
static void
wait_for_rollback(TupleTableSlot *locked)
{
	TransactionId updater = shared_updater(locked);

	if (TransactionIdIsValid(updater) && TransactionIdIsInProgress(updater))
		XactLockTableWait(updater, NULL, NULL, XLTW_None);
}

/* Waits for transactions that change the row and locks its last version; false: the row was deleted. */
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

/* Puts a copy of the current version with another count into changed. */
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
	to->tts_values[column] = column_datum(used, writer->def->used.type);
	to->tts_isnull[column] = false;
	ExecStoreVirtualTuple(to);
}

/* The first constraint that the changed row breaks; -1: none */
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
	return *isnull ? 0 : column_int64(value, column.type);
}

/*
 * Replaces the version that was found without locking it first, which saves a
 * WAL record; it succeeds only if this is the last version.  Returns false when
 * nothing was written.  Then the row must be locked: to see whether the limit
 * and the constraints hold for its last version, or to keep heap_update() from
 * failing (see wait_for_rollback()).
 */
static bool
write_found(ParentWriter *writer, const SeatDelta *delta)
{
	bool		uncounted;
	bool		unlimited;
	int64		used = read_integer(writer->current, writer->def->used, &uncounted);
	int64		limit = read_integer(writer->current, writer->def->limit, &unlimited);
	int64		count;

	if (!limit_fits(delta, used, unlimited, limit) ||
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

	limit_check(writer->rel, writer->def, delta, used, unlimited, limit);
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
	/* The parent is being deleted with its children: there is no count to write. */
	else if (delta->units > 0)
		limit_refuse_missing(writer->rel, writer->def, delta);
}

void
parent_heap_apply(SeatChanges *changes)
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
