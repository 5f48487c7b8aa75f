-- S12: what one tenant breaks is passed by and noted, and the others are swept
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT no_plan();

INSERT INTO license.account (account_id, name, email) VALUES
    (47000, 'Broken', 'office@broken.example'), (47001, 'Whole', 'office@whole.example');
INSERT INTO license.license (account_id, license_id, sku, status, starts_at, ends_at, term)
    SELECT a, l, '9137958', 'in_use', '2001-01-01', '2002-01-01', '1 year'
    FROM unnest(ARRAY[47000, 47001]) a, generate_series(1, 5) l;

-- Whatever it may be that fails for one tenant: here it is a trigger, for licences 2 and 4 of account 47000
CREATE FUNCTION pg_temp.break() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.account_id = 47000 AND NEW.license_id IN (2, 4) THEN
        RAISE EXCEPTION '%', repeat('broken ', 100) USING ERRCODE = '54000';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_break BEFORE INSERT ON license.notice FOR EACH ROW EXECUTE FUNCTION pg_temp.break();

SELECT is((SELECT s::text FROM license.sweep('2002-01-10', 100) s), '(8,24,24,0)',
    'S12: a sweep in which two licences fail ends the contracts of the eight others');
SELECT results_eq($$SELECT account_id, license_id, status FROM license.license WHERE account_id IN (47000, 47001) AND status = 'in_use' ORDER BY 2$$,
    $$VALUES (47000::bigint, 2::bigint, 'in_use'), (47000, 4, 'in_use')$$, 'S12: only the licences that fail are still in use');
SELECT results_eq($$SELECT account_id, subject, subject_id, attempts, sqlstate, char_length(message), retry_at - tried_at FROM license.sweep_state WHERE account_id = 47000 ORDER BY 3$$,
    $$VALUES (47000::bigint, 'license', 2::bigint, 1, '54000', 200, interval '1 minute'), (47000, 'license', 4, 1, '54000', 200, '1 minute')$$,
    'S12: sweep_state holds each licence that failed with its SQLSTATE, at most 200 characters of the message, and when it is tried again');
SELECT is((SELECT passed_by FROM license.last_sweep), 2, 'S12: last_sweep says how many were passed by');
SELECT is((SELECT s::text FROM license.sweep('2002-01-10', 100) s), '(0,0,0,0)', 'S12: what failed is not tried again at once');
SELECT results_eq($$SELECT attempts FROM license.sweep_state WHERE account_id = 47000$$, 'VALUES (1), (1)', 'S12: and its attempts stay the same');
UPDATE license.sweep_state SET retry_at = tried_at - interval '1 second', tried_at = tried_at - interval '1 hour' WHERE account_id = 47000;
SELECT is((SELECT s::text FROM license.sweep('2002-01-10', 1) s), '(0,0,0,0)', 'S12: tried again it fails again, in a batch smaller than their number too');
SELECT results_eq($$SELECT attempts, retry_at - tried_at FROM license.sweep_state WHERE account_id = 47000$$,
    $$VALUES (2, interval '2 minutes'), (2, interval '2 minutes')$$, 'S12: each attempt in vain doubles the time until the next');
UPDATE license.sweep_state SET attempts = 1000, retry_at = tried_at - interval '1 second', tried_at = tried_at - interval '1 hour' WHERE account_id = 47000 AND subject_id = 2;
SELECT * FROM license.sweep('2002-01-10', 100);
SELECT is((SELECT retry_at - tried_at FROM license.sweep_state WHERE account_id = 47000 AND subject_id = 2), interval '1 hour', 'S12: it is at most an hour');

DROP TRIGGER a_break ON license.notice;
DELETE FROM license.sweep_state WHERE account_id = 47000 AND subject_id = 2;
SELECT is((SELECT s::text FROM license.sweep('2002-01-10', 100) s), '(1,3,3,0)', 'S12: a row deleted from sweep_state is tried again at once');
SELECT results_eq($$SELECT subject_id FROM license.sweep_state WHERE account_id = 47000$$, 'VALUES (4::bigint)', 'S12: and no longer noted once it is done');
DELETE FROM license.license WHERE account_id = 47000 AND license_id = 4;
SELECT * FROM license.sweep('2002-01-10', 100);
SELECT is_empty('SELECT * FROM license.sweep_state WHERE account_id = 47000', 'S12: nor once its licence is gone');

-- The other kinds of work
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (47000, 1, 'device', 9), (47001, 1, 'device', 9);
INSERT INTO license.device (account_id, device_id, device_code) VALUES (47000, 1, 'one'), (47001, 1, 'one');
INSERT INTO license.seat (account_id, seat_id, license_id, pool, device_id, lease, expires_at)
    SELECT a, a, 1, 'device', 1, '1 day', '2001-12-01' FROM unnest(ARRAY[47000, 47001]) a;
INSERT INTO license.notice (account_id, notice_id, kind, due_at) SELECT a, a, 'test', '2001-12-01' FROM unnest(ARRAY[47000, 47001]) a;
CREATE FUNCTION pg_temp.break_other() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.account_id = 47000 THEN
        RAISE EXCEPTION 'broken' USING ERRCODE = 'XX000';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER a_break BEFORE DELETE ON license.seat FOR EACH ROW EXECUTE FUNCTION pg_temp.break_other();
CREATE TRIGGER a_break BEFORE UPDATE ON license.notice FOR EACH ROW EXECUTE FUNCTION pg_temp.break_other();
SELECT is((SELECT s::text FROM license.sweep('2002-01-10', 100) s), '(0,1,0,1)',
    'S12: a planned notice that cannot be raised and a seat that cannot be taken back do not stop others');
SELECT results_eq($$SELECT subject, subject_id, sqlstate FROM license.sweep_state WHERE account_id IN (47000, 47001) ORDER BY 1$$,
    $$VALUES ('notice', 47000::bigint, 'XX000'), ('seat', 47000, 'XX000')$$, 'S12: both are noted');
SELECT throws_ok($$INSERT INTO license.sweep_state (account_id, subject, subject_id, since, tried_at, sqlstate, message)
    VALUES (47000, 'site', 1, now(), now(), '55P03', '')$$, '23514', NULL, 'sweep_state is about licences, notices and seats');

SELECT * FROM finish();
ROLLBACK;
