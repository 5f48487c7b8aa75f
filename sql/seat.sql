-- Seats of a pool: what is answered, what is raised, what is written
BEGIN;
SET LOCAL search_path TO license, public;
SET LOCAL timezone TO 'UTC';
INSERT INTO account (account_id, name, floating_strategy) VALUES (4701, 'Trees', 'idle_longest');
INSERT INTO license (account_id, license_id, sku, status, starts_at, ends_at, term)
VALUES (4701, 1, 'COUNT-ANNUAL', 'in_use', '2026-01-01', '2027-01-01', '1 year');
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES (4701, 1, 'device', 2), (4701, 1, 'floating_device', 1);
INSERT INTO device (account_id, device_id) SELECT 4701, d FROM generate_series(1, 5) d;
\set columns 'granted, code, expires_at'

SELECT :columns FROM acquire_seat(4701, 1, 'device', 1, at => '2026-06-01');
SELECT :columns FROM acquire_seat(4701, 1, 'device', 2, lease => '10 minutes', at => '2026-06-01');
SELECT :columns FROM acquire_seat(4701, 1, 'device', 2, lease => '1 hour', at => '2026-06-01');
SELECT :columns FROM acquire_seat(4701, 1, 'device', 3, at => '2026-06-01');
SELECT :columns FROM acquire_seat(4701, 1, 'device', 3, at => '2026-06-01 01:00');
SELECT :columns FROM acquire_seat(4701, 1, 'device', 9, at => '2026-06-01');
SELECT :columns FROM acquire_seat(4701, 1, 'device', 1, at => '2027-01-01');
UPDATE device SET hold = true WHERE account_id = 4701 AND device_id = 4;
SELECT :columns FROM acquire_seat(4701, 1, 'floating_device', 4, at => '2026-06-01');
SELECT :columns FROM acquire_seat(4701, 1, 'floating_device', 1, at => '2026-06-01', lease => '1 day');
SELECT :columns FROM acquire_seat(4701, 1, 'floating_device', 2, at => '2026-06-01 00:10');
SELECT :columns FROM acquire_seat(4701, 1, 'floating_device', 2, at => '2026-06-01 00:30');

SELECT device_id, pool, acquired_at, lease, expires_at FROM seat WHERE account_id = 4701 ORDER BY pool, device_id;
SELECT pool, in_use, maximum FROM license_pool WHERE account_id = 4701 ORDER BY pool;
SELECT at, code, pool, device_id FROM denial WHERE account_id = 4701 ORDER BY denial_id;
SELECT at, subject, action, old - 'seat_id' AS old, new - 'seat_id' AS new
FROM event WHERE account_id = 4701 AND subject = 'seat';

SELECT h.* FROM seat, heartbeat(4701, seat_id, '1 hour', '2026-06-01 02:00') h WHERE account_id = 4701 ORDER BY pool, device_id;
SELECT * FROM heartbeat(4701, 0);
SELECT release_seat(4701, seat_id) FROM seat WHERE account_id = 4701 AND device_id = 1;
SELECT release_seat(4701, 0);
SELECT move_seat(4701, 3, 5, '2026-06-02') IS NOT NULL AS moved;

SAVEPOINT faults;
SELECT acquire_seat(4701, 1, 'device');
ROLLBACK TO faults;
SELECT acquire_seat(4701, 1, 'device', 1, lease => '-1 hour', at => '2026-06-01');
ROLLBACK TO faults;
SELECT acquire_seat(4701, 1, NULL, 1);
ROLLBACK TO faults;
SELECT heartbeat(4701, NULL);
ROLLBACK TO faults;
SELECT release_seat(4701, NULL);
ROLLBACK TO faults;
SELECT move_seat(4701, 3, 4, '2026-06-02');
ROLLBACK TO faults;
SELECT move_seat(4701, 5, 9, '2026-06-02');
ROLLBACK TO faults;
SELECT :columns FROM acquire_seat(4701, 1, 'device', 1, at => '2026-06-02');
SELECT move_seat(4701, 5, 1, '2026-06-02');
ROLLBACK TO faults;
INSERT INTO seat (account_id, license_id, pool, device_id, expires_at) VALUES (4701, 1, 'floating_device', 5, 'infinity');
ROLLBACK TO faults;
SELECT move_seat(4701, 2, 1, '2026-06-02') IS NOT NULL AS moved;
INSERT INTO seat (account_id, license_id, pool, device_id) VALUES (4701, 1, 'device', 1);
SELECT move_seat(4701, 1, 3, '2026-06-02');
ROLLBACK;
