/*
 * row.c
 *		Reads rows of tables of the extension without SPI, mostly by an index.
 */
#include "core/row.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

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
init_key(ScanKeyData *scan_key, Relation index, int i, Datum key)
{
	RegProcedure equal = index->rd_opcintype[i] == INT8OID ? F_INT8EQ : F_TEXTEQ;

	ScanKeyEntryInitialize(scan_key, 0, i + 1, BTEqualStrategyNumber, InvalidOid,
						   index->rd_indcollation[i], equal, key);
}

static void
init_null_key(ScanKeyData *scan_key, int i)
{
	ScanKeyEntryInitialize(scan_key, SK_ISNULL | SK_SEARCHNULL, i + 1, InvalidStrategy,
						   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
}

static bool
find_row(Row *row, const char *index_name, const Datum *keys, int nkeys)
{
	ScanKeyData scan_keys[ROW_MAX_KEYS];
	Relation	index = index_open(relation_of_ours(index_name), AccessShareLock);
	IndexScanDesc scan;
	bool		found;

	Assert(nkeys <= ROW_MAX_KEYS);
	for (int i = 0; i < nkeys; i++)
		init_key(&scan_keys[i], index, i, keys[i]);
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

bool
row_lock_seen(Row *row)
{
	TM_FailureData failure = {0};
	TM_Result	result = table_tuple_lock(row->rel, &row->slot->tts_tid, row->snapshot, row->slot,
										  GetCurrentCommandId(false), LockTupleNoKeyExclusive,
										  LockWaitBlock, 0, &failure);

	if (result != TM_Ok && IsolationUsesXactSnapshot())
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not serialize access due to concurrent %s",
					   result == TM_Deleted ? "delete" : "update"),
				errhint("The transaction might succeed if retried."));
	return result == TM_Ok;
}

static AttrNumber
find_column(Relation rel, const char *column)
{
	int			number = SPI_fnumber(RelationGetDescr(rel), column);

	if (number <= 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("table \"%s\" has no column \"%s\"", RelationGetRelationName(rel), column));
	return number;
}

Datum
row_value(Row *row, const char *column, bool *isnull)
{
	return slot_getattr(row->slot, find_column(row->rel, column), isnull);
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

void
rows_open(Rows *rows, const char *table, const char *index)
{
	rows->rel = table_open(relation_of_ours(table), AccessShareLock);
	rows->slot = table_slot_create(rows->rel, NULL);
	rows->index = NULL;
	rows->scan = NULL;
	rows->table_scan = NULL;
	if (index != NULL)
		rows->index = index_open(relation_of_ours(index), AccessShareLock);
	else
		rows->table_scan = table_beginscan(rows->rel, GetActiveSnapshot(), 0, NULL);
}

void
rows_find(Rows *rows, const NullableDatum *keys, int nkeys)
{
	ScanKeyData scan_keys[ROW_MAX_KEYS];

	Assert(nkeys <= ROW_MAX_KEYS);
	for (int i = 0; i < nkeys; i++)
	{
		if (keys[i].isnull)
			init_null_key(&scan_keys[i], i);
		else
			init_key(&scan_keys[i], rows->index, i, keys[i].value);
	}
	if (rows->scan == NULL)
		rows->scan = index_begin_plain_scan(rows->rel, rows->index, GetActiveSnapshot(), nkeys);
	index_rescan(rows->scan, scan_keys, nkeys, NULL, 0);
}

bool
rows_next(Rows *rows)
{
	CHECK_FOR_INTERRUPTS();
	return rows->scan != NULL ?
		index_getnext_slot(rows->scan, ForwardScanDirection, rows->slot) :
		table_scan_getnextslot(rows->table_scan, ForwardScanDirection, rows->slot);
}

void
rows_close(Rows *rows)
{
	if (rows->scan != NULL)
		index_endscan(rows->scan);
	if (rows->table_scan != NULL)
		table_endscan(rows->table_scan);
	ExecDropSingleTupleTableSlot(rows->slot);
	if (rows->index != NULL)
		index_close(rows->index, NoLock);
	table_close(rows->rel, NoLock);
}

AttrNumber
rows_column(const Rows *rows, const char *column)
{
	return find_column(rows->rel, column);
}

bool
array_has_text(Datum array, const text *wanted)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		text	   *element = nulls[i] ? NULL : DatumGetTextPP(elements[i]);

		if (element != NULL && VARSIZE_ANY_EXHDR(element) == VARSIZE_ANY_EXHDR(wanted) &&
			memcmp(VARDATA_ANY(element), VARDATA_ANY(wanted), VARSIZE_ANY_EXHDR(element)) == 0)
			return true;
	}
	return false;
}
