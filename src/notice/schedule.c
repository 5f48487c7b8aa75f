/*
 * schedule.c
 *		Has pg_cron run the sweep, where pg_cron is installed.
 *
 * pg_cron can exist in one database of a server only.  So the extension does
 * not require it, but looks for it when license.schedule() is called.
 */
#include "core/extension.h"

#include "catalog/pg_type.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"

PG_FUNCTION_INFO_V1(license_schedule);
PG_FUNCTION_INFO_V1(license_unschedule);

#define JOB_NAME	"license_ext sweep"
#define JOB_COMMAND "CALL license.run_sweep()"

static Statement schedule_installed = STATEMENT(
	"SELECT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid"
	" WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.refclassid = 'pg_catalog.pg_extension'::regclass"
	" AND d.objid = pg_catalog.to_regprocedure('cron.schedule(text,text,text)')::oid"
	" AND e.extname = 'pg_cron' AND d.deptype = 'e') AS installed");

static bool
cron_is_installed(void)
{
	RUN(schedule_installed);
	return field_bool("installed");
}

static void
require_cron(void)
{
	if (cron_is_installed())
		return;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("pg_cron is not installed in this database"),
			errdetail("The sweep is scheduled through it."),
			errhint("CREATE EXTENSION pg_cron, or have another scheduler run " JOB_COMMAND "."));
}

static Statement schedule_job = STATEMENT(
	"SELECT cron.schedule($1, $2, $3) AS job",
	TEXTOID, TEXTOID, TEXTOID);

/*
 * license.schedule(cron text) → jobid bigint
 *		Has pg_cron run the sweep as the owner of the extension.
 */
Datum
license_schedule(PG_FUNCTION_ARGS)
{
	Operation	op;
	int64		job;

	require_argument(fcinfo, 0, "cron");
	operation_begin(&op, fcinfo, OP_SCHEDULE, GetCurrentTransactionStartTimestamp());
	require_cron();
	RUN(schedule_job, arg_text(JOB_NAME), arg_passed(fcinfo, 0), arg_text(JOB_COMMAND));
	job = field_int64("job");
	operation_end(&op);
	PG_RETURN_INT64(job);
}

static Statement schedule_remove_job = STATEMENT(
	"SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = $1 AND username = CURRENT_USER",
	TEXTOID);

/*
 * license.unschedule() → boolean
 *		Removes the job of license.schedule(); false if there is none.
 */
Datum
license_unschedule(PG_FUNCTION_ARGS)
{
	Operation	op;
	bool		removed;

	operation_begin(&op, fcinfo, OP_UNSCHEDULE, GetCurrentTransactionStartTimestamp());
	removed = cron_is_installed() && RUN(schedule_remove_job, arg_text(JOB_NAME)) > 0;
	operation_end(&op);
	PG_RETURN_BOOL(removed);
}
