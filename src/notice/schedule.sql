-- Running the sweep through pg_cron

CREATE FUNCTION license.schedule(cron text DEFAULT '* * * * *', OUT jobid bigint)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_schedule';
COMMENT ON FUNCTION license.schedule(text) IS
'Has pg_cron run license.run_sweep() at these times, every minute by default, as the owner of the extension; a second call changes the one job. Answers its number. Errors: 22004, 55000 pg_cron is not installed in this database, and those of pg_cron.';

CREATE FUNCTION license.unschedule()
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_unschedule';
COMMENT ON FUNCTION license.unschedule() IS
'Takes the job of license.schedule() away; false: there was none. Raises nothing of its own.';
