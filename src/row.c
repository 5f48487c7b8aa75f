/*
 * row.c
 *		One row of a table of ours by an index, without SPI.
 */
#include "row.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

Oid
relation_of_ours(const char *name)
{
	Oid			relation = get_relname_relid(name, get_namespace_oid("license", false));

	if (!OidIsValid(relation))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation license.%s does not exist", name));
	return relation;
}

static void
init_keys(ScanKeyData *scan_keys, Relation index, const Datum *keys, int nkeys)
{
	for (int i = 0; i < nkeys; i++)
	{
		RegProcedure equal = index->rd_opcintype[i] == INT8OID ? F_INT8EQ : F_TEXTEQ;

		ScanKeyEntryInitialize(&scan_keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   index->rd_indcollation[i], equal, keys[i]);
	}
}

static bool
find_row(Row *row, const char *index_name, const Datum *keys, int nkeys)
{
	ScanKeyData scan_keys[ROW_MAX_KEYS];
	Relation	index = index_open(relation_of_ours(index_name), AccessShareLock);
	IndexScanDesc scan;
	bool		found;

	Assert(nkeys <= ROW_MAX_KEYS);
	init_keys(scan_keys, index, keys, nkeys);
	scan = index_begin_plain_scan(row->rel, index, row->snapshot, nkeys);
	index_rescan(scan, scan_keys, nkeys, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, row->slot);
	index_endscan(scan);
	index_close(index, AccessShareLock);
	return found;
}

static bool
open_row(Row *row, Snapshot snapshot, LOCKMODE lock, const char *table, const char *index,
		 const Datum *keys, int nkeys)
{
	row->rel = table_open(relation_of_ours(table), lock);
	row->slot = table_slot_create(row->rel, NULL);
	row->snapshot = snapshot;
	return find_row(row, index, keys, nkeys);
}

bool
row_open(Row *row, Snapshot snapshot, const char *table, const char *index,
		 const Datum *keys, int nkeys)
{
	return open_row(row, snapshot, RowShareLock, table, index, keys, nkeys);
}

bool
row_open_to_write(Row *row, Snapshot snapshot, const char *table, const char *index,
				  const Datum *keys, int nkeys)
{
	return open_row(row, snapshot, RowExclusiveLock, table, index, keys, nkeys);
}

void
row_close(Row *row)
{
	ExecDropSingleTupleTableSlot(row->slot);
	table_close(row->rel, NoLock);
}

bool
row_lock(Row *row, bool *newer)
{
	ItemPointerData tid = row->slot->tts_tid;
	TM_FailureData failure = {0};
	TM_Result	result = table_tuple_lock(row->rel, &tid, row->snapshot, row->slot,
										  GetCurrentCommandId(false),
										  LockTupleNoKeyExclusive, LockWaitBlock,
										  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

	*newer = failure.traversed;
	if (result == TM_Deleted)
		return false;
	if (result != TM_Ok)
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not lock a row of \"%s\"", RelationGetRelationName(row->rel)),
				errhint("The transaction might succeed if retried."));
	return true;
}

Datum
row_value(Row *row, const char *column, bool *isnull)
{
	int			number = SPI_fnumber(RelationGetDescr(row->rel), column);

	if (number <= 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("table \"%s\" has no column \"%s\"",
					   RelationGetRelationName(row->rel), column));
	return slot_getattr(row->slot, number, isnull);
}

Datum
row_datum(Row *row, const char *column)
{
	bool		isnull;
	Datum		value = row_value(row, column, &isnull);

	if (isnull)
		elog(ERROR, "unexpected NULL in column %s", column);
	return value;
}
