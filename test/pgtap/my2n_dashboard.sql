-- What the dashboards show.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';

SELECT no_plan();

INSERT INTO account (account_id, name) VALUES (1, 'Estate');
INSERT INTO site (account_id, site_id, name, region, site_type) VALUES
    (1, 11, 'House', 'EU', 'apartment'), (1, 12, 'Campus', 'EU', 'device'), (1, 13, 'Tower', 'US', 'apartment'),
    (1, 14, 'Hut', 'APAC', 'apartment'), (1, 15, 'Undecided', 'EU', NULL), (1, 16, 'Empty', 'EU', 'apartment');
INSERT INTO apartment (account_id, apartment_id, site_id, name)
    SELECT 1, site_id * 10 + n, site_id, 'A' || n FROM site CROSS JOIN generate_series(1, 5) n WHERE site_id BETWEEN 11 AND 15;

-- 1: cloud and local, 2: one of each paid kind, 3: a phone, 4: third party, 5: nothing paid
INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id, kind, mode)
SELECT 1, s.site_id * 100 + d.n, s.site_id * 100 + d.n, s.site_id, s.site_id * 10 + d.apartment, d.kind, d.mode
FROM site s CROSS JOIN (VALUES
    (1, 1, 'phone', 'cloud'), (2, 1, 'phone', 'local'), (3, 2, 'phone', 'cloud'), (4, 2, 'tablet', 'cloud'),
    (5, 2, 'third_party', 'cloud'), (6, 3, 'phone', 'cloud'), (7, 4, 'third_party', 'cloud'),
    (8, 5, 'tablet', 'local'), (9, 5, 'answering_unit', 'cloud'), (10, 5, 'intercom', 'cloud'), (11, 5, 'access_point', 'cloud'))
    d (n, apartment, kind, mode)
WHERE s.site_id BETWEEN 11 AND 15;
INSERT INTO account_user (account_id, user_id, site_id, apartment_id, email) VALUES (1, 1001, 11, 115, 'anna@estate.example');

CREATE PROCEDURE pg_temp.held(site bigint, units integer, pool text DEFAULT 'apartment',
    starts timestamptz DEFAULT now() - interval '1 day', ends timestamptz DEFAULT now() + interval '1 year')
LANGUAGE sql AS $$
    WITH new AS (
        INSERT INTO license.license (account_id, sku, site_id, status, starts_at, ends_at, term)
        VALUES (1, '9137958', site, 'in_use', starts, ends, '1 year') RETURNING license_id)
    INSERT INTO license.license_pool (account_id, license_id, pool, maximum) SELECT 1, license_id, pool, units FROM new
$$;

SELECT results_eq(
    $$SELECT site, apartments, apartments_requiring_license FROM site_dashboard WHERE account_id = 1 AND site_id = 11$$,
    $$VALUES ('House', 5, 4)$$, 'M40: apartments, and those that require a licence');
SELECT results_eq(
    $$SELECT apartment, seats_used, seat_limit, requires_license FROM apartment_overview
      WHERE account_id = 1 AND site_id = 11 ORDER BY apartment$$,
    $$VALUES ('A1', 1, 4, true), ('A2', 3, 4, true), ('A3', 1, 4, true), ('A4', 1, 4, true), ('A5', 0, 4, false)$$,
    'M41, M42, M43: one cloud phone, tablet or third-party device requires a licence; local, free and no devices do not, nor users');
SELECT results_eq(
    $$SELECT licenses_held, licenses_to_order, ordering_number, order_text FROM site_dashboard WHERE site_id = 11$$,
    $$VALUES (0, 4, '9137958', '4x 9137958')$$, 'M44: with none held, as many as require one');
SELECT results_eq(
    $$SELECT site_id, order_text FROM site_dashboard WHERE site_id IN (13, 14) ORDER BY site_id$$,
    $$VALUES (13::bigint, '4x 02683-001'), (14, '4x 02683-001')$$, 'M37, M44: in US and APAC the other number');
SELECT is((SELECT order_text FROM site_dashboard WHERE site_id = 15), '4x 9137958',
    'M28: a site without a type is shown as one of apartments');
SELECT results_eq(
    $$SELECT apartments, apartments_requiring_license, licenses_to_order, order_text, paid_devices, devices_unassigned
      FROM site_dashboard WHERE site_id = 16$$,
    $$VALUES (0, 0, 0, NULL::text, 0, 0)$$, 'M44: an empty site has nothing to order');

CALL pg_temp.held(11, 3);
SELECT results_eq(
    $$SELECT apartments_requiring_license, licenses_held, licenses_covering, licenses_to_order, order_text
      FROM site_dashboard WHERE site_id = 11$$,
    $$VALUES (4, 3, 3, 1, '1x 9137958')$$, 'M45: licences held are not ordered again');
SELECT set_eq(
    $$SELECT apartment FROM apartment_overview WHERE site_id = 11 AND covered$$, '{A1,A2,A3}'::text[],
    'M46: as many apartments are covered as there are licences');
CALL pg_temp.held(11, 5, starts => now() + interval '1 day');
CALL pg_temp.held(11, 5, ends => now());
CALL pg_temp.held(11, 5, pool => 'device');
CALL pg_temp.held(11, 5, pool => 'user');
SELECT is((SELECT licenses_held FROM site_dashboard WHERE site_id = 11), 3,
    'M45: not yet begun, ended or of another kind is not held');
CALL pg_temp.held(11, 4);
SELECT results_eq(
    $$SELECT licenses_held, licenses_covering, licenses_to_order, order_text FROM site_dashboard WHERE site_id = 11$$,
    $$VALUES (7, 4, 0, NULL::text)$$, 'M45, M46: more than enough covers no more than there is');
SELECT is((SELECT count(*) FROM apartment_overview WHERE site_id = 11 AND covered), 4::bigint,
    'M46: an apartment that requires none is not covered');
SELECT results_eq(
    $$SELECT sum(quantity) FROM site_coverage(1, 11)$$,
    $$SELECT licenses_held::bigint FROM site_dashboard WHERE site_id = 11$$, 'M45: coverage and dashboard agree');
SELECT throws_ok($$SELECT * FROM site_coverage(1, 99)$$, '23503', NULL, 'M45: a site that is not there has no coverage');

-- A site that pays for devices

INSERT INTO device (account_id, device_id, device_code, site_id, kind, mode) VALUES
    (1, 9001, 'X1', 12, 'phone', 'cloud'), (1, 9002, 'X2', 12, 'phone', 'local'),
    (1, 9003, 'X3', 12, 'intercom', 'cloud'), (1, 9004, 'X4', 12, 'answering_unit', 'cloud');
CALL pg_temp.held(12, 2, pool => 'device');
SELECT results_eq(
    $$SELECT apartments_requiring_license, paid_devices, devices_unassigned, licenses_held, licenses_to_order, order_text
      FROM site_dashboard WHERE site_id = 12$$,
    $$VALUES (4, 7, 3, 2, 5, '5x COUNT-ANNUAL')$$, 'M10, M15, M29: paid devices count there, assigned or not');
SELECT set_eq($$SELECT apartment FROM apartment_overview WHERE site_id = 12 AND covered$$, '{A1}'::text[],
    'M29: an apartment is covered when all its devices are');
SELECT is((SELECT paid_devices FROM site_dashboard WHERE site_id = 11), 6, 'M10: paid devices are shown everywhere');

-- After a move the numbers follow

UPDATE device SET mode = 'local' WHERE site_id = 11 AND apartment_id = 111;
SELECT is((SELECT apartments_requiring_license FROM site_dashboard WHERE site_id = 11), 3, 'M41: all local requires none');

-- Another account sees nothing of it by its own id

SELECT is_empty($$SELECT 1 FROM site_dashboard WHERE account_id = 2$$, 'M40: by account');

SELECT is((SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'license.site_dashboard'::regclass AND attnum BETWEEN 1 AND 11),
    'account_id site_id site apartments apartments_requiring_license licenses_held licenses_to_order ordering_number order_text paid_devices devices_unassigned', 'M40, M44, M45: the columns of the dashboard, in their order');
-- The view reads its tables itself; a plain query must come to the same.

INSERT INTO account (account_id, name) VALUES (3, 'Many'), (4, 'Others');
INSERT INTO offer (sku, name, family, unit, term, trial, audience, start_rule, min_quantity, regions) VALUES
    ('A-NONE', 'no family', NULL, 'apartment', '1 year', false, 'public', 'immediate', 1, NULL),
    ('A-NORTH', 'another family', 'X', 'apartment', '1 year', false, 'public', 'immediate', 1, '{NORTH}'),
    ('9-NORTH', 'same rank, sorts before', '9137958', 'apartment', '1 year', false, 'public', 'immediate', 1, '{NORTH,US}'),
    ('D-OPEN', 'no term', 'D', 'device', NULL, false, 'public', 'immediate', 1, '{NORTH}'),
    ('D-FIVE', 'from five', 'D', 'device', '1 year', false, 'public', 'immediate', 5, '{NORTH}'),
    ('D-ASKED', 'on request', 'D', 'device', '1 year', false, 'request', 'immediate', 1, '{NORTH}'),
    ('D-TRIAL', 'free', 'D', 'device', '1 year', true, 'public', 'immediate', 1, '{NORTH}'),
    ('D-LATER', 'starts later', 'D', 'device', '1 year', false, 'public', 'on_connections', 1, '{NORTH}'),
    ('D-NORTH', 'devices in the north', NULL, 'device', '1 year', false, 'public', 'immediate', 1, '{NORTH}');
INSERT INTO site (account_id, site_id, name, region, site_type)
    SELECT 3, i, 'S' || i, (ARRAY['EU', 'US', 'APAC', 'NORTH', 'MOON'])[1 + i % 5], (ARRAY['apartment', 'device', NULL])[1 + i % 3]
    FROM generate_series(1, 60) i;
INSERT INTO apartment (account_id, apartment_id, site_id, name, seat_limit)
    SELECT 3, i, 1 + i % 50, 'A' || i, CASE WHEN i % 4 > 0 THEN 9 END FROM generate_series(1, 400) i WHERE i % 50 % 7 > 0;
INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id, kind, mode)
    SELECT 3, i, i, CASE WHEN i % 11 > 0 THEN 1 + i % 50 END, a.apartment_id,
        (ARRAY['intercom', 'answering_unit', 'phone', 'tablet', 'third_party', 'access_point'])[1 + i / 3 % 6],
        (ARRAY['cloud', 'cloud', 'local'])[1 + i / 5 % 3]
    FROM generate_series(1, 900) i
    LEFT JOIN apartment a ON a.account_id = 3 AND a.apartment_id = i % 450 AND a.site_id = 1 + i % 50 AND i % 11 > 0;
INSERT INTO license (account_id, license_id, sku, site_id, status, starts_at, ends_at, term, reason)
    SELECT 3, i, '9137958', CASE WHEN i % 13 > 0 THEN 1 + i % 45 END, t.status, now() + t.starts, now() + t.ends, t.term, t.reason
    FROM generate_series(1, 300) i
    JOIN (VALUES (0, 'in_use', interval '-1 day', interval '1 day', interval '1 year', NULL), (1, 'in_use', '-1 day', NULL, NULL, NULL),
        (2, 'in_use', '0', '1 microsecond', '1 year', NULL), (3, 'in_use', '-1 year', '0', '1 year', NULL), (4, 'in_use', '1 day', '2 days', '1 year', NULL),
        (5, 'pending_provision', NULL, NULL, '1 year', NULL), (6, 'access_denied', '-1 day', '1 day', '1 year', 'unpaid'),
        (7, 'contract_finalized', '-1 year', '-1 day', '1 year', NULL)) t (n, status, starts, ends, term, reason) ON t.n = i / 3 % 8;
INSERT INTO license_pool (account_id, license_id, pool, maximum)
    SELECT 3, l.license_id, p.pool, l.license_id % 9 FROM license l
    CROSS JOIN unnest('{apartment,device,user}'::text[]) p (pool)
    WHERE l.account_id = 3 AND (l.license_id + length(p.pool)) % 4 > 0;

CREATE VIEW plain_dashboard WITH (security_invoker = true) AS
SELECT s.account_id, s.site_id, s.name AS site, a.apartments, a.requiring, l.held, greatest(0, n.needed - l.held) AS missing, o.sku,
    CASE WHEN n.needed > l.held THEN (n.needed - l.held) || 'x ' || o.sku END AS order_text,
    a.paid + d.paid AS paid, d.unassigned, least(n.needed, l.held) AS covering
FROM license.site s
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS apartments, (count(*) FILTER (WHERE seats_used > 0))::integer AS requiring,
        coalesce(sum(seats_used), 0)::integer AS paid
    FROM license.apartment WHERE account_id = s.account_id AND site_id = s.site_id) a
CROSS JOIN LATERAL (
    SELECT coalesce(sum(seats), 0)::integer AS paid, (count(*) FILTER (WHERE kind <> 'intercom'))::integer AS unassigned
    FROM license.device WHERE account_id = s.account_id AND site_id = s.site_id AND apartment_id IS NULL) d
CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.maximum), 0)::integer AS held
    FROM license.license l JOIN license.license_pool p USING (account_id, license_id)
    WHERE l.account_id = s.account_id AND l.site_id = s.site_id AND p.pool = coalesce(s.site_type, 'apartment')
        AND l.status = 'in_use' AND l.starts_at <= now() AND (l.ends_at IS NULL OR now() < l.ends_at)) l
CROSS JOIN LATERAL (SELECT CASE s.site_type WHEN 'device' THEN a.paid + d.paid ELSE a.requiring END AS needed) n
LEFT JOIN LATERAL (
    SELECT sku FROM license.offer
    WHERE unit = coalesce(s.site_type, 'apartment') AND (regions IS NULL OR s.region = ANY (regions))
        AND term IS NOT NULL AND NOT trial AND audience = 'public' AND start_rule = 'immediate' AND min_quantity = 1
    ORDER BY family = '9137958' DESC NULLS LAST, regions IS NULL, sku LIMIT 1) o ON true;

SELECT ok(count(DISTINCT licenses_held) > 9 AND count(DISTINCT devices_unassigned) > 4 AND count(DISTINCT ordering_number) = 4
    AND count(*) FILTER (WHERE apartments = 0) > 9 AND count(*) FILTER (WHERE order_text IS NULL) > 9 AND count(order_text) > 9,
    'M40, M45: the sites compared differ') FROM site_dashboard WHERE account_id = 3;
SELECT set_eq('TABLE license.site_dashboard', 'TABLE plain_dashboard', 'M40 to M46: every site is shown as a plain query shows it');
SELECT is(sum(covering), (SELECT sum(CASE WHEN site_type = 'device' THEN NULL ELSE 1 END) FROM apartment_overview o
    JOIN site s USING (account_id, site_id) WHERE account_id = 3 AND covered), 'M46: both views cover as many apartments')
FROM plain_dashboard JOIN site s USING (account_id, site_id) WHERE account_id = 3 AND s.site_type IS DISTINCT FROM 'device';
UPDATE offer SET audience = 'request' WHERE sku = 'COUNT-ANNUAL' OR family = '9137958';
SELECT set_eq('TABLE license.site_dashboard', 'TABLE plain_dashboard', 'M35: so are those that get other offers, or none');
SELECT set_eq('SELECT ordering_number FROM license.site_dashboard WHERE account_id = 3', $$VALUES ('A-NORTH'), ('A-NONE'), ('D-NORTH'), (NULL)$$,
    'M35: which are these');
UPDATE license_pool SET maximum = 2147483647 WHERE account_id = 3 AND license_id IN (
    SELECT license_id FROM license WHERE account_id = 3 AND site_id = 6 AND status = 'in_use');
SELECT throws_ok('TABLE license.site_dashboard', '22003', 'integer out of range', 'M45: more units than an integer holds are refused');

-- Roles: row-level security holds in the view and in what it calls.

CREATE ROLE dashboard_reader;
CREATE ROLE dashboard_service;
SELECT grant_access('dashboard_reader', 'reader', 1), grant_access('dashboard_service', 'service', 1);
GRANT SELECT ON plain_dashboard TO dashboard_reader;
GRANT USAGE ON SCHEMA public TO dashboard_reader;
SET LOCAL ROLE dashboard_reader;
SELECT results_eq('SELECT * FROM license.site_dashboard ORDER BY site_id', 'SELECT * FROM plain_dashboard ORDER BY site_id',
    'M40: a reader sees what a plain query shows it');
SELECT results_eq('SELECT DISTINCT account_id FROM license.site_dashboard', '{1}'::bigint[], 'M40: of its own account');
SELECT results_eq($$SELECT apartments, licenses_held, paid_devices, devices_unassigned FROM license._site_numbers(3, 7, 'apartment', 'EU')$$,
    $$VALUES (0, 0, 0, 0)$$, 'M40: asked for the site of another account, the function counts nothing');
RESET ROLE;
SET LOCAL ROLE dashboard_service;
SELECT throws_ok($$SELECT * FROM license._site_numbers(1, 11, 'apartment', 'EU')$$, '42501', NULL,
    'M40: who may not read the tables gets nothing from the function');
RESET ROLE;
SELECT throws_ok('SELECT license._site_numbers(NULL, 1, NULL, NULL)', '22004', NULL, 'M40: an account is needed');

SELECT * FROM finish();
ROLLBACK;
