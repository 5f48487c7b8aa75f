/*
 * maintenance.c
 *		Marks statements that may write a used column.
 */
#include "counted/maintenance.h"

#include "counted/trigger_depth.h"
#include "executor/spi.h"

/* The statement that writes a used column now: its table and its trigger depth */
typedef struct Maintenance
{
	Oid			parent;
	int			depth;
} Maintenance;

static Maintenance maintenance = {0};

/* A guard that the statement fires is one level deeper; a guard fired by what other triggers write is deeper still. */
bool
maintenance_is_running(Oid parent)
{
	return maintenance.parent == parent && trigger_depth() == maintenance.depth + 1;
}

int
maintenance_execute(Oid parent, const char *sql, int nargs, Oid *types, Datum *values)
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
