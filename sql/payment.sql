-- Card payments: a retry is harmless, another payment is not taken for one.
SET timezone TO 'UTC';
INSERT INTO license.account (account_id, name) VALUES (461, 'Estate');
INSERT INTO license.site (account_id, site_id, name, site_type) VALUES (461, 46101, 'House', 'apartment'), (461, 46102, 'Undecided', NULL);
INSERT INTO license.site (account_id, site_id, name, license_model, legacy_ends_at) VALUES (461, 46103, 'Old', 'custom', '2030-01-01');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name) VALUES (461, 46111, 46101, 'A');
INSERT INTO license.device (account_id, device_id, device_code, site_id, apartment_id) VALUES (461, 46121, '1', 46101, 46111);

SELECT * FROM license.record_payment(461, 46101, 3, 90, 'EUR', 'card-1', true, '2026-03-01 12:00+00');
SELECT * FROM license.record_payment(461, 46101, 3, 90.00, 'EUR', 'card-1', true, '2026-03-01 12:01+00');
SELECT sku, quantity, amount, currency, auto_renew, paid_at FROM license.payment WHERE account_id = 461;
SELECT starts_at, ends_at, auto_renew FROM license.license WHERE account_id = 461;

SELECT * FROM license.record_payment(461, 46101, 2, 90, 'EUR', 'card-1', true);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM license.record_payment(461, 46102, 1, 30, 'EUR', 'card-2');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM license.record_payment(461, 46103, 1, 30, 'EUR', 'card-2');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO license.payment (account_id, site_id, sku, quantity, amount, currency, provider_reference)
VALUES (461, 46103, '9137958', 1, 30, 'EUR', 'card-2');
SELECT * FROM license.record_payment(461, 46101, 0, 30, 'EUR', 'card-2');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM license.record_payment(461, 46101, 1, 30, 'EUR', NULL);
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
SELECT * FROM license.record_payment(461, 46101, 1, 30, 'Euro', 'card-2');
SELECT * FROM license.record_payment(461, 46101, 1, -1, 'EUR', 'card-2');
\set VERBOSITY default
SELECT count(*) FROM license.payment WHERE account_id = 461;
