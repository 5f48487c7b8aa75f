-- Sending a key, and the connections that start the contract
BEGIN;
\set SHOW_CONTEXT never
SET LOCAL timezone TO 'UTC';
INSERT INTO license.account (account_id, name) VALUES (8200, 'Hotel chain'), (8201, 'Rival');
INSERT INTO license.site (account_id, site_id, name) VALUES (8200, 8210, 'North'), (8200, 8211, 'South'), (8201, 8212, 'Rival');
INSERT INTO license.site (account_id, site_id, name, license_model, legacy_ends_at) VALUES (8200, 8213, 'Old', 'custom', '2027-01-01');
INSERT INTO license.license (account_id, license_id, sku, key, term, modules) VALUES
    (8200, 8220, 'OCTOPUS', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', '1 year', '{guest}'),
    (8200, 8221, 'OCTOPUS', '00000-00000-00000-00000-1117J', '1 year', '{guest}');

SAVEPOINT s;
SELECT license.provision(8200, 8210, 'garbage');
ROLLBACK TO s;
SELECT license.provision(8200, 8210, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJX');
ROLLBACK TO s;
DELETE FROM license.license WHERE license_id = 8221;
SELECT license.provision(8200, 8210, '00000-00000-00000-00000-1117J');
ROLLBACK TO s;
SELECT license.provision(8201, 8212, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE');
ROLLBACK TO s;
SELECT license.provision(8200, 8212, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE');
ROLLBACK TO s;
SELECT license.provision(8200, 8213, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE');
ROLLBACK TO s;
SELECT license.provision(8200, NULL, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE');
ROLLBACK TO s;

SELECT license.provision(8200, 8210, '7xk2m9qd4t0vz3hr8pan5cwje', '2026-01-01');
SELECT license.provision(8200, 8210, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', '2026-01-02');
SAVEPOINT s;
SELECT license.provision(8200, 8211, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE');
ROLLBACK TO s;
SELECT license.provision(8200, 8210, '00000-00000-00000-00000-1117J');
ROLLBACK TO s;
SELECT license.record_connection(8200, 8211, '02:00:00:00:00:01');
ROLLBACK TO s;

SELECT n, license.record_connection(8200, 8210, ('02:00:00:00:00:0' || n)::macaddr, '2026-01-03'::timestamptz + n * interval '1 hour')
FROM generate_series(1, 6) AS n ORDER BY n;
SELECT status, starts_at, ends_at, connections, version FROM license.license WHERE license_id = 8220;
SELECT at, action, old, new FROM license.event WHERE account_id = 8200 AND action <> 'delete' ORDER BY event_id;
ROLLBACK;
