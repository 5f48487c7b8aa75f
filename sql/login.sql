-- Logging in and out, passwords and permissions.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
BEGIN;
CREATE EXTENSION pgcrypto;
SET LOCAL TIME ZONE 'UTC';
SELECT last_value AS id_before FROM license.id_seq \gset
SELECT setval('license.id_seq', 7300000, false);
SELECT license.create_enterprise('Login', 'office@login.example', 2, 1, at => '2026-01-01') AS account \gset
SELECT user_id AS admin FROM license.account_user WHERE account_id = :account \gset
INSERT INTO license.account_user (account_id, user_id, email) VALUES (:account, 7101, 'Ann@login.example');

-- passwords
SELECT license.set_password(:account, :admin, 'seven77');
SELECT license.set_password(:account, :admin, repeat('x', 73));
SELECT license.set_password(:account, 999, 'long enough');
SELECT license.set_password(:account, NULL, 'long enough');
SELECT license.set_password(:account, :admin, 'Admin password');
SELECT license.set_password(:account, 7101, 'Ann password');
SELECT bool_and(password_hash LIKE '$2a$10$%' AND password_hash !~ 'assword') AS hashed
FROM license.account_user WHERE account_id = :account;

-- one answer for whatever was wrong
SELECT * FROM license.login('nobody@login.example', 'ann@login.example', 'Ann password', '001', at => '2026-02-01');
SELECT * FROM license.login('office@login.example', 'bob@login.example', 'Ann password', '001', at => '2026-02-01');
SELECT * FROM license.login('office@login.example', 'ann@login.example', 'ann password', '001', at => '2026-02-01');
SELECT code, count(*) FROM license.denial WHERE account_id = :account GROUP BY code;
SELECT count(*) FROM license.device WHERE account_id = :account;

-- the first login on a device licenses it: standard, then floating, then none
SELECT session_id AS session, code, account_id = :account AS own, user_id, device_code, license_status
FROM license.login('OFFICE@login.example', 'ANN@login.example', 'Ann password', 'LOBBY', 'tablet', at => '2026-02-01') \gset
\echo :code :own :user_id :device_code :license_status
SELECT code, device_code, license_status FROM license.login('office@login.example', 'office@login.example', 'Admin password', 'LOBBY', at => '2026-02-02');
SELECT code, device_code, license_status FROM license.login('office@login.example', 'ann@login.example', 'Ann password', 'DESK', at => '2026-02-02');
SELECT code, device_code, license_status FROM license.login('office@login.example', 'ann@login.example', 'Ann password', 'YARD', at => '2026-02-02');
SELECT d.device_code, d.kind, d.last_seen_at, s.pool, s.expires_at FROM license.device d
LEFT JOIN license.seat s ON s.account_id = d.account_id AND s.device_id = d.device_id
WHERE d.account_id = :account ORDER BY d.device_code;
SELECT code, device_id, device_code, license_status
FROM license.login('office@login.example', 'ann@login.example', 'Ann password', channel => 'portal', at => '2026-02-02');
SELECT code, license_status FROM license.login('office@login.example', 'ann@login.example', 'Ann password', 'LOBBY', at => '2027-01-01');
\set VERBOSITY terse
SELECT * FROM license.login('office@login.example', 'ann@login.example', 'Ann password', 'X', 'toaster', at => '2026-02-02');
\set VERBOSITY default
SELECT * FROM license.login('office@login.example', 'ann@login.example', 'Ann password', channel => 'fax');
SELECT * FROM license.login('office@login.example', NULL, 'Ann password');

-- out
SELECT license.logout(:account, :session);
SELECT license.logout(:account, :session);
SELECT ended_at IS NOT NULL AS ended, end_reason FROM license.session WHERE account_id = :account AND session_id = :session;
SELECT license.logout(:account, 999);
SELECT count(*) FROM license.seat WHERE account_id = :account;

-- a closed account says so to those who know the password
UPDATE license.account SET created_at = '2026-01-01', closed_at = '2026-06-01' WHERE account_id = :account;
SELECT * FROM license.login('office@login.example', 'ann@login.example', 'Ann password', at => '2026-06-01');
SELECT * FROM license.login('office@login.example', 'ann@login.example', 'wrong password', at => '2026-06-01');

-- permissions
SELECT license.has_permission(:account, :admin, 'anything'), license.has_permission(:account, 7101, 'count'),
    license.has_permission(:account, 999, 'count');
UPDATE license.account_user SET permissions = '{count}' WHERE account_id = :account AND user_id = 7101;
SELECT license.has_permission(:account, 7101, 'count');
SET license_ext.actor = 'ann@login.example';
INSERT INTO license.account_user (account_id, user_id, email) VALUES (:account, 7102, 'carl@login.example');
UPDATE license.account_user SET permissions = '{create_users}' WHERE account_id = :account AND user_id = 7101;
SELECT license.split_pools(:account, 0);
SELECT license.set_password(:account, 7101, 'My new password');
SET license_ext.actor = 'office@login.example';
UPDATE license.account_user SET permissions = '{create_users}' WHERE account_id = :account AND user_id = 7101;
SET license_ext.actor = 'ann@login.example';
INSERT INTO license.account_user (account_id, user_id, email) VALUES (:account, 7102, 'carl@login.example');
SELECT license.set_password(:account, 7102, 'Carl password');
SELECT license.set_password(:account, :admin, 'taken over');
INSERT INTO license.account_user (account_id, email, permissions) VALUES (:account, 'dora@login.example', '{buy_licenses}');
RESET license_ext.actor;
ROLLBACK;
SELECT setval('license.id_seq', :id_before) > 0 AS ids_as_before;
