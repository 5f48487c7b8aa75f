-- Offers, quotes, orders: what a partner sees and what is refused.
\set SHOW_CONTEXT never
BEGIN;
INSERT INTO license.account (account_id, parent_id, kind, name, currency) VALUES
    (7001, NULL, 'provider', 'Vendor', 'EUR'),
    (7002, 7001, 'partner', 'Partner', 'GBP'),
    (7003, 7002, 'client', 'Client', 'EUR');
INSERT INTO license.partner_offer VALUES
    (7002, 'C2TU1'), (7002, 'C2TU250'), (7002, 'T2TU80'), (7002, 'C2TUT'), (7002, 'C2TU-I1');
INSERT INTO license.offer_price VALUES
    ('C2TU1', 'GBP', 1, 5.00), ('C2TU1', 'GBP', 50, 4.50), ('C2TU250', 'GBP', 1, 3.20), ('C2TU-I1', 'GBP', 1, 2.00);

-- what can be ordered; what has no price can be too
SELECT * FROM license.available_offers(7003);

-- a quote stores nothing, an order everything in one step
SELECT sku, old_quantity, old_total, new_quantity, unit_price, new_total
FROM license.quote(7003, '{"C2TU1": 40, "C2TUT": 5}');
SELECT sku, old_total, new_total FROM license.quote(7003, '{"C2TU1": 40, "T2TU80": 82}');
SELECT license.place_order(7003, '{"C2TU1": 40, "C2TUT": 5}', version, 'Ann', '2030-01-10') > 0 AS placed
FROM license.quote(7003, '{"C2TU1": 40, "C2TUT": 5}') WHERE sku IS NULL;
SELECT account, sku, name, quantity, in_use, unit_price, total, currency, status, ends_at AT TIME ZONE 'UTC' AS ends_at
FROM license.subscription WHERE account_id = 7003 ORDER BY sku;
SELECT sku FROM license.available_offers(7003);

-- an amendment names the new total; 0 cancels
SELECT sku, old_quantity, old_total, new_quantity, unit_price, new_total
FROM license.quote(7003, '{"C2TU1": 60, "C2TUT": 0}');
SELECT license.place_order(7003, '{"C2TU1": 60, "C2TUT": 0}', NULL, 'Ann', '2030-01-15') > 0 AS placed;
SELECT sku, quantity, total, status FROM license.subscription WHERE account_id = 7003 ORDER BY sku;
SELECT p.placed_by, p.currency, l.sku, l.old_quantity, l.new_quantity, l.unit_price, l.total
FROM license.purchase p JOIN license.purchase_line l USING (account_id, purchase_id)
WHERE p.account_id = 7003 ORDER BY p.placed_at, l.sku;
SELECT at AT TIME ZONE 'UTC' AS at, subject, action, old, new
FROM license.event WHERE account_id = 7003 AND at = '2030-01-15' ORDER BY event_id;

-- what is refused
\set ON_ERROR_ROLLBACK on
SELECT license.place_order(7003, '{"NOPE": 1}');
SELECT license.place_order(7003, '{"T2TU1": 1}');
\echo :LAST_ERROR_SQLSTATE
SELECT license.place_order(7003, '{"C2TU-I1": 1}');
SELECT license.place_order(7003, '{"T2TU80": 79}');
\echo :LAST_ERROR_SQLSTATE
SELECT license.place_order(7003, '{"C2TU1": 2.5}');
SELECT license.place_order(7003, '{"C2TU1": "many"}');
SELECT license.place_order(7003, '{"C2TU250": 0, "T2TU80": 0}');
SELECT license.place_order(7003, '[40]');
SELECT license.place_order(7003, '{"C2TUT": 1}');
\echo :LAST_ERROR_SQLSTATE
SELECT license.place_order(7003, '{"C2TU1": 61}', 'what it was yesterday');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO license.account_user (account_id, user_id, email) VALUES (7003, 1, 'ann@client.example');
INSERT INTO license.seat (account_id, license_id, pool, user_id)
SELECT account_id, license_id, 'user', 1 FROM license.license WHERE account_id = 7003 AND sku = 'C2TU1';
SELECT license.place_order(7003, '{"C2TU1": 0}');
\echo :LAST_ERROR_SQLSTATE

-- prices keep their order, the tree of accounts has no circles
INSERT INTO license.offer_price VALUES ('C2TU1', 'GBP', 100, 4.60);
UPDATE license.offer_price SET unit_price = 5 WHERE sku = 'C2TU-I1' AND currency = 'GBP';
UPDATE license.account SET parent_id = 7003 WHERE account_id = 7001;

-- applications, and a client with its first subscriptions
SELECT license.apply_internal(7003, 'C2TU-I1', 5, 'SD-1');
SELECT license.apply_internal(7002, 'C2TU1', 5, 'SD-1');
SELECT license.apply_internal(7002, 'C2TU-I1', 5, 'SD-1') AS application \gset
SELECT license.decide_application(7002, :application, true);
UPDATE license.internal_application SET state = 'rejected' WHERE account_id = 7002;
SELECT license.create_client(7003, 'Nobody''s');
SELECT license.create_client(7002, 'Next client', '{"C2TU1": 3}') AS client \gset
SELECT account, sku, quantity, total, currency, status FROM license.subscription
WHERE account_id IN (7002, :client) ORDER BY sku;
ROLLBACK;
