-- Refusals: kept although nothing else changed, and removed by license.purge_denials() alone.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public;
SET LOCAL timezone TO 'UTC';
SET LOCAL license_ext.actor TO 'dba';

-- what other tests left behind is not to be counted here
SET LOCAL session_replication_role TO replica;
DELETE FROM denial;
SET LOCAL session_replication_role TO origin;

SELECT no_plan();

INSERT INTO account (account_id, name) VALUES (1, 'One'), (2, 'Two'), (3, 'Three');
INSERT INTO denial (account_id, denial_id, at, code)
    SELECT a, 10 * a + n, timestamptz '2026-01-01' + n * interval '1 day', 'X' FROM generate_series(1, 3) a, generate_series(1, 4) n;
CREATE TEMP VIEW kept AS SELECT string_agg(denial_id::text, ' ' ORDER BY denial_id) AS ids FROM denial;
CREATE TEMP VIEW noted AS SELECT account_id, actor, subject, subject_id, action, old, new FROM event WHERE action = 'purge_denials';

-- Nothing else takes them away.
SELECT throws_ok('DELETE FROM denial', 'LX050', 'table "denial" is append-only', 'a refusal cannot be deleted');
SELECT throws_ok('UPDATE denial SET code = ''Y''', 'LX050', NULL, 'nor changed');
SELECT throws_ok('TRUNCATE denial', 'LX050', NULL, 'nor truncated');

SELECT is(purge_denials('2026-01-03', 2), 1::bigint, 'the refusals of one account from before a moment are removed');
SELECT is((SELECT ids FROM kept), '11 12 13 14 22 23 24 31 32 33 34', 'one at that moment and those of others are not');
SELECT results_eq('SELECT account_id, actor, subject, subject_id, action, old, new FROM noted',
    $$VALUES (2::bigint, 'dba', 'account', 2::bigint, 'purge_denials',
        '{"denials": 1, "before": "2026-01-03T00:00:00+00:00"}'::jsonb, NULL::jsonb)$$,
    'the history says who removed how many, from before when');

SELECT is(purge_denials('2026-01-04'), 5::bigint, 'without an account those of all');
SELECT is((SELECT ids FROM kept), '13 14 23 24 33 34', 'the others stay');
SELECT results_eq('SELECT account_id, old -> ''denials'' FROM noted ORDER BY account_id, old -> ''denials''',
    $$VALUES (1::bigint, '2'::jsonb), (2, '1'), (2, '1'), (3, '2')$$, 'each account has its part in its history');

SELECT is(purge_denials('2026-01-04'), 0::bigint, 'once more there is nothing to remove');
SELECT is(purge_denials(now(), 9), 0::bigint, 'nor in an account that does not exist');
SELECT is((SELECT count(*) FROM noted), 4::bigint, 'and nothing to note');

SELECT throws_ok('SELECT purge_denials(NULL)', '22004', NULL, 'a moment is needed');
SELECT throws_ok('SELECT purge_denials(''infinity'')', '22023', 'before must be a finite moment', 'a finite one');
SELECT throws_ok('SELECT purge_denials(''-infinity'', 1)', '22023', NULL, 'in an account, too');
SELECT is((SELECT ids FROM kept), '13 14 23 24 33 34', 'what fails removes nothing');

-- Rules hold for what comes with a purge, too.
CREATE FUNCTION pg_temp.greedy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM license.event;
    RETURN NULL;
END $$;
CREATE TRIGGER greedy AFTER DELETE ON denial FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.greedy();
SELECT throws_ok('SELECT purge_denials(now())', 'LX050', 'table "event" is append-only', 'history does not go with the refusals');
DROP TRIGGER greedy ON denial;

SELECT is(purge_denials(now()), 6::bigint, 'all of them may go');
SELECT throws_ok('DELETE FROM denial', 'LX050', NULL, 'and then the table is as before');

SELECT * FROM finish();
ROLLBACK;
