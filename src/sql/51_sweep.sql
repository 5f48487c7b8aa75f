-- The sweep: ends contracts, raises notices, takes expired seats back

CREATE FUNCTION license.sweep(at timestamptz DEFAULT now(), batch integer DEFAULT 1000,
    OUT finalized integer, OUT notices integer, OUT skipped integer, OUT seats_reclaimed integer)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_sweep';
COMMENT ON FUNCTION license.sweep(timestamptz, integer) IS
'One pass over what is due at a moment, at most batch licences, planned notices and expired seats each: ends contracts, writes license.notice with one NOTIFY license_notice a raised notice, deletes expired leases, and answers how many of each. Running it twice, late or at the same time does nothing twice; its cost grows with what is due. Errors: 22004, 22023 infinite moment or batch below 1, 40001 above READ COMMITTED. Serves O35, O37-O43, P31, P32.';

CREATE PROCEDURE license.run_sweep()
LANGUAGE c AS 'MODULE_PATHNAME', 'license_run_sweep';
COMMENT ON PROCEDURE license.run_sweep() IS
'Sweeps what is due now in batches of 1000, committing each, until nothing is due. Errors: 2D000 inside a transaction block. Serves O39, O41.';

CREATE FUNCTION license._sweep_at_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_sweep_at_trg';
COMMENT ON FUNCTION license._sweep_at_trg() IS
'Trigger: whenever the status or the end of a licence changes, says when the sweep must look at it (O38, O42, O43). Errors: 39P01.';

CREATE FUNCTION license._stage_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_stage_trg';
COMMENT ON FUNCTION license._stage_trg() IS
'Trigger: after a notice stage was added or changed, has the sweep look at licences in time for it (P31). Reads every licence with an end ahead; writers of licences wait until the transaction ends. Errors: 39P01.';

CREATE FUNCTION license._time_zone_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_time_zone_trg';
COMMENT ON FUNCTION license._time_zone_trg() IS
'Trigger: after an account got another time zone, has the sweep look at its licences in time (O38). Reads the licences of the account. Errors: 39P01.';

-- Its name comes after license_status, so that it sees the row as it will be.
CREATE TRIGGER license_sweep_at BEFORE INSERT OR UPDATE ON license.license
    FOR EACH ROW EXECUTE FUNCTION license._sweep_at_trg();
CREATE TRIGGER notice_stage_insert AFTER INSERT ON license.notice_stage
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION license._stage_trg();
CREATE TRIGGER notice_stage_update AFTER UPDATE ON license.notice_stage
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION license._stage_trg();
CREATE TRIGGER account_time_zone AFTER UPDATE ON license.account
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION license._time_zone_trg();
