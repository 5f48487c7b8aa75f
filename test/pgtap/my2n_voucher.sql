-- Vouchers: what they grant, to which site, and that they do so once.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';

SELECT no_plan();

INSERT INTO account (account_id, name, time_zone) VALUES (1, 'Estate', 'Europe/Prague'), (2, 'Other', 'UTC');
INSERT INTO site (account_id, site_id, name, region, site_type) VALUES
    (1, 11, 'House', 'EU', 'apartment'), (1, 12, 'Campus', 'EU', 'device'), (1, 13, 'Tower', 'US', 'apartment'),
    (1, 14, 'Hut', 'APAC', 'apartment'), (1, 15, 'Undecided', 'EU', NULL), (1, 16, 'Empty', 'EU', 'apartment'),
    (1, 18, 'Leap', 'EU', 'apartment');
INSERT INTO site (account_id, site_id, name, license_model, legacy_ends_at) VALUES (1, 17, 'Old', 'custom', '2020-01-01');
INSERT INTO apartment (account_id, apartment_id, site_id, name)
    SELECT 1, 100 + n, 11, 'A' || n FROM generate_series(1, 6) n;
INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id)
    SELECT 1, n, n, 11, 100 + n FROM generate_series(1, 4) n;
INSERT INTO device (account_id, device_id, device_code, site_id)
    SELECT 1, 20 + n, 20 + n, 12 FROM generate_series(1, 3) n;

-- A voucher with a known code
CREATE FUNCTION pg_temp.voucher(sku text, quantity integer DEFAULT 1, at timestamptz DEFAULT '2026-01-01 00:00+00')
RETURNS text LANGUAGE sql AS $$ SELECT code::text FROM license.create_vouchers(sku, 1, quantity, 'test', at) $$;

-- Making them

SELECT is((SELECT count(DISTINCT code) FROM create_vouchers('9137958', 500, 2, 'spring', '2026-01-01 00:00+00')), 500::bigint,
    'M34: every code is its own');
SELECT results_eq(
    $$SELECT DISTINCT sku, quantity, state, purchased_at, valid_until FROM voucher WHERE batch = 'spring'$$,
    $$VALUES ('9137958', 2, 'active', timestamptz '2026-01-01 00:00+00', timestamptz '2029-01-01 00:00+00')$$,
    'M34: a voucher is good for three years');
SELECT throws_ok($$SELECT create_vouchers('nothing', 1)$$, 'LX030', 'offer nothing does not exist', 'M35: of an offer');
SELECT throws_ok($$SELECT create_vouchers('9137958', 0)$$, 'LX031', NULL, 'P22: at least one');
SELECT throws_ok($$SELECT create_vouchers('9137958', 100001)$$, 'LX031', NULL, 'P22: not without bound');
SELECT throws_ok($$SELECT create_vouchers('9137958', 1, -1)$$, 'LX031', NULL, 'P22: of at least one unit');
SELECT throws_ok($$SELECT create_vouchers('9137958', NULL)$$, '22004', NULL, 'P22: the number must be given');
SELECT results_eq($$SELECT sku, unit, term, regions FROM offer WHERE sku IN ('9137958', '02683-001') ORDER BY sku$$,
    $$VALUES ('02683-001', 'apartment', interval '1 year', '{US,APAC}'::text[]),
        ('9137958', 'apartment', '1 year', NULL)$$, 'M35: the two ordering numbers');
SELECT is_empty('SELECT * FROM license WHERE account_id = 1', 'M33: a voucher grants nothing by being bought');

-- What is refused, in words of its own

SELECT throws_ok($$SELECT * FROM redeem_voucher(1, 11, '7XK2M')$$, 'LX004', NULL, 'M34: a malformed code');
SELECT throws_ok($$SELECT * FROM redeem_voucher(1, 11, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE')$$, 'LX020', NULL,
    'M34: an unknown code');
SELECT throws_ok($$SELECT * FROM redeem_voucher(1, 11, NULL)$$, '22004', NULL, 'M34: a code must be given');
SELECT throws_ok(format('SELECT * FROM redeem_voucher(1, 17, %L)', pg_temp.voucher('9137958')), 'LX010', NULL,
    'M32: not before the migration');
SELECT throws_ok(format('SELECT * FROM redeem_voucher(1, 15, %L)', pg_temp.voucher('9137958')), 'LX012', NULL,
    'M29: not before the type is chosen');
SELECT throws_ok(format('SELECT * FROM redeem_voucher(2, 11, %L)', pg_temp.voucher('9137958')), '23503', NULL,
    'M34: not for a site of somebody else');
SELECT throws_ok(format('SELECT * FROM redeem_voucher(1, 11, %L)', pg_temp.voucher('02683-001')), 'LX024', NULL,
    'M36: 02683-001 is for US and APAC only');
SELECT lives_ok(format('SELECT * FROM redeem_voucher(1, 13, %L, ''2026-01-01'')', pg_temp.voucher('02683-001')), 'M36: in the US it is good');
SELECT lives_ok(format('SELECT * FROM redeem_voucher(1, 14, %L, ''2026-01-01'')', pg_temp.voucher('02683-001')), 'M36: and in APAC');
SELECT lives_ok(format('SELECT * FROM redeem_voucher(1, 13, %L, ''2026-01-01'')', pg_temp.voucher('9137958')),
    'M37: 9137958 is good everywhere');
SELECT throws_ok(format('SELECT * FROM redeem_voucher(1, 12, %L)', pg_temp.voucher('9137958')), 'LX030', NULL,
    'M29: apartments are not for a site that pays for devices');
SELECT throws_ok(format('SELECT * FROM redeem_voucher(1, 11, %L)', pg_temp.voucher('COUNT-ANNUAL')), 'LX030', NULL,
    'M29: nor the other way round');
SELECT throws_ok(
    format('SELECT * FROM redeem_voucher(1, 11, %L, %L)', pg_temp.voucher('9137958'), '2029-01-01 00:00+00'), 'LX023', NULL,
    'M34: not after three years');
SELECT lives_ok(
    format('SELECT * FROM redeem_voucher(1, 16, %L, %L)', pg_temp.voucher('9137958'), '2028-12-31 23:59:59+00'),
    'M34: up to then it is');

-- What is granted

CREATE TEMP TABLE code AS
    SELECT n, pg_temp.voucher('9137958', q) AS code FROM (VALUES (1, 3), (2, 3), (3, 2), (4, 9)) v (n, q);
SELECT results_eq(
    $$SELECT * FROM redeem_voucher(1, 11, (SELECT lower(replace(code, '-', '')) FROM code WHERE n = 1), '2026-03-01 12:00+00')$$,
    $$VALUES (3, 'added', timestamptz '2027-03-01 12:00+00')$$, 'M38, M47: units cover what is uncovered, for a year');
SELECT throws_ok($$SELECT * FROM redeem_voucher(1, 11, (SELECT code FROM code WHERE n = 1))$$, 'LX021', NULL,
    'M34: a code is used once');
SELECT throws_ok($$SELECT * FROM redeem_voucher(1, 16, (SELECT code FROM code WHERE n = 1))$$, 'LX021', NULL,
    'M34: at another site too');
SELECT results_eq(
    $$SELECT state, redeemed_account_id, redeemed_site_id, redeemed_at FROM voucher v JOIN code c ON c.code = v.code::text WHERE n = 1$$,
    $$VALUES ('used', 1::bigint, 11::bigint, timestamptz '2026-03-01 12:00+00')$$, 'M34: the voucher tells where');
SELECT results_eq(
    $$SELECT l.sku, l.status, l.starts_at, l.ends_at, l.term, p.pool, p.maximum
      FROM license l JOIN license_pool p USING (account_id, license_id) WHERE l.site_id = 11$$,
    $$VALUES ('9137958', 'in_use', timestamptz '2026-03-01 12:00+00', timestamptz '2027-03-01 12:00+00',
        interval '1 year', 'apartment', 3)$$, 'M46: the site holds a number of units');
SELECT results_eq(
    $$SELECT * FROM redeem_voucher(1, 11, (SELECT code FROM code WHERE n = 2), '2026-11-22 12:00+00')$$,
    $$VALUES (1, 'added', timestamptz '2027-11-22 12:00+00'), (2, 'extended', '2028-03-01 12:00+00')$$,
    'M47: the last apartment is covered, the rest extends what ends first');
SELECT results_eq(
    $$SELECT * FROM site_coverage(1, 11, '2026-12-01')$$,
    $$VALUES (1, timestamptz '2027-03-01 12:00+00'), (1, '2027-11-22 12:00+00'), (2, '2028-03-01 12:00+00')$$,
    'M46, P24: a licence is split when a part of it is extended, from its own end');
SELECT is((SELECT sum(quantity) FROM site_coverage(1, 11, '2027-03-01 12:00+00')), 3::bigint,
    'M46: at its end a unit is gone');
SELECT is_empty($$SELECT * FROM site_coverage(1, 11, '2026-03-01 11:59+00')$$, 'M46: before its start it is not there');
SELECT results_eq(
    $$SELECT * FROM redeem_voucher(1, 11, (SELECT code FROM code WHERE n = 3), '2026-12-01 12:00+00')$$,
    $$VALUES (1, 'extended', timestamptz '2028-03-01 12:00+00'), (1, 'extended', '2028-11-22 12:00+00')$$,
    'M47: each unit is told, in the order of the ends');
SELECT results_eq(
    $$SELECT * FROM site_coverage(1, 11, '2026-12-01 12:00+00')$$,
    $$VALUES (3, timestamptz '2028-03-01 12:00+00'), (1, '2028-11-22 12:00+00')$$, 'M47: units of one end are one');
SELECT results_eq(
    $$SELECT * FROM redeem_voucher(1, 11, (SELECT code FROM code WHERE n = 4), '2026-12-02 12:00+00')$$,
    $$VALUES (3, 'extended', timestamptz '2029-03-01 12:00+00'), (1, 'extended', '2029-11-22 12:00+00'),
        (3, 'extended', '2030-03-01 12:00+00'), (1, 'extended', '2030-11-22 12:00+00'),
        (1, 'extended', '2031-03-01 12:00+00')$$,
    'M47: more than one round, still what ends first');
SELECT is((SELECT sum(quantity) FROM site_coverage(1, 11, '2026-12-02 12:00+00')), 4::bigint,
    'M47: extending makes no units');
SELECT results_eq(
    format('SELECT * FROM redeem_voucher(1, 16, %L, %L)', pg_temp.voucher('9137958', 5), '2026-05-31 22:30+00'),
    $$VALUES (5, 'added', timestamptz '2027-05-31 22:30+00')$$, 'M47: where nothing is required and nothing runs, all are added');
SELECT results_eq(
    format('SELECT * FROM redeem_voucher(1, 12, %L, %L)', pg_temp.voucher('COUNT-ANNUAL', 4), '2026-03-01 12:00+00'),
    $$VALUES (3, 'added', timestamptz '2027-03-01 12:00+00'), (1, 'extended', '2028-03-01 12:00+00')$$,
    'M29, M47: at a site of type device paid devices are covered');
SELECT is_empty(
    $$SELECT 1 FROM license l JOIN license_pool p USING (account_id, license_id)
      WHERE l.site_id = 12 AND p.pool <> 'device'$$, 'M29: with units of that kind');

-- The calendar of the account

INSERT INTO apartment (account_id, apartment_id, site_id, name) VALUES (1, 181, 18, 'A');
INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id) VALUES (1, 81, '81', 18, 181);
SELECT results_eq(
    format('SELECT * FROM redeem_voucher(1, 18, %L, %L)', pg_temp.voucher('9137958', 4), '2024-02-29 09:00+00'),
    $$VALUES (1, 'added', timestamptz '2025-02-28 09:00+00'), (1, 'extended', '2026-02-28 09:00+00'),
        (1, 'extended', '2027-02-28 09:00+00'), (1, 'extended', '2028-02-29 09:00+00')$$,
    'M38: a year is a calendar year, counted from the first date');
SELECT results_eq(
    format('SELECT * FROM redeem_voucher(1, 14, %L, %L)', pg_temp.voucher('9137958'), '2027-03-28 00:30+00'),
    $$VALUES (1, 'added', timestamptz '2028-03-27 23:30+00')$$, 'M38: half past one stays half past one in the account''s zone');

-- P24 and P4

INSERT INTO site (account_id, site_id, name) VALUES (2, 21, 'Ten');
INSERT INTO apartment (account_id, apartment_id, site_id, name) SELECT 2, 200 + n, 21, n FROM generate_series(1, 15) n;
INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id)
    SELECT 2, 200 + n, 200 + n, 21, 200 + n FROM generate_series(1, 10) n;
SELECT is((SELECT ends_at FROM redeem_voucher(2, 21, pg_temp.voucher('9137958', 10), '2026-01-01 00:00+00')),
    timestamptz '2027-01-01 00:00+00', 'P4: ten');
SELECT results_eq(
    $$SELECT * FROM redeem_voucher(2, 21, pg_temp.voucher('9137958', 5), '2026-09-23 00:00+00')$$,
    $$VALUES (5, 'extended', timestamptz '2028-01-01 00:00+00')$$, 'P4: five on ten that run extend five');
SELECT is((SELECT (min(ends_at) FILTER (WHERE quantity = 5 AND ends_at > '2027-01-01')) - '2026-09-23 00:00+00'
    FROM site_coverage(2, 21, '2026-09-23 00:00+00')), interval '465 days', 'P24: 100 days left and 365 are 465');
SELECT is((SELECT sum(quantity) FROM site_coverage(2, 21, '2027-01-01 00:00+00')), 5::bigint,
    'P4: only those five are left once the ten have ended');
INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id)
    SELECT 2, 200 + n, 200 + n, 21, 200 + n FROM generate_series(11, 15) n;
SELECT results_eq(
    $$SELECT * FROM redeem_voucher(2, 21, pg_temp.voucher('9137958', 5), '2026-10-01 00:00+00')$$,
    $$VALUES (5, 'added', timestamptz '2027-10-01 00:00+00')$$, 'P4: ten and five more are fifteen');

-- Other licences of the site stay as they are

INSERT INTO license (account_id, license_id, sku, site_id, status, starts_at, ends_at, term, modules) VALUES
    (1, 90001, 'OCTOPUS', 13, 'in_use', '2026-01-01', '2027-01-01', '1 year', '{guest}');
INSERT INTO license (account_id, license_id, sku, site_id, status, starts_at, ends_at, term) VALUES
    (1, 90002, '9137958', 13, 'in_use', '2026-01-01', NULL, NULL),
    (1, 90004, '9137958', 13, 'in_use', '2025-01-01', '2026-02-01', '1 year'),
    (1, 90005, '9137958', 13, 'in_use', '2026-06-01', '2027-06-01', '1 year');
INSERT INTO license (account_id, license_id, sku, site_id, status, starts_at, ends_at, term, reason) VALUES
    (1, 90003, '9137958', 13, 'access_denied', '2026-01-01', '2026-12-01', '1 year', 'unpaid');
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES
    (1, 90001, 'access_point', 5), (1, 90002, 'apartment', 2), (1, 90003, 'apartment', 2), (1, 90004, 'apartment', 2),
    (1, 90005, 'apartment', 2);
DELETE FROM license WHERE site_id = 13 AND license_id NOT BETWEEN 90001 AND 90005;
CREATE TEMP TABLE before AS SELECT * FROM license WHERE license_id BETWEEN 90001 AND 90005;
SELECT results_eq($$SELECT * FROM site_coverage(1, 13, '2026-03-01')$$, $$VALUES (2, NULL::timestamptz)$$,
    'M45: held are units of licences that are valid, open-ended ones too');
SELECT results_eq(
    $$SELECT * FROM redeem_voucher(1, 13, pg_temp.voucher('9137958', 3), '2026-03-01')$$,
    $$VALUES (3, 'added', timestamptz '2027-03-01')$$, 'M47: where nothing that runs has an end, all are added');
SELECT results_eq('SELECT * FROM license WHERE license_id BETWEEN 90001 AND 90005 ORDER BY license_id',
    'SELECT * FROM before ORDER BY license_id', 'M47: no other licence is touched');

-- Seats in a licence that is split go where there is room

INSERT INTO seat (account_id, seat_id, license_id, pool, apartment_id, acquired_at)
    SELECT 2, 90100 + n, license_id, 'apartment', 200 + n, '2026-09-24'
    FROM license l JOIN license_pool p USING (account_id, license_id) CROSS JOIN generate_series(1, 5) n
    WHERE l.site_id = 21 AND l.ends_at = '2027-01-01 00:00+00';
SELECT lives_ok($$SELECT * FROM redeem_voucher(2, 21, pg_temp.voucher('9137958', 2), '2026-10-02 00:00+00')$$,
    'M47: a licence with seats is split');
SELECT results_eq(
    $$SELECT l.ends_at, p.maximum, p.in_use FROM license l JOIN license_pool p USING (account_id, license_id)
      WHERE l.site_id = 21 ORDER BY l.ends_at, p.maximum$$,
    $$VALUES (timestamptz '2027-01-01 00:00+00', 3, 3), ('2027-10-01 00:00+00', 5, 0),
        ('2028-01-01 00:00+00', 2, 2), ('2028-01-01 00:00+00', 5, 0)$$, 'M47: with its seats');
SELECT is_empty('SELECT * FROM check_seats()', 'M47: and the seats add up');

-- History

SELECT set_eq(
    $$SELECT subject, action, new ->> 'quantity' FROM event WHERE account_id = 1 AND at = '2026-11-22 12:00+00'$$,
    $$VALUES ('site', 'redeem_voucher', '3'), ('license', 'redeem_voucher', '1'), ('license', 'redeem_voucher', '2'),
        ('license_pool', 'redeem_voucher', NULL)$$, 'M34: the history tells of the voucher and what it made');
SELECT is_empty(
    $$SELECT 1 FROM event e CROSS JOIN code c WHERE e.new::text LIKE '%' || c.code || '%'$$, 'M34: but not the code');

-- Cancelling, and plain statements

CREATE TEMP TABLE kept AS SELECT pg_temp.voucher('9137958') AS code;
SELECT throws_ok($$SELECT cancel_voucher('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'x')$$, 'LX020', NULL,
    'M34: an unknown code is not cancelled');
SELECT throws_ok($$SELECT cancel_voucher('7XK2M', 'x')$$, 'LX004', NULL, 'M34: nor a malformed one');
SELECT throws_ok($$SELECT cancel_voucher(code, NULL) FROM kept$$, '22004', NULL, 'M34: a reason is given');
SELECT throws_ok($$SELECT cancel_voucher(code, 'late') FROM code WHERE n = 1$$, 'LX021', NULL,
    'M34: a used one is not cancelled');
SELECT lives_ok($$SELECT cancel_voucher(code, 'refunded') FROM kept$$, 'M34: an active one is');
SELECT is((SELECT cancel_reason FROM voucher WHERE state = 'cancelled'), 'refunded', 'M34: with its reason');
SELECT throws_ok($$SELECT * FROM redeem_voucher(1, 11, (SELECT code FROM kept))$$, 'LX022', NULL,
    'M34: a cancelled one is not redeemed');
SELECT throws_ok($$SELECT cancel_voucher(code, 'again') FROM kept$$, 'LX022', NULL, 'M34: nor cancelled again');
SELECT throws_ok($$UPDATE voucher SET state = 'active', cancel_reason = NULL WHERE state = 'cancelled'$$, 'LX022', NULL,
    'M34: nor brought back by UPDATE');
SELECT throws_ok($$UPDATE voucher SET state = 'active', redeemed_account_id = NULL, redeemed_site_id = NULL,
    redeemed_at = NULL WHERE state = 'used'$$, 'LX021', NULL, 'M34: a used one is not brought back');
SELECT throws_ok($$DELETE FROM voucher WHERE state = 'used'$$, 'LX021', NULL, 'M34: nor removed');
SELECT throws_ok($$UPDATE voucher SET state = 'used', redeemed_account_id = 1, redeemed_site_id = 11, redeemed_at = now()
    WHERE batch = 'spring'$$, 'LX003', NULL, 'M33: nor used by UPDATE');
SELECT throws_ok($$UPDATE voucher SET quantity = 100 WHERE batch = 'spring'$$, 'LX003', NULL,
    'M34: what a code is worth stays');
SELECT lives_ok($$UPDATE voucher SET state = 'cancelled', cancel_reason = 'stolen' WHERE batch = 'spring'$$,
    'P22: a batch is revoked at once');
SELECT results_eq(
    $$SELECT vouchers, unused, used, cancelled, expired FROM voucher_batch WHERE batch = 'spring'$$,
    $$VALUES (500, 0, 0, 500, 0)$$, 'P22: the batch tells how far it is used up');
SELECT is((SELECT unused + used + cancelled + expired - vouchers FROM voucher_batch WHERE batch = 'test' AND sku = '9137958'), 0,
    'P22: every voucher is counted once');
SELECT is((SELECT count(*) FROM voucher WHERE batch = 'test' AND state = 'active'), 
    (SELECT sum(unused + expired) FROM voucher_batch WHERE batch = 'test'), 'P22: unused ones can be listed');
SELECT throws_ok('TRUNCATE voucher', 'LX021', 'used vouchers cannot be removed', 'M34: nor are used ones removed all at once');
SELECT * FROM finish();
ROLLBACK;
