-- One row of everything in each account, for access_matrix.pl. 910 is above 920 and 930; 921 lies below 920,
-- 931 below 930; 940 is a stranger to both.
INSERT INTO license.account (account_id, parent_id, kind, name) VALUES (900, NULL, 'provider', 'Vendor'),
    (910, 900, 'partner', 'Above'), (920, 910, 'partner', 'Own'), (921, 920, 'partner', 'Below'),
    (930, 910, 'partner', 'Second'), (931, 930, 'partner', 'Below the second'), (940, 900, 'partner', 'Stranger');
UPDATE license.account SET email = 'licensing@a' || account_id || '.example';
INSERT INTO license.partner_offer SELECT account_id, 'C2TU1' FROM license.account WHERE kind = 'partner';
INSERT INTO license.offer_price (sku, currency, unit_price) VALUES ('C2TU1', 'EUR', 2), ('9137958', 'EUR', 3);

DO $$
DECLARE
    a bigint;
BEGIN
    FOREACH a IN ARRAY ARRAY[910, 920, 921, 930, 931, 940] LOOP
        INSERT INTO license.site (account_id, site_id, name) VALUES (a, 1, 'S');
        INSERT INTO license.site (account_id, site_id, name, license_model, legacy_ends_at) VALUES (a, 20, 'Old', 'custom', now() + interval '1 year');
        INSERT INTO license.apartment (account_id, apartment_id, site_id, name) VALUES (a, 2, 1, 'A');
        INSERT INTO license.account_user (account_id, user_id, email) VALUES (a, 3, 'u' || a || '@matrix.example');
        INSERT INTO license.device (account_id, device_id, device_code, mac) VALUES (a, 4, 'x', '08:00:2b:00:00:01');
        INSERT INTO license.session (account_id, session_id, user_id) VALUES (a, 5, 3);
        INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at, key) VALUES
            (a, 6, 'PARTNER-DEMO', 1, 'in_use', now() - interval '1 day', now() + interval '20 days', license.generate_key()),
            (a, 16, 'COUNT-ANNUAL', NULL, 'in_use', now() - interval '1 day', now() + interval '300 days', license.generate_key()),
            (a, 17, 'C2TU1', NULL, 'in_use', now() - interval '1 day', NULL, license.generate_key());
        INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (a, 6, 'device', 5), (a, 16, 'device', 5), (a, 17, 'user', 5);
        INSERT INTO license.seat (account_id, seat_id, license_id, pool, device_id) VALUES (a, 7, 6, 'device', 4);
        INSERT INTO license.connection (account_id, license_id, site_id, mac) VALUES (a, 6, 1, '08:00:2b:00:00:01');
        INSERT INTO license.license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, access_points)
            VALUES (a, 8, 1, 900, 900, 1, 'annual', 5);
        INSERT INTO license.voucher (batch, sku, state, redeemed_account_id, redeemed_site_id, redeemed_at) VALUES ('b', '9137958', 'used', a, 1, now());
        INSERT INTO license.payment (account_id, site_id, sku, quantity, amount, currency, provider_reference) VALUES (a, 1, '9137958', 1, 1, 'EUR', 'r' || a);
        INSERT INTO license.purchase (account_id, purchase_id, placed_by) VALUES (a, 9, 'x');
        INSERT INTO license.purchase_line (account_id, purchase_id, sku, old_quantity, new_quantity) VALUES (a, 9, 'C2TU1', 0, 1);
        INSERT INTO license.migration_request (account_id, request_id, site_id, state, decided_at) VALUES (a, 10, 1, 'approved', now());
        INSERT INTO license.internal_application (account_id, application_id, sku, quantity, ticket) VALUES (a, 11, 'C2TU-I1', 1, 't');
        INSERT INTO license.notice (account_id, notice_id, kind, due_at, state, sent_at) VALUES (a, 12, 'other', now(), 'sent', now());
        INSERT INTO license.event (account_id, event_id, actor, subject, subject_id, action) VALUES (a, 13, 'x', 'license', 6, 'x');
        INSERT INTO license.denial (account_id, denial_id, code) VALUES (a, 14, 'X');
        INSERT INTO license.account_counter (account_id) VALUES (a) ON CONFLICT DO NOTHING;
        INSERT INTO license.sweep_state (account_id, subject, subject_id, since, tried_at, sqlstate, message)
            VALUES (a, 'license', 6, now(), now(), '55P03', 'locked by another transaction');
        PERFORM license.set_password(a, 3, 'correct horse');
    END LOOP;
END $$;
INSERT INTO license.last_sweep (last_sweep_at, due_until, finalized, notices, skipped, seats_reclaimed, passed_by) VALUES (now(), now(), 0, 0, 0, 0, 0);
ANALYZE;
