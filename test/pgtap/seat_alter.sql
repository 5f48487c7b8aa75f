-- Counted foreign keys whose tables, columns or constraints are altered or dropped, and those that share a column.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT no_plan();
CREATE SCHEMA alt;
SET LOCAL search_path = alt, public;

CREATE TABLE room (room_id integer PRIMARY KEY, places integer, used integer NOT NULL DEFAULT 0);
CREATE TABLE guest (guest_id integer, room_id integer CONSTRAINT guest_room_fkey REFERENCES room);
INSERT INTO room VALUES (1, 2), (2, 2);

CREATE FUNCTION attach() RETURNS void LANGUAGE sql AS $$ SELECT license.attach_seat_limit('alt.guest', 'guest_room_fkey', 'used', 'places') $$;
CREATE FUNCTION detach() RETURNS void LANGUAGE sql AS $$ SELECT license.detach_seat_limit('alt.guest', 'guest_room_fkey') $$;
CREATE FUNCTION used() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(used::text, '/' ORDER BY room_id) FROM room $$;
CREATE FUNCTION triggers() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE relnamespace = 'alt'::regnamespace AND NOT tgisinternal $$;

-- Deferrable: children would stay while their parent goes and comes back uncounted.
SELECT attach();
INSERT INTO guest VALUES (1, 1);
ALTER TABLE guest ALTER CONSTRAINT guest_room_fkey DEFERRABLE;
SELECT throws_ok('INSERT INTO guest VALUES (2, 1)', '0A000', 'foreign key "guest_room_fkey" is deferrable or not valid',
    'M12: no seat is taken along a foreign key that became deferrable');
ALTER TABLE guest ALTER CONSTRAINT guest_room_fkey NOT DEFERRABLE;
INSERT INTO guest VALUES (2, 1);
SELECT throws_ok('INSERT INTO guest VALUES (3, 1)', 'LX001', NULL, 'M11: it counts again when that is taken back');

-- Another type
ALTER TABLE guest ALTER room_id TYPE bigint;
SELECT throws_ok('DELETE FROM guest WHERE guest_id = 2', '0A000', 'key columns "room_id" and "room_id" differ in type',
    'M12: no seat is taken or given back along a foreign key between different types');
ALTER TABLE guest ALTER room_id TYPE integer;
SELECT throws_ok('INSERT INTO guest VALUES (3, 1)', 'LX001', NULL, 'M11: nor taken beyond the limit when they are the same again');

-- Another name
ALTER TABLE guest RENAME CONSTRAINT guest_room_fkey TO in_room;
ALTER TRIGGER guest_room_fkey_seat_row ON guest RENAME TO other;
SELECT throws_ok('INSERT INTO guest VALUES (3, 1)', 'LX001', NULL, 'M11: a renamed foreign key counts');
SELECT throws_ok('SELECT detach()', '42704', NULL, 'it is not known by its former name');
SELECT lives_ok($$SELECT license.detach_seat_limit('alt.guest', 'in_room')$$, 'it is detached by its new one');
SELECT is(triggers(), 0::bigint, 'and leaves no trigger, whatever they are called');
ALTER TABLE guest RENAME CONSTRAINT in_room TO guest_room_fkey;

-- Renamed columns
SELECT attach();
ALTER TABLE guest RENAME room_id TO room;
SELECT throws_ok('INSERT INTO guest VALUES (3, 1)', '42703', NULL, 'M11: nothing is taken after a key column was renamed');
SELECT throws_ok('UPDATE room SET used = 0', '428C9', NULL, 'M12: nor the count written, for the name may come back');
SELECT lives_ok('SELECT detach()', 'then it can be detached');
SELECT is(triggers(), 0::bigint, 'from the parent, too');
SELECT attach();
SELECT is(used(), '2/0', 'M12: and attached again');
ALTER TABLE room RENAME used TO taken;
SELECT throws_ok('INSERT INTO guest VALUES (3, 2)', '42703', NULL, 'M11: nor after the used column was renamed');
SELECT is((SELECT problem FROM license.check_seats() WHERE child = 'alt.guest'::regclass AND parent = 'alt.room'::regclass AND parent_key IS NULL),
    'table "room" has no column "used" to count seats with. After renaming a column, call license.detach_seat_limit() and license.attach_seat_limit() again.',
    'K7: check_seats gives an attachment whose used column was renamed as a row with the problem and its cure');
SELECT lives_ok('SELECT detach()', 'then it can be detached, too');
ALTER TABLE room RENAME taken TO used;
ALTER TABLE guest RENAME room TO room_id;
SELECT is(triggers(), 0::bigint, 'without traces');

-- Without the foreign key
SELECT attach();
SELECT throws_ok('UPDATE room SET used = 0', '428C9', NULL, 'M12: the count cannot be written');
ALTER TABLE guest DROP CONSTRAINT guest_room_fkey;
SELECT throws_ok('INSERT INTO guest VALUES (3, 2)', '42704', 'table "guest" has no foreign key to count seats by',
    'M11: nothing is taken when the foreign key is gone');
SELECT lives_ok('SELECT detach()', 'it can be detached by the name it had');
INSERT INTO guest VALUES (3, 1);
SELECT lives_ok('UPDATE room SET used = 0 WHERE room_id = 1', 'the count is a column like others then');
ALTER TABLE guest ADD CONSTRAINT guest_room_fkey FOREIGN KEY (room_id) REFERENCES room;
SELECT throws_ok('SELECT attach()', 'LX001', NULL, 'M11: attached again it finds what happened meanwhile');
DELETE FROM guest WHERE guest_id = 3;
SELECT attach();
SELECT is(used(), '2/0', 'M12: and counts, where the former guard was left');
SELECT throws_ok('UPDATE room SET used = 0', '428C9', NULL, 'M12: which guards again');

-- A foreign key that is led to another table
CREATE TABLE ledger (room_id integer PRIMARY KEY, places integer, used integer NOT NULL DEFAULT 0);
INSERT INTO ledger VALUES (1, 100), (2, 100);
ALTER TABLE guest DROP CONSTRAINT guest_room_fkey, ADD CONSTRAINT guest_room_fkey FOREIGN KEY (room_id) REFERENCES ledger;
SELECT throws_ok('INSERT INTO guest VALUES (3, 1)', '55000', 'column "used" of "ledger" is not guarded as one that counts seats',
    'M12: nothing is counted in a table that was not attached');
ALTER TABLE guest DROP CONSTRAINT guest_room_fkey, ADD CONSTRAINT guest_room_fkey FOREIGN KEY (room_id) REFERENCES room;
SELECT throws_ok('INSERT INTO guest VALUES (3, 1)', 'LX001', NULL, 'M11: it counts again when it is led back');
DROP TRIGGER used_guard ON room;
SELECT throws_ok('INSERT INTO guest VALUES (3, 2)', '55000', 'column "used" of "room" is not guarded as one that counts seats',
    'M12: nor in a column that everybody could write');
SELECT lives_ok('SELECT detach()', 'which can be detached');
SELECT attach();
SELECT throws_ok('INSERT INTO guest VALUES (3, 1)', 'LX001', NULL, 'M11: and attached again');

-- Without the child
DROP TABLE guest;
SELECT lives_ok('UPDATE room SET places = 1 WHERE room_id = 1', 'the limit of a parent without children can be lowered');
SELECT lives_ok('UPDATE room SET room_id = 3 WHERE room_id = 1', 'its key moved');
SELECT lives_ok('UPDATE room SET used = 0', 'and its count written');
CREATE TABLE guest (guest_id integer, room_id integer CONSTRAINT guest_room_fkey REFERENCES room);
SELECT lives_ok('SELECT attach()', 'a new child can be attached');
SELECT throws_ok('INSERT INTO guest VALUES (1, 3), (2, 3)', 'LX001', NULL, 'M11: and its limit holds');

-- Two foreign keys over one column: the one that was attached is counted.
CREATE TABLE badge (badge_id integer PRIMARY KEY, places integer, used integer NOT NULL DEFAULT 0);
CREATE TABLE visitor (visitor_id integer, badge_id integer CONSTRAINT first REFERENCES room CONSTRAINT second REFERENCES badge);
INSERT INTO badge VALUES (2, 1);
SELECT license.attach_seat_limit('alt.visitor', 'second', 'used', 'places');
SELECT throws_ok('INSERT INTO visitor VALUES (1, 2), (2, 2)', 'LX001', 'seat limit of "badge" exceeded',
    'M11: a limit holds along the second foreign key of a column');
INSERT INTO visitor VALUES (1, 2);
SELECT results_eq('SELECT room.used, badge.used FROM room, badge WHERE room_id = 2', 'VALUES (0, 1)', 'M12: it is counted in its own parent');
SELECT is_empty('SELECT * FROM license.check_seats() WHERE child = ''alt.visitor''::regclass', 'M12: and found right there');
SELECT throws_ok($$SELECT license.attach_seat_limit('alt.visitor', 'first', 'used', 'places')$$, '42710', NULL,
    'the other cannot be counted in a column that counts already');
ALTER TABLE room ADD in_use integer NOT NULL DEFAULT 0;
SELECT license.attach_seat_limit('alt.visitor', 'first', 'in_use', 'places');
DELETE FROM visitor;
INSERT INTO visitor VALUES (3, 2);
SELECT results_eq('SELECT room.used, in_use, badge.used FROM room, badge WHERE room_id = 2', 'VALUES (0, 1, 1)', 'M12: both can be counted');
SELECT lives_ok($$SELECT license.detach_seat_limit('alt.visitor', 'first')$$, 'one is detached');
SELECT throws_ok('INSERT INTO visitor VALUES (4, 2)', 'LX001', NULL, 'M11: and the other still counted');
DELETE FROM visitor;
ALTER TABLE visitor RENAME CONSTRAINT second TO renamed;
SELECT throws_ok('INSERT INTO visitor VALUES (4, 2)', '55000', 'several foreign keys of "visitor" have the columns of its seat limit',
    'M11: which one is meant is not guessed');
SELECT license.detach_seat_limit('alt.guest', 'guest_room_fkey');
SELECT throws_ok('INSERT INTO visitor VALUES (4, 2), (5, 2)', 'LX001', NULL, 'M11: it is clear when only one parent has a guard');
SELECT lives_ok($$SELECT license.detach_seat_limit('alt.visitor', 'renamed')$$, 'and then it can be detached');
SELECT is(triggers(), 0::bigint, 'nothing is left at the end');

-- Columns of one name in several parents
SELECT license.attach_seat_limit('alt.visitor', 'renamed', 'used', 'places');
SELECT attach();
DROP TABLE guest;
SELECT lives_ok('UPDATE room SET used = 7', 'a guard is left over though a child of its table counts in a column of that name elsewhere');
CREATE TABLE staff (staff_id integer, place_id integer CONSTRAINT staff_fkey REFERENCES room);
SELECT license.attach_seat_limit('alt.staff', 'staff_fkey', 'used', 'places');
ALTER TABLE staff DROP CONSTRAINT staff_fkey, ADD CONSTRAINT staff_fkey FOREIGN KEY (place_id) REFERENCES badge;
SELECT license.detach_seat_limit('alt.staff', 'staff_fkey');
SELECT throws_ok('UPDATE badge SET used = 5', '428C9', NULL, 'M12: a foreign key led to a counted table leaves the guard of others when detached');

SELECT * FROM finish();
ROLLBACK;
