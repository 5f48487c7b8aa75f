-- Statements that run inside a count: CHECKs, triggers and expressions of the parent that write the child again, or change
-- the tables, while the count of the outer statement is under way.
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT no_plan();
-- Each statement is a transaction of its own. In a long one, servers with assertions fail once a page is full of row versions
-- and a subtransaction that updated a row locked before was rolled back, also without this extension (seen with 15.18).
DROP SCHEMA IF EXISTS nested CASCADE;
CREATE SCHEMA nested;
SET search_path = nested, public;

CREATE TABLE room (room_id integer PRIMARY KEY, places integer, used integer NOT NULL DEFAULT 0);
CREATE TABLE guest (guest_id integer, room_id integer CONSTRAINT guest_room_fkey REFERENCES room, weight integer DEFAULT 1);
INSERT INTO room SELECT i, 1000 FROM generate_series(0, 4) i;
SELECT license.attach_seat_limit('nested.guest', 'guest_room_fkey', 'used', 'places', 'weight');
INSERT INTO guest VALUES (0, 1);

CREATE FUNCTION used() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(used::text, '/' ORDER BY room_id) FROM room $$;
CREATE FUNCTION wrong() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM license.check_seats() WHERE child = 'nested.guest'::regclass $$;

-- Runs the statement in nested.todo, once, and answers true
CREATE TABLE todo (statement text);
CREATE FUNCTION nest(integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    todo text;
BEGIN
    FOR todo IN DELETE FROM nested.todo RETURNING statement LOOP
        EXECUTE todo;
    END LOOP;
    RETURN true;
END $$;
-- The parent 0 is written first, and the nested statements write others.
-- The statement inserts children while the given one runs inside; both are counted.
CREATE FUNCTION inside(statement text, description text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    before integer := (SELECT sum(weight) FROM guest);
BEGIN
    INSERT INTO todo VALUES (statement);
    INSERT INTO guest SELECT 100 + i, i % 5 FROM generate_series(0, 9) i;
    RETURN NEXT ok(NOT EXISTS (SELECT FROM todo), 'the nested statement has run');
    RETURN NEXT is(wrong(), 0::bigint, description);
    RETURN NEXT ok((SELECT sum(weight) FROM guest) IS DISTINCT FROM before, 'the rows of the outer statement are there');
END $$;
CREATE FUNCTION all_inside(place text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT inside('INSERT INTO nested.guest VALUES (1, 1), (2, 2)', 'S5: an INSERT into the child from ' || place || ' is counted beside the outer one');
    RETURN QUERY SELECT inside('GRANT SELECT ON nested.room TO PUBLIC; INSERT INTO nested.guest VALUES (1, 1)',
        'S5: a GRANT that replaces the definition, then an INSERT from ' || place || ', and the outer statement still counts');
    RETURN QUERY SELECT inside('GRANT SELECT ON nested.guest TO PUBLIC; INSERT INTO nested.guest SELECT 1, 1 + i % 4 FROM generate_series(1, 50) i; UPDATE nested.guest SET room_id = 5 - room_id WHERE room_id > 0',
        'S5: keys that move in a nested statement from ' || place || ' are counted');
    RETURN QUERY SELECT inside('COMMENT ON TABLE nested.room IS $c$x$c$; DELETE FROM nested.guest WHERE room_id = 2', 'S5: a nested DELETE from ' || place || ' is counted');
    RETURN QUERY SELECT inside($s$DO $d$ BEGIN GRANT SELECT ON nested.room TO PUBLIC; INSERT INTO nested.guest VALUES (1, 1); RAISE EXCEPTION 'x'; EXCEPTION WHEN raise_exception THEN NULL; END $d$ $s$,
        'S5: a nested INSERT from ' || place || ' that is rolled back leaves nothing, and the outer statement counts');
    RETURN QUERY SELECT inside($s$DO $d$ BEGIN INSERT INTO nested.guest VALUES (1, 1, 5000); EXCEPTION WHEN SQLSTATE 'LX002' THEN GRANT SELECT ON nested.room TO PUBLIC; END $d$ $s$,
        'S5: a nested INSERT from ' || place || ' that exceeds the limit leaves nothing, and the outer statement counts');
    RETURN QUERY SELECT inside('UPDATE nested.room SET places = 2000 WHERE room_id > 0; INSERT INTO nested.guest VALUES (1, 3)', 'S5: a limit raised by a nested statement from ' || place || ' leaves the count right');
END $$;

-- In a CHECK, which runs while the row is written directly
ALTER TABLE room ADD CONSTRAINT nest CHECK (nest(used) AND (used::text || places::text) <> '');
SELECT all_inside('a CHECK of the parent');
SELECT throws_ok($$SELECT inside('ALTER TABLE nested.room ADD COLUMN more integer', '')$$, '55006', NULL, 'S4: ALTER TABLE of the parent from a CHECK of the parent is refused while it is in use');
SELECT inside('INSERT INTO nested.guest VALUES (1, 1)', 'S5: the same again, from the definition that was kept');
SELECT throws_ok($$SELECT inside('INSERT INTO nested.guest VALUES (1, 0)', '')$$, '27000', NULL,
    'S5: a CHECK that changes the very row it checks is refused, as in an UPDATE');
-- Its arguments are computed before and used after the nested statement.
CREATE FUNCTION same_text(text, boolean, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN $1 = $3; END $$;
ALTER TABLE room DROP CONSTRAINT nest, ADD CONSTRAINT nest CHECK (same_text(repeat(used::text, 500), nest(used), repeat(used::text, 500)));
SELECT inside('INSERT INTO nested.guest SELECT 1, 1 + i % 4 FROM generate_series(1, 9) i', 'S5: a CHECK that runs inside itself keeps the values of the outer row');
ALTER TABLE room DROP CONSTRAINT nest;

-- In an IMMUTABLE function that runs when the CHECK is planned
CREATE FUNCTION planned(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nested.nest(1); RETURN $1; END $$;
SET check_function_bodies = off;
ALTER TABLE room ADD CONSTRAINT planned CHECK (used + planned(1) > 0 AND used >= 0);
SELECT lives_ok($$INSERT INTO guest VALUES (3, 3)$$, 'S5: a CHECK with an IMMUTABLE function of a constant can be planned');
SELECT is(wrong(), 0::bigint, 'S5: and counts');
ALTER TABLE room DROP CONSTRAINT planned;

-- The CHECK follows the functions it calls, as in an UPDATE.
CREATE FUNCTION most() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1000';
ALTER TABLE room ADD CONSTRAINT most CHECK (used < most());
INSERT INTO guest VALUES (3, 3);
CREATE OR REPLACE FUNCTION most() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
SELECT throws_ok('INSERT INTO guest VALUES (3, 3)', '23514', NULL, 'S5: a CHECK whose function was replaced is planned again');
ALTER TABLE room DROP CONSTRAINT most;
CREATE DOMAIN small AS integer;
ALTER TABLE room ADD CONSTRAINT small CHECK ((used::small) IS NOT NULL);
INSERT INTO guest VALUES (3, 3);
ALTER DOMAIN small ADD CHECK (VALUE < 2);
SELECT throws_ok('INSERT INTO guest VALUES (3, 3)', '23514', NULL, 'S5: a CHECK with a domain follows the constraints of the domain');
ALTER TABLE room DROP CONSTRAINT small;

-- In an index expression, which is computed when the new row version is entered
CREATE FUNCTION nest_key(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nested.nest($1); RETURN $1; END $$;
CREATE INDEX room_nest_idx ON room (nest_key(used));
SELECT inside('INSERT INTO nested.guest VALUES (1, 2)', 'S5: an INSERT from an index expression of the parent is counted beside the outer one');
DROP INDEX room_nest_idx;

-- In triggers of the parent, which make it be written by a statement
CREATE FUNCTION nest_trg() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nested.nest(1); RETURN NEW; END $$;
CREATE TRIGGER nest BEFORE UPDATE ON room FOR EACH ROW EXECUTE FUNCTION nest_trg();
SELECT all_inside('a BEFORE trigger of the parent');
SELECT throws_ok($$SELECT inside('INSERT INTO nested.guest VALUES (1, 0)', '')$$, '27000', NULL,
    'S5: a BEFORE trigger of the parent that changes the very row it fires for is refused, as in an UPDATE');
DROP TRIGGER nest ON room;
CREATE TRIGGER nest AFTER UPDATE ON room FOR EACH ROW EXECUTE FUNCTION nest_trg();
SELECT all_inside('an AFTER trigger of the parent');
SELECT throws_ok($$SELECT inside('ALTER TABLE nested.room ADD COLUMN more integer', '')$$, '55006', NULL, 'S4: ALTER TABLE of the parent from a trigger of the parent is refused while it is in use');
SELECT inside('INSERT INTO nested.guest VALUES (1, 0)', 'S5: an AFTER trigger of the parent may have the same row counted in again');
DROP TRIGGER nest ON room;
CREATE TRIGGER nest AFTER UPDATE ON room FOR EACH STATEMENT EXECUTE FUNCTION nest_trg();
SELECT all_inside('a statement trigger of the parent');
DROP TRIGGER nest ON room;

-- In a trigger of the child, between its rows and its end
CREATE TRIGGER nest AFTER INSERT ON guest FOR EACH ROW EXECUTE FUNCTION nest_trg();
SELECT all_inside('a row trigger of the child');
SELECT inside('ALTER TABLE nested.room ADD COLUMN m1 integer DEFAULT random()*9, ALTER places TYPE bigint', 'S4: ALTER TABLE of the parent from a row trigger of the child leaves the count right');
SELECT inside('CREATE TRIGGER late BEFORE UPDATE ON nested.room FOR EACH ROW EXECUTE FUNCTION nested.nest_trg()', 'N1: a trigger made by a row trigger of the child leaves the count right');
DROP TRIGGER late ON room;
DROP TRIGGER nest ON guest;
CREATE TRIGGER a_nest AFTER INSERT ON guest FOR EACH STATEMENT EXECUTE FUNCTION nest_trg();
SELECT all_inside('a statement trigger of the child');
SELECT inside('ALTER TABLE nested.room ADD COLUMN m2 integer DEFAULT random()*9, ALTER places TYPE integer', 'S4: ALTER TABLE of the parent from a statement trigger of the child leaves the count right');
SELECT inside('CREATE TRIGGER late BEFORE UPDATE ON nested.room FOR EACH ROW EXECUTE FUNCTION nested.nest_trg()', 'N1: a trigger made by a statement trigger of the child leaves the count right');
DROP TRIGGER late ON room;
DROP TRIGGER a_nest ON guest;

-- In a default and a CHECK of the child
ALTER TABLE guest ADD CONSTRAINT nest CHECK (nest(guest_id));
SELECT inside('GRANT SELECT ON nested.room TO PUBLIC; INSERT INTO nested.guest VALUES (1, 1)', 'S5: an INSERT from a CHECK of the child is counted beside the outer one');
ALTER TABLE guest DROP CONSTRAINT nest;
CREATE FUNCTION nest_default() RETURNS integer LANGUAGE sql AS $$ SELECT CASE WHEN nested.nest(1) THEN 1 END $$;
ALTER TABLE guest ALTER weight SET DEFAULT nest_default();
SELECT inside('GRANT SELECT ON nested.room TO PUBLIC; INSERT INTO nested.guest VALUES (1, 1)', 'S5: an INSERT from a default of the child is counted beside the outer one');
ALTER TABLE guest ALTER weight SET DEFAULT 1;

-- S15: what a trigger of the parent writes is no count, whichever table it is of.
CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE nested.guarded SET used = 99; RETURN NEW; END $$;
CREATE TABLE guarded (id integer PRIMARY KEY, lim integer, used integer NOT NULL DEFAULT 0);
CREATE TABLE taker (id integer CONSTRAINT taker_fkey REFERENCES guarded);
SELECT license.attach_seat_limit('nested.taker', 'taker_fkey', 'used', 'lim');
INSERT INTO guarded VALUES (1, 5);
CREATE TRIGGER forge BEFORE UPDATE ON room FOR EACH ROW EXECUTE FUNCTION forge();
SELECT throws_ok('INSERT INTO guest VALUES (1, 1)', '428C9', NULL, 'S15: a trigger of a counted parent cannot write the count of another table');
DROP TRIGGER forge ON room;
SELECT lives_ok('INSERT INTO guest VALUES (1, 1)', 'after that error, counting goes on');
SELECT throws_ok('UPDATE room SET used = 0', '428C9', NULL, 'and the count is guarded');

SELECT finish();
SET client_min_messages = warning;
DROP SCHEMA nested CASCADE;
