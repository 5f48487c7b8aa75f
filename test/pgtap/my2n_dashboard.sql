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
SELECT * FROM finish();
ROLLBACK;
