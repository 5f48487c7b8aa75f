-- Notices about the end of a licence: the stages, the ledger, what late and doubled runs do.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';

-- what other tests left behind is not to be counted here
SET LOCAL session_replication_role TO replica;
UPDATE license.license SET sweep_at = NULL WHERE sweep_at IS NOT NULL;
UPDATE license.notice SET state = 'withdrawn' WHERE state IN ('pending', 'sent');
UPDATE license.seat SET expires_at = NULL WHERE expires_at IS NOT NULL;
SET LOCAL session_replication_role TO origin;

SELECT no_plan();

INSERT INTO account (account_id, name, email, time_zone) VALUES
    (8800, 'Prague', 'office@prague.example', 'Europe/Prague'),
    (8801, 'New York', 'office@newyork.example', 'America/New_York');
INSERT INTO site (account_id, site_id, name) VALUES (8800, 8810, 'Tower');

CREATE FUNCTION pg_temp.add_license(license bigint, ends timestamptz, status text DEFAULT 'in_use', account bigint DEFAULT 8800)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at, reason)
    VALUES (account, license, '9137958', CASE account WHEN 8800 THEN 8810 END, status, '2020-01-01', ends,
            CASE status WHEN 'access_denied' THEN 'unpaid' END);
$$;

CREATE FUNCTION pg_temp.ledger(license bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(stage || ' ' || state, ', ' ORDER BY term_ends_at, stage) FROM license.notice WHERE license_id = license;
$$;

CREATE FUNCTION pg_temp.swept(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT license.sweep(at)::text;
$$;

CREATE FUNCTION pg_temp.moments(license bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(to_char(due_at AT TIME ZONE 'Europe/Prague', 'YYYY-MM-DD HH24:MI'), ', ' ORDER BY stage)
    FROM license.notice WHERE license_id = license;
$$;

-- The six stages

SELECT results_eq(
    'SELECT stage, lead, cuts_off, active FROM notice_stage WHERE shipped ORDER BY stage',
    $$VALUES (1, interval '1 month', false, true), (2, '15 days', false, true), (3, '7 days', false, true),
        (4, '1 day', false, true), (5, '0', true, true), (6, '-1 day', false, true)$$,
    'O37: six stages come with the extension');

SELECT pg_temp.add_license(1, '2025-06-15 12:00+00');
SELECT is(pg_temp.swept('2025-05-15 11:59:59+00'), '(0,0,0,0)', 'O37: nothing before the first stage');
SELECT is(pg_temp.swept('2025-05-15 12:00+00'), '(0,1,0,0)', 'O37: stage 1 at its moment');
SELECT is(pg_temp.swept('2025-05-31 11:59:59+00'), '(0,0,0,0)', 'O37: nothing before 15 days');
SELECT is(pg_temp.swept('2025-05-31 12:00+00'), '(0,1,0,0)', 'O37: stage 2 at its moment');
SELECT is(pg_temp.swept('2025-06-08 12:00+00'), '(0,1,0,0)', 'O37: stage 3 at its moment');
SELECT is(pg_temp.swept('2025-06-14 12:00+00'), '(0,1,0,0)', 'O37: stage 4 at its moment');
SELECT is((SELECT status FROM license WHERE license_id = 1), 'in_use', 'O40: in use until the end');
SELECT is(pg_temp.swept('2025-06-15 11:59:59.999999+00'), '(0,0,0,0)', 'O40: not cut off a microsecond early');
SELECT is(pg_temp.swept('2025-06-15 12:00+00'), '(1,1,0,0)', 'O40: stage 5 and the cut-off are one run');
SELECT is(
    (SELECT status || ', ' || reason FROM license WHERE license_id = 1), 'contract_finalized, contract ended',
    'O40: the contract is finalized, with a reason');
SELECT is(
    (SELECT at::text || ' ' || action || ' ' || (new ->> 'status') FROM event
     WHERE account_id = 8800 AND subject = 'license' AND subject_id = 1),
    '2025-06-15 12:00:00+00 sweep contract_finalized', 'O34: the history names the sweep and its moment');
SELECT is(pg_temp.swept('2025-06-16 12:00+00'), '(0,1,0,0)', 'O37: stage 6 the day after');
SELECT is(pg_temp.swept('2030-01-01'), '(0,0,0,0)', 'O39: then nothing is left to do');
SELECT is((SELECT sweep_at FROM license WHERE license_id = 1), NULL, 'O39: and nobody looks at it again');
SELECT is(
    pg_temp.ledger(1), '1 sent, 2 sent, 3 sent, 4 sent, 5 sent, 6 sent', 'O35, O37: the ledger holds all six');
SELECT is(
    (SELECT DISTINCT recipient FROM notice WHERE license_id = 1), 'office@prague.example',
    'O35: notices are for the account''s address');
SELECT is(
    (SELECT sent_at FROM notice WHERE license_id = 1 AND stage = 3), '2025-06-08 12:00+00', 'O35: with the moment');
SELECT is(
    (SELECT payload FROM notice WHERE license_id = 1 AND stage = 2),
    '{"account_id": 8800, "license_id": 1, "stage": 2, "ends_at": "2025-06-15T12:00:00+00:00", "auto_renew": false,
      "title": "Licence ends in 15 days", "sku": "9137958", "site": "Tower"}',
    'O35: the payload says what a message needs');

-- Calendar months and the account's clock

SELECT pg_temp.add_license(2, '2025-03-31 10:00 Europe/Prague');
SELECT pg_temp.swept('2025-04-10');
SELECT is(
    pg_temp.moments(2),
    '2025-02-28 10:00, 2025-03-16 10:00, 2025-03-24 10:00, 2025-03-30 10:00, 2025-03-31 10:00, 2025-04-01 10:00',
    'O38: a month before 31 March is 28 February; the clock stays over the change to summer time');
SELECT pg_temp.add_license(3, '2024-03-31 10:00 Europe/Prague');
SELECT pg_temp.swept('2024-04-10');
SELECT is(
    (SELECT due_at FROM notice WHERE license_id = 3 AND stage = 1), '2024-02-29 10:00 Europe/Prague',
    'O38: in a leap year it is 29 February');
SELECT pg_temp.add_license(4, '2025-11-10 00:00 Europe/Prague');
SELECT pg_temp.swept('2025-10-09 22:00+00');
SELECT is(pg_temp.moments(4), '2025-10-10 00:00', 'O38: a month over the change to winter time is counted by the clock');
SELECT pg_temp.add_license(5, '2025-11-10 00:00 America/New_York', account => 8801);
SELECT is(
    (SELECT sweep_at FROM license WHERE license_id = 5), '2025-10-10 00:00 America/New_York',
    'O38: every account by its own clock');
UPDATE account SET time_zone = 'Asia/Tokyo' WHERE account_id = 8801;
SELECT cmp_ok(
    (SELECT sweep_at FROM license WHERE license_id = 5), '<=', '2025-10-10 04:00+00'::timestamptz,
    'O38: another time zone does not make the sweep late');
UPDATE account SET time_zone = 'America/New_York' WHERE account_id = 8801;

-- Once, whatever runs

SELECT is(pg_temp.swept('2025-10-10 00:00 Europe/Prague'), '(0,0,0,0)', 'O39: a doubled run raises nothing');
SELECT throws_ok(
    $$INSERT INTO notice (account_id, license_id, term_ends_at, stage, due_at)
      SELECT account_id, license_id, term_ends_at, stage, due_at FROM notice WHERE license_id = 4$$,
    '23505', NULL, 'O39: the ledger refuses a second row of the same stage and term');
UPDATE license SET sweep_at = '2020-01-01' WHERE license_id = 4;
SELECT is(
    (SELECT sweep_at FROM license WHERE license_id = 4), '2025-10-10 00:00 Europe/Prague',
    'O39: sweep_at is maintained, whatever is written to it');
SELECT is(pg_temp.swept('2025-10-10 00:00 Europe/Prague'), '(0,0,0,0)', 'O39: another look at it finds the ledger');

-- Late runs

SELECT pg_temp.add_license(11, '2025-09-20');
SELECT is(pg_temp.swept('2025-09-12'), '(0,1,1,0)', 'O41: after an outage the latest missed stage is sent');
SELECT is(pg_temp.ledger(11), '1 skipped, 2 sent', 'O41: and the older one skipped');
SELECT is(
    (SELECT sent_at FROM notice WHERE license_id = 11 AND stage = 1), NULL, 'O41: what was skipped was never sent');
SELECT is(pg_temp.swept('2026-02-01'), '(3,9,6,0)', 'O41: months late, three licences in one pass');
SELECT is(
    pg_temp.ledger(11), '1 skipped, 2 sent, 3 skipped, 4 sent, 5 sent, 6 sent',
    'O41: 5 and 6 are always sent, with the latest of 3 and 4');
SELECT pg_temp.add_license(12, '2025-09-20');
SELECT is(pg_temp.swept('2026-02-01'), '(1,3,3,0)', 'O41: everything missed, one pass');
SELECT is(
    pg_temp.ledger(12), '1 skipped, 2 skipped, 3 skipped, 4 sent, 5 sent, 6 sent', 'O41: as if it had never run');
SELECT is(pg_temp.swept('2026-02-01'), '(0,0,0,0)', 'O41: a late run is not repeated');
SELECT pg_temp.add_license(13, '2026-08-20'), pg_temp.add_license(14, '2026-08-20'), pg_temp.add_license(15, '2026-08-21');
SELECT is((sweep('2026-09-01', 1))::text, '(1,3,3,0)', 'O39: a batch takes so many and no more');
SELECT is((sweep('2026-09-01', 10))::text, '(2,6,6,0)', 'O39: the next takes the rest');

-- Renewal

SELECT pg_temp.add_license(21, '2026-03-31 10:00');
SELECT is(pg_temp.swept('2026-03-20'), '(0,1,1,0)', 'O42: two stages of the first term');
INSERT INTO notice (account_id, notice_id, license_id, term_ends_at, stage, due_at) VALUES
    (8800, 9001, 21, '2026-03-31 10:00', 4, '2026-03-30 10:00');
UPDATE license SET ends_at = '2027-03-31 10:00' WHERE license_id = 21;
SELECT is(
    (SELECT state FROM notice WHERE notice_id = 9001), 'withdrawn', 'O42: a renewal withdraws what is pending');
SELECT is(
    (SELECT sweep_at FROM license WHERE license_id = 21), '2027-02-28 11:00+00', 'O42: the next look is about the new end');
SELECT pg_temp.add_license(22, '2026-12-31');
UPDATE license SET ends_at = '2026-05-01' WHERE license_id = 22;
SELECT is(
    (SELECT sweep_at FROM license WHERE license_id = 22), '2026-04-01 00:00+00', 'O42: also when the end comes nearer');
DELETE FROM license WHERE license_id = 22;
SELECT is(pg_temp.swept('2026-04-10'), '(0,0,0,0)', 'O42: the old end means nothing any more');
SELECT is(pg_temp.swept('2027-02-28 12:00'), '(0,1,0,0)', 'O42: the new end starts a new cycle');
SELECT is(pg_temp.ledger(21), '1 skipped, 2 sent, 4 withdrawn, 1 sent', 'O42: both terms are in the ledger');

INSERT INTO notice (account_id, notice_id, license_id, term_ends_at, stage, due_at) VALUES
    (8800, 9002, 21, '2027-03-31 10:00', 2, '2027-03-16 10:00');
SELECT is(pg_temp.swept('2027-03-16 12:00'), '(0,1,0,0)', 'O42: a notice planned ahead is raised when it is due');
SELECT is(
    (SELECT (notice_id, state, sent_at)::text FROM notice WHERE license_id = 21 AND stage = 2 AND term_ends_at > '2027-01-01'),
    '(9002,sent,"2027-03-16 12:00:00+00")', 'O42: in the row that was planned');

-- Which statuses

SELECT pg_temp.add_license(31, '2026-11-20', 'access_denied');
SELECT is(pg_temp.swept('2026-11-10'), '(0,0,2,0)', 'O43: nothing is sent while access is denied');
SELECT is(pg_temp.swept('2026-11-20'), '(1,0,3,0)', 'O43: not about the cut-off either, but the contract ends');
SELECT is(pg_temp.swept('2026-11-21'), '(0,1,0,0)', 'O43: a contract that expired gets notice 6');
SELECT is(
    pg_temp.ledger(31), '1 skipped, 2 skipped, 3 skipped, 4 skipped, 5 skipped, 6 sent', 'O43: as the ledger shows');
SELECT pg_temp.add_license(32, '2026-11-20');
SELECT pg_temp.swept('2026-10-25');
INSERT INTO notice (account_id, notice_id, license_id, term_ends_at, stage, due_at) VALUES
    (8800, 9003, 32, '2026-11-20', 4, '2026-11-19');
UPDATE license SET status = 'contract_finalized', reason = 'by mutual consent' WHERE license_id = 32;
SELECT is((SELECT sweep_at FROM license WHERE license_id = 32), NULL, 'O43: after a manual termination nobody looks');
SELECT is(
    (SELECT state FROM notice WHERE notice_id = 9003), 'withdrawn', 'O43: what was planned is withdrawn');
SELECT is(pg_temp.swept('2026-12-31'), '(0,0,0,0)', 'O43: and no notice is sent');
INSERT INTO license (account_id, license_id, sku) VALUES (8800, 33, '9137958');
INSERT INTO license (account_id, license_id, sku, status, starts_at) VALUES (8800, 34, 'PARTNER-DEMO', 'in_use', '2020-01-01');
SELECT is(
    (SELECT count(sweep_at) FROM license WHERE license_id IN (33, 34)), 0::bigint,
    'O43: nothing for pending and open-ended licences');

-- Trials

SELECT is(pg_temp.swept('2028-01-01'), '(1,3,1,0)', 'O42: the renewed term ends as the first would have');
INSERT INTO license (account_id, license_id, sku, status, starts_at, ends_at)
VALUES (8800, 41, 'C2TUT', 'in_use', '2028-04-01', '2028-05-01');
SELECT is(pg_temp.swept('2028-04-16'), '(0,1,1,0)', 'P32: a trial has the same notices');
SELECT is(pg_temp.swept('2028-05-01'), '(1,2,1,0)', 'P32: and the same end');
SELECT is(pg_temp.swept('2028-05-02'), '(0,1,0,0)', 'P32: and the same reminder');

-- Stages of one's own

SELECT pg_temp.add_license(51, '2029-12-31');
INSERT INTO notice_stage (stage, lead, title) VALUES (7, '3 months', 'Licence ends in a quarter');
SELECT is((SELECT sweep_at FROM license WHERE license_id = 51), '2029-09-29 23:00+00', 'P31: a new stage is looked at in time');
SELECT ok((SELECT scheduled FROM notice_stage WHERE stage = 7), 'P31: it is scheduled');
SELECT is(pg_temp.swept('2029-10-01'), '(0,1,0,0)', 'P31: and raised');
UPDATE notice_stage SET lead = '60 days' WHERE stage = 1;
SELECT is((SELECT sweep_at FROM license WHERE license_id = 51), '2029-11-01', 'P31: an edited stage is looked at in time');
UPDATE notice_stage SET active = false WHERE stage = 2;
SELECT is(pg_temp.swept('2029-12-30 12:00'), '(0,1,2,0)', 'P31: an inactive stage is not raised');
SELECT is(pg_temp.ledger(51), '1 skipped, 3 skipped, 4 sent, 7 sent', 'P31: as the ledger shows');
UPDATE notice_stage SET active = false;
SELECT is(pg_temp.swept('2030-01-10'), '(1,0,0,0)', 'O40: contracts end without any stage');
SELECT throws_ok(
    $$UPDATE notice_stage SET lead = '1 day' WHERE stage = 5$$, '23514', NULL, 'O40: the cut-off is at the end');

SELECT throws_ok(
    $$INSERT INTO notice_stage (stage, lead, title) VALUES (8, '1000 years', 'x')$$, '23514', NULL, 'P31: a lead has a sensible length');

-- Notices of other kinds

INSERT INTO notice (account_id, notice_id, kind, site_id, due_at) VALUES
    (8800, 9010, 'migration_approved', 8810, '2031-01-01'), (8800, 9011, 'migration_approved', 8810, '2031-01-02');
SELECT is(pg_temp.swept('2031-01-01'), '(0,1,0,0)', 'O35: other notices are raised when they are due');
SELECT is(
    (SELECT string_agg(state, ',' ORDER BY notice_id) FROM notice WHERE notice_id IN (9010, 9011)), 'sent,pending',
    'O35: and not before');
SELECT is(pg_temp.swept('2031-01-02'), '(0,1,0,0)', 'O35: each at its moment');

-- Expired seats

INSERT INTO license (account_id, license_id, sku, status, starts_at) VALUES (8800, 61, 'T2TU1', 'in_use', '2020-01-01');
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES (8800, 61, 'user', 5), (8800, 61, 'device', 5);
INSERT INTO account_user (account_id, user_id, site_id, email) SELECT 8800, 8900 + u, 8810, 'sweep' || u || '@prague.example' FROM generate_series(1, 3) u;
INSERT INTO seat (account_id, license_id, pool, user_id, acquired_at, expires_at) VALUES
    (8800, 61, 'user', 8901, '2031-01-01', '2031-02-01'), (8800, 61, 'user', 8902, '2031-01-01', '2031-02-02'),
    (8800, 61, 'user', 8903, '2031-01-01', NULL), (8800, 61, 'device', 8901, '2031-01-01', '2031-02-01');
SELECT is(pg_temp.swept('2031-01-31'), '(0,0,0,0)', 'P28: leases that run stay');
SELECT is(pg_temp.swept('2031-02-01'), '(0,0,0,2)', 'P28: a lease is over at its end');
SELECT is(
    (SELECT string_agg(pool || ' ' || in_use, ', ' ORDER BY pool) FROM license_pool WHERE license_id = 61),
    'device 0, user 2', 'P28: and its seat is free');

-- Arguments

SELECT throws_ok('SELECT sweep(now(), NULL)', '22004', 'batch must not be NULL', 'sweep needs a batch');
SELECT throws_ok('SELECT sweep(now(), 0)', '22023', 'batch must be at least 1, not 0', 'a batch is at least one');
SELECT throws_ok($$SELECT sweep('infinity')$$, '22023', NULL, 'an infinite moment is no moment');

SELECT * FROM finish();
ROLLBACK;
