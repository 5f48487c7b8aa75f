-- Requests for licences: what is refused and how it is said
BEGIN;
\set SHOW_CONTEXT never
INSERT INTO license.account (account_id, parent_id, kind, name) VALUES
    (8100, NULL, 'distributor', 'Distributor'), (8101, 8100, 'partner', 'Partner'),
    (8102, 8101, 'client', 'Hotel chain'), (8103, NULL, 'partner', 'Stranger');
INSERT INTO license.site (account_id, site_id, name, sector) VALUES
    (8102, 8110, 'Office', 'office'), (8102, 8111, 'Hotel', 'hospitality');

INSERT INTO license.license_request
    (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, access_points, rooms, modules) VALUES
    (8102, 8120, 8110, 8101, 8100, 3, 'annual', 20, NULL, '{business}'),
    (8102, 8121, 8111, 8101, 8100, 1, 'monthly', NULL, 80, '{}');
SELECT request_id, site_id, sku, years, payment_form, access_points, rooms, modules, license_id
FROM license.license_request WHERE account_id = 8102 ORDER BY request_id;

SAVEPOINT s;
INSERT INTO license.license_request (account_id, request_id, site_id, distributor_id, years, payment_form, access_points)
VALUES (8102, 8122, 8110, 8100, 1, 'annual', 20);
ROLLBACK TO s;
INSERT INTO license.license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, access_points)
VALUES (8102, 8122, 8110, 8101, 8100, 6, 'annual', 20);
ROLLBACK TO s;
INSERT INTO license.license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form)
VALUES (8102, 8122, 8110, 8101, 8100, 1, 'annual');
ROLLBACK TO s;
INSERT INTO license.license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, access_points)
VALUES (8102, 8122, 8111, 8101, 8100, 1, 'annual', 20);
ROLLBACK TO s;
INSERT INTO license.license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, access_points)
VALUES (8102, 8122, 8110, 8103, 8100, 1, 'annual', 20);
ROLLBACK TO s;
INSERT INTO license.license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, access_points, modules)
VALUES (8102, 8122, 8110, 8101, 8100, 1, 'annual', 20, '{teleport}');
ROLLBACK TO s;
INSERT INTO license.license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, access_points, modules)
VALUES (8102, 8122, 8110, 8101, 8100, 1, 'annual', 20, '{business,business}');
ROLLBACK TO s;
UPDATE license.site SET sector = 'hospitality' WHERE site_id = 8110;
ROLLBACK TO s;

-- issued, a request is history
SELECT license.issue_license(8102, 8120) > 0 AS issued;
SELECT l.status, l.term, l.payment_form, l.modules, l.base_module, l.start_rule, p.pool, p.maximum
FROM license.license l JOIN license.license_pool p USING (account_id, license_id) WHERE account_id = 8102;
SELECT action, new ? 'key' AS shows_key, new ->> 'status' AS status FROM license.event WHERE account_id = 8102;
UPDATE license.site SET sector = 'hospitality' WHERE site_id = 8110;
SAVEPOINT s;
UPDATE license.license_request SET access_points = 30 WHERE request_id = 8120;
ROLLBACK TO s;
SELECT license.issue_license(8102, 8199);
ROLLBACK TO s;
SELECT license.issue_license(8102, NULL);
ROLLBACK TO s;
SELECT jsonb_pretty(license.license_document(8102, license_id) - 'license_key' - 'issued_at') AS document
FROM license.license WHERE account_id = 8102;
\set VERBOSITY terse
INSERT INTO license.license (account_id, sku, modules) VALUES (8102, 'OCTOPUS', '{business}');
ROLLBACK TO s;

-- the triggers are nothing to call or to borrow
SELECT license._license_request_trg();
ROLLBACK TO s;
SELECT license._request_basis_trg();
ROLLBACK TO s;
CREATE TEMP TABLE borrowed (account_id bigint);
CREATE TRIGGER borrowed BEFORE INSERT ON borrowed FOR EACH ROW EXECUTE FUNCTION license._license_request_trg();
INSERT INTO borrowed VALUES (1);
ROLLBACK;
