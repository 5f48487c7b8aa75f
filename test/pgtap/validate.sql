-- validate: one answer for every text, the first that applies.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;

SELECT no_plan();

INSERT INTO account (account_id, name, time_zone) VALUES (1, 'House', 'Europe/Madrid');
INSERT INTO site (account_id, site_id, name) VALUES (1, 10, 'North'), (1, 11, 'South');
INSERT INTO apartment (account_id, apartment_id, site_id, name) VALUES (1, 15, 10, 'A1');
INSERT INTO account_user (account_id, user_id, site_id, apartment_id, email) VALUES
    (1, 16, 10, 15, 'u16@house.example'), (1, 17, NULL, NULL, 'u17@house.example');
INSERT INTO license (account_id, license_id, sku, status, starts_at, ends_at, term, reason, modules, site_id) VALUES
    (1, 1, 'OCTOPUS', 'pending_provision', NULL, NULL, '1 year', NULL, '{guest}', NULL),
    (1, 2, 'OCTOPUS', 'pending_start', NULL, NULL, '1 year', NULL, '{guest}', 10),
    (1, 3, 'OCTOPUS', 'in_use', '2026-01-01 00:00+00', '2027-01-01 00:00+00', '1 year', NULL, '{guest,business}', 11),
    (1, 4, 'C2TU1', 'access_denied', '2026-01-01 00:00+00', '2027-01-01 00:00+00', '1 year', 'unpaid', '{}', NULL),
    (1, 5, 'T2TU80', 'contract_finalized', '2026-01-01 00:00+00', '2027-01-01 00:00+00', '1 year', 'over', '{}', NULL),
    (1, 6, 'COUNT-ANNUAL', 'in_use', '2026-01-01 00:00+00', '2027-01-01 00:00+00', '1 year', NULL, '{}', NULL),
    (1, 7, '9137958', 'in_use', '2026-01-01 00:00+00', '2027-01-01 00:00+00', '1 year', NULL, '{}', 10),
    (1, 8, 'T2TU1', 'in_use', '2026-01-01 00:00+00', '2027-01-01 00:00+00', '1 year', NULL, '{}', NULL),
    (1, 9, 'PARTNER-DEMO', 'in_use', '2026-01-01 00:00+00', NULL, NULL, NULL, '{}', NULL);
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES
    (1, 3, 'access_point', 5), (1, 6, 'device', 2), (1, 6, 'floating_device', 1), (1, 7, 'apartment', 1), (1, 8, 'user', 1);
INSERT INTO device (account_id, device_id, device_code, kind, site_id, apartment_id, user_id) VALUES
    (1, 21, '021', 'phone', NULL, NULL, NULL), (1, 22, '022', 'phone', NULL, NULL, NULL), (1, 23, '023', 'phone', 10, 15, NULL),
    (1, 24, '024', 'phone', 10, NULL, NULL), (1, 25, '025', 'intercom', 10, NULL, NULL), (1, 26, '026', 'phone', 11, NULL, NULL),
    (1, 27, '027', 'phone', 10, NULL, 16), (1, 28, '028', 'phone', NULL, NULL, 17), (1, 29, '029', 'access_point', 11, NULL, NULL);
INSERT INTO seat (account_id, license_id, pool, device_id, acquired_at, expires_at) VALUES
    (1, 6, 'device', 21, '2026-01-01', NULL), (1, 6, 'floating_device', 22, '2026-01-01', '2026-06-01 12:00+00');

CREATE FUNCTION pg_temp.ask(id bigint, at timestamptz DEFAULT '2026-06-01 00:00+00', device text DEFAULT NULL, module text DEFAULT NULL)
RETURNS text LANGUAGE sql AS
$$SELECT concat_ws(' ', v.code, CASE WHEN v.valid THEN 'valid' END, nullif(array_to_string(v.warnings, ' '), ''))
  FROM license.license l CROSS JOIN LATERAL license.validate(l.key::text, device, module, at) v WHERE l.license_id = id$$;

-- Any text

SELECT is(code, 'KEY_MALFORMED', 'contract 5: malformed: ' || coalesce(left(t, 12), 'NULL'))
FROM unnest(ARRAY[NULL, '', ' ', '-', 'garbage', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJX', repeat('7XK2M-', 200000), E'\u00e4\u00f6', ''';DROP TABLE license'])
    AS t CROSS JOIN LATERAL validate(t) v;
SELECT is(validate(NULL, NULL, NULL, NULL)::text, '(f,KEY_MALFORMED,"The text is not a licence key, or was mistyped.",,,,,,{})',
    'contract 5: not one NULL raises');
SELECT is(code, 'NOT_FOUND', 'contract 5: a well-formed key that was never issued') FROM validate('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE');
SELECT is(code, 'VALID', 'contract 3: a key is read whatever its case and hyphens')
FROM license l CROSS JOIN LATERAL validate(lower(replace(l.key::text, '-', '')), NULL, NULL, '2026-06-01') v WHERE l.license_id = 3;
SELECT lives_ok(format('SELECT validate(%L, %L, %L, %L)', key, repeat('x', 1000000), repeat('y', 1000000), at),
    'contract 5: nor does any other text or moment raise') FROM license CROSS JOIN unnest('{infinity,-infinity,2026-06-01}'::timestamptz[]) AS at;

-- In the order of the contract

SELECT is(pg_temp.ask(1), 'PENDING_PROVISION', 'O17: not provisioned yet');
SELECT is(pg_temp.ask(1, module => 'business', device => '999'), 'PENDING_PROVISION', 'contract 5: before module and device');
SELECT is(pg_temp.ask(4), 'ACCESS_DENIED', 'O23: access denied');
SELECT is(pg_temp.ask(4, '2027-06-01'), 'ACCESS_DENIED', 'contract 5: also after the end');
SELECT is(pg_temp.ask(5), 'CONTRACT_FINALIZED', 'O25: finalized');
SELECT is(pg_temp.ask(3, '2027-01-01 00:00+00'), 'EXPIRED', 'contract 1.3: the end is exclusive, swept or not');
SELECT is(pg_temp.ask(3, '2026-12-31 23:59:59.999999+00'), 'VALID valid EXPIRING_SOON', 'contract 1.3: a moment before');
SELECT is(pg_temp.ask(3, '2025-12-31 23:59:59.999999+00'), 'NOT_YET_VALID', 'contract 1.3: before the start');
SELECT is(pg_temp.ask(3, '2026-01-01 00:00+00'), 'VALID valid', 'contract 1.3: the start is inclusive');
SELECT is(pg_temp.ask(3, module => 'business'), 'VALID valid', 'O36: a module it includes');
SELECT is(pg_temp.ask(3, module => 'guest'), 'VALID valid', 'O36: the base module');
SELECT is(pg_temp.ask(3, module => 'spa'), 'MODULE_NOT_INCLUDED', 'O36: a module it does not include');
SELECT is(pg_temp.ask(3, module => ''), 'MODULE_NOT_INCLUDED', 'O36: no module of that name');
SELECT is(pg_temp.ask(3, module => 'spa', device => '999'), 'MODULE_NOT_INCLUDED', 'contract 5: before the device');
SELECT is(pg_temp.ask(2), 'PENDING_START valid', 'O36: pending start is valid, so that devices can connect');
SELECT is(pg_temp.ask(2, module => 'guest'), 'PENDING_START valid', 'O36: with its modules');
SELECT is(pg_temp.ask(2, module => 'business'), 'MODULE_NOT_INCLUDED', 'O36: and no others');
SELECT is(pg_temp.ask(1, module => 'guest'), 'PENDING_PROVISION', 'O36: no module before');
SELECT is(pg_temp.ask(5, module => 'guest'), 'CONTRACT_FINALIZED', 'O36: no module after');
SELECT is(pg_temp.ask(9, '2999-01-01'), 'VALID valid', 'C28: an open-ended licence has no end to come near');
SELECT is((SELECT (v.account_id, v.license_id, v.status, v.starts_at = l.starts_at, v.ends_at = l.ends_at)::text
    FROM license l CROSS JOIN LATERAL validate(l.key::text, NULL, NULL, '2026-06-01') v WHERE l.license_id = 3), '(1,3,in_use,t,t)',
    'contract 5: the licence is answered');
SELECT is((SELECT (v.account_id, v.license_id, v.status, v.warnings)::text
    FROM license l CROSS JOIN LATERAL validate(l.key::text, NULL, NULL, '2028-06-01') v WHERE l.license_id = 3), '(1,3,in_use,{})',
    'contract 5: also when it is not valid, without warnings');

-- Devices

SELECT is(pg_temp.ask(6, device => '999'), 'DEVICE_UNKNOWN', 'T24: a device the organization does not have');
SELECT is(pg_temp.ask(6, device => '021'), 'VALID valid POOL_FULL', 'T20: a device with a seat');
SELECT is(pg_temp.ask(6, device => '022'), 'VALID valid POOL_FULL', 'T20: a floating device with a lease');
SELECT is(pg_temp.ask(6, '2026-06-01 12:00+00', '022'), 'DEVICE_WITHOUT_SEAT', 'contract 4: the end of a lease is exclusive');
SELECT is(pg_temp.ask(6, device => '023'), 'DEVICE_WITHOUT_SEAT', 'T25: a device without');
SELECT is(pg_temp.ask(7, device => '023'), 'VALID valid', 'M11: an apartment device has its seat in the apartment');
SELECT is(pg_temp.ask(7, device => '027'), 'VALID valid', 'M9: or in that of its user');
SELECT is(pg_temp.ask(7, device => '024'), 'DEVICE_WITHOUT_SEAT', 'M11: a paid device without apartment has none');
SELECT is(pg_temp.ask(7, device => '025'), 'VALID valid', 'M10: an intercom needs none');
SELECT is(pg_temp.ask(7, device => '026'), 'DEVICE_WITHOUT_SEAT', 'M8: a device of another site is not covered');
SELECT is(pg_temp.ask(3, device => '029'), 'VALID valid', 'O32: an access point at the location');
SELECT is(pg_temp.ask(3, device => '024'), 'DEVICE_WITHOUT_SEAT', 'O32: not one elsewhere');
INSERT INTO seat (account_id, license_id, pool, site_id, units) VALUES (1, 3, 'access_point', 10, 2);
SELECT is(pg_temp.ask(3, device => '024'), 'VALID valid', 'O32: unless the licence is assigned there too');
SELECT is(pg_temp.ask(8, device => '028'), 'DEVICE_WITHOUT_SEAT', 'C15: a device whose user has no seat');
INSERT INTO seat (account_id, license_id, pool, user_id) VALUES (1, 8, 'user', 17);
SELECT is(pg_temp.ask(8, device => '028'), 'VALID valid POOL_FULL', 'C15: and has one');

-- Warnings

SELECT is(pg_temp.ask(6), 'VALID valid POOL_FULL', 'contract 5: one of its pools is full');
DELETE FROM seat WHERE license_id = 6;
SELECT is(pg_temp.ask(6), 'VALID valid', 'contract 5: none is');
SELECT is(pg_temp.ask(6, '2026-11-30 23:59:59+00'), 'VALID valid', 'O38: not a second sooner than a calendar month');
SELECT is(pg_temp.ask(6, '2026-12-01 00:00+00'), 'VALID valid EXPIRING_SOON', 'O37: inside the lead of the first notice');
UPDATE notice_stage SET active = false WHERE stage = 1;
SELECT is(pg_temp.ask(6, '2026-12-16 23:59:59+00'), 'VALID valid', 'P31: a stage that is not active does not count');
SELECT is(pg_temp.ask(6, '2026-12-17 00:00+00'), 'VALID valid EXPIRING_SOON', 'P31: the next one does');
SAVEPOINT edited;
UPDATE notice_stage SET lead = '6 months' WHERE stage = 2;
SELECT is(pg_temp.ask(6, '2026-08-01 00:00+00'), 'VALID valid EXPIRING_SOON', 'P31: an edited lead counts at once');
ROLLBACK TO edited;
SELECT is(pg_temp.ask(6, '2026-08-01 00:00+00'), 'VALID valid', 'P31: and not after a rollback');
UPDATE notice_stage SET active = false;
SELECT is(pg_temp.ask(6, '2026-12-31 00:00+00'), 'VALID valid', 'P31: without stages there is no warning');

SELECT is((SELECT count(*)::integer FROM event WHERE account_id = 1), 0, 'contract 5: nothing was written');
SELECT is((SELECT (provolatile, proparallel)::text FROM pg_proc WHERE oid = 'license.validate'::regproc), '(s,s)', 'contract 5: nor can it be');

-- Whoever may not see the account does not learn that the key exists
INSERT INTO account (account_id, name) VALUES (2, 'Other house');
CREATE ROLE validate_tester;
SELECT is((SELECT count(*)::integer FROM (SELECT grant_access('validate_tester', 'service', 2)) AS granted), 1, 'contract 11: a backend of another account');
CREATE TEMP TABLE known AS SELECT key::text FROM license WHERE license_id = 3;
GRANT SELECT ON known TO validate_tester;
SET LOCAL ROLE validate_tester;
CREATE TEMP TABLE answers AS SELECT v.* FROM known CROSS JOIN LATERAL license.validate(key) v;
RESET ROLE;
SELECT is((SELECT (code, account_id, license_id, status)::text FROM answers), '(NOT_FOUND,,,)', 'contract 11: a key of an account it does not see is not found');

SELECT * FROM finish();
ROLLBACK;
