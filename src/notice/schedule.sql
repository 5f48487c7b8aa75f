-- Running the sweep through pg_cron

CREATE FUNCTION license.schedule(cron text DEFAULT '* * * * *', OUT jobid bigint)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_schedule';
COMMENT ON FUNCTION license.schedule(text) IS
'Has pg_cron run license.run_sweep() as the owner of the extension, every minute by default, and returns the number of the job. A second call changes the job. Levels: provider. Errors: 22004, 55000 pg_cron is not installed in this database, and those of pg_cron.';

CREATE FUNCTION license.unschedule()
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_unschedule';
COMMENT ON FUNCTION license.unschedule() IS
'Removes the job of license.schedule(); false if there is none. Levels: provider. Raises nothing of its own.';
