-- Vouchers: made, redeemed, cancelled, and what is said when that is refused.
SET timezone TO 'UTC';
INSERT INTO license.account (account_id, name, time_zone) VALUES (451, 'Estate', 'Europe/Prague');
INSERT INTO license.site (account_id, site_id, name, region, site_type) VALUES
    (451, 45101, 'House', 'EU', 'apartment'), (451, 45102, 'Campus', 'EU', 'device'), (451, 45103, 'Undecided', 'EU', NULL);
INSERT INTO license.site (account_id, site_id, name, license_model, legacy_ends_at) VALUES
    (451, 45104, 'Old', 'custom', '2030-01-01');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name)
    SELECT 451, 45110 + n, 45101, 'Apartment ' || n FROM generate_series(1, 5) n;
INSERT INTO license.device (account_id, device_id, device_code, site_id, apartment_id, kind)
    SELECT 451, 45120 + n, n, 45101, 45110 + n, 'phone' FROM generate_series(1, 4) n;

SELECT count(*) FROM license.create_vouchers('9137958', 3, 2, 'regress', '2026-01-01 00:00+00');
SELECT license.create_vouchers('9137958', 0);
\echo :LAST_ERROR_SQLSTATE
SELECT license.create_vouchers('no such offer', 1);
\echo :LAST_ERROR_SQLSTATE

-- known codes, so that they can be written down here
INSERT INTO license.voucher (code, batch, sku, quantity, purchased_at, valid_until) VALUES
    ('00000-00000-00000-00000-1117J', 'regress', '9137958', 3, '2026-01-01', '2029-01-01'),
    ('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'regress', '9137958', 3, '2026-01-01', '2029-01-01');
SELECT * FROM license.redeem_voucher(451, 45101, '0000000000000000000017j', '2026-03-01 12:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM license.redeem_voucher(451, 45101, '00000-00000-00000-00000-1117J', '2029-01-01');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM license.redeem_voucher(451, 45102, '00000-00000-00000-00000-1117J', '2026-03-01 12:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM license.redeem_voucher(451, 45103, '00000-00000-00000-00000-1117J', '2026-03-01 12:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM license.redeem_voucher(451, 45104, '00000-00000-00000-00000-1117J', '2026-03-01 12:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM license.redeem_voucher(451, 45199, '00000-00000-00000-00000-1117J', '2026-03-01 12:00+00');
\echo :LAST_ERROR_SQLSTATE

-- four apartments require a licence: three are covered, then one, and two units extend
SELECT * FROM license.redeem_voucher(451, 45101, 'ooooo-OOOOO-00000-00000-iil7j', '2026-03-01 12:00+00');
SELECT * FROM license.redeem_voucher(451, 45101, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', '2026-06-01 12:00+00');
SELECT * FROM license.site_coverage(451, 45101, '2026-06-01 12:00+00');
SELECT * FROM license.redeem_voucher(451, 45101, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', '2026-06-01 12:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT license.cancel_voucher('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'too late');
SELECT action, subject, old, new - 'split_from' AS new FROM license.event
WHERE account_id = 451 AND at = '2026-06-01 12:00+00' ORDER BY event_id;

-- another region, another batch
SELECT license.redeem_voucher(451, 45101, code::text) FROM license.create_vouchers('02683-001', 1, 1, 'regress US') code;
\echo :LAST_ERROR_SQLSTATE
SELECT license.cancel_voucher(code::text, 'printed wrong') FROM license.voucher WHERE batch = 'regress US';
SELECT license.create_vouchers('02683-001', 1, 1, 'regress US') IS NOT NULL AS created;
SELECT license.cancel_voucher(code::text, 'printed wrong') FROM license.voucher WHERE batch = 'regress US';
SELECT license.redeem_voucher(451, 45101, code::text) FROM license.voucher WHERE batch = 'regress US';
\echo :LAST_ERROR_SQLSTATE
UPDATE license.voucher SET state = 'active', cancel_reason = NULL WHERE batch = 'regress US';
UPDATE license.voucher SET state = 'used', redeemed_account_id = 451, redeemed_site_id = 45101, redeemed_at = now()
WHERE batch = 'regress' AND state = 'active';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM license.voucher WHERE batch = 'regress';
SELECT * FROM license.voucher_batch WHERE batch ~ '^regress' ORDER BY batch;
