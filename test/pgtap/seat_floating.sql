-- Floating pools: whose seat moves, and what is written about it.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';

SELECT no_plan();

CREATE FUNCTION pg_temp.ask(device bigint, at timestamptz, lease interval DEFAULT NULL, pool text DEFAULT 'floating_device')
RETURNS text LANGUAGE sql AS
$$ SELECT code FROM acquire_seat(4501, 4510, pool, device_id => device, lease => lease, at => at) $$;
CREATE FUNCTION pg_temp.holders() RETURNS text LANGUAGE sql AS
$$ SELECT string_agg((device_id - 4550)::text, ' ' ORDER BY device_id) FROM seat WHERE account_id = 4501 AND pool = 'floating_device' $$;
CREATE FUNCTION pg_temp.seat(device bigint) RETURNS bigint LANGUAGE sql AS
$$ SELECT seat_id FROM seat WHERE account_id = 4501 AND device_id = device AND pool = 'floating_device' $$;

INSERT INTO account (account_id, name, floating_min_idle) VALUES (4501, 'Trees', '20 minutes');
INSERT INTO license (account_id, license_id, sku, status, starts_at, ends_at, term) VALUES
    (4501, 4510, 'COUNT-ANNUAL', 'in_use', '2026-01-01', '2027-01-01', '1 year');
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES
    (4501, 4510, 'floating_device', 3), (4501, 4510, 'device', 1);
INSERT INTO device (account_id, device_id, priority) VALUES
    (4501, 4551, 5), (4501, 4552, 2), (4501, 4553, 2), (4501, 4554, 5), (4501, 4555, 2), (4501, 4556, 9);
INSERT INTO account_user (account_id, user_id, email) VALUES (4501, 4540, 'ann@trees.example');

SELECT pg_temp.ask(4551, '2026-06-01 10:00');
SELECT pg_temp.ask(4552, '2026-06-01 10:01');
SELECT pg_temp.ask(4553, '2026-06-01 10:02');

SELECT is(pg_temp.ask(4554, '2026-06-01 12:00'), 'NO_SEATS_AVAILABLE', 'T6: no strategy, no move');

UPDATE account SET floating_strategy = 'idle_longest' WHERE account_id = 4501;
SELECT is(pg_temp.ask(4554, '2026-06-01 10:20'), 'NO_SEATS_AVAILABLE', 'P27: idle for no more than the minimum is not idle');
SELECT heartbeat(4501, pg_temp.seat(4551), at => '2026-06-01 10:19');
CREATE TEMP TABLE former AS SELECT pg_temp.seat(4552) AS seat_id;
SELECT is(pg_temp.ask(4554, '2026-06-01 10:21:01'), 'MOVED', 'T5: the system moves a seat by itself');
SELECT is(pg_temp.holders(), '1 3 4', 'P28: of the device longest without heartbeat, not longest seated');
SELECT is((SELECT code FROM heartbeat(4501, (SELECT seat_id FROM former), at => '2026-06-01 10:22')), 'NOT_FOUND',
    'T5: the device that lost it learns so by its heartbeat');
SELECT is((SELECT code FROM heartbeat(4501, pg_temp.seat(4554), at => '2026-06-01 10:22')), 'GRANTED', 'T5: the new one is alive');
SELECT is((SELECT in_use FROM license_pool WHERE account_id = 4501 AND pool = 'floating_device'), 3, 'T31: no seat more');
SELECT results_eq(
    $$ SELECT at, action, subject_id, (old ->> 'device_id')::bigint, (new ->> 'device_id')::bigint, new ->> 'reason', new ->> 'idle_seconds'
       FROM event WHERE account_id = 4501 AND subject = 'seat' $$,
    $$ VALUES ('2026-06-01 10:21:01'::timestamptz, 'move_seat', pg_temp.seat(4554), 4552::bigint, 4554::bigint, 'idle_longest', '1201') $$,
    'T29: the move is written with its reason');
SELECT is(pg_temp.ask(4552, '2026-06-01 10:22'), 'NO_SEATS_AVAILABLE', 'T5: too soon for the next');
SELECT is(pg_temp.ask(4552, '2026-06-01 11:00', '1 hour'), 'MOVED', 'T5: later it gets another');
SELECT is((SELECT expires_at FROM seat WHERE seat_id = pg_temp.seat(4552)), '2026-06-01 12:00'::timestamptz, 'P27: with a lease if asked for');
SELECT is(pg_temp.holders(), '1 2 4', 'T5: that of the one now longest idle');
SELECT is(pg_temp.ask(4553, '2026-06-01 12:00'), 'GRANTED', 'P27: an expired lease goes before a move');
SELECT is(pg_temp.holders(), '1 3 4', 'P27: and only that seat');

UPDATE account SET floating_strategy = 'priority' WHERE account_id = 4501;
SELECT is(pg_temp.ask(4552, '2026-06-02'), 'NO_SEATS_AVAILABLE', 'T6: an equal priority moves nothing');
SELECT is(pg_temp.ask(4556, '2026-06-01 12:00:01'), 'MOVED', 'T6: a higher one does, idle or not');
SELECT is(pg_temp.holders(), '1 4 6', 'T6: from the lowest');
SELECT is(
    (SELECT new - 'seat_id' FROM event WHERE account_id = 4501 AND subject = 'seat' ORDER BY event_id DESC LIMIT 1),
    '{"device_id": 4556, "reason": "priority", "from_priority": 2, "to_priority": 9}'::jsonb, 'T29: with both priorities');
UPDATE device SET priority = 6 WHERE account_id = 4501 AND device_id = 4552;
SELECT heartbeat(4501, pg_temp.seat(4551), at => '2026-06-03');
SELECT heartbeat(4501, pg_temp.seat(4554), at => '2026-06-02');
SELECT is(pg_temp.ask(4552, '2026-06-03'), 'MOVED', 'T6: of equals');
SELECT is(pg_temp.holders(), '1 2 6', 'T6: the longest idle gives way');

SELECT is(pg_temp.ask(4551, '2026-06-03', pool => 'device'), 'GRANTED', 'T26: the standard pool is another');
SELECT is(pg_temp.ask(4556, '2026-06-03', pool => 'device'), 'NO_SEATS_AVAILABLE', 'T26: no move there, whatever the strategy');
SELECT is((SELECT code FROM acquire_seat(4501, 4510, 'floating_device', user_id => 4540, at => '2026-12-01')),
    'NO_SEATS_AVAILABLE', 'T29: seats move between devices only');
SELECT is((SELECT bool_and(pool = 'floating_device') FROM seat WHERE account_id = 4501 AND device_id IN (4552, 4556)), true, 'T26: moves never cross pools');
SELECT is_empty($$ SELECT * FROM check_seats() $$, 'T31: every count is right');

SELECT * FROM finish();
ROLLBACK;
