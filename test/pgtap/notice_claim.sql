-- Consumers of notices: claim, acknowledge, come back.
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

INSERT INTO account (account_id, name, email) VALUES (8850, 'A', 'office@a.example'), (8851, 'B', 'office@b.example');
INSERT INTO notice (account_id, notice_id, kind, due_at, state, sent_at) VALUES
    (8850, 3, 'test', '2025-01-03', 'sent', '2025-01-03'),
    (8851, 1, 'test', '2025-01-01', 'sent', '2025-01-01'),
    (8850, 2, 'test', '2025-01-02', 'sent', '2025-01-02'),
    (8850, 4, 'test', '2025-01-01', 'skipped', NULL),
    (8850, 5, 'test', '2025-01-01', 'pending', NULL);

SELECT results_eq('SELECT notice_id FROM claim_notices(2)', ARRAY[1, 2]::bigint[], 'O35: the longest due first');
SELECT is(
    (SELECT DISTINCT claimed_until - now() FROM notice WHERE notice_id IN (1, 2)), '5 minutes',
    'O35: claimed for license_ext.claim_timeout');
SELECT results_eq('SELECT notice_id, state FROM claim_notices()', $$VALUES (3::bigint, 'sent')$$, 'O39: the next claim gets the rest');
SELECT is_empty('SELECT * FROM claim_notices()', 'O39: claimed rows are not handed out again');
UPDATE notice SET claimed_until = now() WHERE notice_id = 2;
SELECT results_eq('SELECT notice_id FROM claim_notices()', ARRAY[2]::bigint[], 'O39: a claim nobody acknowledged comes back');
SET LOCAL license_ext.claim_timeout = '1h';
UPDATE notice SET claimed_until = NULL WHERE notice_id = 2;
SELECT is((SELECT claimed_until - now() FROM claim_notices()), '1 hour', 'O35: the timeout is a setting');

SELECT is(acknowledge_notices('{8851,8850}', '{1,2}'), 2, 'O35: acknowledged, each with its account');
SELECT is(
    (SELECT string_agg(state || ' ' || (acknowledged_at = now()), ',') FROM notice WHERE notice_id IN (1, 2)),
    'acknowledged true,acknowledged true', 'O35: with the moment');
SELECT is(acknowledge_notices('{8851,8850,8850}', '{1,3,3}'), 1, 'O39: each counts once');
SELECT is(acknowledge_notices('{8850}', '{1}'), 0, 'O35: a notice of another account is not touched');
SELECT is(acknowledge_notices('{8850,8850}', '{4,5}'), 0, 'O35: what was not raised cannot be acknowledged');
SELECT is(acknowledge_notices('{}', '{}'), 0, 'O35: nothing to acknowledge');
SELECT is_empty('SELECT * FROM claim_notices()', 'O39: acknowledged notices never come back');

SELECT throws_ok('SELECT * FROM claim_notices(NULL)', '22004', 'max must not be NULL', 'claim needs a number');
SELECT throws_ok('SELECT * FROM claim_notices(0)', '22023', 'max must be at least 1, not 0', 'a claim is at least one');
SELECT throws_ok($$SELECT acknowledge_notices(NULL, '{}')$$, '22004', NULL, 'no list');
SELECT throws_ok($$SELECT acknowledge_notices('{1}', '{NULL}')$$, '22004', 'notice_id must not contain NULL', 'no NULL in a list');
SELECT throws_ok($$SELECT acknowledge_notices('{1,2}', '{1}')$$, '22023',
    'account_id and notice_id must have the same length', 'lists go together');
SELECT throws_ok($$SELECT acknowledge_notices('{{1,2}}', '{{1,2}}')$$, '22023', NULL, 'lists are flat');

INSERT INTO notice (account_id, notice_id, kind, due_at, state) VALUES (8850, 6, 'test', '2025-01-04', 'sent'), (8850, 7, 'test', '2025-01-04', 'acknowledged');
SELECT results_eq('SELECT notice_id FROM claim_notices()', ARRAY[6]::bigint[], 'O35: one an application raised by a row of its own is claimed too');
SELECT lives_ok($$UPDATE notice SET state = 'acknowledged' WHERE notice_id = 6$$, 'O35: and may be acknowledged by UPDATE');

SELECT * FROM finish();
ROLLBACK;
