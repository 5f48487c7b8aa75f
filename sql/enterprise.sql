-- Enterprise accounts: creation, pools, one date for all, renewal.
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
BEGIN;
SET LOCAL TIME ZONE 'UTC';
SELECT last_value AS id_before FROM license.id_seq \gset
SELECT setval('license.id_seq', 7200000, false);
INSERT INTO license.account (account_id, kind, name, currency, time_zone)
VALUES (7001, 'provider', 'Vendor', 'USD', 'Europe/Prague'), (7002, 'partner', 'Reseller', 'EUR', 'UTC');
INSERT INTO license.offer_price (sku, currency, min_quantity, unit_price)
VALUES ('COUNT-ANNUAL', 'USD', 1, 100), ('COUNT-ANNUAL', 'USD', 10, 80);

-- an account with its admin and its licences
SELECT license.create_enterprise('Acme', 'Licensing@acme.example', 5, 2, 7001, '2026-01-15 12:00+00') AS acme \gset
SELECT account, email, type, total, standard, floating, assigned, unassigned, ends_at
FROM license.enterprise_overview WHERE account_id = :acme;
SELECT kind, parent_id, region, currency, time_zone FROM license.account WHERE account_id = :acme;
SELECT email, is_admin, password_hash IS NULL AS no_password FROM license.account_user WHERE account_id = :acme;
SELECT sku, status, term, starts_at, ends_at FROM license.license WHERE account_id = :acme;

-- what is refused
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT license.create_enterprise('B', 'it@b.example', 0);
SELECT license.create_enterprise('B', 'it@b.example', 5, 6);
SELECT license.create_enterprise('B', 'john.smith@b.example', 5);
SELECT license.create_enterprise('B', 'bob@b.example', 5);
SELECT license.create_enterprise('B', 'admin@gmail.com', 5);
SELECT license.create_enterprise('B', 'admin', 5);
SELECT license.create_enterprise('B', 'it@b.example', 5, 0, 7002);
SELECT license.create_enterprise('B', 'LICENSING@ACME.EXAMPLE', 5);
SELECT license.create_enterprise('B', NULL, 5);
SELECT count(*) FROM license.account WHERE name = 'B';

-- another address with a recorded reason; the admin's login follows
UPDATE license.account SET email = 'jane.roe@acme.example' WHERE account_id = :acme;
UPDATE license.account SET email = 'jane.roe@acme.example', email_override = 'ticket 17' WHERE account_id = :acme;
SELECT email FROM license.account_user WHERE account_id = :acme;
UPDATE license.account_user SET email = 'boss@acme.example' WHERE account_id = :acme AND is_admin;
DELETE FROM license.account_user WHERE account_id = :acme AND is_admin;
UPDATE license.account SET email = 'licensing@acme.example', email_override = NULL WHERE account_id = :acme;

-- standard + floating = total
SELECT license.split_pools(:acme, 5);
SELECT type, total, standard, floating FROM license.enterprise_overview WHERE account_id = :acme;
SELECT license.split_pools(:acme, 0);
SELECT type, total, standard, floating FROM license.enterprise_overview WHERE account_id = :acme;
SELECT license.split_pools(:acme, 6);
SELECT license.split_pools(:acme, -1);
SELECT license.split_pools(7002, 0);

-- more for the same date: the tier of the new total, by whole days left
SELECT ends_at, price, currency FROM license.add_licenses(:acme, 2, at => '2026-07-15 12:00+00');
SELECT ends_at, price, currency FROM license.add_licenses(:acme, 3, 'floating_device', '2026-07-15 12:00+00');
SELECT type, total, standard, floating FROM license.enterprise_overview WHERE account_id = :acme;
SELECT license.add_licenses(:acme, 0);
SELECT license.add_licenses(:acme, 1, 'user', '2026-07-15');
SELECT license.add_licenses(:acme, 2147483640, at => '2026-07-15');
SELECT license.add_licenses(:acme, 1, at => '2027-01-15 12:00+00');
SELECT license.add_licenses(7002, 1);
UPDATE license.account SET currency = 'CHF' WHERE account_id = :acme;
SELECT price, currency FROM license.add_licenses(:acme, 1, at => '2026-07-15 12:00+00');

-- no licence of another date, even by plain SQL
INSERT INTO license.license (account_id, sku, status, term, starts_at, ends_at)
VALUES (:acme, 'COUNT-ANNUAL', 'in_use', '1 year', '2026-01-15 12:00+00', '2027-01-16 12:00+00');
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at)
VALUES (:acme, 7003, 'COUNT-ANNUAL', 'in_use', '1 year', '2026-01-15 12:00+00', '2027-01-15 12:00+00');
UPDATE license.license SET ends_at = ends_at + interval '1 day' WHERE account_id = :acme AND license_id = 7003;
UPDATE license.license SET ends_at = ends_at + interval '1 day' WHERE account_id = :acme;
UPDATE license.license SET ends_at = ends_at - interval '1 day' WHERE account_id = :acme;

-- all are renewed at once: from their end while they run, from now on afterwards
SELECT license.renew_account(:acme, '2026-12-01');
UPDATE license.license SET status = 'contract_finalized', reason = 'contract ended' WHERE account_id = :acme;
SELECT license.renew_account(:acme, '2028-02-29 12:00+00');
SELECT DISTINCT status, starts_at, ends_at FROM license.license WHERE account_id = :acme;
SELECT license.renew_account(7002);
SELECT subject, action, new FROM license.event
WHERE account_id = :acme AND action IN ('create_enterprise', 'add_licenses') AND subject = 'license' ORDER BY event_id;

-- one date for different ends, rounded down
SELECT license.coterm_days('{2,1}', '{365,1825}');
SELECT license.coterm_days('{2147483647,2147483647,2147483647}', '{2147483647,2147483647,2147483646}');
SELECT license.coterm_days('{1,2}', '{3}');
SELECT license.coterm_days('{1,NULL}', '{3,4}');
SELECT license.coterm_days('{1,-1}', '{3,4}');
SELECT license.coterm_days('{0}', '{3}');
SELECT license.coterm_days('{}', '{}');

ROLLBACK;
SELECT setval('license.id_seq', :id_before) > 0 AS ids_as_before;
