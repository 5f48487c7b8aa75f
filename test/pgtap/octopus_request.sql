-- Octopus: requesting and issuing a licence, O1 to O11.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL license_ext.actor TO 'tester';

SELECT no_plan();

INSERT INTO account (account_id, parent_id, kind, name) VALUES
    (100, NULL, 'provider', 'Provider'),
    (101, 100, 'distributor', 'Distributor'),
    (102, 101, 'partner', 'Partner'),
    (103, 102, 'client', 'Hotel chain'),
    (111, 100, 'distributor', 'Other distributor'),
    (112, 111, 'partner', 'Other partner');
INSERT INTO site (account_id, site_id, name, sector) VALUES
    (103, 200, 'Office', 'office'),
    (103, 201, 'Hotel', 'hospitality');

PREPARE ask(bigint, bigint, bigint, integer, text, integer, integer, text[]) AS
INSERT INTO license_request (account_id, site_id, partner_id, distributor_id, years, payment_form, access_points, rooms, modules)
VALUES (103, $1, $2, $3, $4, $5, $6, $7, $8);

-- Required data

SELECT lives_ok($$EXECUTE ask(200, 102, 101, 3, 'annual', 20, NULL, '{business}')$$, 'O4: a complete request is accepted');
SELECT is((SELECT modules FROM license_request), '{guest,business}', 'O1: the base module is added to every request');
SELECT lives_ok($$EXECUTE ask(200, 102, 101, 1, 'monthly', 20, NULL, '{}')$$, 'O8: the list of advanced modules may be empty');
SELECT is((SELECT modules FROM license_request ORDER BY request_id DESC LIMIT 1), '{guest}', 'O1: also when none was asked for');
SELECT throws_ok($$EXECUTE ask(299, 102, 101, 1, 'annual', 20, NULL, '{}')$$, '23503', NULL, 'O2: an unknown location is refused');
SELECT throws_ok($$EXECUTE ask(NULL, 102, 101, 1, 'annual', 20, NULL, '{}')$$,
    '23502', 'null value in column "site_id" of relation "license_request" violates not-null constraint', 'O4: missing site_id is refused by name');
SELECT throws_ok($$EXECUTE ask(200, NULL, 101, 1, 'annual', 20, NULL, '{}')$$,
    '23502', 'null value in column "partner_id" of relation "license_request" violates not-null constraint', 'O4: missing partner_id is refused by name');
SELECT throws_ok($$EXECUTE ask(200, 102, NULL, 1, 'annual', 20, NULL, '{}')$$,
    '23502', 'null value in column "distributor_id" of relation "license_request" violates not-null constraint', 'O4: missing distributor_id is refused by name');
SELECT throws_ok($$EXECUTE ask(200, 102, 101, NULL, 'annual', 20, NULL, '{}')$$,
    '23502', 'null value in column "years" of relation "license_request" violates not-null constraint', 'O4, O5: missing years are refused by name');
SELECT throws_ok($$EXECUTE ask(200, 102, 101, 1, NULL, 20, NULL, '{}')$$,
    '23502', 'null value in column "payment_form" of relation "license_request" violates not-null constraint', 'O4, O6: missing payment_form is refused by name');
SELECT throws_ok($$EXECUTE ask(200, 102, 101, 1, 'annual', 20, NULL, NULL)$$,
    '23502', 'null value in column "modules" of relation "license_request" violates not-null constraint', 'O4: missing modules are refused by name');
SELECT throws_ok($$EXECUTE ask(200, 102, 101, 1, 'annual', NULL, NULL, '{}')$$,
    '23514', 'a licence request for this location needs access_points', 'O4, O7: missing access_points are refused by name');
SELECT throws_ok($$EXECUTE ask(201, 102, 101, 1, 'annual', NULL, NULL, '{}')$$,
    '23514', 'a licence request for a hospitality location needs rooms', 'O4, O7: missing rooms are refused by name');

SELECT throws_ok(format('EXECUTE ask(200, 102, 101, %s, ''annual'', 20, NULL, ''{}'')', years), '23514', NULL,
    format('O5: %s years are refused', years)) FROM unnest('{-1,0,6}'::integer[]) AS years;
SELECT lives_ok(format('EXECUTE ask(200, 102, 101, %s, ''annual'', 20, NULL, ''{}'')', years),
    format('O5: %s years are accepted', years)) FROM unnest('{1,5}'::integer[]) AS years;
SELECT throws_ok(format('EXECUTE ask(200, 102, 101, 1, %L, 20, NULL, ''{}'')', form), '23514', NULL,
    format('O6: payment form "%s" is refused', form)) FROM unnest('{weekly,Annual,""}'::text[]) AS form;

SELECT lives_ok($$EXECUTE ask(201, 102, 101, 1, 'annual', NULL, 80, '{}')$$, 'O7: hospitality counts rooms');
SELECT throws_ok($$EXECUTE ask(201, 102, 101, 1, 'annual', 20, NULL, '{}')$$, '23514', NULL, 'O7: hospitality without rooms is refused');
SELECT throws_ok($$EXECUTE ask(201, 102, 101, 1, 'annual', 20, 80, '{}')$$, '23514', NULL, 'O7: hospitality with access points is refused');
SELECT throws_ok($$EXECUTE ask(200, 102, 101, 1, 'annual', NULL, 80, '{}')$$, '23514', NULL, 'O7: rooms elsewhere are refused');
SELECT throws_ok($$EXECUTE ask(200, 102, 101, 1, 'annual', 0, NULL, '{}')$$, '23514', NULL, 'O7: no access points at all are refused');
SELECT throws_ok($$EXECUTE ask(201, 102, 101, 1, 'annual', NULL, 0, '{}')$$, '23514', NULL, 'O7: no rooms at all are refused');
SELECT throws_ok($$UPDATE license_request SET access_points = NULL, rooms = 5 WHERE site_id = 200$$, '23514', NULL, 'O7: nor by UPDATE');
SELECT throws_ok($$UPDATE site SET sector = 'hospitality' WHERE site_id = 200$$, '23514', NULL,
    'O7: the sector of a site does not change under its open requests');
SELECT lives_ok($$UPDATE site SET sector = 'retail' WHERE site_id = 200$$, 'O7: to a sector of the same basis it does');

SELECT throws_ok($$EXECUTE ask(200, 102, 101, 1, 'annual', 20, NULL, '{teleport}')$$,
    '23503', 'module "teleport" does not exist', 'O8: an unknown module is refused');
SELECT throws_ok($$EXECUTE ask(200, 102, 101, 1, 'annual', 20, NULL, '{business,business}')$$,
    '23514', 'module "business" is named twice', 'O8: a module named twice is refused');
SELECT throws_ok($$EXECUTE ask(200, 102, 101, 1, 'annual', 20, NULL, '{NULL}')$$, '23503', NULL, 'O8: a NULL among the modules is refused');
SELECT throws_ok($$UPDATE license_request SET modules = '{teleport}'$$, '23503', NULL, 'O8: nor by UPDATE');
UPDATE license_request SET modules = '{business}' WHERE rooms IS NOT NULL;
SELECT is((SELECT modules FROM license_request WHERE rooms IS NOT NULL), '{guest,business}', 'O1: an UPDATE does not remove the base module');
INSERT INTO module (module, name) VALUES ('spa', 'Spa');
UPDATE license_request SET modules = '{spa}' WHERE rooms IS NOT NULL;
SELECT throws_ok($$DELETE FROM module WHERE module = 'spa'$$, '23514', NULL, 'O8: a module that an open request names is kept');

SELECT throws_ok($$EXECUTE ask(200, 112, 101, 1, 'annual', 20, NULL, '{}')$$,
    '23514', 'account 112 is not a partner of account 103', 'O9: a foreign partner is refused');
SELECT throws_ok($$EXECUTE ask(200, 102, 111, 1, 'annual', 20, NULL, '{}')$$,
    '23514', 'account 111 is not a distributor of account 103', 'O9: a foreign distributor is refused');
SELECT throws_ok($$EXECUTE ask(200, 103, 101, 1, 'annual', 20, NULL, '{}')$$, '23514', NULL, 'O9: the organization is not its own partner');
SELECT throws_ok($$EXECUTE ask(200, 102, 102, 1, 'annual', 20, NULL, '{}')$$, '23514', NULL, 'O3: a partner is no distributor');
SELECT throws_ok($$UPDATE license_request SET partner_id = 112$$, '23514', NULL, 'O9: nor by UPDATE');
SELECT throws_ok($$UPDATE account SET parent_id = 112 WHERE account_id = 103$$, '23514', NULL,
    'O9: an organization with open requests does not move to another partner');
SELECT throws_ok($$UPDATE account SET kind = 'client' WHERE account_id = 101$$, '23514', NULL,
    'O3: a distributor with open requests stays one');

-- Issuing

DELETE FROM license_request;
INSERT INTO license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, access_points, rooms, modules) VALUES
    (103, 300, 200, 102, 101, 3, 'annual', 20, NULL, '{business}'),
    (103, 301, 201, 102, 101, 1, 'monthly', NULL, 80, '{}');
INSERT INTO license_request (account_id, request_id, site_id, sku, partner_id, distributor_id, years, payment_form, access_points) VALUES
    (103, 302, 200, 'C2TU1', 102, 101, 1, 'annual', 5);
CREATE TEMP TABLE issued AS
SELECT request_id, issue_license(103, request_id, '2026-03-01 10:00+00') AS license_id FROM license_request WHERE request_id IN (300, 301);

SELECT results_eq(
    $$SELECT l.status, l.sku, l.site_id, l.term, l.payment_form, l.partner_id, l.distributor_id, l.modules, l.starts_at, l.ends_at, p.pool, p.maximum
      FROM issued JOIN license l USING (license_id) JOIN license_pool p USING (license_id) ORDER BY request_id$$,
    $$VALUES ('pending_provision', 'OCTOPUS', NULL::bigint, interval '3 years', 'annual', 102::bigint, 101::bigint, '{guest,business}'::text[],
              NULL::timestamptz, NULL::timestamptz, 'access_point', 20),
             ('pending_provision', 'OCTOPUS', NULL, '1 year', 'monthly', 102, 101, '{guest}', NULL, NULL, 'room', 80)$$,
    'O3, O7, O17, O28: an issued licence is what was asked for, pending provision and without dates');
SELECT is((SELECT count(*)::integer FROM license_request r JOIN issued USING (license_id)), 2, 'O3: the request names its licence');
SELECT is((SELECT count(DISTINCT key)::integer FROM license WHERE account_id = 103), 2, 'O11: each has a key of its own');
SELECT throws_ok($$INSERT INTO license (account_id, sku, modules, key) SELECT 103, sku, modules, key FROM license WHERE account_id = 103 LIMIT 1$$,
    '23505', NULL, 'O11: a key is unique');
SELECT throws_ok('SELECT issue_license(103, 300)', 'LX003', 'licence request 300 was issued before', 'O3: a request is issued once');
SELECT throws_ok('SELECT issue_license(103, 999)', '23503', 'licence request 999 does not exist', 'O3: an unknown request is refused');
SELECT throws_ok('SELECT issue_license(102, 301)', '23503', NULL, 'O3: so is one of another account');
SELECT throws_ok('SELECT issue_license(103, 302)', 'LX030', NULL, 'O7: an offer that counts neither access points nor rooms cannot be issued so');
SELECT throws_ok('SELECT issue_license(103, NULL)', '22004', 'request_id must not be NULL', 'O4: NULL is refused by name');
SELECT throws_ok('UPDATE license_request SET years = 2 WHERE request_id = 300', '55000', NULL, 'O44: an issued request does not change');
SELECT throws_ok('UPDATE license_request SET license_id = NULL WHERE request_id = 300', '55000', NULL, 'O44: nor is it opened again');
SELECT throws_ok($$INSERT INTO license (account_id, sku, modules) VALUES (103, 'OCTOPUS', '{}')$$, '23514', NULL, 'O1: a licence without the base module is refused');
SELECT throws_ok($$INSERT INTO license (account_id, sku, modules) VALUES (103, 'OCTOPUS', '{business}')$$, '23514', NULL, 'O1: with others too');
INSERT INTO license (account_id, license_id, sku) VALUES (103, 390, 'OCTOPUS'), (103, 391, 'PARTNER-DEMO');
INSERT INTO license (account_id, license_id, sku, term) VALUES (103, 392, 'OCTOPUS', '3 years');
SELECT results_eq('SELECT license_id, modules, term FROM license WHERE license_id BETWEEN 390 AND 392 ORDER BY license_id',
    $$VALUES (390::bigint, '{guest}'::text[], interval '1 year'), (391, '{}', NULL), (392, '{guest}', '3 years')$$,
    'O1, O22: a row that names neither modules nor a term has those of its offer');
DELETE FROM license WHERE license_id BETWEEN 390 AND 392;
SELECT throws_ok($$UPDATE license SET modules = '{business}' WHERE account_id = 103$$, '23514', NULL, 'O1: it cannot be taken away later');
SELECT lives_ok($$INSERT INTO license (account_id, sku) VALUES (103, '9137958')$$, 'O1: other offers need no module');
SELECT is((SELECT count(*)::integer FROM information_schema.role_routine_grants
    WHERE specific_schema = 'license' AND routine_name = 'issue_license' AND grantee = 'PUBLIC'), 0, 'O3: nobody may issue who was not granted it');

-- The document

SELECT is(license_document(103, (SELECT license_id FROM issued WHERE request_id = 300)),
    jsonb_build_object(
        'license_key', (SELECT key::text FROM license JOIN issued USING (license_id) WHERE request_id = 300),
        'organization', '{"account_id": 103, "name": "Hotel chain", "email": null}'::jsonb,
        'location', '{"site_id": 200, "name": "Office", "region": "EU", "sector": "retail"}'::jsonb,
        'type', '{"basis": "access_point", "quantity": 20, "modules": ["guest", "business"], "years": 3, "term": "3 years", "payment_form": "annual"}'::jsonb,
        'offer', '{"sku": "OCTOPUS", "name": "Wi-Fi platform licence"}'::jsonb,
        'partner', 'Partner', 'distributor', 'Distributor', 'issued_at', timestamptz '2026-03-01 10:00+00'),
    'O10: the document has the location, the type of licence and the code');
SELECT throws_ok('SELECT license_document(103, 1)', 'LX005', 'licence 1 does not exist', 'O10: no document without a licence');
SELECT throws_ok(format('SELECT license_document(102, %s)', license_id), 'LX005', NULL, 'O10: nor for another account') FROM issued WHERE request_id = 300;

SELECT * FROM finish();
ROLLBACK;
