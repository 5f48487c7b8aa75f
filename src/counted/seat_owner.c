/*
 * seat_owner.c
 *		Runs what belongs to a table as the table's owner.
 *
 * CHECKs, expressions and triggers of a counted table are code of its owner.
 * PostgreSQL's foreign keys run it as the owner, whoever writes; so do we.
 */
#include "counted/seat_limit.h"

#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"

/* The statement that is writing a used column: its table, and how many triggers it is nested in */
typedef struct Maintenance
{
	Oid			parent;
	int			depth;
} Maintenance;

static Maintenance maintenance = {0};

static int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

/* The guard is one trigger deeper than the statement; what other triggers write is deeper than that. */
bool
seat_maintaining(Oid parent)
{
	return maintenance.parent == parent && trigger_depth() == maintenance.depth + 1;
}

int
seat_execute(Oid parent, const char *sql, int nargs, Oid *types, Datum *values)
{
	Maintenance outer = maintenance;
	int			result;

	PG_TRY();
	{
		maintenance.parent = parent;
		maintenance.depth = trigger_depth();
		result = SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0);
		if (result < 0)
			elog(ERROR, "could not write seat counts: %s", SPI_result_code_string(result));
	}
	PG_FINALLY();
	{
		maintenance = outer;
	}
	PG_END_TRY();
	return result;
}

/*
 * Raises the error again.  A constraint's DETAIL shows the row to whom may
 * read it, which is the owner, and not necessarily the role that gets the error.
 */
static void
rethrow_without_row(Relation rel, MemoryContext context)
{
	ErrorData  *error;

	if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (error->table_name != NULL && strcmp(error->table_name, RelationGetRelationName(rel)) == 0)
	{
		if (error->detail_log == NULL)
			error->detail_log = error->detail;
		error->detail = NULL;
	}
	ReThrowError(error);
}

static void
run(Relation rel, SeatWork work, void *argument)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		work(argument);
	}
	PG_CATCH();
	{
		rethrow_without_row(rel, context);
	}
	PG_END_TRY();
}

/* After an error, the abort of the (sub)transaction restores role and settings. */
void
seat_run_as_owner(Relation rel, SeatSecurity security, SeatWork work, void *argument)
{
	Oid			caller;
	int			context;
	int			settings = 0;
	int			flags = SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS;

	if (security == SEAT_RESTRICTED)
		flags |= SECURITY_RESTRICTED_OPERATION;
	GetUserIdAndSecContext(&caller, &context);
	SetUserIdAndSecContext(rel->rd_rel->relowner, context | flags);
	if (security == SEAT_RESTRICTED)
		settings = NewGUCNestLevel();
	run(rel, work, argument);
	if (security == SEAT_RESTRICTED)
		AtEOXact_GUC(false, settings);
	SetUserIdAndSecContext(caller, context);
}
