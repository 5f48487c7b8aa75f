-- A heartbeat and what an owner may put on license.seat: triggers, constraints, indexes, rules.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';

SELECT no_plan();

INSERT INTO account (account_id, name) VALUES (4481, 'Clocks');
INSERT INTO license (account_id, license_id, sku, status, starts_at, ends_at, term) VALUES
    (4481, 4482, 'COUNT-ANNUAL', 'in_use', '2026-01-01', '2027-01-01', '1 year');
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES (4481, 4482, 'device', 3);
INSERT INTO device (account_id, device_id) SELECT 4481, d FROM generate_series(4491, 4493) d;
INSERT INTO seat (account_id, seat_id, license_id, pool, device_id, acquired_at, last_seen_at, lease, expires_at)
SELECT 4481, d + 100, 4482, 'device', d, '2026-06-01', '2026-06-01', '1 hour', '2026-06-01 01:00' FROM generate_series(4491, 4493) d;
-- Beats once, and says what is stored
CREATE FUNCTION pg_temp.beat(at timestamptz, lease interval DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text := (SELECT format('%s %s', code, expires_at) FROM heartbeat(4481, 4591, lease, at));
BEGIN
    RETURN (SELECT format('%s, stored %s %s %s', answer, last_seen_at, s.lease, expires_at) FROM seat s WHERE account_id = 4481 AND seat_id = 4591);
END $$;

-- As it is

SELECT is(pg_temp.beat('2026-06-01 00:10'),
    'GRANTED 2026-06-01 01:10:00+00, stored 2026-06-01 00:10:00+00 01:00:00 2026-06-01 01:10:00+00', 'P27: what is answered is stored');
SELECT is((SELECT string_agg(format('%s %s', h.code, h.expires_at), ', ') FROM (VALUES (1), (2)) v (n),
        heartbeat(4481, 4591, make_interval(hours => n), '2026-06-01 00:20') h),
    'GRANTED 2026-06-01 01:20:00+00, GRANTED 2026-06-01 02:20:00+00', 'P27: twice in one statement');
SELECT is(pg_temp.beat('2026-06-01 00:20'),
    'GRANTED 2026-06-01 02:20:00+00, stored 2026-06-01 00:20:00+00 02:00:00 2026-06-01 02:20:00+00', 'P27: and the second stays');
SELECT throws_ok($$ SELECT heartbeat(4481, 4591, '1 month -30 days', '2026-01-10') $$, '23514',
    'new row for relation "seat" violates check constraint "seat_lease_check"', 'P27: a lease that a short month makes nothing of');
SAVEPOINT taken_back;
SELECT is((SELECT h::text FROM heartbeat(4481, 4591, lease::interval, '2026-06-01') h), format('(t,GRANTED,"%s")', ends_at),
    format('S25: heartbeat() answers a lease of %s with the end of the licence', lease))
FROM license, unnest(ARRAY['300000 years', '178000000 years', '2147483647 days', '2562047788:00:00']) lease WHERE account_id = 4481 AND license_id = 4482;
SELECT throws_ok($$ SELECT heartbeat(4481, 4591, '-178000000 years', '2026-06-01') $$, '22023', NULL, 'S25: a lease that ends before all time is no lease');
UPDATE seat SET lease = NULL, expires_at = 'infinity' WHERE seat_id = 4591;
SELECT is((SELECT h::text FROM heartbeat(4481, 4591, NULL, '2026-06-01') h), (SELECT format('(t,GRANTED,"%s")', ends_at) FROM license WHERE account_id = 4481 AND license_id = 4482),
    'S25: heartbeat() answers a seat that plain SQL gave for ever');
ROLLBACK TO taken_back;
SELECT heartbeat(4481, 4591, '5 hours', '2026-06-01 00:30');
ROLLBACK TO taken_back;
SELECT is((SELECT lease::text FROM seat WHERE seat_id = 4591), '02:00:00', 'P27: a heartbeat is taken back with its transaction');
SELECT is((SELECT in_use FROM license_pool WHERE account_id = 4481), 3, 'P27: no heartbeat changes the count');
SELECT is((SELECT count(*) FROM check_seats()), 0::bigint, 'P27: and the count is right');
SELECT is((SELECT array_agg(seat_id ORDER BY seat_id) FROM seat WHERE account_id = 4481 AND license_id = 4482 AND pool = 'device'
    AND expires_at > '2026-06-01 02:00'), '{4591}', 'P27: the index finds it by its new end');

-- A constraint of the owner's

ALTER TABLE seat ADD CONSTRAINT short_check CHECK (expires_at < acquired_at + interval '6 hours');
SELECT is(pg_temp.beat('2026-06-01 00:40'),
    'GRANTED 2026-06-01 02:40:00+00, stored 2026-06-01 00:40:00+00 02:00:00 2026-06-01 02:40:00+00', 'P27: a constraint that holds');
SELECT throws_ok($$ SELECT heartbeat(4481, 4591, '1 day', '2026-06-01 00:50') $$, '23514',
    'new row for relation "seat" violates check constraint "short_check"', 'P27: a constraint that does not');
ALTER TABLE seat DROP CONSTRAINT short_check;
SELECT is(pg_temp.beat('2026-06-01 00:50', '1 day'),
    'GRANTED 2026-06-02 00:50:00+00, stored 2026-06-01 00:50:00+00 1 day 2026-06-02 00:50:00+00', 'P27: once it is gone');
CREATE UNIQUE INDEX one_end ON seat (account_id, expires_at) WHERE expires_at > '2026-06-02';
SELECT throws_ok($$ SELECT heartbeat(4481, 4593, '1 day', '2026-06-01 00:50') $$, '23505', NULL, 'P27: a unique index');
DROP INDEX one_end;
UPDATE seat SET expires_at = NULL, lease = NULL WHERE seat_id = 4592;

-- A trigger of the owner's

CREATE TABLE pg_temp.seen (what text);
CREATE FUNCTION pg_temp.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_temp.seen SELECT format('%s %s %s', TG_WHEN, TG_LEVEL, CASE WHEN TG_LEVEL = 'ROW' THEN NEW.expires_at - OLD.expires_at END);
    RETURN NEW;
END $$;
CREATE FUNCTION pg_temp.seen() RETURNS text LANGUAGE sql AS
$$ WITH gone AS (DELETE FROM pg_temp.seen RETURNING what) SELECT string_agg(what, ', ' ORDER BY what) FROM gone $$;
CREATE TRIGGER see_after AFTER UPDATE ON seat FOR EACH ROW EXECUTE FUNCTION pg_temp.see();
SELECT is(pg_temp.beat('2026-06-01 01:00'),
    'GRANTED 2026-06-02 01:00:00+00, stored 2026-06-01 01:00:00+00 1 day 2026-06-02 01:00:00+00', 'P27: beside a row trigger');
SELECT is(pg_temp.seen(), 'AFTER ROW 00:10:00', 'P27: which sees the row');
DROP TRIGGER see_after ON seat;
CREATE TRIGGER see_statement AFTER UPDATE ON seat EXECUTE FUNCTION pg_temp.see();
SELECT matches(pg_temp.beat('2026-06-01 01:10'), '^GRANTED 2026-06-02 01:10', 'P27: beside a statement trigger');
SELECT is(pg_temp.seen(), 'AFTER STATEMENT ', 'P27: which sees the statement');
ALTER TABLE seat DISABLE TRIGGER see_statement;
SELECT matches(pg_temp.beat('2026-06-01 01:20'), '^GRANTED 2026-06-02 01:20', 'P27: beside one that is off');
SELECT is(pg_temp.seen(), NULL, 'P27: which sees nothing');
DROP TRIGGER see_statement ON seat;
CREATE FUNCTION pg_temp.shorten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.expires_at := NEW.expires_at - interval '1 minute';
    RETURN NEW;
END $$;
CREATE TRIGGER shorten BEFORE UPDATE ON seat FOR EACH ROW EXECUTE FUNCTION pg_temp.shorten();
SELECT is(pg_temp.beat('2026-06-01 01:30'),
    'GRANTED 2026-06-02 01:29:00+00, stored 2026-06-01 01:30:00+00 1 day 2026-06-02 01:29:00+00', 'P27: what a trigger made of it is answered');
DROP TRIGGER shorten ON seat;
CREATE FUNCTION pg_temp.skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER skip BEFORE UPDATE ON seat FOR EACH ROW EXECUTE FUNCTION pg_temp.skip();
SELECT is(pg_temp.beat('2026-06-01 01:40'),
    'LEASE_EXPIRED 2026-06-02 01:29:00+00, stored 2026-06-01 01:30:00+00 1 day 2026-06-02 01:29:00+00', 'P27: a trigger that lets nothing through');
DROP TRIGGER skip ON seat;

-- Columns of the owner's

ALTER TABLE seat ADD COLUMN note text DEFAULT 'kept', ADD COLUMN ends_on date GENERATED ALWAYS AS ((expires_at AT TIME ZONE 'UTC')::date) STORED;
SELECT matches(pg_temp.beat('2026-06-05 01:50', '1 day'), '^LEASE_EXPIRED', 'P27: an expired lease stays so');
SELECT matches(pg_temp.beat('2026-06-02 01:00', '2 days'), '^GRANTED 2026-06-04', 'P27: beside a generated column');
SELECT is((SELECT format('%s %s', note, ends_on) FROM seat WHERE seat_id = 4591), 'kept 2026-06-04', 'P27: which follows');
ALTER TABLE seat DROP COLUMN ends_on;
SELECT matches(pg_temp.beat('2026-06-02 02:00', '2 days'), '^GRANTED 2026-06-04', 'P27: after a column was dropped');
SELECT is((SELECT note FROM seat WHERE seat_id = 4591), 'kept', 'P27: the others keep their values');

-- A CHECK that has a seat written while it runs

CREATE TEMP TABLE todo (seat_id bigint);
CREATE FUNCTION pg_temp.nest(timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    seat bigint;
BEGIN
    FOR seat IN DELETE FROM pg_temp.todo RETURNING seat_id LOOP
        GRANT SELECT ON license.seat TO PUBLIC;
        PERFORM license.heartbeat(4481, seat, '3 hours', '2026-06-02 02:10');
    END LOOP;
    RETURN true;
END $$;
CREATE FUNCTION pg_temp.same(text, boolean, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN $1 = $3; END $$;
UPDATE seat SET lease = '1 day', expires_at = '2026-06-03' WHERE seat_id = 4592;
ALTER TABLE seat ADD CONSTRAINT nest
    CHECK (pg_temp.same(repeat(last_seen_at::text, 100), pg_temp.nest(last_seen_at), repeat(last_seen_at::text, 100)));
INSERT INTO todo VALUES (4592);
SELECT is(pg_temp.beat('2026-06-02 02:20', '2 days'), 'GRANTED 2026-06-04 02:20:00+00, stored 2026-06-02 02:20:00+00 2 days 2026-06-04 02:20:00+00',
    'S5: a CHECK that has another seat written, after the table changed, leaves the outer heartbeat right');
SELECT is((SELECT expires_at FROM seat WHERE seat_id = 4592), '2026-06-02 05:10'::timestamptz, 'S5: the heartbeat inside the CHECK is stored, too');
INSERT INTO todo VALUES (4591);
SELECT throws_ok($$ SELECT pg_temp.beat('2026-06-02 02:30', '2 days') $$, '27000', NULL, 'S5: a CHECK that has the very seat written that it checks is refused, as in an UPDATE');
ALTER TABLE seat DROP CONSTRAINT nest;
DELETE FROM seat WHERE seat_id = 4592;
UPDATE seat SET lease = NULL, last_seen_at = expires_at WHERE seat_id = 4593;
UPDATE seat SET lease = '1 hour' WHERE seat_id = 4593;
ALTER TABLE seat ALTER COLUMN lease SET NOT NULL;
SELECT is((SELECT code FROM heartbeat(4481, 4593, at => '2026-06-01 00:30')), 'GRANTED', 'P27: a column that must not be NULL');

SELECT finish();
ROLLBACK;
