/*
 * row.h
 *		One row of a table of ours by an index, without SPI.
 *
 * For the few look-ups that every acquisition of a seat makes: a statement
 * would cost more than the look-up, and one planned while a table was empty
 * keeps reading all of it when it is not.
 */
#ifndef LICENSE_ROW_H
#define LICENSE_ROW_H

#include "license_ext.h"

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

extern Datum row_value(Row *row, const char *column, bool *isnull);

/* Of a column that has a value */
extern Datum row_datum(Row *row, const char *column);

#endif							/* LICENSE_ROW_H */
