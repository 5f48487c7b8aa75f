/*
 * row.h
 *		Rows of a table of ours, mostly by an index, without SPI.
 *
 * For look-ups that are made all the time: a statement would cost more than
 * the look-up, and one planned while a table was empty keeps reading all of it
 * when it is not.
 */
#ifndef LICENSE_ROW_H
#define LICENSE_ROW_H

#include "core/extension.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#define ROW_MAX_KEYS 4

/* A table, index or sequence of schema license; 42P01 when it is not there */
extern Oid	relation_of_ours(const char *name);

typedef struct Row
{
	Relation	rel;
	TupleTableSlot *slot;
	Snapshot	snapshot;
} Row;

/*
 * Finds the row whose leading index columns, bigint or text, equal the keys.
 * True when there is one.  row_close() either way.
 */
extern bool row_open(Row *row, Snapshot snapshot, const char *table, const char *index,
					 const Datum *keys, int nkeys);
extern bool row_open_to_write(Row *row, Snapshot snapshot, const char *table, const char *index,
							  const Datum *keys, int nkeys);
extern void row_close(Row *row);

/* Waits for writers and locks the last version as FOR NO KEY UPDATE does; newer: that was not the one found; false: it is gone. */
extern bool row_lock(Row *row, bool *newer);

/* Waits for writers and locks the row as it was found; false, and nothing is locked: it changed meanwhile.  40001. */
extern bool row_lock_seen(Row *row);

extern Datum row_value(Row *row, const char *column, bool *isnull);

/* Of a column that has a value */
extern Datum row_datum(Row *row, const char *column);

/* The rows of a table that the snapshot of the caller's statement sees */
typedef struct Rows
{
	Relation	rel;
	Relation	index;
	IndexScanDesc scan;			/* by the index */
	TableScanDesc table_scan;	/* of all rows, where there is no index */
	TupleTableSlot *slot;
} Rows;

/*
 * Without an index, rows_next() gives all rows; with one, those that
 * rows_find() asks for, which may be called again.
 */
extern void rows_open(Rows *rows, const char *table, const char *index);

/* Leading index columns, bigint or text, that equal the keys; NULL finds NULL. */
extern void rows_find(Rows *rows, const NullableDatum *keys, int nkeys);
extern bool rows_next(Rows *rows);
extern void rows_close(Rows *rows);

extern AttrNumber rows_column(const Rows *rows, const char *column);

/* Is it among the elements of a text array? */
extern bool array_has_text(Datum array, const text *wanted);

#endif							/* LICENSE_ROW_H */
