-- A licence is denied, restored, finalized, renewed and read
BEGIN;
\set SHOW_CONTEXT never
SET LOCAL timezone TO 'UTC';
SET LOCAL license_ext.actor TO 'tester';
INSERT INTO license.account (account_id, name) VALUES (8300, 'Hotel chain');
INSERT INTO license.site (account_id, site_id, name) VALUES (8300, 8310, 'North'), (8300, 8311, 'South');
INSERT INTO license.license (account_id, license_id, sku, key, status, term, starts_at, ends_at, site_id, modules, payment_form) VALUES
    (8300, 8320, 'OCTOPUS', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'in_use', '1 year', '2026-01-01', '2027-01-01', 8310, '{guest}', 'annual'),
    (8300, 8321, 'OCTOPUS', '00000-00000-00000-00000-1117J', 'pending_provision', '1 year', NULL, NULL, NULL, '{guest}', 'annual'),
    (8300, 8322, 'C2TUT', DEFAULT, 'in_use', '30 days', '2026-01-01', '2026-01-31', NULL, '{}', NULL);
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (8300, 8320, 'access_point', 20);

SAVEPOINT s;
SELECT license.deny_access(8300, 8320, NULL);
ROLLBACK TO s;
SELECT license.deny_access(8300, 8320, '');
ROLLBACK TO s;
SELECT license.deny_access(8300, 8321, 'unpaid');
ROLLBACK TO s;
SELECT license.restore_access(8300, 8320);
ROLLBACK TO s;
SELECT license.renew(8300, 8321);
ROLLBACK TO s;
SELECT license.renew(8300, 8320, '-1 day');
ROLLBACK TO s;
SELECT license.renew(8300, 8322);
ROLLBACK TO s;
SELECT license.finalize(8300, 8399, 'over');
ROLLBACK TO s;

SELECT license.deny_access(8300, 8320, 'unpaid', '2026-05-01');
SAVEPOINT s;
SELECT license.restore_access(8300, 8320, '2027-01-01');
ROLLBACK TO s;
SELECT license.restore_access(8300, 8320, '2026-05-02');
SELECT license.renew(8300, 8320, NULL, '2026-06-01');
SELECT license.finalize(8300, 8320, 'moved out', '2026-07-01');
SAVEPOINT s;
SELECT license.finalize(8300, 8320, 'moved out');
ROLLBACK TO s;
SELECT license.renew(8300, 8320, '2 years', '2026-08-01');
INSERT INTO license.seat (account_id, license_id, pool, site_id, units) VALUES (8300, 8320, 'access_point', 8311, 7);

SELECT at, actor, action, old, new FROM license.upgrade_log WHERE account_id = 8300 ORDER BY event_id;
SELECT part.key, jsonb_pretty(CASE part.key WHEN 'upgrades' THEN to_jsonb(jsonb_array_length(part.value)) ELSE part.value END) AS value
FROM jsonb_each(license.license_data(8300, 8320)) AS part ORDER BY part.key;
SELECT license_id, license_key, organization, modules, access_points, rooms, status, start_date, end_date
FROM license.license_list WHERE account_id = 8300 AND license_id <> 8322 ORDER BY license_id;
SELECT site, pool, units, in_use, maximum FROM license.assignment_overview WHERE account_id = 8300 ORDER BY site;
SELECT license_id, organization, status, ends_at, days_left FROM license.expiring('3 years', '2026-01-15') WHERE account_id = 8300;
SELECT license.license_data(8300, NULL);
ROLLBACK;
