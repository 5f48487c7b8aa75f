/*
 * row_check.c
 *		Checks the constraints of tables with secrets before PostgreSQL does.
 *
 * If a row breaks a CHECK or NOT NULL constraint, PostgreSQL shows the whole row
 * in the error, so that a licence key or the hash of a password would get into
 * logs and applications.  It hides the row from roles to which row-level
 * security applies, and checks policies before constraints: there the trigger
 * leaves the row to PostgreSQL.
 */
#include "core/extension.h"

#include "core/row_write.h"
#include "core/trigger.h"
#include "executor/executor.h"
#include "utils/rel.h"
#include "utils/rls.h"

PG_FUNCTION_INFO_V1(license_row_check_trg);

/* Kept for the statement */
typedef struct CompiledChecks
{
	RowChecks  *checks;
	ExprState **states;
	ExprContext *context;
	TupleTableSlot *slot;
} CompiledChecks;

static CompiledChecks *
compiled_checks(FunctionCallInfo fcinfo, Relation rel)
{
	MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	CompiledChecks *compiled = fcinfo->flinfo->fn_extra;

	if (compiled == NULL)
	{
		compiled = palloc(sizeof(CompiledChecks));
		compiled->checks = row_checks_plan(rel, 0, CurrentMemoryContext);
		compiled->states = row_checks_compile(compiled->checks);
		compiled->context = CreateStandaloneExprContext();
		compiled->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(rel)), &TTSOpsHeapTuple);
		fcinfo->flinfo->fn_extra = compiled;
	}
	MemoryContextSwitchTo(caller);
	return compiled;
}

static void
check_not_null(Relation rel, HeapTuple row)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attnotnull && !att->attisdropped && heap_attisnull(row, i + 1, desc))
			ereport(ERROR,
					errcode(ERRCODE_NOT_NULL_VIOLATION),
					errmsg("null value in column \"%s\" of relation \"%s\" violates not-null constraint",
						   NameStr(att->attname), RelationGetRelationName(rel)),
					errtablecol(rel, i + 1));
	}
}

static void
check_constraints(FunctionCallInfo fcinfo, Relation rel, HeapTuple row)
{
	CompiledChecks *compiled = compiled_checks(fcinfo, rel);
	int			broken;

	ExecStoreHeapTuple(row, compiled->slot, false);
	broken = row_checks_broken(compiled->checks, compiled->states, compiled->slot, compiled->context);
	ExecClearTuple(compiled->slot);
	if (broken >= 0)
		ereport(ERROR,
				errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("new row for relation \"%s\" violates check constraint \"%s\"",
					   RelationGetRelationName(rel), compiled->checks->names[broken]),
				errtableconstraint(rel, compiled->checks->names[broken]));
}

/*
 * license._row_check_trg() → trigger
 *		Before INSERT or UPDATE of a row, after the triggers that may change it:
 *		raises the error of the constraint that the row breaks, without the row.
 *		Errors: 23502, 23514, 39P01.
 */
Datum
license_row_check_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_row_check_trg", TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
										 ON_INSERT | ON_UPDATE, 0);
	HeapTuple	row = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? trigger->tg_trigtuple : trigger->tg_newtuple;

	if (check_enable_rls(RelationGetRelid(trigger->tg_relation), InvalidOid, true) == RLS_ENABLED)
		return PointerGetDatum(row);
	check_not_null(trigger->tg_relation, row);
	check_constraints(fcinfo, trigger->tg_relation, row);
	return PointerGetDatum(row);
}
