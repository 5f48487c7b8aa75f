-- Octopus: lists, data and notifications of licences, O27 to O36, O44, O45.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL license_ext.actor TO 'tester';

SELECT no_plan();

INSERT INTO account (account_id, name, email, time_zone) VALUES (1, 'Hotel chain', 'office@chain.example', 'Europe/Madrid');
INSERT INTO site (account_id, site_id, name) VALUES (1, 10, 'North'), (1, 11, 'South'), (1, 12, 'West');
INSERT INTO license (account_id, license_id, sku, key, status, starts_at, ends_at, term, modules, site_id, payment_form) VALUES
    (1, 500, 'OCTOPUS', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'in_use', '2026-01-01 00:00+00', '2027-01-01 00:00+00', '1 year', '{guest,business}', 10, 'annual'),
    (1, 501, 'OCTOPUS', DEFAULT, 'pending_start', NULL, NULL, '3 years', '{guest}', 11, 'monthly'),
    (1, 502, 'OCTOPUS', DEFAULT, 'pending_provision', NULL, NULL, '1 year', '{guest}', NULL, 'annual'),
    (1, 503, 'C2TU1', DEFAULT, 'contract_finalized', '2025-01-01 00:00+00', '2026-01-01 00:00+00', '1 year', '{}', NULL, NULL),
    (1, 504, 'C2TU1', DEFAULT, 'in_use', '2026-01-31 10:00+00', '2026-03-31 21:30+00', '1 year', '{}', NULL, NULL),
    (1, 505, 'PARTNER-DEMO', DEFAULT, 'in_use', '2026-01-01 00:00+00', NULL, NULL, '{}', NULL, NULL);
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES
    (1, 500, 'access_point', 20), (1, 501, 'room', 80), (1, 502, 'access_point', 5);

-- The list

SELECT columns_are('license', 'license_list', '{account_id,license_id,site_id,sku,license_key,organization,modules,access_points,rooms,status,start_date,end_date}'::name[],
    'O27: the columns of the list');
SELECT results_eq($$SELECT license_id, organization, modules, access_points, rooms, status, start_date, end_date FROM license_list WHERE account_id = 1 AND sku = 'OCTOPUS' ORDER BY license_id$$,
    $$VALUES (500::bigint, 'Hotel chain', '{guest,business}'::text[], 20, NULL::integer, 'in_use', timestamptz '2026-01-01 00:00+00', timestamptz '2027-01-01 00:00+00'),
        (501, 'Hotel chain', '{guest}', NULL, 80, 'pending_start', NULL, NULL), (502, 'Hotel chain', '{guest}', 5, NULL, 'pending_provision', NULL, NULL)$$,
    'O27, O28: the list, with dates only once in use');

CREATE FUNCTION pg_temp.plan_of(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; plan text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT * FROM license.license_list WHERE ' || condition LOOP plan := plan || line || E'\n'; END LOOP;
    RETURN plan;
END $$;
SET LOCAL enable_seqscan TO off;
SELECT alike(pg_temp.plan_of(condition), '%' || index || '%', format('O29: an index answers %s', condition)) FROM (VALUES
    ('license_key OPERATOR(license.=) ''7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE''', 'license_key_key'),
    ('organization = ''Hotel chain''', 'account_name_idx'),
    ('modules @> ''{business}''', 'license_modules_idx'),
    ('access_points = 20', 'license_pool_maximum_idx'),
    ('rooms > 50', 'license_pool_maximum_idx'),
    ('status = ''access_denied''', 'license_status_idx'),
    ('start_date < ''2026-01-01''', 'license_starts_idx'),
    ('end_date >= ''2027-01-01'' AND end_date < ''2027-02-01''', 'license_ends_idx')) AS filters (condition, index);
RESET enable_seqscan;
SELECT results_eq($$SELECT license_id FROM license_list WHERE account_id = 1 AND end_date >= '2026-12-01' AND end_date < '2027-02-01'$$, '{500}'::bigint[], 'O29: by end date within a period');
SELECT results_eq($$SELECT license_id FROM license_list WHERE account_id = 1 AND status = 'pending_start'$$, '{501}'::bigint[], 'O29: by status');
SELECT results_eq($$SELECT license_id FROM license_list WHERE account_id = 1 AND modules @> '{business}'$$, '{500}'::bigint[], 'O29: by module');
SELECT results_eq($$SELECT license_id FROM license_list WHERE account_id = 1 AND rooms >= 80$$, '{501}'::bigint[], 'O29: by rooms');

-- Expiring

SELECT is_empty($$SELECT license_id FROM expiring(at => '2026-02-28 21:29:59+00') WHERE account_id = 1$$, 'O38: one month is a calendar month back from the end');
SELECT results_eq($$SELECT license_id, days_left FROM expiring(at => '2026-02-28 22:30+00') WHERE account_id = 1$$, $$VALUES (504::bigint, 30)$$,
    'O38: in the clock of the account''s time zone');
SELECT is_empty($$SELECT license_id FROM expiring(at => '2026-03-31 21:30+00') WHERE account_id = 1$$, 'contract 1.3: the end is exclusive');
SELECT results_eq($$SELECT license_id FROM expiring('1 year', '2026-01-02') WHERE account_id = 1$$, '{504,500}'::bigint[], 'O29: the next to end first');

-- Assignments

INSERT INTO seat (account_id, license_id, pool, site_id, units) VALUES (1, 500, 'access_point', 11, 7), (1, 500, 'access_point', 12, 3);
SELECT results_eq('SELECT site, pool, units, in_use, maximum FROM assignment_overview WHERE license_id = 500 ORDER BY site_id',
    $$VALUES ('North', 'access_point', 0, 10, 20), ('South', 'access_point', 7, 10, 20), ('West', 'access_point', 3, 10, 20)$$,
    'O32: the locations with the units configured, in use is their sum');
INSERT INTO seat (account_id, license_id, pool, site_id, units) VALUES (1, 500, 'access_point', 10, 10);
SELECT results_eq('SELECT units FROM assignment_overview WHERE license_id = 500 ORDER BY site_id', '{10,7,3}'::integer[], 'O32: its own location is one of them');
SELECT throws_ok($$UPDATE seat SET units = 11 WHERE license_id = 500 AND site_id = 10$$, 'LX001', NULL, 'O33: more than the maximum is refused');
SELECT throws_ok($$INSERT INTO seat (account_id, license_id, pool, site_id, units) VALUES (1, 501, 'room', 10, 81)$$, 'LX002', NULL, 'O33: in one request too');
SELECT throws_ok($$UPDATE license_pool SET maximum = 19 WHERE license_id = 500$$, 'LX032', NULL, 'O45: the maximum does not fall below what is in use');
SELECT lives_ok($$UPDATE license_pool SET maximum = 25 WHERE license_id = 500$$, 'O44: it can rise');
SELECT is(record_connection(1, 12, '02:00:00:00:00:01'), 'in_use', 'O32: a location that is only assigned answers for the licence');

-- Data in five parts

UPDATE license SET modules = '{guest}' WHERE license_id = 500;
SELECT deny_access(1, 500, 'unpaid', '2026-05-01 00:00+00');
SELECT restore_access(1, 500, '2026-05-02 00:00+00');
SELECT is(renew(1, 500, '1 year', '2026-05-03 00:00+00'), '2028-01-01 00:00+00', 'O44: a renewal');
INSERT INTO notice (account_id, license_id, term_ends_at, stage, due_at, state, sent_at, recipient) VALUES
    (1, 500, '2027-01-01', 1, '2026-12-01', 'sent', '2026-12-01 00:01+00', 'office@chain.example'),
    (1, 500, '2027-01-01', 2, '2026-12-17', 'skipped', NULL, 'office@chain.example'),
    (1, 500, '2027-01-01', 3, '2026-12-25', 'pending', NULL, 'office@chain.example');
CREATE TEMP TABLE data AS SELECT license_data(1, 500) AS d;

SELECT set_eq('SELECT jsonb_object_keys(d) FROM data', '{general,modules,upgrades,notifications,assignments}'::text[], 'O30: the five parts');
SELECT is((d -> 'general') - '{pools,partner_id,distributor_id,reason,auto_renew,connections}'::text[], jsonb_build_object(
        'license_key', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'sku', 'OCTOPUS', 'organization', 'Hotel chain', 'location', 'North', 'status', 'in_use',
        'starts_at', timestamptz '2026-01-01 00:00+00', 'ends_at', timestamptz '2028-01-01 00:00+00', 'term', '1 year', 'payment_form', 'annual',
        'access_points', '{"maximum": 25, "in_use": 20}'::jsonb, 'rooms', NULL),
    'O31: general data') FROM data;
SELECT is(d -> 'modules', '[{"module": "guest", "name": "Guest portal", "base": true}]', 'O36: platform modules') FROM data;
SELECT is(d -> 'assignments', '[{"site_id": 10, "site": "North", "pool": "access_point", "units": 10}, {"site_id": 11, "site": "South", "pool": "access_point", "units": 7},
    {"site_id": 12, "site": "West", "pool": "access_point", "units": 3}]'::jsonb, 'O32: assignments') FROM data;
SELECT results_eq($$SELECT u ->> 'action', u ->> 'actor', (u ->> 'at')::timestamptz FROM data CROSS JOIN jsonb_array_elements(d -> 'upgrades') WITH ORDINALITY e (u, n) ORDER BY n$$,
    $$VALUES ('update', 'tester', now()), ('update', 'tester', now()), ('deny_access', 'tester', '2026-05-01 00:00+00'),
        ('restore_access', 'tester', '2026-05-02 00:00+00'), ('renew', 'tester', '2026-05-03 00:00+00')$$,
    'O34, O44: upgrades, oldest first, with actor and time');
SELECT results_eq($$SELECT u -> 'old', u -> 'new' FROM data CROSS JOIN jsonb_array_elements(d -> 'upgrades') WITH ORDINALITY e (u, n) ORDER BY n LIMIT 4$$,
    $$VALUES ('{"pool": "access_point", "maximum": 20}'::jsonb, '{"pool": "access_point", "maximum": 25}'::jsonb),
        ('{"modules": ["guest", "business"]}', '{"modules": ["guest"]}'),
        ('{"status": "in_use", "reason": null}', '{"status": "access_denied", "reason": "unpaid"}'),
        ('{"status": "access_denied", "reason": "unpaid"}', '{"status": "in_use", "reason": null}')$$,
    'O34: with old and new value');
SELECT is((SELECT count(*)::integer FROM upgrade_log WHERE account_id = 1 AND license_id = 500), 5, 'O34: the same in the log of all licences');
SELECT throws_ok('DELETE FROM event', 'LX050', NULL, 'O34: history is append-only');
SELECT throws_ok($$UPDATE event SET actor = 'nobody'$$, 'LX050', NULL, 'O34: nor is it changed');
SELECT results_eq($$SELECT (n ->> 'stage')::integer, n ->> 'state', (n ->> 'sent_at')::timestamptz, n ->> 'recipient' FROM data CROSS JOIN jsonb_array_elements(d -> 'notifications') n$$,
    $$VALUES (1, 'sent', timestamptz '2026-12-01 00:01+00', 'office@chain.example'), (2, 'skipped', NULL, 'office@chain.example')$$,
    'O35: notifications with number, time and recipient');
SELECT results_eq($$SELECT stage, state, sent_at, recipient FROM notification_log WHERE license_id = 500 ORDER BY stage$$,
    $$VALUES (1, 'sent', timestamptz '2026-12-01 00:01+00', 'office@chain.example'), (2, 'skipped', NULL, 'office@chain.example')$$,
    'O35: the same in the log of all licences');
SELECT is(license_data(1, 502) - 'general', '{"modules": [{"module": "guest", "name": "Guest portal", "base": true}], "upgrades": [], "notifications": [], "assignments": []}'::jsonb,
    'O30: empty parts are empty lists');
SELECT throws_ok('SELECT license_data(1, 1)', 'LX005', NULL, 'O30: no data without a licence');

SELECT is((SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'license.license_list'::regclass AND attnum BETWEEN 1 AND 8),
    'license_key organization modules access_points rooms status start_date end_date', 'O27: the columns of the list, in their order');
SELECT * FROM finish();
ROLLBACK;
