\echo '## A voucher'
\echo '# The distributor makes two codes of ten apartment-years each. Bought, they grant nothing yet.'
SELECT code FROM license.create_vouchers('9137958', 2, 10, 'autumn-2026') AS code;
\set ECHO none
SELECT min(code::text) AS first, max(code::text) AS second FROM license.voucher WHERE batch = 'autumn-2026' \gset
\set ECHO queries
\echo '# The owner redeems one for Harbour House:'
SELECT quantity, action, ends_at::date FROM license.redeem_voucher(10, 1001, :'first');

SELECT site, apartments_requiring_license AS need_one, licenses_held AS held, order_text AS to_order
FROM license.site_dashboard
WHERE account_id = 10 AND site_id = 1001;

\set ECHO none
SELECT order_text = '7x 9137958' AS ok FROM license.site_dashboard WHERE account_id = 10 AND site_id = 1001 \gset
\i expect.sql
\echo '# Once is once:'
\set ON_ERROR_STOP off
SELECT quantity, action, ends_at::date FROM license.redeem_voucher(10, 1001, :'first');
\set ON_ERROR_STOP on
\set expected LX021
\i refused.sql
\echo '# A code carries its own checksum, so a mistyped one is told before anything is looked up:'
SELECT license.is_valid_key(:'second') AS as_printed,
    license.is_valid_key(overlay(:'second' PLACING 'AB' FROM 3 FOR 2)) AS mistyped;
\echo '# The remaining seven are paid by card. The card provider reports the payment twice; it counts once:'
SELECT quantity, action, ends_at::date FROM license.record_payment(10, 1001, 7, 168.00, 'EUR', 'ch_7Q2LX');
SELECT quantity, action, ends_at::date FROM license.record_payment(10, 1001, 7, 168.00, 'EUR', 'ch_7Q2LX');
SELECT site, licenses_held AS held, order_text AS to_order
FROM license.site_dashboard
WHERE account_id = 10 AND site_id = 1001;

\set ECHO none
SELECT licenses_held = 17 AND licenses_to_order = 0 AS ok
FROM license.site_dashboard WHERE account_id = 10 AND site_id = 1001 \gset
\i expect.sql
