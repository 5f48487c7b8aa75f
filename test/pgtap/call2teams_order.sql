-- Call2Teams: accounts, offers, quotes, orders and amendments.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;

SELECT no_plan();

INSERT INTO account (account_id, parent_id, kind, name, currency, region, time_zone) VALUES
    (7101, NULL, 'provider', 'Vendor', 'EUR', 'EU', 'UTC'),
    (7102, 7101, 'partner', 'Partner', 'GBP', 'UK', 'Europe/London'),
    (7103, 7102, 'client', 'Client', 'EUR', 'EU', 'UTC'),
    (7104, 7103, 'client', 'Sub-client', 'EUR', 'EU', 'UTC'),
    (7105, 7101, 'partner', 'Other partner', 'USD', 'US', 'UTC'),
    (7106, 7105, 'client', 'Foreign client', 'USD', 'US', 'UTC'),
    (7107, 7101, 'client', 'Nobody''s client', 'EUR', 'EU', 'UTC');
INSERT INTO partner_offer VALUES
    (7102, 'C2TU1'), (7102, 'C2TU250'), (7102, 'T2TU1'), (7102, 'T2TU80'), (7102, 'C2TUT'), (7102, 'C2TU-I1'),
    (7105, 'T2TU1');
INSERT INTO offer_price VALUES
    ('C2TU1', 'GBP', 1, 5.00), ('C2TU1', 'GBP', 50, 4.50), ('C2TU1', 'EUR', 1, 9.00),
    ('C2TU250', 'GBP', 250, 3.20), ('T2TU1', 'GBP', 1, 2.00);

-- Accounts

SELECT throws_ok('UPDATE license.account SET parent_id = 7104 WHERE account_id = 7102', '23514', NULL,
    'C1: an account cannot move below its own sub account');
SELECT throws_ok('INSERT INTO license.account (account_id, parent_id, name) VALUES (7191, 7192, ''a''), (7192, 7191, ''b'')',
    '23514', NULL, 'C1: two new accounts cannot be above each other');
SELECT lives_ok('UPDATE license.account SET parent_id = 7102 WHERE account_id = 7104',
    'C1: a sub account can move elsewhere in the tree');
SELECT lives_ok('INSERT INTO license.account (account_id, parent_id, name) VALUES (7194, 7193, ''b''), (7193, 7102, ''a'')',
    'C1: rows of a tree can be loaded in any order');
UPDATE account SET parent_id = 7103 WHERE account_id = 7104;

-- Offers

SELECT throws_ok($$INSERT INTO license.partner_offer VALUES (7103, 'C2TU1')$$, '23514', NULL, 'C2: offers are enabled for partners only');
SELECT throws_ok($$UPDATE license.partner_offer SET account_id = 7101 WHERE account_id = 7105$$, '23514', NULL, 'C2: also by UPDATE');
SELECT throws_ok($$UPDATE license.account SET kind = 'distributor' WHERE account_id = 7105$$, '23514', NULL,
    'C2: who has some stays a partner');
SELECT set_eq('SELECT sku FROM license.available_offers(7103)',
    ARRAY['C2TU1', 'C2TU250', 'T2TU1', 'T2TU80', 'C2TUT'],
    'C2, C17, C22: exactly what is enabled for the partner is offered, and nothing internal');
SELECT set_eq('SELECT sku FROM license.available_offers(7104)', 'SELECT sku FROM license.available_offers(7103)',
    'C3: offers reach sub accounts of any depth');
SELECT set_eq('SELECT sku FROM license.available_offers(7106)', ARRAY['T2TU1'], 'C2: another partner sees its own offers');
SELECT is_empty('SELECT * FROM license.available_offers(7107)', 'C2: no partner, no offers');
SELECT results_eq('SELECT sku, unit_price, currency FROM license.available_offers(7103) WHERE sku LIKE ''C2TU%''',
    $$VALUES ('C2TU1', 5.00, 'GBP'), ('C2TU250', 3.20, 'GBP'), ('C2TUT', 0, 'GBP')$$,
    'C12: offers cost what their smallest quantity costs in the currency of the partner');
SELECT throws_ok('SELECT * FROM license.available_offers(79999)', '23503', NULL, 'C2: an unknown account is refused');
SELECT throws_ok('SELECT * FROM license.available_offers(NULL)', '22004', NULL, 'C2: no account is refused');

SELECT throws_ok($$SELECT license.place_order(7106, '{"C2TU1": 1}')$$, 'LX030', NULL,
    'C3: an offer not enabled for the partner of the account is refused');
SELECT throws_ok($$SELECT license.place_order(7107, '{"C2TU1": 1}')$$, 'LX030', NULL,
    'C3: an account without partner cannot order');
SELECT throws_ok($$SELECT * FROM license.quote(7106, '{"C2TU1": 1}')$$, 'LX030', NULL,
    'C3: a quote of it is refused too');

-- Families and minimum quantities

SELECT set_eq('SELECT sku, family, unit FROM license.offer WHERE sku ~ ''^(C2TU|T2TU)''', $$VALUES
    ('C2TU1', 'C2TU', 'user'), ('C2TU250', 'C2TU', 'user'), ('C2TU-I1', 'C2TU', 'user'), ('C2TUT', 'C2TU', 'user'),
    ('T2TU1', 'T2TU', 'user'), ('T2TU80', 'T2TU', 'user'), ('T2TUT', 'T2TU', 'user')$$, 'C5: the families are shipped');
SELECT throws_ok($$SELECT license.place_order(7103, '{"T2TU80": 79}')$$, 'LX031', NULL, 'C6: 79 of T2TU80 are refused');
SELECT throws_ok($$SELECT * FROM license.quote(7103, '{"C2TU250": 249}')$$, 'LX031', NULL, 'C6: a quote of 249 of C2TU250 is refused');

-- Quantities

SELECT throws_ok(format('SELECT license.place_order(7103, %L)', items), 'LX031', NULL, 'C14: refused: ' || items)
FROM unnest(ARRAY['{"C2TU1": -1}', '{"C2TU1": 0.5}', '{"C2TU1": "4"}', '{"C2TU1": null}', '{"C2TU1": [4]}',
    '{"C2TU1": 2147483648}', '{"C2TU1": 1e99}']) AS items;
SELECT throws_ok($$SELECT license.place_order(7103, '{"C2TU1": 0, "T2TU1": 0}')$$, 'LX031', NULL, 'C20: an all-zero order is refused');
SELECT throws_ok($$SELECT license.place_order(7103, '{}')$$, 'LX031', NULL, 'C20: an empty order is refused');
SELECT throws_ok(format('SELECT license.place_order(7103, %L)', items), '22023', NULL, 'C18: no basket: ' || items)
FROM unnest(ARRAY['[]', '4', 'null', '"C2TU1"']) AS items;
SELECT throws_ok('SELECT license.place_order(7103, NULL)', '22004', NULL, 'C18: NULL is no basket');
SELECT is_empty('SELECT * FROM license.purchase WHERE account_id = 7103', 'C11: what was refused left no order');

-- Quotes

SELECT results_eq($$SELECT sku, old_quantity, old_total, new_quantity, unit_price, new_total
    FROM license.quote(7103, '{"C2TU1": 40, "T2TU1": 10, "C2TU250": 0}')$$,
    $$VALUES ('C2TU1', 0, 0::numeric, 40, 5.00, 200.00), ('C2TU250', 0, 0, 0, 3.20, 0), ('T2TU1', 0, 0, 10, 2.00, 20.00),
    (NULL, NULL, 0, NULL, NULL, 220.00)$$, 'C10, C12, C18: a quote shows every line and the total due');
SELECT is_empty('SELECT * FROM license.license WHERE account_id = 7103', 'C10, C18: a quote stores nothing');
SELECT results_eq($$SELECT sku, unit_price, new_total FROM license.quote(7103, '{"C2TU1": 1, "T2TU80": 80}')$$,
    $$VALUES ('C2TU1', 5.00, 5.00), ('T2TU80', NULL, NULL), (NULL, NULL, NULL)$$,
    'C12: where no price fits, prices and totals are NULL');
SELECT results_eq($$SELECT sku, old_total, new_total FROM license.quote(7103, '{}')$$,
    $$VALUES (NULL::text, 0::numeric, 0::numeric)$$, 'C12: an empty basket costs nothing');

-- Orders

CREATE TEMP TABLE seen AS SELECT version FROM quote(7103, '{"C2TU1": 40, "T2TU1": 10, "C2TU250": 0}') LIMIT 1;
SELECT lives_ok($$SELECT license.place_order(7103, '{"C2TU1": 40, "T2TU1": 10, "C2TU250": 0}',
    (SELECT version FROM seen), 'Ann', '2030-03-31 08:00+00')$$, 'C19: an order turns the basket into subscriptions');
SELECT results_eq($$SELECT sku, quantity, in_use, unit_price, total, currency, status, ends_at
    FROM license.subscription WHERE account_id = 7103 ORDER BY sku$$,
    $$VALUES ('C2TU1', 40, 0, 5.00, 200.00, 'GBP', 'in_use', NULL::timestamptz),
    ('T2TU1', 10, 0, 2.00, 20.00, 'GBP', 'in_use', NULL)$$,
    'C4, C9, C20: a subscription carries its quantity and price; a zero is ignored');
SELECT set_eq('SELECT sku FROM license.available_offers(7103)', ARRAY['C2TU250', 'T2TU80', 'C2TUT'],
    'C17, C19: what was ordered left the purchase list');
SELECT throws_ok($$INSERT INTO license.license (account_id, sku, status, starts_at, ends_at)
    VALUES (7103, 'C2TU1', 'in_use', '2030-04-01', '2031-04-01')$$, '23505', NULL,
    'C4: a second live subscription of an offer is refused by plain SQL too');
SELECT lives_ok($$INSERT INTO license.license (account_id, sku, status, starts_at, ends_at)
    VALUES (7103, 'C2TU1', 'contract_finalized', '2029-04-01', '2030-04-01')$$, 'C4: a former one may be imported beside it');
SELECT lives_ok($$INSERT INTO license.license (account_id, sku, status, starts_at, ends_at) VALUES
    (7103, '9137958', 'in_use', '2030-04-01', '2031-04-01'), (7103, '9137958', 'in_use', '2030-04-01', '2031-04-01')$$,
    'C4: other products may have several licences of one offer');
SELECT is_empty('SELECT * FROM license.subscription WHERE account_id = 7103 AND sku = ''9137958''',
    'C9: licences of other products are no subscriptions');

-- Amendments

SELECT throws_ok($$SELECT license.place_order(7103, '{"C2TU1": 41}', (SELECT version FROM seen))$$, 'LX033', NULL,
    'C13: an order on a stale quote is refused');
SELECT results_eq($$SELECT sku, old_quantity, old_total, new_quantity, unit_price, new_total
    FROM license.quote(7103, '{"C2TU1": 60, "T2TU1": 4}')$$,
    $$VALUES ('C2TU1', 40, 200.00, 60, 4.50, 270.00), ('T2TU1', 10, 20.00, 4, 2.00, 8.00), (NULL, NULL, 220.00, NULL, NULL, 278.00)$$,
    'C10, C12, T2: old and new cost stand beside each other, each at its tier');
CREATE TEMP TABLE before_price AS SELECT version FROM quote(7103, '{"C2TU1": 60}') LIMIT 1;
UPDATE offer_price SET unit_price = 4.40 WHERE sku = 'C2TU1' AND currency = 'GBP' AND min_quantity = 50;
SELECT throws_ok($$SELECT license.place_order(7103, '{"C2TU1": 60}', (SELECT version FROM before_price))$$, 'LX033', NULL,
    'C13: so is one on prices that changed');
SELECT lives_ok($$SELECT license.place_order(7103, '{"C2TU1": 60, "T2TU1": 4}', NULL, 'Ben', '2030-04-10')$$,
    'C11: all amendments of an order are stored in one step');
SELECT results_eq('SELECT sku, quantity, ends_at FROM license.subscription WHERE account_id = 7103 AND status = ''in_use'' ORDER BY sku',
    $$VALUES ('C2TU1', 60, NULL::timestamptz), ('T2TU1', 4, NULL)$$,
    'C16, P10: both directions at once; the quantity is the new total and the term stays');
SELECT throws_ok($$SELECT license.place_order(7103, '{"C2TU1": 70, "T2TU80": 79}')$$, 'LX031', NULL, 'C11: one bad line');
SELECT is(quantity, 60, 'C11: stops the whole order') FROM subscription WHERE account_id = 7103 AND sku = 'C2TU1' AND status = 'in_use';

-- In use

INSERT INTO account_user (account_id, user_id, email) SELECT 7103, n, n || '@client.example' FROM generate_series(71001, 71003) AS n;
INSERT INTO seat (account_id, license_id, pool, user_id)
SELECT l.account_id, l.license_id, 'user', u.user_id FROM license l JOIN account_user u USING (account_id)
WHERE l.account_id = 7103 AND l.sku = 'T2TU1';
SELECT is(in_use, 3, 'C15: users are on licences') FROM subscription WHERE account_id = 7103 AND sku = 'T2TU1';
SELECT throws_ok($$SELECT license.place_order(7103, '{"T2TU1": 2}')$$, 'LX032', NULL, 'C15: less than that is refused');
SELECT throws_ok($$SELECT license.place_order(7103, '{"T2TU1": 0}')$$, 'LX032', NULL, 'C15: so is a cancellation');
SELECT throws_ok($$SELECT license.place_order(7103, '{"C2TU1": 80, "T2TU1": 2}')$$, 'LX032', NULL, 'C11, C15: with all else of the order');
SELECT is(quantity, 60, 'C11, C15: which left no trace') FROM subscription WHERE account_id = 7103 AND sku = 'C2TU1' AND status = 'in_use';
SELECT lives_ok($$SELECT license.place_order(7103, '{"T2TU1": 3}', NULL, NULL, '2030-04-11')$$, 'C15: exactly what is in use is enough');
SELECT lives_ok($$SELECT license.place_order(7103, '{"T2TU80": 80}', NULL, NULL, '2030-04-12')$$,
    'P11: the cheaper tier is ordered first, beside the other');
DELETE FROM seat WHERE account_id = 7103;
SELECT lives_ok($$SELECT license.place_order(7103, '{"T2TU1": 0, "T2TU80": 90}', NULL, NULL, '2030-04-13')$$,
    'P11, C14: and the old one is cancelled once nobody is on it');
SELECT results_eq('SELECT quantity, total, status FROM license.subscription WHERE account_id = 7103 AND sku = ''T2TU1''',
    $$VALUES (0, 0::numeric, 'contract_finalized')$$, 'C14: 0 cancels');
SELECT is(reason, 'cancelled', 'C14: and says so') FROM license WHERE account_id = 7103 AND sku = 'T2TU1';
SELECT throws_ok($$INSERT INTO license.seat (account_id, license_id, pool, user_id)
    SELECT account_id, license_id, 'user', 71001 FROM license.license WHERE account_id = 7103 AND sku = 'T2TU1'$$, 'LX001', NULL,
    'C14: a cancelled subscription gives no seat');
SELECT set_has('SELECT sku FROM license.available_offers(7103)', $$VALUES ('T2TU1')$$, 'C17: what was cancelled can be ordered again');
SELECT lives_ok($$SELECT license.place_order(7103, '{"T2TU1": 5}', NULL, NULL, '2030-04-14')$$, 'C4: as a new subscription');

SELECT lives_ok($$SELECT license.place_order(7103, '{"T2TU80": 90}', NULL, NULL, '2030-04-14')$$, 'C6: above the minimum');
SELECT throws_ok($$UPDATE license.license_pool SET maximum = 79 WHERE account_id = 7103 AND maximum = 90$$, 'LX031', NULL,
    'C6: plain SQL goes no lower than it');
SELECT lives_ok($$UPDATE license.license_pool SET maximum = 80 WHERE account_id = 7103 AND maximum = 90$$, 'C6: only down to it');
SELECT lives_ok($$SELECT license.place_order(7103, '{"T2TU80": 0}', NULL, NULL, '2030-04-14')$$, 'C6, C14: or to nothing');

-- What is no longer enabled or has ended

DELETE FROM partner_offer WHERE account_id = 7102 AND sku = 'T2TU1';
SELECT throws_ok($$SELECT license.place_order(7103, '{"T2TU1": 6}')$$, 'LX030', NULL, 'C2: an offer taken away cannot be extended');
SELECT lives_ok($$SELECT license.place_order(7103, '{"T2TU1": 4}', NULL, NULL, '2030-04-15')$$, 'C2: only reduced');
SELECT lives_ok($$SELECT license.place_order(7103, '{"T2TU1": 0}', NULL, NULL, '2030-04-16')$$, 'C2: or cancelled');
SELECT is((SELECT count(*) FROM license.sweep('2050-01-01')), 1::bigint, 'C16a: the sweep runs twenty years later');
SELECT is((SELECT status FROM license.license WHERE account_id = 7103 AND sku = 'C2TU1' AND starts_at = '2030-03-31 08:00+00'), 'in_use',
    'C16a: a subscription that is no trial has no end and runs until it is cancelled');
SELECT is_empty($$SELECT sku FROM license.offer WHERE sku ~ '^[CT]2TU' AND (term IS NULL) = trial$$, 'C16a: of the shipped offers for users only trials have a term');
-- one that was imported with an end
UPDATE license.license SET ends_at = '2031-03-31 08:00+00' WHERE account_id = 7103 AND sku = 'C2TU1' AND starts_at = '2030-03-31 08:00+00';
SELECT lives_ok($$SELECT license.place_order(7103, '{"C2TU1": 7}', NULL, NULL, '2031-04-01')$$,
    'C4: what has ended is ordered anew, whether or not the sweep has run');
SELECT results_eq('SELECT old_quantity, new_quantity FROM license.purchase_line l JOIN license.purchase p USING (account_id, purchase_id)
    WHERE p.account_id = 7103 AND placed_at = ''2031-04-01''', 'VALUES (0, 7)', 'C4: from nothing');
SELECT results_eq($$SELECT status, reason, starts_at FROM license.license WHERE account_id = 7103 AND sku = 'C2TU1' AND starts_at > '2030-01-01' ORDER BY starts_at$$,
    $$VALUES ('contract_finalized', 'contract ended', timestamptz '2030-03-31 08:00+00'), ('in_use', NULL, '2031-04-01')$$,
    'C4: the former one is finalized then');

-- History

SELECT results_eq('SELECT p.placed_by, l.sku, l.old_quantity, l.new_quantity, l.unit_price, l.total, p.currency
    FROM license.purchase p JOIN license.purchase_line l USING (account_id, purchase_id)
    WHERE p.account_id = 7103 AND p.placed_at <= ''2030-04-10'' ORDER BY p.placed_at, l.sku',
    $$VALUES ('Ann', 'C2TU1', 0, 40, 5.00, 200.00, 'GBP'), ('Ann', 'T2TU1', 0, 10, 2.00, 20.00, 'GBP'),
    ('Ben', 'C2TU1', 40, 60, 4.40, 264.00, 'GBP'), ('Ben', 'T2TU1', 10, 4, 2.00, 8.00, 'GBP')$$,
    'C29: orders and amendments are kept with their prices');
SELECT results_eq($$SELECT subject, action, new FROM license.event WHERE account_id = 7103 AND at = '2030-04-10' ORDER BY event_id$$,
    $$VALUES ('license_pool', 'place_order', '{"pool": "user", "maximum": 60}'::jsonb),
    ('license_pool', 'place_order', '{"pool": "user", "maximum": 4}'),
    ('purchase', 'place_order', '{"items": {"C2TU1": 60, "T2TU1": 4}, "placed_by": "Ben"}')$$,
    'C29, P11: and in the history, more before less');
SELECT throws_ok(format(s, t), 'LX050', NULL, format('C29: they cannot be changed or removed: ' || s, t))
FROM unnest('{purchase,purchase_line}'::text[]) t, unnest(ARRAY['UPDATE license.%I SET account_id = account_id',
    'DELETE FROM license.%I', 'TRUNCATE license.%I CASCADE']) s;
SET LOCAL license_ext.actor = 'portal';
SELECT lives_ok($$SELECT license.place_order(7104, '{"C2TU1": 1}')$$, 'C3: a sub account of any depth gets its own subscriptions');
SELECT is(placed_by, 'portal', 'C29: an order is placed by the actor unless somebody is named') FROM purchase WHERE account_id = 7104;

-- The wizard

SELECT lives_ok($$SELECT license.create_client(7102, 'Wizard', '{"C2TU1": 12, "C2TUT": 3}', '2030-05-01')$$,
    'C8: an account is created with its subscriptions');
SELECT results_eq('SELECT parent_id, kind, region, currency, time_zone, created_at FROM license.account WHERE name = ''Wizard''',
    $$VALUES (7102::bigint, 'client', 'UK', 'GBP', 'Europe/London', timestamptz '2030-05-01')$$, 'C1, C12: like its partner');
SELECT results_eq('SELECT sku, quantity FROM license.subscription WHERE account = ''Wizard'' ORDER BY sku',
    $$VALUES ('C2TU1', 12), ('C2TUT', 3)$$, 'C8: it already has them');
SELECT throws_ok($$SELECT license.create_client(7102, 'Broken', '{"C2TU1": 12, "T2TU80": 1}')$$, 'LX031', NULL, 'C8: a wrong quantity');
SELECT is_empty('SELECT * FROM license.account WHERE name = ''Broken''', 'C8: leaves no account behind');
SELECT lives_ok($$SELECT license.create_client(7102, 'Empty')$$, 'C8: subscriptions can come later');
SELECT throws_ok($$SELECT license.create_client(7103, 'Grandchild')$$, '22023', NULL, 'C7: only a partner has clients');
SELECT throws_ok($$SELECT license.create_client(79999, 'Orphan')$$, '22023', NULL, 'C7: an unknown partner is refused');
SELECT throws_ok($$SELECT license.create_client(7102, NULL)$$, '22004', NULL, 'C8: a name is needed');
UPDATE account SET closed_at = '2030-06-01', created_at = '2029-01-01' WHERE account_id = 7104;
SELECT throws_ok($$SELECT license.place_order(7104, '{"C2TU1": 2}', NULL, NULL, '2030-06-01')$$, '55000', NULL, 'C11: a closed account cannot order');
SELECT throws_ok($$SELECT license.place_order(79999, '{"C2TU1": 2}')$$, '23503', NULL, 'C11: nor one that does not exist');

-- Who may do it

CREATE FUNCTION pg_temp.try(role name, command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE command INTO answer;
    SET LOCAL ROLE NONE;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
CREATE ROLE call2teams_partner;
CREATE ROLE call2teams_client;
SELECT grant_access('call2teams_partner', 'partner', 7102), grant_access('call2teams_client', 'customer', 7103);
SELECT is(pg_temp.try('call2teams_partner', $$SELECT license.place_order(7103, '{"C2TU250": 250}') > 0$$), 'true', 'C7: a partner orders for its clients');
SELECT is(pg_temp.try('call2teams_partner', $$SELECT license.place_order(7106, '{"T2TU1": 1}')$$), '42501', 'C3: not for those of others');
SELECT is(pg_temp.try('call2teams_partner', $$SELECT license.create_client(7105, 'Stolen')$$), '42501', 'C3: nor creates any there');
SELECT is(pg_temp.try('call2teams_partner', 'SELECT license.decide_application(7102, 1, true)'), '42501', 'C23: nor decides about internal licences');
SELECT is(pg_temp.try('call2teams_client', format('SELECT license.%s(7103, ''{"C2TU1": 1}'')', f)), '42501', 'C7: a client calls no ' || f)
FROM unnest(ARRAY['place_order', 'quote']) AS f;
SELECT is(pg_temp.try('call2teams_client', 'SELECT string_agg(DISTINCT account || '' '' || coalesce(currency, ''of others''), '','') FROM license.subscription'),
    'Client GBP,Sub-client GBP', 'C9: a client sees the subscriptions of its own accounts only, in the currency it is charged in');
SELECT is(pg_temp.try('call2teams_partner', 'SELECT string_agg(DISTINCT account, '','' ORDER BY account) FROM license.subscription'),
    'Client,Sub-client,Wizard', 'C9: a partner sees those of all below it');

-- Prices

SELECT throws_ok($$INSERT INTO license.offer_price VALUES ('C2TU1', 'GBP', 100, 4.41)$$, '23514', NULL, 'T2: a price may not rise with the quantity');
SELECT throws_ok($$UPDATE license.offer_price SET unit_price = 4 WHERE sku = 'C2TU1' AND currency = 'GBP' AND min_quantity = 1$$,
    '23514', NULL, 'T2: also not by an UPDATE');
SELECT lives_ok($$INSERT INTO license.offer_price VALUES ('C2TU1', 'CHF', 100, 3), ('C2TU1', 'CHF', 1, 4), ('C2TU1', 'CHF', 50, 3)$$,
    'T2: tiers may come in any order and be equal');
SELECT is(license._unit_price('C2TU1', 'CHF', quantity), price, format('T2: %s cost %s each', quantity, price))
FROM (VALUES (1, 4::numeric), (49, 4), (50, 3), (100, 3), (2147483647, 3)) AS _ (quantity, price);

SELECT is_empty('SELECT * FROM license.check_seats()', 'C15: the counts are right');
SELECT * FROM finish();
ROLLBACK;
