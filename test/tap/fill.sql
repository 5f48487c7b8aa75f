-- Rows in every table of schema license, in every state a row can be in. Loaded once into an
-- empty database; explicit ids stay below 1000, whatever is made by default follows.
SELECT setval('license.id_seq', 1000);

-- The tree of accounts; a child written before its parent in the table's physical order.
INSERT INTO license.account (account_id, parent_id, kind, name, email, email_override, region, currency, time_zone, floating_strategy, floating_min_idle, created_at, closed_at) VALUES
    (1, NULL, 'provider', 'Vendor', 'office@vendor.example', NULL, 'EU', 'EUR', 'Europe/Prague', 'none', '20 minutes', '2024-01-01 00:00+00', NULL),
    (2, 1, 'distributor', 'Distributor "North"', 'sales@north.example', NULL, 'EU', 'EUR', 'Europe/Oslo', 'none', '20 minutes', '2024-02-29 12:00+00', NULL),
    (3, 2, 'partner', E'Partner, \\ and Žluťoučký', 'orders@partner.example', NULL, 'US', 'USD', 'America/New_York', 'none', '20 minutes', '2024-03-01 00:00+00', NULL),
    (4, 3, 'client', 'Client', 'it@client.example', NULL, 'US', 'USD', 'America/New_York', 'idle_longest', '1 hour 30 minutes', '2024-04-01 00:00+00', NULL),
    (5, 3, 'internal', 'Partner internal', NULL, NULL, 'US', 'USD', 'UTC', 'priority', '0', '2024-05-01 00:00+00', NULL),
    (6, 1, 'client', 'Closed', 'someone@gmail.example', 'owner has no company address', 'APAC', 'JPY', 'Asia/Tokyo', 'none', '20 minutes', '2024-06-01 00:00+00', '2025-06-01 00:00+00'),
    (7, NULL, 'client', 'Reparented', NULL, NULL, 'EU', 'CZK', 'UTC', 'none', '20 minutes', '2024-07-01 00:00+00', NULL);
UPDATE license.account SET parent_id = 1 WHERE account_id = 7;
UPDATE license.account SET name = 'Vendor a.s.' WHERE account_id = 1;

INSERT INTO license.site (account_id, site_id, name, region, sector, license_model, site_type, legacy_ends_at, auto_renew) VALUES
    (4, 11, 'Riverside', 'US', 'residential', 'subscription', 'apartment', NULL, true),
    (4, 12, 'Hotel', 'EU', 'hospitality', 'subscription', 'device', NULL, false),
    (4, 13, 'Undecided', 'APAC', 'office', 'subscription', NULL, NULL, false),
    (4, 14, 'Old model', 'EU', 'residential', 'custom', NULL, '2027-01-01 00:00+00', false),
    (6, 15, 'Elsewhere', 'APAC', 'other', 'subscription', 'apartment', NULL, false);
UPDATE license.site SET auto_renew = true WHERE account_id = 4 AND site_id = 12;

INSERT INTO license.apartment (account_id, apartment_id, site_id, name, seat_limit) VALUES
    (4, 21, 11, 'full', 4), (4, 22, 11, 'one seat', 4), (4, 23, 11, 'unlimited', NULL),
    (4, 24, 11, 'empty', 4), (4, 25, 14, 'old', 6), (6, 26, 15, 'none allowed', 0);

INSERT INTO license.account_user (account_id, user_id, site_id, apartment_id, email, password_hash, permissions, is_admin) VALUES
    (4, 31, NULL, NULL, 'Admin@client.example', '$2a$06$abcdefghijklmnopqrstuuNC8Bq9PbQkT1nRbkbd0mYX7SbcK6bZu', '{}', true),
    (4, 32, 11, 21, 'tenant@home.example', NULL, '{open_door,"quoted right"}', false),
    (4, 33, 11, NULL, 'caretaker@home.example', NULL, '{}', false),
    (6, 34, NULL, NULL, 'gone@else.example', NULL, '{}', true);

INSERT INTO license.device (account_id, device_id, site_id, apartment_id, user_id, device_code, kind, mode, mac, priority, hold, last_seen_at) VALUES
    (4, 41, 11, 21, 32, '001', 'phone', 'cloud', NULL, 1, false, '2026-01-01 00:00+00'),
    (4, 42, 11, 21, NULL, '002', 'phone', 'cloud', NULL, 2, true, NULL),
    (4, 43, 11, 21, NULL, '003', 'tablet', 'cloud', NULL, 0, false, NULL),
    (4, 44, 11, 21, NULL, '004', 'third_party', 'cloud', NULL, 0, false, NULL),
    (4, 45, 11, 21, NULL, '005', 'answering_unit', 'local', '08:00:2b:01:02:03', 0, false, NULL),
    (4, 46, 11, 22, NULL, '006', 'phone', 'local', NULL, 0, false, NULL),
    (4, 47, 11, 22, NULL, '010', 'phone', 'cloud', NULL, 0, false, NULL),
    (4, 48, 11, NULL, NULL, 'INTERCOM-1', 'intercom', 'local', '08:00:2b:01:02:04', 0, false, NULL),
    (4, 49, 12, NULL, NULL, '011', 'access_point', 'cloud', '08:00:2b:01:02:05', 0, false, NULL),
    (4, 50, NULL, NULL, 31, '012', 'phone', 'cloud', NULL, -3, false, NULL),
    (4, 51, 11, NULL, NULL, '013', 'phone', 'cloud', NULL, 0, false, NULL);
-- Codes are never reused: the highest one is gone, and its number must stay gone.
INSERT INTO license.device (account_id, device_code, kind) VALUES (4, '099', 'phone');
DELETE FROM license.device WHERE account_id = 4 AND device_code = '099';
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code)
    SELECT 4, 60 + i, 11, 23, 'many-' || i FROM generate_series(1, 20) i;

INSERT INTO license.session (account_id, user_id, device_id, channel, started_at, ended_at, end_reason) VALUES
    (4, 31, NULL, 'portal', '2026-01-01 00:00+00', NULL, NULL),
    (4, 32, 41, 'app', '2026-01-01 00:00+00', '2026-01-01 01:00+00', 'logout'),
    (4, 32, 41, 'app', '2026-01-02 00:00+00', NULL, NULL);

-- The catalogue: the vendor's own rows, and shipped ones that were edited.
INSERT INTO license.module (module, name, base) VALUES ('vendor', 'Vendor''s own', false);
UPDATE license.module SET name = 'Guest portal, renamed', base = false WHERE module = 'guest';
INSERT INTO license.offer (sku, name, family, unit, term, modules, base_module, regions, audience) VALUES
    ('VENDOR-1', 'Vendor''s own offer', NULL, 'device', '1 mon 15 days', '{vendor,business}', 'vendor', '{EU}', 'request'),
    ('VENDOR-2', 'Another', 'VENDOR', 'room', NULL, '{}', NULL, NULL, 'public');
UPDATE license.offer SET name = 'Vendor''s own offer, edited' WHERE sku = 'VENDOR-1';
UPDATE license.offer SET term = '2 years', min_quantity = 3 WHERE sku = 'T2TU80';
UPDATE license.offer SET family = NULL, unit = 'device', trial = false, audience = 'request' WHERE sku = 'T2TUT';
INSERT INTO license.notice_stage (stage, lead, title, cuts_off) VALUES (7, '-1 mon -3 days', 'Vendor''s own stage', false);
UPDATE license.notice_stage SET lead = '10 days', active = false WHERE stage = 2;
UPDATE license.notice_stage SET title = 'Over', cuts_off = false WHERE stage = 5;
INSERT INTO license.offer_price (sku, currency, min_quantity, unit_price) VALUES
    ('C2TU1', 'EUR', 1, 12.50), ('C2TU1', 'EUR', 100, 9.999), ('VENDOR-1', 'USD', 1, 0), ('9137958', 'EUR', 1, 1e-10);
INSERT INTO license.partner_offer (account_id, sku) VALUES (3, 'C2TU1'), (3, 'VENDOR-1');

-- A licence in every status, without an end, and with a start rule its offer no longer has.
INSERT INTO license.license (account_id, license_id, sku, site_id, key, status, term, payment_form, starts_at, ends_at, partner_id, distributor_id, modules, reason, auto_renew, version, created_at) VALUES
    (4, 81, 'OCTOPUS', NULL, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'pending_provision', '1 year', 'annual', NULL, NULL, 3, 2, '{guest}', NULL, false, 1, '2026-01-01 00:00+00'),
    (4, 82, 'OCTOPUS', 12, DEFAULT, 'pending_start', '3 years', 'monthly', NULL, NULL, 3, 2, '{guest,business}', NULL, true, 7, '2026-01-02 00:00+00'),
    (4, 83, '9137958', 11, DEFAULT, 'in_use', '1 year', NULL, '2026-01-31 00:00+00', '2099-01-31 00:00+00', NULL, NULL, '{}', NULL, true, 1, '2026-01-03 00:00+00'),
    (4, 84, 'OCTOPUS', 13, DEFAULT, 'access_denied', '1 year', 'annual', '2026-01-01 00:00+00', '2099-01-01 00:00+00', 3, 2, '{guest}', 'not paid', false, 2, '2026-01-04 00:00+00'),
    (4, 85, 'OCTOPUS', 13, DEFAULT, 'contract_finalized', '1 year', 'annual', '2024-01-01 00:00+00', '2025-01-01 00:00+00', 3, 2, '{guest}', 'ended', false, 4, '2024-01-01 00:00+00'),
    (4, 86, 'C2TU1', NULL, DEFAULT, 'in_use', '1 year', NULL, '2026-02-28 00:00+00', '2099-02-28 00:00+00', NULL, NULL, '{}', NULL, false, 1, '2026-01-05 00:00+00'),
    (5, 87, 'PARTNER-DEMO', NULL, DEFAULT, 'in_use', NULL, NULL, '2026-02-28 00:00+00', NULL, NULL, NULL, '{}', NULL, false, 1, '2026-01-06 00:00+00'),
    (4, 88, 'COUNT-ANNUAL', NULL, DEFAULT, 'in_use', '1 year', NULL, '2026-02-28 00:00+00', '2099-02-28 00:00+00', NULL, NULL, '{}', NULL, false, 1, '2026-01-05 00:00+00'),
    (4, 89, 'OCTOPUS', 13, DEFAULT, 'contract_finalized', '1 year', 'annual', NULL, NULL, 3, 2, '{guest}', 'never started', false, 1, '2026-01-07 00:00+00'),
    (4, 90, 'VENDOR-2', NULL, DEFAULT, 'pending_provision', NULL, NULL, NULL, NULL, NULL, NULL, '{}', NULL, false, 1, '2026-01-08 00:00+00');
UPDATE license.license SET status = 'access_denied', reason = 'checked' WHERE account_id = 4 AND license_id = 83;
UPDATE license.license SET status = 'in_use', reason = NULL WHERE account_id = 4 AND license_id = 83;
-- The catalogue changes under what was sold before.
UPDATE license.offer SET start_rule = 'on_connections', connection_threshold = 2 WHERE sku = 'C2TU1';
UPDATE license.offer SET name = 'Apartments, edited', modules = '{guest,vendor}', base_module = 'vendor', regions = '{EU,US}' WHERE sku = '9137958';

INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES
    (4, 81, 'access_point', 10), (4, 82, 'access_point', 10), (4, 82, 'room', 5), (4, 83, 'apartment', 3),
    (4, 86, 'user', 2), (4, 88, 'device', 3), (4, 88, 'floating_device', 1), (5, 87, 'user', 0);
UPDATE license.license_pool SET maximum = 12 WHERE account_id = 4 AND license_id = 82 AND pool = 'access_point';

INSERT INTO license.connection (account_id, license_id, site_id, mac, first_seen_at) VALUES
    (4, 82, 12, '08:00:2b:01:02:06', '2026-03-01 00:00+00'), (4, 82, 12, '08:00:2b:01:02:07', '2026-03-02 00:00+00'),
    (4, 84, 13, '08:00:2b:01:02:06', '2026-03-03 00:00+00');

INSERT INTO license.seat (account_id, license_id, pool, units, device_id, user_id, site_id, apartment_id, acquired_at, last_seen_at, expires_at) VALUES
    (4, 83, 'apartment', 1, NULL, NULL, NULL, 21, '2026-03-01 00:00+00', '2026-03-01 00:00+00', NULL),
    (4, 83, 'apartment', 1, NULL, NULL, NULL, 22, '2026-03-01 00:00+00', '2026-03-01 00:00+00', NULL),
    (4, 86, 'user', 1, NULL, 31, NULL, NULL, '2026-03-01 00:00+00', '2026-03-01 00:00+00', NULL),
    (4, 86, 'user', 1, NULL, 32, NULL, NULL, '2026-03-01 00:00+00', '2026-03-01 00:00+00', NULL),
    (4, 88, 'device', 2, 41, NULL, NULL, NULL, '2026-03-01 00:00+00', '2026-03-01 00:00+00', '2099-01-01 00:00+00'),
    (4, 88, 'device', 1, NULL, NULL, 12, NULL, '2026-03-01 00:00+00', '2026-03-01 00:00+00', '2026-03-02 00:00+00'),
    (4, 88, 'floating_device', 1, 42, NULL, NULL, NULL, '2026-03-01 00:00+00', '2026-03-01 00:00+00', NULL);

INSERT INTO license.license_request (account_id, site_id, sku, partner_id, distributor_id, years, payment_form, access_points, rooms, modules, license_id) VALUES
    (4, 12, 'OCTOPUS', 3, 2, 1, 'annual', NULL, 10, '{guest}', 82),
    (4, 12, 'OCTOPUS', 3, 2, 5, 'monthly', NULL, 30, '{vendor,guest}', NULL);
UPDATE license.license_request SET modules = modules || '{business}' WHERE license_id IS NULL;
UPDATE license.module SET base = true WHERE module = 'business';

INSERT INTO license.voucher (code, batch, sku, quantity, state, purchased_at, valid_until, redeemed_account_id, redeemed_site_id, redeemed_at, cancel_reason) VALUES
    (DEFAULT, 'batch', '9137958', 1, 'active', '2026-01-01 00:00+00', '2029-01-01 00:00+00', NULL, NULL, NULL, NULL),
    (DEFAULT, 'batch', '9137958', 5, 'used', '2026-01-01 00:00+00', '2029-01-01 00:00+00', 4, 11, '2026-02-01 00:00+00', NULL),
    (DEFAULT, NULL, '02683-001', 1, 'cancelled', '2026-01-01 00:00+00', '2029-01-01 00:00+00', NULL, NULL, NULL, 'refunded'),
    (DEFAULT, NULL, '9137958', 1, 'active', '2020-01-01 00:00+00', '2023-01-01 00:00+00', NULL, NULL, NULL, NULL);

INSERT INTO license.payment (account_id, site_id, sku, quantity, amount, currency, provider_reference, paid_at) VALUES
    (4, 11, '9137958', 3, 123456789012345678901234567890.123456789, 'EUR', 'ref-1', '2026-01-31 00:00+00'),
    (4, 11, '9137958', 1, 0, 'USD', 'ref ''2''', '2026-02-01 00:00:00.123456+00');

INSERT INTO license.purchase (account_id, purchase_id, placed_at, placed_by, currency) VALUES
    (4, 91, '2026-01-01 00:00+00', 'somebody', 'EUR'), (5, 92, '2026-01-02 00:00+00', 'somebody', NULL);
INSERT INTO license.purchase_line (account_id, purchase_id, sku, license_id, old_quantity, new_quantity, unit_price, total) VALUES
    (4, 91, 'C2TU1', 86, 0, 2, 12.50, 25.00), (4, 91, 'T2TU1', NULL, 4, 0, NULL, NULL), (5, 92, 'C2TU-I1', NULL, 0, 5, 0, 0);

INSERT INTO license.migration_request (account_id, site_id, channel, ticket, requested_by, requested_at, state, decided_at) VALUES
    (4, 14, 'form', NULL, 31, '2026-01-01 00:00+00', 'open', NULL),
    (4, 11, 'ticket', 'T-1', NULL, '2025-01-01 00:00+00', 'approved', '2025-02-01 00:00+00'),
    (4, 14, 'ticket', 'T-2', NULL, '2025-01-01 00:00+00', 'rejected', '2025-02-01 00:00+00');

INSERT INTO license.internal_application (account_id, sku, quantity, ticket, state, requested_at, decided_at) VALUES
    (5, 'C2TU-I1', 5, 'S-1', 'approved', '2026-01-01 00:00+00', '2026-01-02 00:00+00'),
    (5, 'C2TU-I1', 9, 'S-2', 'rejected', '2026-01-03 00:00+00', '2026-01-04 00:00+00'),
    (5, 'C2TU-I1', 7, 'S-3', 'requested', '2026-01-05 00:00+00', NULL);

INSERT INTO license.notice (account_id, kind, license_id, site_id, term_ends_at, stage, due_at, state, recipient, payload, sent_at, claimed_until, acknowledged_at) VALUES
    (4, 'expiry', 83, NULL, '2099-01-31 00:00+00', 1, '2098-12-31 00:00+00', 'pending', NULL, '{}', NULL, NULL, NULL),
    (4, 'expiry', 83, NULL, '2099-01-31 00:00+00', 2, '2098-12-31 00:00+00', 'sent', 'it@client.example', '{"a": [1, null, "ž"]}', '2098-12-31 00:00+00', '2099-01-01 00:00+00', NULL),
    (4, 'expiry', 85, NULL, '2025-01-01 00:00+00', 5, '2025-01-01 00:00+00', 'acknowledged', 'it@client.example', '{}', '2025-01-01 00:00+00', NULL, '2025-01-01 00:01+00'),
    (4, 'expiry', 85, NULL, '2025-01-01 00:00+00', 1, '2024-12-01 00:00+00', 'skipped', NULL, '{}', NULL, NULL, NULL),
    (4, 'expiry', 85, NULL, '2025-01-01 00:00+00', 6, '2025-01-02 00:00+00', 'withdrawn', NULL, '{}', NULL, NULL, NULL),
    (4, 'migration_approved', NULL, 11, NULL, NULL, '2025-02-01 00:00+00', 'sent', NULL, '{}', '2025-02-01 00:00+00', NULL, NULL);

INSERT INTO license.event (account_id, at, actor, subject, subject_id, action, old, new) VALUES
    (4, '2020-01-01 00:00+00', 'import', 'license', 83, 'imported', NULL, '{"text": "line\nbreak and \\."}');
INSERT INTO license.denial (account_id, at, code, license_id, pool, device_id) VALUES
    (4, '2026-03-01 00:00+00', 'NO_SEATS_AVAILABLE', 88, 'device', 43),
    (4, '2026-03-01 00:00+00', 'INVALID_CREDENTIALS', NULL, NULL, NULL);

-- A counted foreign key of an application's own tables.
CREATE TABLE public.hall (hall_id integer PRIMARY KEY, places integer, taken integer NOT NULL DEFAULT 0);
CREATE TABLE public.ticket (ticket_id integer PRIMARY KEY, hall_id integer, people integer NOT NULL,
    CONSTRAINT ticket_hall_fkey FOREIGN KEY (hall_id) REFERENCES public.hall);
SELECT license.attach_seat_limit('public.ticket', 'ticket_hall_fkey', 'taken', 'places', 'people');
INSERT INTO public.hall (hall_id, places) VALUES (1, 10), (2, NULL), (3, 5);
INSERT INTO public.ticket VALUES (1, 1, 6), (2, 1, 4), (3, 2, 100), (4, NULL, 3);

-- Roles of the server that have levels here.
CREATE ROLE fill_provider;
CREATE ROLE fill_customer;
SELECT license.grant_access('fill_provider', 'provider');
SELECT license.grant_access('fill_customer', 'customer', 4);

-- What operations leave behind.
INSERT INTO license.license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, rooms)
    VALUES (4, 95, 12, 3, 2, 2, 'annual', 7);
SELECT license.issue_license(4, 95, '2026-04-01 00:00+00');
SELECT license.deny_access(4, 88, E'checked\twith tab, \\ and\nline', '2026-04-01 00:00+00');
SELECT license.restore_access(4, 88, '2026-04-02 00:00+00');
SELECT license.acquire_seat(4, 88, 'device', device_id => 42, lease => '1 day', at => '2026-04-02 00:00+00');
SELECT license.acquire_seat(4, 88, 'floating_device', device_id => 43, at => '2026-04-02 00:00+00');
SELECT license.renew(4, 88, at => '2026-04-02 00:00+00');
SELECT license.place_order(4, '{"VENDOR-1": 3}', at => '2026-04-03 00:00+00');
SELECT license.create_client(3, 'Ordered', '{"VENDOR-1": 2}', '2026-04-03 00:00+00');
SELECT license.create_vouchers('9137958', 2, 3, 'sold', '2026-04-03 00:00+00');
SELECT license.redeem_voucher(4, 11, (SELECT code::text FROM license.voucher WHERE batch = 'sold' LIMIT 1), '2026-04-04 00:00+00');
SELECT license.record_payment(4, 11, 2, 20, 'EUR', 'ref-3', at => '2026-04-04 00:00+00');
SELECT license.create_enterprise('Enterprise', 'office@enterprise.example', 10, 3, at => '2026-04-05 00:00+00');
SELECT license.sweep('2026-04-06 00:00+00');
INSERT INTO license.sweep_state (account_id, subject, subject_id, since, tried_at, attempts, sqlstate, message, retry_at)
    VALUES (4, 'license', 82, '2026-04-06 00:00+00', '2026-04-06 00:01+00', 2, '54000', 'too long', '2026-04-06 00:03+00'),
        (4, 'seat', 1, '2026-04-06 00:00+00', '2026-04-06 00:00+00', 1, '55P03', 'locked by another transaction', NULL);
