/*
 * row_write.h
 *		Replaces a row without a statement, as the executor does for an UPDATE
 *		without triggers.
 */
#ifndef LICENSE_ROW_WRITE_H
#define LICENSE_ROW_WRITE_H

#include "core/extension.h"

#include "access/tableam.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

/*
 * The CHECK constraints of a table, planned; they live in the context in which
 * they were planned.  They are compiled for each statement: a nested statement
 * may check the table while a compiled expression runs, which is not reentrant.
 */
typedef struct RowChecks
{
	int			count;
	char	  **names;
	struct CachedExpression *planned;	/* a list of them; NULL when there are none */
	MemoryContextCallback forget;
} RowChecks;

/*
 * Plans the CHECKs that read a column, or all if it is 0.  Planning may run
 * IMMUTABLE functions: call it as the owner of the table, with the table open.
 */
extern RowChecks *row_checks_plan(Relation rel, AttrNumber column, MemoryContext context);

/* Returns false if a function or type in them has changed. */
extern bool row_checks_are_valid(const RowChecks *checks);

/* Compiles them in the current memory context, for the current role. */
extern ExprState **row_checks_compile(const RowChecks *checks);

/* The index of the first CHECK that the row breaks, -1 if it breaks none.  Resets context. */
extern int	row_checks_broken(const RowChecks *checks, ExprState **states, TupleTableSlot *row,
							  ExprContext *context);

/* Kept open while rows of one table are replaced; all but rel is created when needed first */
typedef struct RowWriter
{
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *target;
} RowWriter;

/*
 * Replaces the version of the row at tid by changed, and adds index entries.
 * Waits for transactions that change the row.  A result other than TM_Ok means
 * that tid is not the last version any more.  command is the command in which
 * that version was found: the result is TM_SelfModified if a later statement of
 * this transaction, run by a CHECK, has changed the row.
 */
extern TM_Result row_replace(RowWriter *writer, ItemPointerData tid, TupleTableSlot *changed,
							 CommandId command, Snapshot snapshot);

/* Raises 27000, as an UPDATE does, because a CHECK has changed the row that it checks. */
extern void row_refuse_self_modified(Relation rel);
extern void row_writer_close(RowWriter *writer);

#endif							/* LICENSE_ROW_WRITE_H */
