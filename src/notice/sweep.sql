-- The sweep: ends contracts, raises notices, deletes seats whose lease has ended

-- There is no foreign key, because its check would wait for the lock of the account that the sweep passes by.
CREATE TABLE license.sweep_state (
    account_id bigint NOT NULL,
    subject text NOT NULL,
    subject_id bigint NOT NULL,
    since timestamptz NOT NULL,
    tried_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    sqlstate text NOT NULL,
    message text NOT NULL,
    retry_at timestamptz,
    CONSTRAINT sweep_state_pkey PRIMARY KEY (account_id, subject, subject_id),
    CONSTRAINT sweep_state_subject_check CHECK (subject = ANY ('{license,notice,seat}')),
    CONSTRAINT sweep_state_sqlstate_check CHECK (sqlstate ~ '^[0-9A-Z]{5}$'),
    CONSTRAINT sweep_state_message_check CHECK (char_length(message) <= 200),
    CONSTRAINT sweep_state_attempts_check CHECK (attempts > 0)
);
COMMENT ON TABLE license.sweep_state IS 'Rows that the sweep passed by because they were locked or failed; normally empty. An entry is deleted once its subject is done. A DBA may delete one to have the subject tried again at once. Written by license.sweep() only.';
COMMENT ON COLUMN license.sweep_state.account_id IS 'The account of the row.';
COMMENT ON COLUMN license.sweep_state.subject IS 'The table of the row: license, notice or seat.';
COMMENT ON COLUMN license.sweep_state.subject_id IS 'Id of the row in that table.';
COMMENT ON COLUMN license.sweep_state.since IS 'When the sweep first passed the row by.';
COMMENT ON COLUMN license.sweep_state.tried_at IS 'When the sweep last passed the row by.';
COMMENT ON COLUMN license.sweep_state.attempts IS 'How often the sweep passed the row by.';
COMMENT ON COLUMN license.sweep_state.sqlstate IS 'Error that the row met; 55P03 if another transaction held a lock.';
COMMENT ON COLUMN license.sweep_state.message IS 'Message of the error, cut to 200 characters.';
COMMENT ON COLUMN license.sweep_state.retry_at IS 'A row that failed is not tried again before: a minute later, then two, four and so on, at most an hour. NULL: the next sweep tries it.';

CREATE TABLE license.last_sweep (
    one boolean NOT NULL DEFAULT true,
    last_sweep_at timestamptz NOT NULL,
    due_until timestamptz NOT NULL,
    finalized integer NOT NULL,
    notices integer NOT NULL,
    skipped integer NOT NULL,
    seats_reclaimed integer NOT NULL,
    passed_by integer NOT NULL,
    CONSTRAINT last_sweep_pkey PRIMARY KEY (one),
    CONSTRAINT last_sweep_one_check CHECK (one)
);
COMMENT ON TABLE license.last_sweep IS 'The last pass of the sweep: one row, none before the first. Of concurrent passes one is noted. Written by license.sweep() only.';
COMMENT ON COLUMN license.last_sweep.one IS 'Always true: there is one row.';
COMMENT ON COLUMN license.last_sweep.last_sweep_at IS 'When the pass was made, by the clock of the server.';
COMMENT ON COLUMN license.last_sweep.due_until IS 'The moment that was passed to license.sweep(): work due then was done.';
COMMENT ON COLUMN license.last_sweep.finalized IS 'Contracts that the pass ended.';
COMMENT ON COLUMN license.last_sweep.notices IS 'Notices that the pass raised.';
COMMENT ON COLUMN license.last_sweep.skipped IS 'Notices that the pass skipped.';
COMMENT ON COLUMN license.last_sweep.seats_reclaimed IS 'Seats that the pass deleted because their lease had ended.';
COMMENT ON COLUMN license.last_sweep.passed_by IS 'Rows that the pass passed by, see license.sweep_state.';

CREATE FUNCTION license.sweep(at timestamptz DEFAULT now(), batch integer DEFAULT 1000,
    OUT finalized integer, OUT notices integer, OUT skipped integer, OUT seats_reclaimed integer)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_sweep';
COMMENT ON FUNCTION license.sweep(timestamptz, integer) IS
'Ends contracts, raises notices in license.notice and deletes seats whose lease has ended, as far as they are due at a moment, at most batch of each; returns how many. One NOTIFY license_notice says how many notices were raised. Sweeps may run late, repeatedly or concurrently: nothing is done twice. The cost grows with the rows that are due. Rows that are locked or fail are passed by and noted in license.sweep_state. Levels: provider, operator. Errors: 22004, 22023 infinite moment or batch below 1, 40001 above READ COMMITTED.';

CREATE PROCEDURE license.run_sweep()
LANGUAGE c AS 'MODULE_PATHNAME', 'license_run_sweep';
COMMENT ON PROCEDURE license.run_sweep() IS
'Runs license.sweep() in batches of 1000, committing each, until nothing is due except rows noted in license.sweep_state. Levels: provider, operator. Errors: 2D000 inside a transaction block.';

CREATE FUNCTION license._sweep_at_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_sweep_at_trg';
COMMENT ON FUNCTION license._sweep_at_trg() IS
'Trigger: sets when the sweep must look at a licence whose status or end changes. Errors: 39P01.';

CREATE FUNCTION license._stage_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_stage_trg';
COMMENT ON FUNCTION license._stage_trg() IS
'Trigger: after a notice stage was added or changed, has the sweep look at licences in time for it. Reads every licence with an end ahead; writers of licences wait until the transaction ends. Errors: 39P01.';

CREATE FUNCTION license._time_zone_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_time_zone_trg';
COMMENT ON FUNCTION license._time_zone_trg() IS
'Trigger: after an account got another time zone, has the sweep look at its licences in time. Reads the licences of the account. Errors: 39P01.';

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
