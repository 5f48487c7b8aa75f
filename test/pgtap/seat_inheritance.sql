-- Tables that become partitions, inherit or are inherited from after their seats are counted.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT no_plan();
CREATE SCHEMA kin;
SET LOCAL search_path = kin, public;

CREATE TABLE room (room_id integer PRIMARY KEY, places integer, used integer NOT NULL DEFAULT 0);
CREATE TABLE guest (guest_id integer, room_id integer CONSTRAINT guest_room_fkey REFERENCES room);
SELECT license.attach_seat_limit('kin.guest', 'guest_room_fkey', 'used', 'places');
INSERT INTO room VALUES (1, 2), (2, 2);
INSERT INTO guest VALUES (1, 1), (2, 1);

CREATE FUNCTION used() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(used::text, '/' ORDER BY room_id) FROM ONLY room $$;
CREATE FUNCTION wrong() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM license.check_seats() WHERE child = 'kin.guest'::regclass $$;

-- A partition
CREATE TABLE everybody (guest_id integer, room_id integer) PARTITION BY RANGE (guest_id);
ALTER TABLE everybody ATTACH PARTITION guest DEFAULT;
SELECT throws_ok('INSERT INTO everybody VALUES (3, 1)', '0A000',
    'seats cannot be counted in "guest", which is a partition or inherits from a table', 'M12: no row comes uncounted through a partitioned table');
SELECT throws_ok('INSERT INTO guest VALUES (3, 1)', '0A000', NULL, 'M12: the partition itself says so, too');
SELECT throws_ok('UPDATE everybody SET room_id = 2', '0A000', NULL, 'M12: none moves');
SELECT throws_ok('DELETE FROM everybody', '0A000', NULL, 'M12: none goes');
SELECT is(used(), '2/0', 'M12: nothing is counted');
TRUNCATE everybody;
SELECT is(used(), '0/0', 'M12: TRUNCATE empties the rooms');
ALTER TABLE everybody DETACH PARTITION guest;
INSERT INTO guest VALUES (1, 1), (2, 1);
SELECT throws_ok('INSERT INTO guest VALUES (3, 1)', 'LX001', NULL, 'M11: detached, it counts again');
SELECT is(wrong(), 0::bigint, 'M12: rightly');

-- A child of another table
CREATE TABLE person (room_id integer);
CREATE TABLE anything ();
ALTER TABLE guest INHERIT person;
SELECT throws_ok('UPDATE person SET room_id = 2', '0A000', NULL, 'M12: no row moves through a table it inherits from');
SELECT throws_ok('DELETE FROM person', '0A000', NULL, 'M12: none goes');
ALTER TABLE guest NO INHERIT person;
ALTER TABLE guest INHERIT anything;
SELECT throws_ok('DELETE FROM anything', '0A000', NULL, 'M12: not even through one without columns');
ALTER TABLE guest NO INHERIT anything;
UPDATE guest SET room_id = 2 WHERE guest_id = 2;
SELECT is(used(), '1/1', 'M12: on its own it counts again');

-- Tables that inherit from the child or the parent: foreign keys leave them out, and so do counts.
CREATE TABLE regular () INHERITS (guest);
INSERT INTO regular VALUES (7, 1), (8, 1), (9, 1);
SELECT is(wrong(), 0::bigint, 'M12: rows that inherit from the child take no seat');
UPDATE guest SET room_id = 2;
SELECT is(used(), '0/2', 'M12: nor do they when an UPDATE reaches them');
SELECT is(license.recount_seats('kin.guest'), 0::bigint, 'M12: counting again finds the same');
DELETE FROM guest;
SELECT is(used(), '0/0', 'M12: deleted they give none back');
CREATE TABLE suite () INHERITS (room);
INSERT INTO suite VALUES (1, 5, 3);
INSERT INTO guest VALUES (1, 1);
SELECT is(used(), '1/0', 'M12: the row of the parent is counted');
SELECT is((SELECT used FROM suite), 3, 'M12: one of the same key that inherits from it is not');
SELECT is(wrong(), 0::bigint, 'M12: and is nothing to check');

-- The same for a parent that is counted by SQL, because it has a trigger of its own
CREATE FUNCTION mind() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER mind BEFORE UPDATE ON room FOR EACH ROW EXECUTE FUNCTION mind();
INSERT INTO guest VALUES (2, 1);
SELECT is(used(), '2/0', 'M12: the row of a parent with triggers is counted');
SELECT is((SELECT used FROM suite), 3, 'M12: again without the other');
SELECT throws_ok('INSERT INTO guest VALUES (3, 1)', 'LX001', NULL, 'M11: and its limit holds');
SELECT is(license.recount_seats('kin.guest'), 0::bigint, 'M12: the others are not recounted');
DROP TRIGGER mind ON room;

-- A parent that is a partition counts; where the count itself says which partition, PostgreSQL has the say.
DROP TABLE suite, regular;
DELETE FROM guest;
CREATE TABLE house (room_id integer NOT NULL, places integer, used integer NOT NULL) PARTITION BY RANGE (used);
ALTER TABLE house ATTACH PARTITION room FOR VALUES FROM (0) TO (2);
INSERT INTO guest VALUES (1, 1);
SELECT is(used(), '1/0', 'M12: a partition can be the parent');
SELECT throws_ok('INSERT INTO guest VALUES (2, 1)', '23514', NULL, 'M12: but not leave its bounds');
SELECT is(used(), '1/0', 'M12: and nothing is counted');
SELECT is(wrong(), 0::bigint, 'M12: all is right at the end');

SELECT * FROM finish();
ROLLBACK;
