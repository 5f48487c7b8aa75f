-- Card payments: what they grant, and that a retry grants nothing.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';

SELECT no_plan();

INSERT INTO account (account_id, name) VALUES (1, 'Estate'), (2, 'Other');
INSERT INTO site (account_id, site_id, name, region, site_type) VALUES
    (1, 11, 'House', 'EU', 'apartment'), (1, 12, 'Campus', 'EU', 'device'), (1, 13, 'Tower', 'US', 'apartment'),
    (1, 14, 'Hut', 'APAC', 'apartment'), (1, 15, 'Undecided', 'EU', NULL), (2, 21, 'Elsewhere', 'EU', 'apartment');
INSERT INTO site (account_id, site_id, name, license_model, legacy_ends_at) VALUES (1, 17, 'Old', 'custom', '2030-01-01');
INSERT INTO apartment (account_id, apartment_id, site_id, name) VALUES (1, 111, 11, 'A'), (1, 112, 11, 'B');
INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id) VALUES
    (1, 1, '1', 11, 111), (1, 2, '2', 11, 112), (1, 3, '3', 12, NULL);

SELECT throws_ok(
    $$SELECT * FROM record_payment(1, 17, 1, 10, 'EUR', 'old')$$, 'LX010', 'site 17 must be migrated first',
    'M3, M39: a site on the old model is not paid for');
SELECT throws_ok(
    $$INSERT INTO payment (account_id, site_id, sku, quantity, amount, currency, provider_reference)
      VALUES (1, 17, '9137958', 1, 10, 'EUR', 'old')$$, 'LX010', NULL, 'M39: nor by a plain INSERT');
SELECT throws_ok($$SELECT * FROM record_payment(1, 15, 1, 10, 'EUR', 'early')$$, 'LX012', NULL,
    'M29: nor one whose type is pending');
SELECT throws_ok(
    $$INSERT INTO payment (account_id, site_id, sku, quantity, amount, currency, provider_reference)
      VALUES (1, 15, '9137958', 1, 10, 'EUR', 'early')$$, 'LX012', NULL, 'M29: nor by a plain INSERT');
SELECT throws_ok($$SELECT * FROM record_payment(1, 21, 1, 10, 'EUR', 'x')$$, '23503', NULL,
    'M31: nor one of another account');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 0, 10, 'EUR', 'x')$$, 'LX031', NULL, 'M31: at least one unit');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 100001, 10, 'EUR', 'x')$$, 'LX031', NULL, 'M31: not without bound');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 1, -10, 'EUR', 'x')$$, '23514', NULL, 'M31: for no negative sum');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 1, 'NaN', 'EUR', 'x')$$, '23514', NULL, 'M31: for a number');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 1, 10, 'eur', 'x')$$, '23514', NULL, 'M31: in a currency');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 1, 10, 'EUR', '')$$, '23514', NULL, 'M31: with a reference');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 1, 10, 'EUR', NULL)$$, '22004', NULL, 'M31: that is given');
SELECT is_empty('SELECT * FROM license WHERE account_id = 1', 'M31: what is refused grants nothing');

SELECT results_eq(
    $$SELECT * FROM record_payment(1, 11, 3, 99.90, 'EUR', 'p-1', at => '2026-03-01 12:00+00')$$,
    $$VALUES (2, 'added', timestamptz '2027-03-01 12:00+00'), (1, 'extended', '2028-03-01 12:00+00')$$,
    'M31, M47: a payment grants as a voucher does');
SELECT results_eq(
    $$SELECT site_id, sku, quantity, amount, currency, provider_reference, paid_at FROM payment$$,
    $$VALUES (11::bigint, '9137958', 3, 99.90, 'EUR', 'p-1', timestamptz '2026-03-01 12:00+00')$$,
    'M31: the payment is kept');
SELECT hasnt_column('license', 'payment', name, 'M31: card data is not: ' || name)
FROM unnest('{card,card_number,pan,cvc,card_holder}'::name[]) AS name;
CREATE TEMP TABLE granted AS SELECT * FROM license WHERE account_id = 1;
SELECT results_eq(
    $$SELECT * FROM record_payment(1, 11, 3, 99.9, 'EUR', 'p-1', at => '2026-03-01 12:05+00')$$,
    $$VALUES (2, 'added', timestamptz '2027-03-01 12:00+00'), (1, 'extended', '2028-03-01 12:00+00')$$,
    'M31: a retry is answered the same');
SELECT set_eq('SELECT * FROM license WHERE account_id = 1', 'SELECT * FROM granted', 'M31: and grants nothing');
SELECT is((SELECT count(*) FROM payment), 1::bigint, 'M31: nor is it kept twice');
SELECT is((SELECT count(*) FROM event WHERE at = '2026-03-01 12:05+00'), 0::bigint, 'M31: nor does the history tell of it');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 4, 99.9, 'EUR', 'p-1')$$, 'LX043', NULL, 'M31: another quantity is no retry');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 3, 99.8, 'EUR', 'p-1')$$, 'LX043', NULL, 'M31: nor another sum');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 3, 99.9, 'USD', 'p-1')$$, 'LX043', NULL, 'M31: nor another currency');
SELECT throws_ok($$SELECT * FROM record_payment(1, 13, 3, 99.9, 'EUR', 'p-1')$$, 'LX043', NULL, 'M31: nor another site');
SELECT throws_ok($$SELECT * FROM record_payment(1, 11, 3, 99.9, 'EUR', 'p-1', true)$$, 'LX043', NULL, 'M31: nor another renewal');
SELECT lives_ok($$SELECT * FROM record_payment(2, 21, 1, 1, 'EUR', 'p-1')$$, 'M31: another account has references of its own');

-- Recurring payment

SELECT is((SELECT bool_or(auto_renew) FROM site WHERE account_id = 1), false, 'M31: recurring payment is optional');
SELECT lives_ok($$SELECT * FROM record_payment(1, 11, 1, 33.3, 'EUR', 'p-2', true, '2026-04-01')$$, 'M31: it is chosen with a payment');
SELECT ok((SELECT auto_renew FROM site WHERE site_id = 11), 'M31: the site renews');
SELECT ok((SELECT bool_and(auto_renew) FROM license WHERE site_id = 11), 'M31: with its licences');
SELECT lives_ok($$SELECT * FROM record_payment(1, 11, 1, 33.3, 'EUR', 'p-3', at => '2026-05-01')$$, 'M31: a payment without it');
SELECT ok((SELECT auto_renew FROM site WHERE site_id = 11), 'M31: does not take it back');
UPDATE apartment SET seat_limit = 4 WHERE site_id = 11;
INSERT INTO apartment (account_id, apartment_id, site_id, name) VALUES (1, 113, 11, 'C');
INSERT INTO device (account_id, device_id, device_code, site_id, apartment_id) VALUES (1, 4, '4', 11, 113);
SELECT lives_ok(
    $$SELECT * FROM redeem_voucher(1, 11, (SELECT code::text FROM create_vouchers('9137958', 1)), '2026-06-01')$$,
    'M32: a voucher at such a site');
SELECT ok((SELECT bool_and(auto_renew) FROM license WHERE site_id = 11), 'M31: makes licences that renew as well');
SELECT is((SELECT bool_or(auto_renew) FROM license WHERE site_id <> 11), false, 'M31: other sites are not concerned');

-- What is bought

SELECT lives_ok(format('SELECT * FROM record_payment(1, %s, 1, 30, ''EUR'', ''s-%s'')', site_id, site_id), 'M35: paid at site ' || site_id)
FROM site WHERE site_id IN (12, 13, 14);
SELECT results_eq(
    $$SELECT site_id, sku FROM payment WHERE provider_reference LIKE 's-%' ORDER BY site_id$$,
    $$VALUES (12::bigint, 'COUNT-ANNUAL'), (13, '02683-001'), (14, '02683-001')$$,
    'M35, M37: what is recommended for the type and the region of the site');
INSERT INTO offer (sku, name, family, unit, term) VALUES ('MY-DEVICE', 'Annual device', '9137958', 'device', '1 year');
SELECT lives_ok($$SELECT * FROM record_payment(1, 12, 1, 30, 'EUR', 't-12')$$, 'M35: a vendor''s own offer');
SELECT is((SELECT sku FROM payment WHERE provider_reference = 't-12'), 'MY-DEVICE', 'M35: of the family comes first');
UPDATE offer SET regions = '{EU}' WHERE sku = '9137958';
INSERT INTO site (account_id, site_id, name, region) VALUES (1, 18, 'Station', 'ARCTIC');
SELECT throws_ok($$SELECT * FROM record_payment(1, 18, 1, 30, 'EUR', 'u-18')$$, 'LX030', NULL,
    'M37: where nothing is sold, nothing is paid; 9137958 can be confined to regions');
SELECT lives_ok($$SELECT * FROM record_payment(1, 12, 1, 30, 'EUR', 't-12')$$, 'M31: a retry is answered');
UPDATE offer SET regions = '{ARCTIC}' WHERE sku IN ('MY-DEVICE', 'COUNT-ANNUAL');
SELECT throws_ok($$SELECT * FROM record_payment(1, 12, 1, 30, 'EUR', 'u-12')$$, 'LX030', NULL, 'M37: when nothing is sold any more');
SELECT is((SELECT count(*) FROM record_payment(1, 12, 1, 30, 'EUR', 't-12')), 1::bigint, 'M31: a retry is answered all the same');

-- Recurring payment by plain SQL

INSERT INTO site (account_id, site_id, name) VALUES (1, 19, 'Mill');
SELECT lives_ok($$SELECT * FROM record_payment(1, 19, 1, 30, 'EUR', 'r-19', false, '2026-01-01 00:00+00')$$, 'M31: paid once');
UPDATE site SET auto_renew = true WHERE account_id = 1 AND site_id = 19;
SELECT ok((SELECT auto_renew FROM license WHERE account_id = 1 AND site_id = 19), 'M31: switched on for a site is so for its licences');
SELECT lives_ok($$SELECT * FROM sweep('2026-12-15 00:00+00')$$, 'M31: a notice falls due');
SELECT is((SELECT payload ->> 'auto_renew' FROM notice WHERE site_id = 19 AND state = 'sent'), 'true', 'M31: which tells it');
UPDATE site SET auto_renew = false WHERE account_id = 1 AND site_id = 19;
SELECT ok(NOT (SELECT auto_renew FROM license WHERE account_id = 1 AND site_id = 19), 'M31: and off again');
SELECT is_empty('SELECT * FROM check_seats()', 'M31: the seats add up');

SELECT * FROM finish();
ROLLBACK;
