/*
 * row_write.h
 *		Replaces a row without a statement, as the executor does for an UPDATE
 *		that no trigger looks at.
 */
#ifndef LICENSE_ROW_WRITE_H
#define LICENSE_ROW_WRITE_H

#include "license_ext.h"

#include "access/tableam.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

/* The CHECK constraints of a table, compiled to be kept: each statement would do it anew */
typedef struct RowChecks
{
	int			count;
	ExprState **states;
	char	  **names;
} RowChecks;

/* Those that read a column, or all when it is 0; allocated in the current memory context */
extern void row_checks_compile(RowChecks *checks, Relation rel, AttrNumber column);

/* The first that the row breaks; -1: none.  context is reset. */
extern int	row_checks_broken(const RowChecks *checks, TupleTableSlot *row, ExprContext *context);

/* What stays open while rows of one table are replaced; all but rel is made when first needed */
typedef struct RowWriter
{
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *target;
} RowWriter;

/*
 * Puts changed in the place of the version at tid, with its index entries.
 * Waits for who else changes the row; anything but TM_Ok: it is no longer the
 * last version, or the transaction's own command has changed it.
 */
extern TM_Result row_replace(RowWriter *writer, ItemPointerData tid, TupleTableSlot *changed,
							 Snapshot snapshot);
extern void row_writer_close(RowWriter *writer);

#endif							/* LICENSE_ROW_WRITE_H */
