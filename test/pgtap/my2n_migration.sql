-- From the old licence model to subscriptions: who may do what, and when.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';

SELECT no_plan();

INSERT INTO account (account_id, name, email) VALUES (1, 'Estate', 'office@estate.example'), (2, 'Other', 'office@other.example');
INSERT INTO site (account_id, site_id, name, license_model, legacy_ends_at) VALUES
    (1, 11, 'Old house', 'custom', '2026-06-01 00:00+00'),
    (1, 12, 'Expired house', 'custom', '2020-01-01 00:00+00');
INSERT INTO site (account_id, site_id, name) VALUES (1, 13, 'New house'), (2, 21, 'Elsewhere');
INSERT INTO apartment (account_id, apartment_id, site_id, name) VALUES
    (1, 111, 11, 'A'), (1, 112, 11, 'B'), (1, 131, 13, 'A'), (1, 132, 13, 'B');
INSERT INTO account_user (account_id, user_id, site_id, apartment_id, email) VALUES
    (1, 1001, 11, 111, 'anna@estate.example'), (1, 1002, 11, NULL, 'ben@estate.example'),
    (1, 1003, 13, NULL, 'cleo@estate.example'), (2, 1004, 21, NULL, 'dan@other.example');

-- Model and expiry

SELECT is((SELECT license_model FROM site WHERE site_id = 11), 'custom', 'M1: a site has the old model');
SELECT is((SELECT license_model || ' ' || site_type FROM site WHERE site_id = 13), 'subscription apartment',
    'M1: any other site has the new one, of type apartment unless said otherwise');
SELECT throws_ok(
    $$INSERT INTO site (account_id, name, license_model) VALUES (1, 'x', 'perpetual')$$, '23514', NULL,
    'M1: there is no other model');
SELECT throws_ok(
    $$INSERT INTO site (account_id, name, license_model) VALUES (1, 'x', 'custom')$$, '23514', NULL,
    'M2: a site on the old model has an end');
SELECT throws_ok(
    $$INSERT INTO site (account_id, name, legacy_ends_at) VALUES (1, 'x', '2030-01-01')$$, '23514', NULL,
    'M2: no other site has one');
SELECT results_eq(
    $$SELECT site_id, site, days_left < 0 FROM legacy_sites WHERE account_id = 1 ORDER BY days_left$$,
    $$VALUES (12::bigint, 'Expired house', true), (11, 'Old house', true)$$,
    'M2, M5: sites of the old model by the days they have left');
SELECT is(
    (SELECT days_left FROM legacy_sites WHERE site_id = 11),
    floor(extract(epoch FROM timestamptz '2026-06-01 00:00+00' - now()) / 86400)::integer,
    'M5: days left are whole days, negative after the end');
SELECT throws_ok(
    $$UPDATE site SET legacy_ends_at = '2027-06-01 00:00+00' WHERE site_id = 11$$, 'LX010', NULL,
    'M3: an old licence is not prolonged');
SELECT lives_ok(
    $$UPDATE site SET legacy_ends_at = '2026-05-01 00:00+00' WHERE site_id = 11$$,
    'M3: it may end sooner');
SELECT throws_ok(
    $$UPDATE site SET license_model = 'custom', legacy_ends_at = '2030-01-01' WHERE site_id = 13$$,
    '23514', 'site 13 cannot go to the custom licence model',
    'M4: no site goes to the old model');
SELECT throws_ok(
    $$MERGE INTO site s USING (VALUES (13::bigint)) v (id) ON s.site_id = v.id
      WHEN MATCHED THEN UPDATE SET license_model = 'custom', legacy_ends_at = '2030-01-01'$$,
    '23514', NULL, 'M4: nor by MERGE');
SELECT throws_ok(
    $$UPDATE site SET license_model = 'subscription', legacy_ends_at = NULL WHERE site_id = 11$$,
    'LX010', 'site 11 must be migrated first', 'M6: the model is not changed by hand');
SELECT throws_ok(
    $$UPDATE site SET site_type = 'device' WHERE site_id = 11$$, 'LX010', NULL,
    'M27: no type is set before the migration');
SELECT throws_ok($$SELECT set_site_type(1, 11, 'device')$$, 'LX010', NULL, 'M27: nor by the operation');
SELECT throws_ok(
    $$SELECT request_migration(1, 13, at => '2026-03-01 12:00+00')$$, 'LX003', 'site 13 needs no migration',
    'M6: a new site has nothing to migrate');
SELECT throws_ok($$SELECT request_migration(1, 21)$$, '23503', NULL, 'M6: nobody asks for a site of another account');
SELECT throws_ok($$SELECT request_migration(NULL, 11)$$, '22004', NULL, 'M19: the account must be given');

-- Apartments and devices

SELECT lives_ok(
    $$INSERT INTO apartment (account_id, apartment_id, site_id, name) VALUES (1, 113, 11, 'C')$$,
    'M7: an apartment is a row');
SELECT throws_ok(
    $$INSERT INTO apartment (account_id, site_id, name) VALUES (1, 21, 'X')$$, '23503', NULL,
    'M7: of a site of one''s own');
SELECT throws_ok(
    $$INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id) VALUES (1, 5, 'x', 11, 131)$$, '23503', NULL,
    'M8: a device is in an apartment of its own site');
INSERT INTO device (account_id, device_id, device_code, site_id, kind, mode) VALUES
    (1, 1, 'I1', 11, 'intercom', 'cloud'), (1, 2, 'P1', 11, 'phone', 'cloud'),
    (1, 3, 'U1', 11, 'answering_unit', 'cloud'), (1, 4, 'L1', 11, 'tablet', 'local');
SELECT results_eq(
    $$SELECT kind, sum(seats) FROM (VALUES ('intercom'), ('answering_unit'), ('phone'), ('tablet'), ('third_party'),
        ('access_point')) k (kind)
      CROSS JOIN LATERAL (SELECT CASE WHEN kind IN ('phone', 'tablet', 'third_party') THEN 1 ELSE 0 END) s (seats)
      GROUP BY kind ORDER BY kind$$,
    $$WITH new AS (
        INSERT INTO device (account_id, device_id, device_code, site_id, kind)
        SELECT 1, 500 + n, 'K' || kind, 13, kind
        FROM unnest('{intercom,answering_unit,phone,tablet,third_party,access_point}'::text[])
            WITH ORDINALITY k (kind, n)
        RETURNING kind, seats)
      SELECT kind, seats::bigint FROM new ORDER BY kind$$,
    'M10: phones, tablets and third-party devices are paid, nothing else');
SELECT results_eq(
    $$SELECT device_id, device_code, kind, apartment_id, problem FROM migration_blockers(1, 11)$$,
    $$VALUES (2::bigint, 'P1', 'phone', NULL::bigint, 'device is not assigned to an apartment'),
        (3, 'U1', 'answering_unit', NULL, 'device is not assigned to an apartment'),
        (4, 'L1', 'tablet', NULL, 'device is not assigned to an apartment')$$,
    'M15, M17: every device without an apartment is listed, intercoms are not');
SELECT results_eq(
    'SELECT * FROM migration_blockers(1, 11)', 'SELECT * FROM migration_blockers(1, 11)',
    'M16: the check can be repeated');
SELECT is_empty(
    $$SELECT 1 FROM event WHERE account_id = 1 AND subject_id = 11 AND action = 'migration_blockers'$$,
    'M16: and leaves no trace');
SELECT throws_ok($$SELECT * FROM migration_blockers(1, 21)$$, '23503', NULL,
    'M15: a site that is not there is not ready');
SELECT throws_ok(
    $$SELECT request_migration(1, 11)$$, 'LX011', 'site 11 is not ready for the migration',
    'M19: a site with devices in the way cannot be asked for');
UPDATE device SET apartment_id = 111 WHERE site_id = 11 AND kind <> 'intercom';
SELECT is_empty('SELECT * FROM migration_blockers(1, 11)', 'M15: empty is ready');

-- The limit

SELECT lives_ok(
    $$INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id, kind)
      SELECT 1, 10 + n, 'F' || n, 11, 112, 'phone' FROM generate_series(1, 4) n$$,
    'M11: four paid devices fit');
SELECT throws_ok(
    $$INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id) VALUES (1, 15, 'F5', 11, 112)$$,
    'LX001', NULL, 'M11: the fifth is refused');
SELECT throws_ok($$UPDATE device SET apartment_id = 112 WHERE device_id = 2$$, 'LX001', NULL,
    'M11: by moving as well');
SELECT lives_ok(
    $$INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id, kind, mode) VALUES
        (1, 20, 'G1', 11, 112, 'intercom', 'cloud'), (1, 21, 'G2', 11, 112, 'phone', 'local')$$,
    'M13: a local device and a free one fit beside them');
SELECT throws_ok($$UPDATE device SET kind = 'phone' WHERE device_id = 20$$, 'LX001', NULL,
    'M11: by another kind as well');
SELECT throws_ok($$UPDATE device SET mode = 'cloud' WHERE device_id = 21$$, 'LX001', NULL,
    'M13: from local to cloud the limit is looked at again');
SELECT is((SELECT seats_used FROM apartment WHERE apartment_id = 112), 4,
    'M12: the apartment''s row carries the count that two sessions meet at');
SELECT lives_ok($$UPDATE apartment SET seat_limit = 5 WHERE apartment_id = 112$$, 'M14: the limit is a setting');
SELECT lives_ok($$UPDATE device SET mode = 'cloud' WHERE device_id = 21$$, 'M14: five fit then');
SELECT is_empty('SELECT * FROM migration_blockers(1, 11)', 'M14, M18: within its own limit an apartment is ready');
SELECT throws_ok($$UPDATE apartment SET seat_limit = 4 WHERE apartment_id = 112$$, 'LX032', NULL,
    'M14: the limit does not go below use');
UPDATE apartment SET seat_limit = NULL WHERE apartment_id = 112;
SELECT is(
    (SELECT count(*) || ' ' || min(problem) FROM migration_blockers(1, 11)),
    '5 apartment 112 holds 5 paid devices of at most 4',
    'M18: legacy rows above the limit are not ready');
SELECT throws_ok($$SELECT request_migration(1, 11)$$, 'LX011', NULL, 'M18: nor can they be asked for');
DELETE FROM device WHERE device_id IN (20, 21);
UPDATE apartment SET seat_limit = 4 WHERE apartment_id = 112;

-- Users and their devices

INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id, user_id, kind, mode) VALUES
    (1, 30, 'N1', 11, 111, 1001, 'phone', 'local'), (1, 31, 'N2', 11, 111, 1001, 'answering_unit', 'cloud');
SELECT throws_ok(
    $$INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id, user_id) VALUES (1, 33, 'N3', 11, 113, 1001)$$,
    '23514', NULL, 'M9: a device is where its user is');
SELECT throws_ok($$UPDATE account_user SET apartment_id = 113 WHERE user_id = 1001$$, '23514', NULL,
    'M9: a user does not move away from a device');
SELECT lives_ok($$INSERT INTO device (account_id, device_id, device_code, user_id) VALUES (1, 32, 'N4', 1001)$$,
    'M9: a device of a user needs no apartment of its own');
SELECT results_eq('SELECT site_id, apartment_id FROM device WHERE device_id = 32', 'VALUES (11::bigint, 111::bigint)',
    'M9: it is in that of the user');
DELETE FROM device WHERE device_id IN (30, 31, 32);

-- The request

SELECT throws_ok($$SELECT request_migration(1, 11, 'ticket')$$, '23514', NULL, 'M20: a reply needs its ticket');
SELECT throws_ok($$SELECT request_migration(1, 11, 'ticket', '')$$, '23514', NULL, 'M20: a real one');
SELECT throws_ok($$SELECT request_migration(1, 11, 'form', 'T-1')$$, '23514', NULL, 'M20: the form has none');
SELECT throws_ok($$SELECT request_migration(1, 11, 'phone')$$, '23514', NULL, 'M20: there is no other channel');
SELECT throws_ok($$SELECT request_migration(1, 11, requested_by => 1004)$$, '23503', NULL,
    'M6: nobody of another account asks');
CREATE TEMP TABLE asked AS
    SELECT request_migration(1, 11, 'ticket', 'T-42', 1002, '2026-03-01 12:00+00') AS request_id;
SELECT results_eq(
    $$SELECT site_id, channel, ticket, requested_by, requested_at, state FROM migration_request$$,
    $$VALUES (11::bigint, 'ticket', 'T-42', 1002::bigint, timestamptz '2026-03-01 12:00+00', 'open')$$,
    'M20: channel and ticket are kept');
SELECT throws_ok($$SELECT request_migration(1, 11)$$, '23505', NULL, 'M21: one open request a site');
SELECT throws_ok(
    $$INSERT INTO migration_request (account_id, site_id) VALUES (1, 11)$$, '23505', NULL, 'M21: by plain INSERT too');
SELECT throws_ok(
    $$UPDATE migration_request SET state = 'approved', decided_at = now() WHERE state = 'open'$$, 'LX003', NULL,
    'M6: a request is not approved by hand');
SELECT lives_ok(
    $$UPDATE migration_request SET state = 'rejected'$$, 'M6: support rejects');
SELECT is((SELECT DISTINCT decided_at FROM migration_request WHERE state = 'rejected'), now(), 'M6: and it is known when');
SELECT throws_ok($$SELECT approve_migration(1, request_id) FROM asked$$, 'LX003', NULL,
    'M6: what was rejected is not approved');
SELECT throws_ok($$UPDATE migration_request SET state = 'open', decided_at = NULL$$, 'LX003', NULL,
    'M6: nor opened again');
UPDATE asked SET request_id = request_migration(1, 11, requested_by => 1002, at => '2026-03-03 12:00+00');
SELECT is((SELECT count(*) FROM migration_request), 2::bigint, 'M21: after a rejection the site may ask again');
SELECT throws_ok($$SELECT approve_migration(2, request_id) FROM asked$$, '23503', NULL,
    'M6: a request belongs to its account');

-- The change

INSERT INTO session (account_id, session_id, user_id, channel, started_at, ended_at, end_reason) VALUES
    (1, 1, 1001, 'app', '2026-03-01 08:00+00', NULL, NULL), (1, 2, 1001, 'app', '2026-03-04 08:00+00', NULL, NULL),
    (1, 3, 1002, 'app', '2026-03-04 08:00+00', NULL, NULL), (1, 4, 1002, 'portal', '2026-03-04 08:00+00', NULL, NULL),
    (1, 5, 1003, 'app', '2026-03-04 08:00+00', NULL, NULL),
    (1, 6, 1001, 'app', '2026-03-01 08:00+00', '2026-03-02 08:00+00', 'logout');
INSERT INTO device (account_id, device_id, device_code, site_id) VALUES (1, 40, 'LATE', 11);
SELECT throws_ok($$SELECT approve_migration(1, request_id) FROM asked$$, 'LX011', NULL,
    'M25: readiness is looked at again');
SELECT is((SELECT license_model FROM site WHERE site_id = 11), 'custom', 'M25: and nothing has changed');
DELETE FROM device WHERE device_id = 40;
SELECT is(
    (SELECT approve_migration(1, request_id, '2026-03-05 12:00+00') FROM asked), 3,
    'M22: three sessions of the app end');
SELECT results_eq(
    $$SELECT session_id, ended_at, end_reason FROM session WHERE account_id = 1 ORDER BY 1$$,
    $$VALUES (1::bigint, timestamptz '2026-03-05 12:00+00', 'migration'), (2, '2026-03-05 12:00+00', 'migration'),
        (3, '2026-03-05 12:00+00', 'migration'), (4, NULL, NULL), (5, NULL, NULL),
        (6, '2026-03-02 08:00+00', 'logout')$$,
    'M22, M24: every app session of the site''s users, no portal session, nobody else''s');
SELECT is_empty($$SELECT 1 FROM session WHERE user_id IN (1001, 1002) AND channel = 'app' AND ended_at IS NULL$$,
    'M23: nobody stays logged in');
SELECT set_password(1, 1001, 'correct horse battery');
SELECT is(
    (SELECT code FROM login('office@estate.example', 'anna@estate.example', 'correct horse battery', 'L-1',
        at => '2026-03-05 13:00+00')), 'OK', 'M23: a new login works');
SELECT is((SELECT count(*) FROM session WHERE user_id = 1001 AND ended_at IS NULL), 1::bigint,
    'M23: and makes a session of its own');
SELECT results_eq(
    $$SELECT license_model, site_type, legacy_ends_at FROM site WHERE site_id = 11$$,
    $$VALUES ('subscription', NULL, NULL::timestamptz)$$, 'M22, M29: migrated, type pending');
SELECT results_eq(
    $$SELECT kind, site_id, due_at, state, recipient, payload ->> 'site' FROM notice$$,
    $$VALUES ('migration_approved', 11::bigint, timestamptz '2026-03-05 12:00+00', 'pending',
        'ben@estate.example', 'Old house')$$, 'M26: one e-mail to the requester');
SELECT is((SELECT count(*) FROM event WHERE subject = 'site' AND subject_id = 11 AND action = 'approve_migration'
    AND at = '2026-03-05 12:00+00' AND new ->> 'license_model' = 'subscription'), 1::bigint,
    'M22: the history names the change');
SELECT throws_ok($$SELECT approve_migration(1, request_id) FROM asked$$, 'LX003', NULL, 'M22: it happens once');
SELECT throws_ok($$SELECT request_migration(1, 11)$$, 'LX003', NULL, 'M22: and is not asked for again');

-- The type

SELECT throws_ok($$SELECT set_site_type(1, 11, 'room')$$, '23514', NULL, 'M27: there is no such type');
SELECT throws_ok($$SELECT set_site_type(1, 11, NULL)$$, '22004', NULL, 'M27: a type must be given');
SELECT lives_ok($$SELECT set_site_type(1, 11, 'device')$$, 'M27, M28: the customer chooses freely');
SELECT throws_ok($$SELECT set_site_type(1, 11, 'apartment')$$, 'LX013', NULL, 'M30: once');
SELECT throws_ok($$SELECT set_site_type(1, 11, 'device')$$, 'LX013', NULL, 'M30: even the same');
SELECT throws_ok($$UPDATE site SET site_type = 'apartment' WHERE site_id = 11$$, 'LX013', NULL, 'M30: by UPDATE too');
SELECT throws_ok($$UPDATE site SET site_type = NULL WHERE site_id = 11$$, 'LX013', NULL, 'M30: nor is it taken back');
SELECT throws_ok($$SELECT set_site_type(1, 13, 'device')$$, 'LX013', NULL, 'M30: a new site has its type');

-- Past its end, without a requester

INSERT INTO account_user (account_id, user_id, email) VALUES (1, 1009, 'visitor@estate.example');
INSERT INTO device (account_id, device_id, device_code, site_id, user_id, kind) VALUES (1, 49, 'V1', 12, 1009, 'intercom');
INSERT INTO session (account_id, session_id, user_id, channel, started_at) VALUES (1, 7, 1009, 'app', '2026-02-01 08:00+00');
INSERT INTO license (account_id, license_id, sku, site_id, status, starts_at, ends_at) VALUES
    (1, 912, '9137958', 12, 'in_use', '2026-01-01 00:00+00', '2027-01-01 00:00+00'),
    (1, 913, '9137958', NULL, 'in_use', '2026-01-01 00:00+00', '2027-01-01 00:00+00');
SELECT throws_ok($$UPDATE license SET ends_at = '2028-01-01 00:00+00' WHERE license_id = 912$$, 'LX010', 'site 12 must be migrated first',
    'M3: a licence of an old site is not prolonged by UPDATE either');
SELECT throws_ok('UPDATE license SET site_id = 12 WHERE license_id = 913', 'LX010', NULL, 'M39: nor is one brought from elsewhere');
SELECT lives_ok($$UPDATE license SET ends_at = '2026-12-01 00:00+00' WHERE license_id = 912$$, 'M3: it may end earlier');
DELETE FROM license WHERE license_id IN (912, 913);
SELECT throws_ok($$SELECT request_migration(1, 12, 'ticket', ' ')$$, '23514', NULL, 'M20: a blank ticket is none');
SELECT is(
    (SELECT approve_migration(1, request_migration(1, 12, at => '2026-03-01 12:00+00'), '2026-03-01 13:00+00')), 1,
    'M5, M24: a site past its end is migrated all the same; who has a device there is logged out too');
SELECT is((SELECT end_reason FROM session WHERE session_id = 7), 'migration', 'M24: whatever site that user belongs to');
SELECT is((SELECT recipient FROM notice WHERE site_id = 12), 'office@estate.example',
    'M26: without a requester the account gets the e-mail');
SELECT lives_ok($$UPDATE site SET site_type = 'apartment' WHERE site_id = 12$$, 'M27: the type may be set by UPDATE');
SELECT is_empty('SELECT 1 FROM legacy_sites WHERE account_id = 1', 'M2: nothing is left to migrate');
SELECT is_empty('SELECT * FROM check_seats()', 'M11: the seats add up');

SELECT * FROM finish();
ROLLBACK;
