-- A site leaves the old licence model.
SET timezone TO 'UTC';
INSERT INTO license.account (account_id, name, email) VALUES (481, 'Estate', 'office@my2n-regress.example');
INSERT INTO license.site (account_id, site_id, name, license_model, legacy_ends_at) VALUES
    (481, 48101, 'House', 'custom', '2026-06-01 00:00+00');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name, seat_limit) VALUES
    (481, 48111, 48101, 'A', 4), (481, 48112, 48101, 'B', NULL);
INSERT INTO license.account_user (account_id, user_id, site_id, email) VALUES (481, 48131, 48101, 'anna@my2n-regress.example');
INSERT INTO license.device (account_id, device_id, device_code, site_id, apartment_id, kind) VALUES
    (481, 48121, '001', 48101, NULL, 'intercom'), (481, 48122, '002', 48101, NULL, 'phone'),
    (481, 48123, '003', 48101, NULL, 'answering_unit');
INSERT INTO license.device (account_id, device_id, device_code, site_id, apartment_id)
    SELECT 481, 48140 + n, 'B' || n, 48101, 48112 FROM generate_series(1, 5) n;
INSERT INTO license.session (account_id, session_id, user_id, channel, started_at) VALUES
    (481, 48151, 48131, 'app', '2026-01-01 08:00+00'), (481, 48152, 48131, 'portal', '2026-01-01 08:00+00');

-- nothing moves before the migration
UPDATE license.site SET license_model = 'subscription', legacy_ends_at = NULL WHERE account_id = 481;
\echo :LAST_ERROR_SQLSTATE
UPDATE license.site SET legacy_ends_at = '2027-06-01' WHERE account_id = 481;
SELECT license.set_site_type(481, 48101, 'apartment');
\echo :LAST_ERROR_SQLSTATE

SELECT * FROM license.migration_blockers(481, 48101);
SELECT license.request_migration(481, 48101);
\echo :LAST_ERROR_SQLSTATE
UPDATE license.device SET apartment_id = 48111 WHERE account_id = 481 AND device_id IN (48122, 48123, 48145);
SELECT * FROM license.migration_blockers(481, 48101);

SELECT license.request_migration(481, 48101, 'ticket', 'T-7', 48131, '2026-02-01 12:00+00') AS request_id \gset
SELECT channel, ticket, requested_by, requested_at, state FROM license.migration_request WHERE account_id = 481;
SELECT license.request_migration(481, 48101);
\echo :LAST_ERROR_SQLSTATE
SELECT license.approve_migration(481, :request_id, '2026-02-02 12:00+00');
SELECT license_model, site_type, legacy_ends_at FROM license.site WHERE account_id = 481;
SELECT channel, ended_at, end_reason FROM license.session WHERE account_id = 481 ORDER BY session_id;
SELECT kind, due_at, recipient, payload - 'request_id' AS payload FROM license.notice WHERE account_id = 481;
SELECT at, action, subject, old, new - 'request_id' AS new FROM license.event WHERE account_id = 481 AND subject = 'site' ORDER BY event_id;
SELECT license.request_migration(481, 48101);
\echo :LAST_ERROR_SQLSTATE

-- the customer's choice
SELECT license.set_site_type(481, 48101, 'apartment');
SELECT license.set_site_type(481, 48101, 'device');
\echo :LAST_ERROR_SQLSTATE
UPDATE license.site SET site_type = 'device' WHERE account_id = 481;
UPDATE license.site SET license_model = 'custom', legacy_ends_at = '2030-01-01' WHERE account_id = 481;
\echo :LAST_ERROR_SQLSTATE
SELECT site, apartments, apartments_requiring_license, order_text FROM license.site_dashboard WHERE account_id = 481;
