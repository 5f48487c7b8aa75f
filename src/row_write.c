/*
 * row_write.c
 *		Replaces a row without a statement.
 */
#include "row_write.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"

static bool
reads_column(Expr *expr, AttrNumber column)
{
	Bitmapset  *columns = NULL;

	pull_varattnos((Node *) expr, 1, &columns);
	return bms_is_member(column - FirstLowInvalidHeapAttributeNumber, columns);
}

void
row_checks_compile(RowChecks *checks, Relation rel, AttrNumber column)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	int			nchecks = constr != NULL ? constr->num_check : 0;

	checks->count = 0;
	checks->states = palloc0(sizeof(ExprState *) * Max(nchecks, 1));
	checks->names = palloc0(sizeof(char *) * Max(nchecks, 1));
	for (int i = 0; i < nchecks; i++)
	{
		Expr	   *expr = stringToNode(constr->check[i].ccbin);

		if (!check_is_enforced(&constr->check[i]) ||
			(column != 0 && !reads_column(expr, column)))
			continue;
		checks->names[checks->count] = pstrdup(constr->check[i].ccname);
		checks->states[checks->count++] =
			ExecInitCheck(make_ands_implicit(expression_planner(expr)), NULL);
	}
}

int
row_checks_broken(const RowChecks *checks, TupleTableSlot *row, ExprContext *context)
{
	int			broken = -1;

	context->ecxt_scantuple = row;
	for (int i = 0; i < checks->count && broken < 0; i++)
	{
		if (!ExecCheck(checks->states[i], context))
			broken = i;
		ResetExprContext(context);
	}
	return broken;
}

/* Needed when a column that changed is indexed, or the new version did not fit beside the old one. */
static void
insert_index_entries(RowWriter *writer, TupleTableSlot *changed, TU_UpdateIndexes update_indexes)
{
	if (writer->estate == NULL)
	{
		writer->estate = CreateExecutorState();
		writer->target = makeNode(ResultRelInfo);
		/* Range table index 0: no query stands behind this update. */
		InitResultRelInfo(writer->target, writer->rel, 0, NULL, 0);
		ExecOpenIndices(writer->target, false);
	}
	ExecInsertIndexTuplesForUpdate(writer->target, changed, writer->estate, update_indexes);
	ResetPerTupleExprContext(writer->estate);
}

TM_Result
row_replace(RowWriter *writer, ItemPointerData tid, TupleTableSlot *changed, Snapshot snapshot)
{
	TU_UpdateIndexes update_indexes = TU_None;
	LockTupleMode lock_mode;
	TM_FailureData failure;
	TM_Result	result = table_tuple_update(writer->rel, &tid, changed, GetCurrentCommandId(true),
											snapshot, InvalidSnapshot, true,
											&failure, &lock_mode, &update_indexes);

	if (result == TM_Ok && update_indexes != TU_None)
		insert_index_entries(writer, changed, update_indexes);
	return result;
}

void
row_writer_close(RowWriter *writer)
{
	if (writer->estate == NULL)
		return;
	ExecCloseIndices(writer->target);
	FreeExecutorState(writer->estate);
}
