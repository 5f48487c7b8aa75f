-- Seats: answers, leases, reclaiming, the limits, history and refusals.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';

SELECT no_plan();

CREATE FUNCTION pg_temp.ask(device bigint, at timestamptz, pool text DEFAULT 'device', lease interval DEFAULT NULL)
RETURNS text LANGUAGE sql AS
$$ SELECT format('%s %s %s', code, granted, expires_at) FROM acquire_seat(4401, 4410, pool, device_id => device, lease => lease, at => at) $$;
CREATE FUNCTION pg_temp.seat(device bigint, pool text DEFAULT 'device') RETURNS bigint LANGUAGE sql AS
$$ SELECT seat_id FROM seat s WHERE account_id = 4401 AND license_id = 4410 AND s.device_id = device AND s.pool = seat.pool $$;
CREATE FUNCTION pg_temp.in_use(p text DEFAULT 'device') RETURNS integer LANGUAGE sql AS
$$ SELECT in_use FROM license_pool WHERE account_id = 4401 AND license_id = 4410 AND pool = p $$;
CREATE FUNCTION pg_temp.beat(seat bigint, at timestamptz, lease interval DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT format('%s %s %s', code, alive, expires_at) FROM heartbeat(4401, seat, lease, at) $$;

INSERT INTO account (account_id, name) VALUES (4401, 'Trees'), (4402, 'Pipes');
INSERT INTO license (account_id, license_id, sku, status, starts_at, ends_at, term) VALUES
    (4401, 4410, 'COUNT-ANNUAL', 'in_use', '2026-01-01', '2027-01-01', '1 year'),
    (4402, 4420, 'COUNT-ANNUAL', 'in_use', '2026-01-01', '2027-01-01', '1 year');
INSERT INTO license (account_id, license_id, sku, status, starts_at) VALUES
    (4401, 4411, 'PARTNER-DEMO', 'in_use', '2026-01-01');
INSERT INTO license (account_id, license_id, sku, term) VALUES (4401, 4412, 'COUNT-ANNUAL', '1 year');
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES
    (4401, 4410, 'device', 2), (4401, 4410, 'user', 1), (4401, 4410, 'apartment', 1),
    (4401, 4411, 'device', 5), (4401, 4412, 'device', 5), (4402, 4420, 'device', 5);
INSERT INTO site (account_id, site_id, name) VALUES (4401, 4430, 'Forest');
INSERT INTO apartment (account_id, site_id, apartment_id, name) VALUES (4401, 4430, 4431, 'Hut');
INSERT INTO account_user (account_id, user_id, email) VALUES (4401, 4440, 'ann@trees.example'), (4401, 4441, 'bob@trees.example');
INSERT INTO device (account_id, device_id) SELECT 4401, d FROM generate_series(4451, 4459) d;
INSERT INTO device (account_id, device_id) VALUES (4402, 4471);

-- Granting

SELECT is(pg_temp.ask(4451, '2026-06-01'), 'GRANTED t ', 'T20: a free seat is granted until released');
SELECT is(pg_temp.ask(4451, '2026-06-02'), 'ALREADY_HELD t ', 'T22: a device uses no second seat');
SELECT is(pg_temp.in_use(), 1, 'T22: and none is counted');
SELECT is(pg_temp.ask(4452, '2026-06-01', lease => '10 minutes'), 'GRANTED t 2026-06-01 00:10:00+00', 'P27: a lease ends');
SELECT is(pg_temp.ask(4451, '2026-06-02'), 'ALREADY_HELD t ', 'T21: the own seat is found before the limit is looked at');
SELECT is(pg_temp.ask(4453, '2026-06-01'), 'NO_SEATS_AVAILABLE f ', 'T31: a full pool refuses');
SELECT is(pg_temp.in_use(), 2, 'T31: assigned equals purchased');
SELECT results_eq(
    $$ SELECT at, code, license_id, pool, device_id, user_id FROM denial WHERE account_id = 4401 $$,
    $$ VALUES ('2026-06-01'::timestamptz, 'NO_SEATS_AVAILABLE', 4410::bigint, 'device', 4453::bigint, NULL::bigint) $$,
    'T31: the refusal is kept');
SELECT is(pg_temp.ask(4452, '2026-06-01 00:05', lease => '10 minutes'), 'ALREADY_HELD t 2026-06-01 00:15:00+00',
    'P27: asking again renews the lease');
SELECT is(pg_temp.ask(4452, '2026-06-01 00:06'), 'ALREADY_HELD t 2026-06-01 00:15:00+00',
    'P27: asking without a lease leaves the lease');
SELECT is(pg_temp.ask(4451, '2026-06-02', lease => '1 hour'), 'ALREADY_HELD t ', 'T21: a seat held until released stays so');

SELECT is((SELECT code FROM acquire_seat(4401, 4410, 'user', user_id => 4440, at => '2026-06-01')), 'GRANTED', 'T4: a user holds a seat');
SELECT is((SELECT code FROM acquire_seat(4401, 4410, 'user', user_id => 4440, at => '2026-06-01')), 'ALREADY_HELD', 'T4: once');
SELECT is((SELECT code FROM acquire_seat(4401, 4410, 'user', user_id => 4441, at => '2026-06-01')), 'NO_SEATS_AVAILABLE', 'T4: another user is refused');
SELECT is((SELECT code FROM acquire_seat(4401, 4410, 'apartment', apartment_id => 4431, at => '2026-06-01')), 'GRANTED', 'T4: an apartment holds a seat');
SELECT is((SELECT code FROM acquire_seat(4401, 4410, 'apartment', apartment_id => 4431, at => '2026-06-01')), 'ALREADY_HELD', 'T4: once');

-- Leases

SELECT is(pg_temp.ask(4453, '2026-06-01 00:14:59'), 'NO_SEATS_AVAILABLE f ', 'P27: a lease holds to its end');
SELECT is(pg_temp.ask(4453, '2026-06-01 00:15', lease => '1 day'), 'GRANTED t 2026-06-02 00:15:00+00',
    'P27: an expired lease is reclaimed by the one who needs it');
SELECT is(pg_temp.seat(4452), NULL::bigint, 'P27: the former holder has none');
SELECT is(pg_temp.ask(4453, '2026-06-03', lease => '1 hour'), 'GRANTED t 2026-06-03 01:00:00+00',
    'P27: a lease that ran out is taken anew by its holder');
SELECT is((SELECT acquired_at FROM seat WHERE seat_id = pg_temp.seat(4453)), '2026-06-03'::timestamptz, 'P27: from then on');
SELECT is(pg_temp.ask(4453, '2026-06-03 00:30', lease => '5 years'), 'ALREADY_HELD t 2027-01-01 00:00:00+00',
    'P27: a lease never outlives the licence');
SELECT is((SELECT expires_at FROM acquire_seat(4401, 4411, 'device', 4453, lease => '1 day', at => '2030-01-01')),
    '2030-01-02'::timestamptz, 'P27: an open-ended licence does not shorten a lease');
SET LOCAL timezone TO 'Europe/Prague';
SELECT is((SELECT expires_at FROM acquire_seat(4401, 4411, 'device', 4452, lease => '1 day', at => '2026-03-29 00:00:00+01')),
    '2026-03-30 00:00:00+01'::timestamptz, 'P27: a day of a lease has 24 hours');
SET LOCAL timezone TO 'UTC';
INSERT INTO seat (account_id, seat_id, license_id, pool, device_id, expires_at) VALUES (4401, 4461, 4411, 'device', 4458, '2026-03-01');
SELECT is(pg_temp.beat(4461, '2026-02-01'), 'GRANTED t 2026-03-01 00:00:00+00', 'P27: a lease of unknown length keeps its end');
SELECT is(pg_temp.beat(4461, '2026-02-01', '1 hour'), 'GRANTED t 2026-02-01 01:00:00+00', 'P27: until it is told one');
SELECT is(pg_temp.beat(4461, '2026-02-01 01:00'), 'LEASE_EXPIRED f 2026-02-01 01:00:00+00', 'P27: an end is exclusive');
DELETE FROM seat WHERE account_id = 4401 AND seat_id = 4461;
SELECT throws_ok($$ SELECT acquire_seat(4401, 4410, 'device', 4453, lease => '0', at => '2026-06-01') $$, '22023', NULL, 'P27: no lease of no length');
SELECT throws_ok($$ SELECT acquire_seat(4401, 4410, 'device', 4453, lease => '-1 day', at => '2026-06-01') $$, '22023', NULL, 'P27: nor of less');

-- Refusals

SELECT is((SELECT code FROM acquire_seat(4401, 9999, 'device', 4451, at => '2026-06-01')), 'NOT_FOUND', 'T31: unknown licence');
SELECT is((SELECT code FROM acquire_seat(4401, 4410, 'room', 4451, at => '2026-06-01')), 'NOT_FOUND', 'T31: unknown pool');
SELECT is((SELECT code FROM acquire_seat(4401, 4410, 'device', 9999, at => '2026-06-01')), 'NOT_FOUND', 'T31: unknown device');
SELECT is((SELECT code FROM acquire_seat(4401, 4420, 'device', 4451, at => '2026-06-01')), 'NOT_FOUND', 'T31: licence of another account');
SELECT is((SELECT code FROM acquire_seat(4401, 4410, 'device', 4471, at => '2026-06-01')), 'NOT_FOUND', 'T31: device of another account');
SELECT is((SELECT code FROM acquire_seat(9999, 4410, 'device', 4451, at => '2026-06-01')), 'NOT_FOUND', 'T31: unknown account');
SELECT is((SELECT count(*) FROM denial WHERE account_id = 9999), 0::bigint, 'T31: which keeps no refusals');
SELECT is((SELECT code FROM acquire_seat(4401, 4412, 'device', 4454, at => '2026-06-01')), 'LICENSE_NOT_VALID', 'T31: pending licence');
SELECT is(pg_temp.ask(4454, '2025-12-31 23:59:59'), 'LICENSE_NOT_VALID f ', 'T30: not before its start');
SELECT is(pg_temp.ask(4451, '2027-01-01'), 'LICENSE_NOT_VALID f ', 'T30: not from its end on, though no job has run');
SELECT isnt(pg_temp.seat(4451), NULL, 'T30: assignments are kept');
SELECT is(pg_temp.ask(4451, '2026-12-31 23:59:59'), 'ALREADY_HELD t ', 'T30: until the end');
SELECT is((SELECT string_agg(code, ' ' ORDER BY denial_id) FROM denial WHERE account_id = 4401 AND device_id = 4454),
    'LICENSE_NOT_VALID LICENSE_NOT_VALID', 'T30: refusals are kept');
SELECT throws_ok($$ SELECT acquire_seat(4401, 4410, 'device') $$, '22023', NULL, 'T4: somebody must hold it');
SELECT throws_ok($$ SELECT acquire_seat(4401, 4410, 'device', 4451, 4440) $$, '22023', NULL, 'T4: and only one');
SELECT throws_ok($$ SELECT acquire_seat(NULL, 4410, 'device', 4451) $$, '22004', NULL, 'T4: account_id must be given');
SELECT throws_ok($$ SELECT acquire_seat(4401, NULL, 'device', 4451) $$, '22004', NULL, 'T4: license_id must be given');
SELECT throws_ok($$ SELECT acquire_seat(4401, 4410, NULL, 4451) $$, '22004', NULL, 'T4: pool must be given');

-- Heartbeats

UPDATE seat SET last_seen_at = '2026-06-01' WHERE account_id = 4401;
SELECT is(pg_temp.beat(pg_temp.seat(4451), '2026-06-05'), 'GRANTED t ', 'P28: alive, until released');
SELECT is((SELECT last_seen_at FROM seat WHERE seat_id = pg_temp.seat(4451)), '2026-06-05'::timestamptz, 'P28: and seen');
SELECT is(pg_temp.beat(pg_temp.seat(4451), '2026-06-04', '1 hour'), 'GRANTED t ', 'P28: no lease comes of a heartbeat');
SELECT is((SELECT last_seen_at FROM seat WHERE seat_id = pg_temp.seat(4451)), '2026-06-05'::timestamptz, 'P28: a late one takes nothing back');
SELECT is(pg_temp.beat(pg_temp.seat(4453), '2026-06-04', '1 hour'), 'GRANTED t 2026-06-04 01:00:00+00', 'P27: a lease is renewed');
SELECT is(pg_temp.beat(pg_temp.seat(4453), '2026-06-04 00:59:59'), 'GRANTED t 2026-06-04 01:59:59+00', 'P27: by its former length');
SELECT is(pg_temp.beat(pg_temp.seat(4453), '2026-06-04 01:59:59'), 'LEASE_EXPIRED f 2026-06-04 01:59:59+00', 'P27: not at its end');
SELECT is(pg_temp.beat(-1, '2026-06-04'), 'NOT_FOUND f ', 'P27: unknown seat');
SELECT is((SELECT code FROM heartbeat(4402, pg_temp.seat(4451), at => '2026-06-05')), 'NOT_FOUND', 'P27: seat of another account');
SELECT is(pg_temp.beat(pg_temp.seat(4451), '2027-01-01'), 'LICENSE_NOT_VALID f ', 'T30: the licence has ended');
SELECT is((SELECT expires_at FROM heartbeat(4401, pg_temp.seat(4453), '1 year', '2026-06-04 01:00')),
    '2027-01-01'::timestamptz, 'P27: never past the licence');
SELECT throws_ok($$ SELECT heartbeat(4401, 1, '0') $$, '22023', NULL, 'P27: a lease must be longer than nothing');
SELECT throws_ok($$ SELECT heartbeat(NULL, 1) $$, '22004', NULL, 'P27: account_id must be given');
SELECT throws_ok($$ SELECT heartbeat(4401, NULL) $$, '22004', NULL, 'P27: seat_id must be given');
-- A lease that only plain SQL gave has the length it was last renewed by.
UPDATE seat SET lease = NULL, acquired_at = '2026-06-06', last_seen_at = '2026-06-06', expires_at = '2026-06-06 00:20'
WHERE seat_id = pg_temp.seat(4453);
SELECT is(pg_temp.beat(pg_temp.seat(4453), '2026-06-06 00:10'), 'GRANTED t 2026-06-06 00:30:00+00', 'P27: imported lease');

-- Releasing and moving

SELECT is(pg_temp.ask(4454, '2026-06-06'), 'NO_SEATS_AVAILABLE f ', 'T21: taken');
SELECT ok(NOT release_seat(4402, pg_temp.seat(4451)), 'T4: not by another account');
SELECT ok(release_seat(4401, pg_temp.seat(4451)), 'T4: released');
SELECT ok(NOT release_seat(4401, -1), 'T4: nothing to release');
SELECT is(pg_temp.ask(4454, '2026-06-06'), 'GRANTED t ', 'T4: free for another');
SELECT throws_ok($$ SELECT release_seat(4401, NULL) $$, '22004', NULL, 'T4: seat_id must be given');
SELECT throws_ok($$ SELECT release_seat(NULL, 1) $$, '22004', NULL, 'T4: account_id must be given');

CREATE TEMP TABLE moved AS SELECT pg_temp.seat(4454) AS old, move_seat(4401, 4454, 4455, '2026-06-07') AS new;
SELECT is((SELECT new FROM moved), pg_temp.seat(4455), 'T27: the seat is with the other device');
SELECT is(pg_temp.seat(4454), NULL::bigint, 'T27: and no longer with the one');
SELECT is(pg_temp.in_use(), 2, 'T27: total assigned unchanged');
SELECT is(pg_temp.beat((SELECT old FROM moved), '2026-06-07'), 'NOT_FOUND f ', 'T27: the former client cannot keep it');
SELECT results_eq(
    $$ SELECT at, subject, subject_id = (SELECT new FROM moved), action, old ->> 'device_id', new ->> 'device_id'
       FROM event WHERE account_id = 4401 AND subject = 'seat' $$,
    $$ VALUES ('2026-06-07'::timestamptz, 'seat', true, 'move_seat', '4454', '4455') $$, 'T27: a move is history');
SELECT throws_ok($$ SELECT move_seat(4401, 4454, 4456, '2026-06-07') $$, 'LX005', NULL, 'T27: nothing to move');
SELECT throws_ok($$ SELECT move_seat(4401, 4455, 4453, '2026-06-07') $$, '23505', NULL, 'T27: the target must be without');
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES (4401, 4410, 'floating_device', 1);
SELECT is(pg_temp.ask(4459, '2026-06-07', 'floating_device', '1 day'), 'GRANTED t 2026-06-08 00:00:00+00', 'T26: a floating one');
SELECT throws_ok($$ SELECT move_seat(4401, 4455, 4459, '2026-06-07') $$, '23505', NULL, 'T27: of whatever pool');
SELECT lives_ok($$ SELECT move_seat(4401, 4455, 4459, '2026-06-08'), move_seat(4401, 4459, 4455, '2026-06-08') $$, 'T27: a lease that has run out is none');
SELECT throws_ok($$ SELECT move_seat(4401, 4455, 4455, '2026-06-07') $$, '23505', NULL, 'T27: a device is not its own target');
SELECT throws_ok($$ SELECT move_seat(4401, 4455, 4471, '2026-06-07') $$, '23503', NULL, 'T27: both in the same account');
SELECT throws_ok($$ SELECT move_seat(4402, 4455, 4471, '2026-06-07') $$, 'LX005', NULL, 'T27: also the first');
SELECT throws_ok($$ SELECT move_seat(4401, 4453, 4456, '2026-06-06') $$, '21000', NULL, 'T27: which of two seats');
SELECT throws_ok($$ SELECT move_seat(4401, 4453, 4456, '2030-06-06') $$, 'LX005', NULL, 'P27: an expired seat is not moved');
SELECT throws_ok($$ SELECT move_seat(4401, NULL, 4456) $$, '22004', NULL, 'T27: from_device must be given');
SELECT throws_ok($$ SELECT move_seat(4401, 4455, NULL) $$, '22004', NULL, 'T27: to_device must be given');

-- The admin's hold

SELECT ok(release_seat(4401, pg_temp.seat(4455)), 'T28: the admin takes the licence away');
UPDATE device SET hold = true WHERE account_id = 4401 AND device_id = 4455;
SELECT is(pg_temp.ask(4455, '2026-06-08'), 'DEVICE_HELD f ', 'T28: and it is not given back');
SELECT is((SELECT code FROM denial WHERE account_id = 4401 AND device_id = 4455), 'DEVICE_HELD', 'T28: the refusal is kept');
UPDATE device SET hold = false WHERE account_id = 4401 AND device_id = 4455;
SELECT is(pg_temp.ask(4455, '2026-06-08'), 'GRANTED t ', 'T28: until the hold ends');

-- Plain SQL

SELECT throws_ok($$ INSERT INTO seat (account_id, license_id, pool, device_id) SELECT 4401, 4410, 'device', d FROM generate_series(4456, 4458) d $$,
    'LX001', NULL, 'T31: plain SQL cannot oversell');
SELECT throws_ok($$ INSERT INTO seat (account_id, license_id, pool, device_id) VALUES (4401, 4411, 'device', 4471) $$,
    '23503', NULL, 'T27: nor seat a device of another account');
SELECT throws_ok($$ INSERT INTO seat (account_id, license_id, pool, device_id) VALUES (4402, 4410, 'device', 4471) $$,
    '23503', NULL, 'T26: nor use a pool of another account');
SELECT throws_ok($$ INSERT INTO seat (account_id, license_id, pool, device_id) VALUES (4401, 4410, 'device', 4455) $$,
    '23505', NULL, 'T22: nor give a device a second seat');
SELECT throws_ok($$ INSERT INTO seat (account_id, license_id, pool, device_id, user_id) VALUES (4401, 4411, 'device', 4456, 4440) $$,
    '23514', NULL, 'T4: nor seat two holders');
SELECT throws_ok($$ INSERT INTO seat (account_id, license_id, pool) VALUES (4401, 4411, 'device') $$,
    '23514', NULL, 'T4: nor nobody');
DELETE FROM device WHERE account_id = 4401 AND device_id = 4455;
SELECT is(pg_temp.in_use(), 1, 'T31: a deleted device gives its seat back');
SELECT is_empty($$ SELECT * FROM check_seats() $$, 'T31: every count is right');

SELECT * FROM finish();
ROLLBACK;
