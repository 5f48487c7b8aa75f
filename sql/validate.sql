-- Does a key give service?
BEGIN;
SET LOCAL timezone TO 'UTC';
INSERT INTO license.account (account_id, name) VALUES (8400, 'Count');
INSERT INTO license.license (account_id, license_id, sku, key, status, term, starts_at, ends_at) VALUES
    (8400, 8420, 'COUNT-ANNUAL', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'in_use', '1 year', '2026-01-01', '2027-01-01');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (8400, 8420, 'device', 1);
INSERT INTO license.device (account_id, device_id, device_code) VALUES (8400, 8430, '001'), (8400, 8431, '002');
INSERT INTO license.seat (account_id, license_id, pool, device_id) VALUES (8400, 8420, 'device', 8430);

\x on
SELECT * FROM license.validate('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', at => '2026-06-01');
SELECT * FROM license.validate('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJX', at => '2026-06-01');
\x off
SELECT q.at, q.device, q.module, v.valid, v.code, v.warnings FROM (VALUES
    ('2025-12-31'::timestamptz, NULL, NULL), ('2026-06-01', '001', NULL), ('2026-06-01', '002', NULL), ('2026-06-01', '003', NULL),
    ('2026-06-01', '001', 'guest'), ('2026-12-15', '001', NULL), ('2027-01-01', '001', NULL)) AS q (at, device, module)
CROSS JOIN LATERAL license.validate('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', q.device, q.module, q.at) AS v ORDER BY q.at, q.device, q.module;
SELECT v.code, v.detail FROM unnest(ARRAY[NULL, '', 'x', repeat('7', 1000000), '00000-00000-00000-00000-1117J']) AS t
CROSS JOIN LATERAL license.validate(t) AS v;
SELECT license.validate('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', NULL, NULL, NULL) IS NOT NULL AS answered;
ROLLBACK;

-- as in a standby, where nothing can be written
BEGIN READ ONLY;
SELECT code FROM license.validate('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE');
ROLLBACK;
