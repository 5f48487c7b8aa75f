/*
 * pool.c
 *		A pool of a licence under its row lock.
 *
 * SELECT ... FOR NO KEY UPDATE would fail at REPEATABLE READ whenever somebody
 * else took a seat since the snapshot.  The counted foreign key goes by the
 * latest version of the row, so this does too.
 */
#include "pool.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define KEY_COLUMNS 3

static Relation
open_pools(void)
{
	Oid			table = get_relname_relid("license_pool", get_namespace_oid("license", false));

	if (!OidIsValid(table))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table license.license_pool does not exist"));
	return table_open(table, RowShareLock);
}

static bool
find_row(Relation rel, Relation index, Snapshot snapshot, const Datum *values, TupleTableSlot *row)
{
	static const RegProcedure equal[KEY_COLUMNS] = {F_INT8EQ, F_INT8EQ, F_TEXTEQ};
	ScanKeyData keys[KEY_COLUMNS];
	IndexScanDesc scan = index_begin_plain_scan(rel, index, snapshot, KEY_COLUMNS);
	bool		found;

	for (int i = 0; i < KEY_COLUMNS; i++)
		ScanKeyEntryInitialize(&keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   index->rd_indcollation[i], equal[i], values[i]);
	index_rescan(scan, keys, KEY_COLUMNS, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, row);
	index_endscan(scan);
	return found;
}

/* Locks the last version of the row; false: it is gone. */
static bool
lock_row(Relation rel, Snapshot snapshot, TupleTableSlot *row, bool *newer)
{
	ItemPointerData tid = row->tts_tid;
	TM_FailureData failure = {0};
	TM_Result	result = table_tuple_lock(rel, &tid, snapshot, row, GetCurrentCommandId(false),
										  LockTupleNoKeyExclusive, LockWaitBlock,
										  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

	*newer = failure.traversed;
	if (result == TM_Deleted)
		return false;
	if (result != TM_Ok)
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not lock the pool"),
				errhint("The transaction might succeed if retried."));
	return true;
}

static int32
integer_column(Relation rel, TupleTableSlot *row, const char *name)
{
	bool		isnull;
	Datum		value = slot_getattr(row, SPI_fnumber(RelationGetDescr(rel), name), &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

bool
pool_lock(int64 account_id, int64 license_id, const char *pool, PoolState *state)
{
	Datum		values[KEY_COLUMNS] = {Int64GetDatum(account_id), Int64GetDatum(license_id),
	CStringGetTextDatum(pool)};
	Relation	rel = open_pools();
	Relation	index = index_open(RelationGetPrimaryKeyIndex(rel), AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	TupleTableSlot *row = table_slot_create(rel, NULL);
	bool		locked = find_row(rel, index, snapshot, values, row) &&
		lock_row(rel, snapshot, row, &state->newer);

	if (locked)
	{
		state->maximum = integer_column(rel, row, "maximum");
		state->in_use = integer_column(rel, row, "in_use");
	}
	ExecDropSingleTupleTableSlot(row);
	UnregisterSnapshot(snapshot);
	index_close(index, AccessShareLock);
	table_close(rel, NoLock);
	return locked;
}
