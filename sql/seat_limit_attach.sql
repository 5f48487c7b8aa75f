-- The counted foreign key on the tables of an existing application
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE SCHEMA shop;
CREATE TABLE shop.hall (city text, name text, places bigint, taken smallint NOT NULL DEFAULT 7, PRIMARY KEY (city, name));
CREATE TABLE shop.ticket (id int PRIMARY KEY, hall text, town text, heads int, vip boolean,
    CONSTRAINT ticket_hall FOREIGN KEY (town, hall) REFERENCES shop.hall (city, name) ON DELETE CASCADE);
INSERT INTO shop.hall VALUES ('Brno', 'big', 10), ('Brno', 'small', 2), ('Praha', 'any', NULL);
INSERT INTO shop.ticket VALUES (1, 'big', 'Brno', 4, true), (2, 'big', 'Brno', 3, false), (3, 'small', 'Brno', 3, true),
    (4, NULL, 'Brno', 9, true), (5, 'any', 'Praha', 500, NULL);

-- refused: a limit is broken already; then what is there is counted
SELECT license.attach_seat_limit('shop.ticket', 'ticket_hall', 'taken', 'places', 'heads');
UPDATE shop.ticket SET heads = 2 WHERE id = 3;
SELECT license.attach_seat_limit('shop.ticket', 'ticket_hall', 'taken', 'places', 'heads');
SELECT * FROM shop.hall ORDER BY 1, 2;
SELECT license.attach_seat_limit('shop.ticket', 'ticket_hall', 'taken', 'places', 'heads');

INSERT INTO shop.ticket VALUES (6, 'big', 'Brno', 4, true);
INSERT INTO shop.ticket VALUES (6, 'big', 'Brno', 11, true);
INSERT INTO shop.ticket VALUES (6, 'big', 'Brno', -1, true);
INSERT INTO shop.ticket VALUES (6, 'big', 'Brno', 3, true), (7, 'big', 'Brno', NULL, true), (8, 'nowhere', 'Brno', 1, true);
INSERT INTO shop.ticket VALUES (6, 'big', 'Brno', 3, true), (7, 'big', 'Brno', NULL, true);
UPDATE shop.ticket SET heads = heads + 1 WHERE id = 2;
UPDATE shop.ticket SET hall = 'any', town = 'Praha' WHERE id = 2;
INSERT INTO shop.ticket VALUES (9, 'any', 'Praha', 40000, true);
SELECT * FROM shop.hall ORDER BY 1, 2;
DELETE FROM shop.hall WHERE name = 'big';
SELECT * FROM shop.ticket ORDER BY 1;
UPDATE shop.hall SET name = 'tiny' WHERE name = 'small';

-- a BEFORE trigger of the application that changes the key behind the statement's back
CREATE FUNCTION shop.redirect() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF NEW.id = 3 THEN NEW.hall := 'any'; NEW.town := 'Praha'; END IF; RETURN NEW; END$$;
CREATE TRIGGER redirect BEFORE UPDATE ON shop.ticket FOR EACH ROW EXECUTE FUNCTION shop.redirect();
UPDATE shop.ticket SET vip = true WHERE id = 3;
SELECT * FROM shop.hall ORDER BY 1, 2;

-- the parent's own triggers, generated columns and checks see every count
ALTER TABLE shop.hall ADD COLUMN free bigint GENERATED ALWAYS AS (places - taken) STORED, ADD COLUMN changes int DEFAULT 0;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.changes := OLD.changes + 1; RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE UPDATE ON shop.hall FOR EACH ROW EXECUTE FUNCTION shop.touch();
INSERT INTO shop.ticket VALUES (10, 'small', 'Brno', 1, true);
INSERT INTO shop.ticket VALUES (11, 'small', 'Brno', 2, true);
INSERT INTO shop.ticket VALUES (11, 'small', 'Brno', 3, true);
SELECT * FROM shop.hall ORDER BY 1, 2;
DROP TRIGGER touch ON shop.hall;
ALTER TABLE shop.hall DROP COLUMN free, ADD CONSTRAINT never_two CHECK (taken <> 2 OR name <> 'small');
INSERT INTO shop.ticket VALUES (11, 'small', 'Brno', 1, true);
SELECT * FROM license.check_seats() WHERE child = 'shop.ticket'::regclass;

-- a renamed column is an error with a way out, never an uncounted seat
ALTER TABLE shop.ticket RENAME COLUMN heads TO people;
DELETE FROM shop.ticket WHERE id = 10;
SELECT license.detach_seat_limit('shop.ticket', 'ticket_hall');

-- a boolean weight, and a count without a limit
ALTER TABLE shop.ticket RENAME COLUMN people TO heads;
SELECT license.detach_seat_limit('shop.ticket', 'ticket_hall');
SELECT license.detach_seat_limit('shop.ticket', 'ticket_hall');
DELETE FROM shop.ticket WHERE id = 10;
SELECT license.attach_seat_limit('shop.ticket', 'ticket_hall', 'taken', NULL, 'vip');
INSERT INTO shop.ticket VALUES (20, 'small', 'Brno', 1, true), (21, 'small', 'Brno', 1, false), (22, 'small', 'Brno', 1, NULL);
SELECT city, name, taken FROM shop.hall ORDER BY 1, 2;
SELECT license.detach_seat_limit('shop.ticket', 'ticket_hall');

-- what cannot be counted
SELECT license.attach_seat_limit('shop.ticket', 'nothing', 'taken', 'places');
SELECT license.attach_seat_limit('shop.ticket', 'ticket_pkey', 'taken', 'places');
SELECT license.attach_seat_limit('shop.ticket', 'ticket_hall', 'nothing', 'places');
SELECT license.attach_seat_limit('shop.ticket', 'ticket_hall', 'name', 'places');
SELECT license.attach_seat_limit('shop.ticket', 'ticket_hall', 'taken', 'places', 'hall');
SELECT license.attach_seat_limit('shop.ticket', 'ticket_hall', NULL, 'places');
SELECT license.attach_seat_limit(NULL, 'ticket_hall', 'taken', 'places');
ALTER TABLE shop.ticket DROP CONSTRAINT ticket_hall,
    ADD CONSTRAINT ticket_hall FOREIGN KEY (town, hall) REFERENCES shop.hall (city, name) DEFERRABLE;
SELECT license.attach_seat_limit('shop.ticket', 'ticket_hall', 'taken', 'places');
CREATE TABLE shop.parts (id int, town text, hall text,
    CONSTRAINT parts_hall FOREIGN KEY (town, hall) REFERENCES shop.hall (city, name)) PARTITION BY LIST (id);
SELECT license.attach_seat_limit('shop.parts', 'parts_hall', 'taken', 'places');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT license.attach_seat_limit('shop.ticket', 'ticket_hall', 'taken', 'places');
ROLLBACK;
SELECT license._seat_count_trg();
CREATE TRIGGER forged AFTER INSERT ON shop.ticket FOR EACH STATEMENT EXECUTE FUNCTION license._seat_count_trg();
INSERT INTO shop.ticket VALUES (30);
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
