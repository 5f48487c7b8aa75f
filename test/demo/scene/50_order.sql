\echo '## A voice partner orders for its client'
\echo '# Oakfield Law has 40 PBX users. What else may Tonewire sell it, and what would a change cost?'
SELECT * FROM license.available_offers(31) ORDER BY sku;
SELECT sku, old_quantity AS old, old_total, new_quantity AS new, unit_price, new_total
FROM license.quote(31, '{"C2TU1": 60, "T2TU80": 82}');
\set ECHO none
SELECT version AS version FROM license.quote(31, '{"C2TU1": 60, "T2TU80": 82}') WHERE sku IS NULL \gset
\set ECHO queries
\echo '# Nothing is stored by asking. The order names the version of the quote it was made from:'
SELECT license.place_order(31, '{"C2TU1": 60, "T2TU80": 82}',
    quote_version => :'version', placed_by => 'maya@tonewire') AS purchase;

SELECT account, sku, quantity, in_use, unit_price, total, currency, status
FROM license.subscription
WHERE account_id = 31
ORDER BY sku;

\set ECHO none
SELECT array_agg(quantity ORDER BY sku) = '{60,82}' AS ok FROM license.subscription WHERE account_id = 31 \gset
\i expect.sql
\echo '# A colleague still has the old quote on the screen:'
\set ON_ERROR_STOP off
SELECT license.place_order(31, '{"C2TU1": 45}',
    quote_version => :'version', placed_by => 'tom@tonewire');
\set ON_ERROR_STOP on
\set expected LX033
\i refused.sql
\echo '# The price from 80 trunk users on is not for 50 of them:'
\set ON_ERROR_STOP off
SELECT * FROM license.quote(31, '{"T2TU80": 50}');
\set ON_ERROR_STOP on
\set expected LX031
\i refused.sql
