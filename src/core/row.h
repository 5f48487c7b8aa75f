/*
 * row.h
 *		Reads rows of tables of the extension without SPI, mostly by an index.
 *
 * For frequent look-ups.  Running a statement costs more than such a look-up,
 * and a plan made while the table was empty would go on reading all of it.
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

/* A table, index or sequence of schema license.  Raises 42P01 if it does not exist. */
extern Oid	relation_of_ours(const char *name);

typedef struct Row
{
	Relation	rel;
	TupleTableSlot *slot;
	Snapshot	snapshot;
} Row;

/*
 * Finds the row whose leading index columns, bigint or text, equal the keys.
 * Returns true if there is one.  Call row_close() in both cases.
 */
extern bool row_open(Row *row, Snapshot snapshot, const char *table, const char *index,
					 const Datum *keys, int nkeys);
extern bool row_open_to_write(Row *row, Snapshot snapshot, const char *table, const char *index,
							  const Datum *keys, int nkeys);
extern void row_close(Row *row);

/*
 * Waits for writers and locks the last version of the row FOR NO KEY UPDATE.
 * newer tells whether that is another version than the one found.  Returns
 * false if the row was deleted.
 */
extern bool row_lock(Row *row, bool *newer);

/*
 * Waits for writers and locks the version of the row that was found.  Returns
 * false, and locks nothing, if the row has changed; raises 40001 instead at
 * REPEATABLE READ and above.
 */
extern bool row_lock_seen(Row *row);

extern Datum row_value(Row *row, const char *column, bool *isnull);

/* The value of a column that cannot be NULL */
extern Datum row_datum(Row *row, const char *column);

/* A scan of a table in the snapshot of the caller's statement */
typedef struct Rows
{
	Relation	rel;
	Relation	index;
	IndexScanDesc scan;			/* by the index */
	TableScanDesc table_scan;	/* of all rows, where there is no index */
	TupleTableSlot *slot;
} Rows;

/*
 * Without an index, rows_next() moves through all rows; with one, through those
 * that the last rows_find() asked for.
 */
extern void rows_open(Rows *rows, const char *table, const char *index);

/* Asks for the rows whose leading index columns, bigint or text, equal the keys; a NULL key finds NULL. */
extern void rows_find(Rows *rows, const NullableDatum *keys, int nkeys);
extern bool rows_next(Rows *rows);
extern void rows_close(Rows *rows);

extern AttrNumber rows_column(const Rows *rows, const char *column);

/* Is the text among the elements of the text array? */
extern bool array_has_text(Datum array, const text *wanted);

#endif							/* LICENSE_ROW_H */
