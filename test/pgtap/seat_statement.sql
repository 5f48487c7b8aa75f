-- A statement is counted row by row and written once, at its end, whatever runs in between.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT no_plan();
CREATE SCHEMA moved;
SET LOCAL search_path = moved, public;

CREATE TABLE town (town_id integer PRIMARY KEY);
CREATE TABLE room (room_id integer PRIMARY KEY, places integer, used integer NOT NULL DEFAULT 0);
CREATE TABLE guest (guest_id integer PRIMARY KEY, beds integer NOT NULL DEFAULT 1, name text, town_id integer,
    room_id integer CONSTRAINT guest_room_fkey REFERENCES room ON UPDATE CASCADE ON DELETE SET NULL,
    CONSTRAINT guest_town_fkey FOREIGN KEY (town_id) REFERENCES town ON DELETE SET NULL);
SELECT license.attach_seat_limit('moved.guest', 'guest_room_fkey', 'used', 'places', 'beds');
INSERT INTO room VALUES (1, 2), (2, 2), (3, 9), (4, 9);
INSERT INTO guest (guest_id, room_id) VALUES (1, 1), (2, 1), (3, 2), (4, 2), (5, 3);

CREATE FUNCTION used() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(used::text, '/' ORDER BY room_id) FROM room $$;
CREATE FUNCTION exact() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM license.check_seats() WHERE child = 'moved.guest'::regclass $$;

UPDATE guest SET room_id = 3 - room_id WHERE guest_id IN (1, 3);
SELECT is(used(), '2/2/1/0', 'M11: guests of two full rooms change places in one statement');
SELECT throws_ok('UPDATE guest SET room_id = 1 WHERE guest_id = 5', 'LX001', NULL, 'M11: none moves into a full room');
SELECT is(used(), '2/2/1/0', 'M12: and nothing of that is written');
UPDATE guest SET room_id = 4 WHERE guest_id = 5;
SELECT is(used(), '2/2/0/1', 'M12: nor by the next UPDATE');
SELECT throws_ok('UPDATE guest SET beds = 2 WHERE guest_id = 1', 'LX001', NULL, 'M11: a weight may not grow beyond the limit');
UPDATE guest SET beds = 3 WHERE guest_id = 5;
UPDATE guest SET name = 'Ann', beds = beds, room_id = room_id;
SELECT is(used(), '2/2/0/3', 'M12: a weight is counted, what stays is not');
UPDATE guest SET room_id = NULL WHERE guest_id = 5;
SELECT is(used(), '2/2/0/0', 'M12: a guest without a room takes no bed');

WITH one AS (UPDATE guest SET room_id = 3 WHERE guest_id = 1 RETURNING 1), two AS (UPDATE guest SET room_id = 3 WHERE guest_id = 3 RETURNING 1)
SELECT count(*) FROM one, two;
SELECT is(used(), '1/1/2/0', 'M12: two updates of one statement');
INSERT INTO guest (guest_id, room_id) VALUES (1, 4), (6, 4) ON CONFLICT (guest_id) DO UPDATE SET room_id = EXCLUDED.room_id;
SELECT is(used(), '1/1/1/2', 'M12: ON CONFLICT DO UPDATE');
MERGE INTO guest g USING (VALUES (1, 3), (7, 3)) v (guest_id, room_id) ON g.guest_id = v.guest_id
    WHEN MATCHED THEN UPDATE SET room_id = v.room_id WHEN NOT MATCHED THEN INSERT (guest_id, room_id) VALUES (v.guest_id, v.room_id);
SELECT is(used(), '1/1/3/1', 'M12: MERGE');
CREATE FUNCTION move(who integer, whither integer) RETURNS integer LANGUAGE sql AS $$ UPDATE guest SET room_id = whither WHERE guest_id = who RETURNING room_id $$;
UPDATE guest SET room_id = move(7, 4) WHERE guest_id = 1;
SELECT is(used(), '1/1/1/3', 'M12: an UPDATE inside an UPDATE');

-- A trigger of the application between the rows and the end of the statement
CREATE FUNCTION companion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name = 'leader' THEN
        UPDATE guest SET room_id = NEW.room_id, name = 'led' WHERE guest_id = NEW.guest_id + 1;
    ELSIF NEW.name = 'fails' THEN
        RAISE EXCEPTION 'no';
    ELSIF NEW.name = 'tries' THEN
        BEGIN
            UPDATE guest SET room_id = 1, beds = 9 WHERE guest_id = NEW.guest_id + 1;
        EXCEPTION WHEN SQLSTATE 'LX001' OR SQLSTATE 'LX002' THEN
            NULL;
        END;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER zz_companion AFTER UPDATE ON guest FOR EACH ROW EXECUTE FUNCTION companion();
UPDATE guest SET room_id = 3, name = 'leader' WHERE guest_id IN (1, 6);
SELECT is(used(), '0/1/5/0', 'M12: a trigger that moves others is counted with them');
SELECT throws_ok($$ UPDATE guest SET room_id = 4, name = CASE guest_id WHEN 6 THEN 'fails' ELSE '' END WHERE guest_id IN (1, 6) $$, 'P0001', 'no',
    'M12: a trigger that fails after rows were counted');
UPDATE guest SET room_id = 4, name = 'tries' WHERE guest_id IN (1, 6);
SELECT is(used(), '0/1/3/2', 'M12: leaves nothing behind, nor does one that catches its own failure');
SELECT is(exact(), 0::bigint, 'M12: every count is right');
DROP TRIGGER zz_companion ON guest;

-- What foreign keys do is counted too
UPDATE room SET places = 9;
UPDATE guest SET room_id = NULL WHERE room_id = 2;
SELECT lives_ok('UPDATE room SET room_id = 20 WHERE room_id = 2', 'M12: a room without guests may be renumbered');
SELECT throws_ok('UPDATE room SET room_id = 30 WHERE room_id = 3', '23503', NULL, 'M12: one with guests may not');
DELETE FROM room WHERE room_id = 3;
SELECT is((SELECT count(*) FROM guest WHERE room_id IS NULL), 5::bigint, 'M12: guests of a room that is gone have none');
SELECT is(exact(), 0::bigint, 'M12: and every count is right');

-- The same of rows that come and go
UPDATE guest SET town_id = NULL;
DELETE FROM guest;
SELECT is(used(), '0/0/0', 'M12: no guests, no beds');
ALTER TABLE guest DROP CONSTRAINT guest_town_fkey, ADD CONSTRAINT guest_town_fkey FOREIGN KEY (town_id) REFERENCES town ON DELETE CASCADE;
INSERT INTO town VALUES (1), (2), (3);
INSERT INTO guest (guest_id, room_id, town_id, beds) SELECT i, CASE WHEN i % 2 = 0 THEN 1 ELSE 4 END, 1 + i % 3, i % 3 FROM generate_series(1, 12) i;
SELECT is(used(), '6/6/0', 'M12: rows without weight take no bed');
SELECT throws_ok('INSERT INTO guest (guest_id, room_id) SELECT i, 1 FROM generate_series(20, 23) i', 'LX001', NULL, 'M11: all of a statement or nothing');
SELECT is(used(), '6/6/0', 'M12: nothing of it is counted');
DELETE FROM town WHERE town_id IN (1, 3);
SELECT is(used(), '2/2/0', 'M12: rows that go with two rows of another table');
SELECT is(exact(), 0::bigint, 'M12: are counted once');
CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.guest_id < 100 THEN
        INSERT INTO guest (guest_id, room_id) VALUES (NEW.guest_id + 100, NEW.room_id);
    ELSIF TG_OP = 'DELETE' AND OLD.name = 'stays' THEN
        RAISE EXCEPTION 'no';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER zz_twice AFTER INSERT OR DELETE ON guest FOR EACH ROW EXECUTE FUNCTION twice();
INSERT INTO guest (guest_id, room_id, name) VALUES (30, 1, 'goes'), (31, 4, 'stays');
SELECT is(used(), '4/4/0', 'M12: an INSERT inside an INSERT');
SELECT throws_ok('DELETE FROM guest WHERE guest_id >= 30', 'P0001', 'no', 'M12: a DELETE that fails half way');
DELETE FROM guest WHERE guest_id = 30;
SELECT is(used(), '3/4/0', 'M12: leaves nothing behind for the next');
WITH gone AS (DELETE FROM guest WHERE guest_id = 131 RETURNING 32 AS guest_id, 1 AS room_id)
INSERT INTO guest (guest_id, room_id) SELECT guest_id, room_id FROM gone WHERE false;
SELECT is(used(), '3/3/0', 'M12: a DELETE in an INSERT that inserts nothing');
SELECT is(exact(), 0::bigint, 'M12: every count is right at the end');

-- What a parent counts may be what it takes of a parent of its own
DROP TRIGGER zz_twice ON guest;
CREATE TABLE hotel (hotel_id integer PRIMARY KEY, beds integer, taken integer NOT NULL DEFAULT 0);
INSERT INTO hotel VALUES (1, 8);
ALTER TABLE room ADD COLUMN hotel_id integer DEFAULT 1 CONSTRAINT room_hotel_fkey REFERENCES hotel;
SELECT license.attach_seat_limit('moved.room', 'room_hotel_fkey', 'taken', 'beds', 'used');
SELECT is((SELECT taken FROM hotel), 6, 'M11: a limit above a limit');
INSERT INTO guest (guest_id, room_id) VALUES (40, 1), (41, 4);
SELECT is((SELECT taken FROM hotel), 8, 'M12: counts through');
SELECT throws_ok('INSERT INTO guest (guest_id, room_id) VALUES (42, 1)', 'LX001', NULL, 'M11: and refuses though the room has place');
SELECT is(used(), '4/4/0', 'M12: in both');
DELETE FROM guest WHERE room_id = 4;
SELECT is((SELECT taken FROM hotel), 4, 'M12: and back');
SELECT is_empty('SELECT * FROM license.check_seats()', 'M12: both are right');

-- A count without a limit ends where its column does.
CREATE TABLE hall (hall_id integer PRIMARY KEY, used bigint NOT NULL DEFAULT 0, places bigint);
CREATE TABLE crowd (crowd_id integer PRIMARY KEY, heads bigint, hall_id integer CONSTRAINT crowd_hall_fkey REFERENCES hall);
SELECT license.attach_seat_limit('moved.crowd', 'crowd_hall_fkey', 'used', 'places', 'heads');
INSERT INTO hall VALUES (1);
INSERT INTO crowd VALUES (1, 9223372036854775807, 1);
SELECT throws_ok('INSERT INTO crowd VALUES (2, 1, 1)', '22003', 'seat count is out of range', 'M12: a count that would pass the largest bigint is refused');
SELECT is(used, 9223372036854775807, 'M12: and stays as it was') FROM hall;
SELECT lives_ok('UPDATE crowd SET heads = heads - 1', 'M12: it can fall');
SELECT lives_ok('INSERT INTO crowd VALUES (2, 1, 1)', 'M12: and rise to the largest bigint');
SELECT is_empty($$SELECT * FROM license.check_seats() WHERE child = 'moved.crowd'::regclass$$, 'M12: it is exact');

SELECT * FROM finish();
ROLLBACK;
