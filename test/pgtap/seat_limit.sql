-- Counted foreign keys meet what PostgreSQL 18 brought: columns that are computed when read, rules that
-- are not enforced, and foreign keys over periods.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT plan(12);
SELECT current_setting('server_version_num')::integer >= 180000 AS has_18 \gset
\if :has_18
CREATE SCHEMA counted;
SET LOCAL search_path = counted, public;

CREATE TABLE room (room_id integer PRIMARY KEY, places integer, used integer NOT NULL DEFAULT 0,
    left_over integer GENERATED ALWAYS AS (3 - used) VIRTUAL CONSTRAINT room_left_over_check CHECK (left_over > 0),
    CONSTRAINT room_used_check CHECK (used < 1) NOT ENFORCED);
CREATE TABLE guest (guest_id integer PRIMARY KEY, beds integer GENERATED ALWAYS AS (2) VIRTUAL,
    room_id integer CONSTRAINT guest_room_fkey REFERENCES room);
SELECT lives_ok($$SELECT license.attach_seat_limit('counted.guest', 'guest_room_fkey', 'used', 'places')$$,
    'M11: seats of a parent with a column that is computed when read');
INSERT INTO room VALUES (1, 9);
SELECT lives_ok('INSERT INTO guest VALUES (1, DEFAULT, 1), (2, DEFAULT, 1)', 'M11: a CHECK that is not enforced does not refuse seats');
SELECT throws_ok('INSERT INTO guest VALUES (3, DEFAULT, 1)', '23514', NULL, 'M11: one that reads the computed column does');
SELECT is(used, 2, 'M11: and nothing was counted then') FROM room;
SELECT throws_ok($$SELECT license.attach_seat_limit('counted.guest', 'guest_room_fkey', 'places', 'left_over')$$, '0A000', NULL,
    'M11: no limit is computed when read');
SELECT throws_ok($$SELECT license.attach_seat_limit('counted.guest', 'guest_room_fkey', 'places', NULL, 'beds')$$, '0A000', NULL,
    'M11: no weight either');

CREATE TABLE hall (hall_id integer PRIMARY KEY, places integer, used integer NOT NULL DEFAULT 0,
    CONSTRAINT hall_used_check CHECK (used < 1) NOT ENFORCED);
CREATE TABLE ticket (ticket_id integer PRIMARY KEY, hall_id integer, CONSTRAINT ticket_hall_fkey FOREIGN KEY (hall_id) REFERENCES hall NOT ENFORCED);
SELECT throws_ok($$SELECT license.attach_seat_limit('counted.ticket', 'ticket_hall_fkey', 'used', 'places')$$, '0A000', NULL,
    'M11: no seats along a foreign key that is not enforced');
ALTER TABLE ticket ALTER CONSTRAINT ticket_hall_fkey ENFORCED;
SELECT lives_ok($$SELECT license.attach_seat_limit('counted.ticket', 'ticket_hall_fkey', 'used', 'places')$$, 'M11: once it is, they are counted');
INSERT INTO hall VALUES (1, 2);
SELECT lives_ok('INSERT INTO ticket VALUES (1, 1), (2, 1)', 'M11: up to the limit, whatever is not enforced');
SELECT throws_ok('INSERT INTO ticket VALUES (3, 1)', 'LX001', NULL, 'M11: and not beyond');

CREATE TABLE lease (rooms int4range, days daterange, places integer, used integer NOT NULL DEFAULT 0, CONSTRAINT lease_pkey PRIMARY KEY (rooms, days WITHOUT OVERLAPS));
CREATE TABLE stay (stay_id integer PRIMARY KEY, rooms int4range, days daterange,
    CONSTRAINT stay_lease_fkey FOREIGN KEY (rooms, PERIOD days) REFERENCES lease (rooms, PERIOD days));
SELECT throws_ok($$SELECT license.attach_seat_limit('counted.stay', 'stay_lease_fkey', 'used', 'places')$$, '0A000',
    'foreign key "stay_lease_fkey" is over periods', 'M11: no seats along a foreign key over periods');
SELECT is_empty('SELECT * FROM license.check_seats()', 'M11: every counter is right');
\else
SELECT skip('PostgreSQL 18 has these', 12);
\endif

SELECT * FROM finish();
ROLLBACK;
