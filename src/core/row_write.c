/*
 * row_write.c
 *		Replaces a row without a statement.
 */
#include "core/row_write.h"

#include "access/sysattr.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/plancache.h"

static bool
reads_column(Expr *expr, AttrNumber column)
{
	Bitmapset  *columns = NULL;

	pull_varattnos((Node *) expr, 1, &columns);
	return bms_is_member(column - FirstLowInvalidHeapAttributeNumber, columns);
}

static void
forget_planned(void *planned)
{
	FreeCachedExpression(planned);
}

RowChecks *
row_checks_plan(Relation rel, AttrNumber column, MemoryContext context)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	int			nchecks = constr != NULL ? constr->num_check : 0;
	RowChecks  *checks = MemoryContextAllocZero(context, sizeof(RowChecks));
	List	   *expressions = NIL;

	checks->names = MemoryContextAllocZero(context, sizeof(char *) * Max(nchecks, 1));
	for (int i = 0; i < nchecks; i++)
	{
		Expr	   *expr = stringToNode(constr->check[i].ccbin);

		if (!check_is_enforced(&constr->check[i]) ||
			(column != 0 && !reads_column(expr, column)))
			continue;
		checks->names[checks->count++] = MemoryContextStrdup(context, constr->check[i].ccname);
		expressions = lappend(expressions, expr);
	}
	if (expressions == NIL)
		return checks;
	checks->planned = GetCachedExpression((Node *) expressions);
	checks->forget.func = forget_planned;
	checks->forget.arg = checks->planned;
	MemoryContextRegisterResetCallback(context, &checks->forget);
	return checks;
}

bool
row_checks_are_valid(const RowChecks *checks)
{
	return checks->planned == NULL || checks->planned->is_valid;
}

ExprState **
row_checks_compile(const RowChecks *checks)
{
	ExprState **states = palloc(sizeof(ExprState *) * Max(checks->count, 1));

	for (int i = 0; i < checks->count; i++)
		states[i] = ExecInitCheck(make_ands_implicit(list_nth((List *) checks->planned->expr, i)), NULL);
	return states;
}

int
row_checks_broken(const RowChecks *checks, ExprState **states, TupleTableSlot *row,
				  ExprContext *context)
{
	int			broken = -1;

	context->ecxt_scantuple = row;
	for (int i = 0; i < checks->count && broken < 0; i++)
	{
		if (!ExecCheck(states[i], context))
			broken = i;
		ResetExprContext(context);
	}
	return broken;
}

/* Not needed after a HOT update: no indexed column changed and the new version is on the same page. */
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
row_replace(RowWriter *writer, ItemPointerData tid, TupleTableSlot *changed,
			CommandId command, Snapshot snapshot)
{
	TU_UpdateIndexes update_indexes = TU_None;
	LockTupleMode lock_mode;
	TM_FailureData failure;
	TM_Result	result = table_tuple_update(writer->rel, &tid, changed, command,
											snapshot, InvalidSnapshot, true,
											&failure, &lock_mode, &update_indexes);

	if (result == TM_Ok && update_indexes != TU_None)
		insert_index_entries(writer, changed, update_indexes);
	return result;
}

void
row_refuse_self_modified(Relation rel)
{
	ereport(ERROR,
			errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			errmsg("a row of \"%s\" to be updated was already modified by an operation triggered by the current command",
				   RelationGetRelationName(rel)),
			errhint("Consider using an AFTER trigger instead of a CHECK constraint to propagate changes to other rows."));
}

void
row_writer_close(RowWriter *writer)
{
	if (writer->estate == NULL)
		return;
	ExecCloseIndices(writer->target);
	FreeExecutorState(writer->estate);
}
