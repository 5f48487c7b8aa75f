-- The sweep: contracts end, notices are raised, expired seats come back
BEGIN;
SET LOCAL timezone TO 'UTC';
-- what other tests left behind is not to be counted here
SET LOCAL session_replication_role TO replica;
UPDATE license.license SET sweep_at = NULL WHERE sweep_at IS NOT NULL;
UPDATE license.notice SET state = 'withdrawn' WHERE state IN ('pending', 'sent');
UPDATE license.seat SET expires_at = NULL WHERE expires_at IS NOT NULL;
SET LOCAL session_replication_role TO origin;
INSERT INTO license.account (account_id, name, email) VALUES (8750, 'Hillside', 'office@hillside.example');
INSERT INTO license.site (account_id, site_id, name) VALUES (8750, 8751, 'Hill house');
INSERT INTO license.license (account_id, license_id, sku, status, starts_at, ends_at, reason, modules) VALUES
    (8750, 1, '9137958', 'in_use', '2025-01-01', '2026-01-01', NULL, '{}'),
    (8750, 2, 'C2TU1', 'access_denied', '2025-01-01', '2026-01-01', 'unpaid', '{}'),
    (8750, 3, 'T2TU1', 'in_use', '2025-12-10', '2026-01-09', NULL, '{}'),
    (8750, 4, 'OCTOPUS', 'pending_provision', NULL, NULL, NULL, '{guest}');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (8750, 1, 'user', 2);
INSERT INTO license.account_user (account_id, user_id, site_id, email) VALUES (8750, 7, 8751, 'u7@hillside.example');
INSERT INTO license.seat (account_id, license_id, pool, user_id, acquired_at, expires_at)
VALUES (8750, 1, 'user', 7, '2025-12-31', '2026-01-01');
SELECT license_id, sweep_at FROM license.license WHERE account_id = 8750 ORDER BY license_id;

-- as it should run: soon after each moment
SELECT * FROM license.sweep('2025-12-02');
SELECT * FROM license.sweep('2025-12-17');
-- a long outage, then one pass
SELECT * FROM license.sweep('2026-01-02 08:00');
SELECT * FROM license.sweep('2026-01-02 08:00');
SELECT license_id, status, reason, sweep_at FROM license.license WHERE account_id = 8750 ORDER BY license_id;
SELECT license_id, stage, due_at, state, sent_at FROM license.notice WHERE account_id = 8750 ORDER BY license_id, stage;
SELECT subject_id, at, action, old, new FROM license.event WHERE account_id = 8750 ORDER BY subject_id;
SELECT in_use FROM license.license_pool WHERE account_id = 8750;

-- a renewal starts a new cycle
UPDATE license.license SET ends_at = '2027-01-09' WHERE account_id = 8750 AND license_id = 3;
SELECT status, sweep_at FROM license.license WHERE account_id = 8750 AND license_id = 3;
SELECT * FROM license.sweep('2026-01-10');
SELECT * FROM license.sweep('2026-12-09');
ROLLBACK;

-- what is refused
SELECT license.sweep('infinity');
SELECT license.sweep(now(), 0);
BEGIN;
CALL license.run_sweep();
ROLLBACK;
SELECT license.schedule(NULL);
SELECT license.schedule();
SELECT license.unschedule();
SELECT license._sweep_at_trg();
SELECT license._stage_trg();
SELECT license._time_zone_trg();
