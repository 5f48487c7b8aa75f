/*
 * row_write.h
 *		Replaces a row without a statement, as the executor does for an UPDATE
 *		that no trigger looks at.
 */
#ifndef LICENSE_ROW_WRITE_H
#define LICENSE_ROW_WRITE_H

#include "core/extension.h"

#include "access/tableam.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

/*
 * CHECK constraints of a table, planned to be kept as long as the context they
 * were planned in.  They are compiled for each statement, since a compiled
 * expression cannot be run again while it runs, which a nested statement may do.
 */
typedef struct RowChecks
{
	int			count;
	char	  **names;
	struct CachedExpression *planned;	/* a list of them; NULL when there are none */
	MemoryContextCallback forget;
} RowChecks;

/*
 * Those that read a column, or all when it is 0.  Their IMMUTABLE functions may
 * run: call it as the table's owner, with the table open.
 */
extern RowChecks *row_checks_plan(Relation rel, AttrNumber column, MemoryContext context);

/* Are the functions and types in them still the same? */
extern bool row_checks_are_valid(const RowChecks *checks);

/* In the current memory context, for the current role */
extern ExprState **row_checks_compile(const RowChecks *checks);

/* The first that the row breaks; -1: none.  context is reset. */
extern int	row_checks_broken(const RowChecks *checks, ExprState **states, TupleTableSlot *row,
							  ExprContext *context);

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
 * last version.  command is the one in which that version was found:
 * TM_SelfModified when a statement that ran since, inside a CHECK, has changed it.
 */
extern TM_Result row_replace(RowWriter *writer, ItemPointerData tid, TupleTableSlot *changed,
							 CommandId command, Snapshot snapshot);

/* 27000, as an UPDATE says it: a CHECK has changed the row that it checks. */
extern void row_refuse_self_modified(Relation rel);
extern void row_writer_close(RowWriter *writer);

#endif							/* LICENSE_ROW_WRITE_H */
