-- Call2Teams: trials, internal licences, partner demonstration.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;

SELECT no_plan();

INSERT INTO account (account_id, parent_id, kind, name, currency) VALUES
    (7201, NULL, 'provider', 'Vendor', 'EUR'),
    (7202, 7201, 'partner', 'Partner', 'GBP'),
    (7203, 7202, 'client', 'Client', 'GBP'),
    (7204, 7202, 'internal', 'Staff', 'GBP'),
    (7205, NULL, 'internal', 'Not a partner yet', 'GBP'),
    (7206, 7202, 'client', 'Another client', 'GBP');
INSERT INTO partner_offer VALUES (7202, 'C2TU1'), (7202, 'C2TU-I1'), (7202, 'C2TUT'), (7202, 'T2TUT');
INSERT INTO offer_price VALUES ('C2TU1', 'GBP', 1, 5.00), ('C2TU-I1', 'GBP', 1, 2.00), ('C2TUT', 'GBP', 1, 4.00);

-- Trials

SELECT results_eq($$SELECT unit_price, new_total FROM license.quote(7203, '{"C2TUT": 5}')$$,
    $$VALUES (0::numeric, 0::numeric), (NULL, 0)$$, 'C26: trials are free, whatever a price list says');
SELECT lives_ok($$SELECT license.place_order(7203, '{"C2TUT": 5}', NULL, NULL, now() - interval '20 days')$$, 'C25: a trial is ordered');
SELECT is(ends_at, now() + interval '10 days', 'C25: it ends 30 days after the order') FROM subscription WHERE account_id = 7203 AND sku = 'C2TUT';
SELECT lives_ok($$SELECT license.place_order(7203, '{"C2TUT": 8}')$$, 'C26: its quantity can be amended');
SELECT results_eq('SELECT quantity, ends_at, total, status FROM license.subscription WHERE account_id = 7203 AND sku = ''C2TUT''',
    $$VALUES (8, now() + interval '10 days', 0::numeric, 'in_use')$$, 'C26: which does not restart the 30 days');
SELECT throws_ok('UPDATE license.license SET ends_at = ends_at + interval ''1 day'' WHERE account_id = 7203 AND sku = ''C2TUT''',
    'LX030', NULL, 'C26: no UPDATE gives a trial more time');
SELECT throws_ok($$INSERT INTO license.license (account_id, sku, status, starts_at, ends_at)
    VALUES (7203, 'C2TUT', 'in_use', now(), now() + interval '30 days')$$, '23505', NULL, 'C27: no INSERT a second trial');

SELECT lives_ok($$SELECT license.place_order(7206, '{"C2TUT": 5}', NULL, NULL, now() - interval '30 days')$$, 'C25: a trial of 30 days ago');
SELECT results_eq('SELECT s.status, l.status FROM license.subscription s JOIN license.license l USING (account_id, sku) WHERE account_id = 7206',
    $$VALUES ('contract_finalized', 'in_use')$$, 'C25: is over although no sweep has run');
SELECT set_hasnt('SELECT sku FROM license.available_offers(7206)', $$VALUES ('C2TUT')$$,
    'C27: a trial the account has had is not offered');
SELECT throws_ok($$SELECT license.place_order(7206, '{"C2TUT": 5}')$$, 'LX034', NULL, 'C27: nor given again after it ended');
SELECT throws_ok($$SELECT * FROM license.quote(7206, '{"C2TUT": 5}')$$, 'LX034', NULL, 'C27: nor quoted');
SELECT lives_ok($$SELECT license.place_order(7206, '{"T2TUT": 5}')$$, 'C27: the trial of another offer is');
SELECT lives_ok($$SELECT license.place_order(7206, '{"T2TUT": 0}')$$, 'C14: a trial can be cancelled');
SELECT throws_ok($$SELECT license.place_order(7206, '{"T2TUT": 5}')$$, 'LX034', NULL, 'C27: and is used up by that');
SELECT throws_ok($$INSERT INTO license.license (account_id, sku, status, starts_at, ends_at)
    VALUES (7206, 'T2TUT', 'in_use', now(), now() + interval '30 days')$$, '23505', NULL, 'C27: also for plain SQL');
SELECT throws_ok($$SELECT license.place_order(7206, '{"T2TUT": 0}')$$, 'LX031', NULL, 'C20: it cannot be cancelled twice');

-- Internal licences

SELECT throws_ok(format($$SELECT license.%s(%s, '{"C2TU-I1": 1}')$$, f, account), 'LX030', NULL,
    format('C22: %s of internal licences by %s is refused', f, account))
FROM unnest(ARRAY['place_order', 'quote']) AS f, unnest(ARRAY[7202, 7203, 7204]) AS account;
SELECT throws_ok($$SELECT license.apply_internal(7203, 'C2TU-I1', 5, 'SD-1')$$, 'LX030', NULL, 'C21: clients cannot apply');
SELECT throws_ok($$INSERT INTO license.internal_application (account_id, sku, quantity, ticket) VALUES (7203, 'C2TU-I1', 5, 'SD-1')$$,
    'LX030', NULL, 'C21: also not by plain SQL');
SELECT throws_ok($$INSERT INTO license.license (account_id, sku, status, starts_at, ends_at) VALUES (7203, 'C2TU-I1', 'in_use', now(), now() + interval '1 year')$$,
    'LX030', NULL, 'C21: no plain SQL gives a client internal licences');
SELECT throws_ok($$SELECT license.apply_internal(7202, 'C2TU1', 5, 'SD-1')$$, 'LX030', NULL, 'C22: other offers need no application');
SELECT throws_ok($$SELECT license.apply_internal(7202, 'C2TU-I1', 0, 'SD-1')$$, 'LX031', NULL, 'C23: for nothing nobody applies');
SELECT throws_ok($$SELECT license.apply_internal(7202, 'C2TU-I1', 5, '')$$, '23514', NULL, 'C22: a ticket is required');
SELECT throws_ok($$SELECT license.apply_internal(7202, 'C2TU-I1', 5, NULL)$$, '22004', NULL, 'C22: NULL is none');
SELECT throws_ok($$SELECT license.apply_internal(79999, 'C2TU-I1', 5, 'SD-1')$$, '23503', NULL, 'C21: an unknown account is refused');

CREATE TEMP TABLE application AS SELECT apply_internal(7204, 'C2TU-I1', 10, 'SD-7') AS id;
SELECT throws_ok($$SELECT license.apply_internal(7204, 'C2TU-I1', 12, 'SD-8')$$, '23505', NULL, 'C23: one application at a time');
SELECT is_empty('SELECT * FROM license.subscription WHERE account_id = 7204', 'C23: an application grants nothing');
SELECT throws_ok('UPDATE license.internal_application SET state = ''approved'', decided_at = now() WHERE account_id = 7204',
    '55000', NULL, 'C23: nor does an UPDATE');
SELECT lives_ok('SELECT license.decide_application(7204, id, true, ''2030-01-01'') FROM application', 'C23: the provider approves');
SELECT results_eq('SELECT sku, quantity, unit_price, total, ends_at FROM license.subscription WHERE account_id = 7204',
    $$VALUES ('C2TU-I1', 10, 2.00, 20.00, NULL::timestamptz)$$, 'C23: and the subscription is there, at the reduced rate');
SELECT results_eq('SELECT state, decided_at, applicant FROM license.internal_application WHERE account_id = 7204',
    $$VALUES ('approved', timestamptz '2030-01-01', 'internal')$$, 'C23: the decision is kept');
SELECT throws_ok(format('SELECT license.decide_application(7204, id, %L) FROM application', approve), '55000', NULL,
    'C23: a second decision is refused: ' || approve)
FROM unnest(ARRAY[true, false]) AS approve;
SELECT throws_ok('SELECT license.decide_application(7202, id, true) FROM application', '22023', NULL,
    'C23: an application of another account is not found');
SELECT throws_ok($$SELECT license.place_order(7204, '{"C2TU-I1": 0}')$$, 'LX030', NULL, 'C22: amending them needs a request too');
UPDATE application SET id = apply_internal(7204, 'C2TU-I1', 4, 'SD-9');
SELECT lives_ok('SELECT license.decide_application(7204, id, true, ''2030-02-01'') FROM application', 'C22: a second request amends');
SELECT results_eq('SELECT quantity, ends_at FROM license.subscription WHERE account_id = 7204',
    $$VALUES (4, NULL::timestamptz)$$, 'C22, P10: to the new total');
UPDATE application SET id = apply_internal(7204, 'C2TU-I1', 40, 'SD-10');
SELECT lives_ok('SELECT license.decide_application(7204, id, false) FROM application', 'C23: a request can be rejected');
SELECT is(quantity, 4, 'C23: which changes nothing') FROM subscription WHERE account_id = 7204;
SELECT is(count(*)::int, 2, 'C29: approvals are in the order history') FROM purchase WHERE account_id = 7204;
SELECT results_eq('SELECT action, new->>''state'' FROM license.event WHERE account_id = 7204 AND subject = ''internal_application'' ORDER BY event_id',
    $$VALUES ('apply_internal', 'requested'), ('decide_application', 'approved'), ('apply_internal', 'requested'),
    ('decide_application', 'approved'), ('apply_internal', 'requested'), ('decide_application', 'rejected')$$,
    'C29: and requests and decisions in the history');

CREATE TEMP TABLE early AS SELECT apply_internal(7205, 'C2TU-I1', 3, 'SD-11') AS id;
SELECT lives_ok('SELECT license.decide_application(7205, id, true) FROM early', 'C24: internal licences before onboarding');
UPDATE account SET parent_id = 7202 WHERE account_id = 7205;
SELECT is(quantity, 3, 'C24: carry over to the partner') FROM subscription WHERE account_id = 7205 AND currency = 'GBP';
SELECT throws_ok('UPDATE license.account SET kind = ''client'' WHERE account_id = 7205', 'LX030', NULL,
    'C21: an account with internal licences does not become a client');
SELECT throws_ok('UPDATE license.license SET account_id = 7203 WHERE account_id = 7205', 'LX030', NULL,
    'C21: nor do they move to one');
SELECT finalize(account_id, license_id, 'left') FROM license WHERE account_id = 7205 AND status = 'in_use';
CREATE TEMP TABLE turned AS SELECT apply_internal(7205, 'C2TU-I1', 6, 'SD-12') AS id;
UPDATE account SET kind = 'client' WHERE account_id = 7205;
SELECT throws_ok('SELECT license.decide_application(7205, id, true) FROM turned', 'LX030', NULL,
    'C21: an applicant that became a client is refused');
SELECT is(state, 'requested', 'C21: and the application is still open') FROM internal_application WHERE account_id = 7205 AND ticket = 'SD-12';

SELECT throws_ok($$UPDATE license.offer_price SET unit_price = 5 WHERE sku = 'C2TU-I1' AND currency = 'GBP'$$, '23514', NULL,
    'C23: internal licences are cheaper than standard ones');
SELECT throws_ok($$UPDATE license.offer_price SET unit_price = 2 WHERE sku = 'C2TU1' AND currency = 'GBP'$$, '23514', NULL,
    'C23: whichever price changes');
INSERT INTO offer_price VALUES ('C2TU-I1', 'JPY', 1, 5), ('C2TU1', 'JPY', 1, 10), ('C2TU1', 'JPY', 50, 8);
SELECT throws_ok($$UPDATE license.offer_price SET unit_price = 4 WHERE sku = 'C2TU1' AND currency = 'JPY' AND min_quantity = 50$$, '23514', NULL,
    'C23: at every quantity');
SELECT throws_ok($$INSERT INTO license.offer_price VALUES ('C2TU250', 'JPY', 250, 4)$$, '23514', NULL, 'C23: than every standard offer');
SELECT lives_ok($$UPDATE license.offer_price SET unit_price = 6 WHERE sku = 'C2TU1' AND currency = 'JPY' AND min_quantity = 50$$,
    'C23: what stays above is fine');
SELECT lives_ok($$INSERT INTO license.offer_price VALUES ('C2TU-I1', 'EUR', 1, 50)$$, 'C23: without a standard price any will do');
SELECT throws_ok($$INSERT INTO license.offer_price VALUES ('C2TU1', 'EUR', 1, 50)$$, '23514', NULL, 'C23: until there is one');

-- Partner demonstration

SELECT throws_ok($$SELECT license.place_order(7202, '{"PARTNER-DEMO": 5}')$$, 'LX030', NULL, 'C28: the demonstration needs the provider');
INSERT INTO partner_offer VALUES (7202, 'PARTNER-DEMO');
SELECT lives_ok($$SELECT license.place_order(7202, '{"PARTNER-DEMO": 5}', NULL, NULL, '2030-01-01')$$, 'C28: who enables it');
SELECT results_eq('SELECT quantity, status, ends_at FROM license.subscription WHERE account_id = 7202',
    $$VALUES (5, 'in_use', NULL::timestamptz)$$, 'C28: it does not expire');

SELECT * FROM finish();
ROLLBACK;
