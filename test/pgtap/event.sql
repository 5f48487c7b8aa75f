-- S22, S23: every change of a licence, its pools, key, payments, vouchers, users and devices leaves an event by whatever
-- statement, and each event has the role that logged in beside the actor
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT no_plan();
SET LOCAL search_path TO license, public;
SET LOCAL client_min_messages = warning;

INSERT INTO account (account_id, kind, name, parent_id) VALUES (48000, 'provider', 'Vendor', NULL), (48001, 'client', 'A', 48000), (48002, 'client', 'B', 48000);
INSERT INTO site (account_id, site_id, name) VALUES (48001, 1, 'S'), (48001, 2, 'T');
INSERT INTO apartment (account_id, apartment_id, site_id, name) VALUES (48001, 1, 1, 'one'), (48001, 2, 1, 'two');
INSERT INTO license (account_id, license_id, sku, status, starts_at, ends_at, key) VALUES
    (48001, 1, '9137958', 'in_use', '2026-01-01', '2027-01-01', generate_key()),
    (48001, 2, '9137958', 'in_use', '2026-01-01', '2027-01-01', generate_key());
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES (48001, 1, 'device', 5), (48001, 2, 'device', 7), (48001, 2, 'user', 2);
INSERT INTO account_user (account_id, user_id, email, password_hash) VALUES (48001, 1, 'u1@event.example', NULL), (48001, 2, 'u2@event.example', NULL);
INSERT INTO device (account_id, device_id, site_id, device_code) VALUES (48001, 1, 1, 'one'), (48001, 2, NULL, 'two');
INSERT INTO payment (account_id, payment_id, site_id, sku, quantity, amount, currency, provider_reference)
    VALUES (48001, 1, 1, '9137958', 1, 10.50, 'EUR', 'ref');
INSERT INTO voucher (batch, sku) VALUES ('event', '9137958'), ('event', '9137958');
SELECT is_empty('SELECT * FROM event WHERE account_id BETWEEN 48000 AND 48002', 'contract 1.6: an INSERT leaves no event');

-- What a statement leaves: account, subject, id, action, old, new
CREATE FUNCTION pg_temp.left_by(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before bigint := (SELECT coalesce(max(event_id), 0) FROM license.event);
BEGIN
    EXECUTE statement;
    RETURN (SELECT string_agg(concat_ws(' ', account_id, subject, subject_id, action, old, '->', new), '; ' ORDER BY event_id) FROM license.event WHERE event_id > before);
END $$;
SELECT is(pg_temp.left_by(statement), event, 'S22: ' || statement) FROM (VALUES
    ($$UPDATE license.license SET reason = 'why', modules = '{business,guest}', ends_at = '2027-02-01', auto_renew = true WHERE license_id = 1 AND account_id = 48001$$,
        '48001 license 1 update {"reason": null, "ends_at": "2027-01-01T00:00:00+00:00", "modules": [], "auto_renew": false} -> {"reason": "why", "ends_at": "2027-02-01T00:00:00+00:00", "modules": ["business", "guest"], "auto_renew": true}'),
    ($$UPDATE license.license SET reason = 'why', sweep_at = sweep_at, connections = 0 WHERE license_id = 1 AND account_id = 48001$$, NULL),
    ($$UPDATE license.license_pool SET maximum = 6 WHERE account_id = 48001 AND license_id = 1$$,
        '48001 license_pool 1 update {"pool": "device", "maximum": 5} -> {"pool": "device", "maximum": 6}'),
    ($$UPDATE license.license_pool SET pool = 'floating_device' WHERE account_id = 48001 AND license_id = 1$$,
        '48001 license_pool 1 update {"pool": "device"} -> {"pool": "floating_device"}'),
    ($$UPDATE license.license_pool SET license_id = 1 WHERE account_id = 48001 AND license_id = 2 AND pool = 'user'$$,
        '48001 license_pool 2 update {"pool": "user", "license_id": 2} -> {"pool": "user", "license_id": 1}; 48001 license_pool 1 update {"pool": "user", "license_id": 2} -> {"pool": "user", "license_id": 1}'),
    ($$DELETE FROM license.license_pool WHERE account_id = 48001 AND license_id = 2$$,
        '48001 license_pool 2 delete {"pool": "device", "maximum": 7, "account_id": 48001, "license_id": 2} ->'),
    ($$MERGE INTO license.license_pool p USING (VALUES (1)) v (one) ON p.account_id = 48001 AND p.license_id = 1 AND p.pool = 'user'
        WHEN MATCHED THEN UPDATE SET maximum = 9$$,
        '48001 license_pool 1 update {"pool": "user", "maximum": 2} -> {"pool": "user", "maximum": 9}'),
    ($$INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (48001, 1, 'user', 10)
        ON CONFLICT (account_id, license_id, pool) DO UPDATE SET maximum = excluded.maximum$$,
        '48001 license_pool 1 update {"pool": "user", "maximum": 9} -> {"pool": "user", "maximum": 10}'),
    ($$UPDATE license.payment SET amount = 1, outcome = '[1]' WHERE account_id = 48001 AND payment_id = 1$$,
        '48001 payment 1 update {"amount": 10.50, "outcome": []} -> {"amount": 1, "outcome": [1]}'),
    ($$DELETE FROM license.payment WHERE account_id = 48001 AND payment_id = 1 AND paid_at < '2000-01-01'$$, NULL),
    ($$UPDATE license.account_user SET permissions = '{buy_licenses}', is_admin = true, email = 'u3@event.example', site_id = 1, apartment_id = 1 WHERE account_id = 48001 AND user_id = 1$$,
        '48001 account_user 1 update {"email": "u1@event.example", "site_id": null, "is_admin": false, "permissions": [], "apartment_id": null} -> {"email": "u3@event.example", "site_id": 1, "is_admin": true, "permissions": ["buy_licenses"], "apartment_id": 1}'),
    ($$UPDATE license.account_user SET password_hash = '$2a$08$' || repeat('x', 53) WHERE account_id = 48001 AND user_id = 1$$,
        '48001 account_user 1 update {"password_hash": null} -> {"password_hash": "changed"}'),
    ($$UPDATE license.account_user SET password_hash = NULL WHERE account_id = 48001 AND user_id = 1$$,
        '48001 account_user 1 update {"password_hash": "set"} -> {"password_hash": null}'),
    ($$DELETE FROM license.account_user WHERE account_id = 48001 AND user_id = 2$$,
        '48001 account_user 2 delete {"email": "u2@event.example", "site_id": null, "user_id": 2, "is_admin": false, "account_id": 48001, "permissions": [], "apartment_id": null, "password_hash": null} ->'),
    ($$UPDATE license.device SET hold = true WHERE account_id = 48001 AND device_id = 1$$, '48001 device 1 update {"hold": false} -> {"hold": true}'),
    ($$UPDATE license.device SET apartment_id = 2, priority = 3 WHERE account_id = 48001 AND device_id = 1$$,
        '48001 device 1 update {"priority": 0, "apartment_id": null} -> {"priority": 3, "apartment_id": 2}'),
    ($$UPDATE license.device SET last_seen_at = now(), hold = hold WHERE account_id = 48001 AND device_id = 1$$, NULL),
    ($$UPDATE license.device SET last_seen_at = now() WHERE account_id = 48001 AND device_id = 1$$, NULL),
    ($$UPDATE license.device SET account_id = 48002 WHERE account_id = 48001 AND device_id = 2$$,
        '48001 device 2 update {"account_id": 48001} -> {"account_id": 48002}; 48002 device 2 update {"account_id": 48001} -> {"account_id": 48002}'),
    ($$UPDATE license.site SET name = 'New' WHERE account_id = 48001 AND site_id = 1$$, '48001 site 1 update {"name": "S"} -> {"name": "New"}'),
    ($$UPDATE license.site SET name = name WHERE account_id = 48001 AND site_id = 1$$, NULL),
    ($$UPDATE license.account SET region = 'US' WHERE account_id = 48002$$, '48002 account 48002 update {"region": "EU"} -> {"region": "US"}'),
    ($$TRUNCATE license.device CASCADE$$, '48001 account 48001 truncate {"devices": 1} ->; 48002 account 48002 truncate {"devices": 1} ->')
) t (statement, event);

-- Keys and codes are told by their first group, which finds one and opens nothing
SELECT matches(pg_temp.left_by($$UPDATE license.license SET key = license.generate_key() WHERE account_id = 48001 AND license_id = 1$$),
    '^48001 license 1 update {"key": "[0-9A-Z]{5}-\.\.\."} -> {"key": "[0-9A-Z]{5}-\.\.\."}$', 'S22: another key leaves an event with a hint at both keys');
SELECT matches(pg_temp.left_by($$DELETE FROM license.license WHERE account_id = 48001 AND license_id = 2$$),
    '^48001 license 2 delete {.*"key": "[0-9A-Z]{5}-\.\.\.".*"status": "in_use".*} ->$', 'S22: a deleted licence leaves its values, and a hint at its key');
SELECT matches(pg_temp.left_by($$DELETE FROM license.payment WHERE account_id = 48001 AND payment_id = 1$$),
    '^48001 payment 1 delete {.*"amount": 1,.*"provider_reference": "ref"} ->$', 'S22: a deleted payment leaves its values');
SELECT matches(pg_temp.left_by($$SELECT license.cancel_voucher((SELECT code::text FROM license.voucher WHERE batch = 'event' LIMIT 1), 'lost')$$),
    '^48000 voucher 0 cancel_voucher {"code": "[0-9A-Z]{5}-\.\.\.", "state": "active", "cancel_reason": null} -> {"code": "[0-9A-Z]{5}-\.\.\.", "state": "cancelled", "cancel_reason": "lost"}$',
    'S22: a cancelled voucher leaves an event with the provider');
SELECT matches(pg_temp.left_by($$DELETE FROM license.voucher WHERE batch = 'event' AND state = 'active'$$),
    '^48000 voucher 0 delete {.*"batch": "event".*} ->$', 'S22: so does a deleted one');
SELECT is_empty($$SELECT e.event_id FROM event e, license l WHERE e.account_id BETWEEN 48000 AND 48002 AND e::text LIKE '%' || l.key::text || '%'$$, 'S22: no event holds a whole key');

SELECT throws_ok('TRUNCATE license.' || t || ' CASCADE', 'LX050', format('table "%s" cannot be truncated', t), 'S22: TRUNCATE of ' || t || ' is refused, it would leave no event')
FROM unnest(ARRAY['license', 'license_pool', 'site', 'account_user', 'payment', 'voucher']) t;

-- A column that is neither in the list of the trigger nor known to change unnoticed would have no history
SELECT is_empty($$
    SELECT c.relname, a.attname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    WHERE tgfoid = 'license._event_trg'::regproc AND tgtype & 16 <> 0 AND tgattr <> '' AND a.attnum <> ALL (tgattr::int2[])
    AND (c.relname, a.attname) NOT IN (('license', 'version'), ('license', 'connections'), ('license', 'sweep_at'), ('license_pool', 'in_use'),
        ('device', 'last_seen_at'), ('device', 'follows_user'))$$,
    'S22: a change of any column of a tracked table leaves an event, but for counters and last_seen_at');

-- S23
SET LOCAL license_ext.actor = 'postgres of another name';
UPDATE account SET name = 'By another name' WHERE account_id = 48002;
SELECT results_eq($$SELECT actor, session_role, xid = pg_current_xact_id() FROM event WHERE account_id = 48002 ORDER BY event_id DESC LIMIT 1$$,
    $$SELECT 'postgres of another name', 'postgres'::name, true$$, 'S23: the role that logged in and the transaction stand beside the actor');
CREATE ROLE event_other;
GRANT USAGE ON SCHEMA license TO event_other;
GRANT EXECUTE ON FUNCTION license._session_role() TO event_other;
SET SESSION AUTHORIZATION event_other;
CREATE TEMP TABLE seen AS SELECT session_user AS session, license._session_role() AS role;
RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT session, role FROM seen', $$VALUES ('event_other'::name, 'postgres'::name)$$, 'S23: SET SESSION AUTHORIZATION does not hide the role that logged in');
INSERT INTO event (account_id, event_id, actor, subject, subject_id, action, session_role, xid) VALUES (48002, 1, 'a', 'account', 1, 'x', 'gone', '77');
SELECT results_eq('SELECT session_role, xid FROM event WHERE account_id = 48002 AND event_id = 1', $$VALUES ('gone'::name, '77'::xid8)$$,
    'S23: a restored event keeps its role and transaction');
SELECT is((SELECT session_role FROM upgrade_log WHERE account_id = 48001 LIMIT 1), 'postgres', 'S23: upgrade_log shows the role');

-- D6: linear
INSERT INTO license (account_id, license_id, sku, status, starts_at, ends_at)
    SELECT 48002, n, '9137958', 'in_use', '2026-01-01', '2027-01-01' FROM generate_series(1, 4001) n;
UPDATE license SET auto_renew = true WHERE account_id = 48002 AND license_id = 1;
CREATE TEMP TABLE took (rows int, seconds float);
DO $$
DECLARE
    started timestamptz;
    rows int;
BEGIN
    FOREACH rows IN ARRAY ARRAY[500, 4000] LOOP
        started := clock_timestamp();
        UPDATE license.license SET auto_renew = NOT auto_renew WHERE account_id = 48002 AND license_id <= rows;
        INSERT INTO took VALUES (rows, extract(epoch FROM clock_timestamp() - started));
    END LOOP;
END $$;
SELECT cmp_ok((SELECT max(seconds) / min(seconds) FROM took), '<', 30::float,
    'D6: after an UPDATE of one licence, one of 4000 takes about eight times as long as one of 500, not 64 times');

SELECT * FROM finish();
ROLLBACK;
