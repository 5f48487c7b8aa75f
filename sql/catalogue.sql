-- Shipped catalogue rows may be edited and added to; what a restore would bring back cannot go.
BEGIN;
UPDATE license.offer SET name = 'Ours' WHERE sku = 'OCTOPUS';
SELECT name, shipped, edited FROM license.offer WHERE sku = 'OCTOPUS';
-- edited or not, it stays, and keeps its key
\set ON_ERROR_ROLLBACK on
DELETE FROM license.offer WHERE sku = 'OCTOPUS';
DELETE FROM license.notice_stage WHERE stage = 1;
UPDATE license.module SET module = 'visitor' WHERE module = 'guest';
TRUNCATE license.notice_stage;
-- the vendor's own rows come and go, and nobody else makes a row a shipped one
INSERT INTO license.offer (sku, name, unit, shipped, edited) VALUES ('OURS', 'Ours', 'user', true, true) RETURNING shipped, edited;
UPDATE license.offer SET shipped = true, edited = true, name = 'Still ours' WHERE sku = 'OURS' RETURNING shipped, edited;
UPDATE license.offer SET sku = 'OURS-2' WHERE sku = 'OURS' RETURNING sku;
DELETE FROM license.offer WHERE sku = 'OURS-2' RETURNING sku;
-- a restored row takes the place of the untouched shipped one, once
INSERT INTO license.notice_stage (stage, lead, title, cuts_off, active) VALUES (1, '2 months', 'Restored', false, false);
SELECT stage, lead, title, cuts_off, active, shipped, edited FROM license.notice_stage WHERE stage = 1;
INSERT INTO license.notice_stage (stage, lead, title) VALUES (1, '3 months', 'Twice');
INSERT INTO license.module (module, name, base) VALUES ('business', 'Restored', true);
SELECT module, name, base, shipped, edited FROM license.module ORDER BY module;
-- an open request has every base module, so that its restored row is the same: none becomes one under it
INSERT INTO license.account (account_id, parent_id, kind, name) VALUES (101, NULL, 'distributor', 'D'), (102, 101, 'partner', 'P'), (103, 102, 'client', 'C');
INSERT INTO license.site (account_id, site_id, name) VALUES (103, 104, 'S');
INSERT INTO license.license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, access_points)
    VALUES (103, 105, 104, 102, 101, 1, 'annual', 5) RETURNING modules;
INSERT INTO license.module (module, name, base) VALUES ('ours', 'Ours', true);
INSERT INTO license.module (module, name) VALUES ('ours', 'Ours');
UPDATE license.module SET base = true WHERE module = 'ours';
UPDATE license.license_request SET modules = modules || '{ours}' WHERE request_id = 105;
UPDATE license.module SET base = true WHERE module = 'ours' RETURNING base;
ROLLBACK;
