-- What the errors of a seat limit tell: numbers and key in DETAIL, and schema, table and constraint in fields of their own.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT no_plan();
CREATE SCHEMA tell;
SET LOCAL search_path = tell, public;

CREATE TABLE org (id text PRIMARY KEY, lim integer, used integer NOT NULL DEFAULT 0);
CREATE TABLE mem (id integer, org_id text CONSTRAINT mem_org_fkey REFERENCES org ON DELETE CASCADE, weight integer DEFAULT 1);
SELECT license.attach_seat_limit('tell.mem', 'mem_org_fkey', 'used', 'lim', 'weight');
INSERT INTO org VALUES ('five', 12), ('none', 0), (repeat('é', 300), 1), ('a) exceeded, (id)=(b', 1), (repeat('y', 80), 0);

CREATE FUNCTION told(statement text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    code text; message text; detail text; hint text; schema text; relation text; name text; col text;
BEGIN
    EXECUTE statement;
    RETURN ARRAY['no error'];
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
        schema = SCHEMA_NAME, relation = TABLE_NAME, name = CONSTRAINT_NAME, col = COLUMN_NAME;
    RETURN ARRAY[code, message, detail, hint, schema, relation, name, col];
END $$;

INSERT INTO mem VALUES (1, 'five', 10);
SELECT is(told($$INSERT INTO mem VALUES (2, 'five', 3)$$), ARRAY['LX001', 'seat limit of "org" exceeded', 'Key (org_id)=(five): 10 of 12 seats are taken; 3 more asked for.',
    'Release a seat, or raise "lim" of "org".', 'tell', 'mem', 'mem_org_fkey', ''], 'K6: a limit that is exceeded is told with numbers, key, schema, table and constraint');
SELECT is(told($$INSERT INTO mem VALUES (2, 'five', 13)$$), ARRAY['LX002', 'one row of "mem" asks for more seats than a row of "org" can ever hold',
    'Key (org_id)=(five): one row asks for 13 seats, the limit is 12.', 'Ask for fewer seats, or raise "lim" of "org".', 'tell', 'mem', 'mem_org_fkey', ''],
    'K6: a row that asks for more than the limit is told with numbers, key, schema, table and constraint');
SELECT is((told($$INSERT INTO mem VALUES (2, 'none')$$))[1:3], ARRAY['LX001', 'seat limit of "org" exceeded', 'Key (org_id)=(none): 0 of 0 seats are taken; 1 more asked for.'],
    'K6: a limit of 0 is a limit that is exceeded');
SELECT is((told($$INSERT INTO mem VALUES (2, 'none', 7)$$))[1], 'LX001', 'K6: a limit of 0 is a limit that is exceeded, also by a row of several seats');
SELECT is(told($$UPDATE org SET lim = 9 WHERE id = 'five'$$), ARRAY['LX032', '"lim" of "org" cannot fall below what is in use',
    'Key (id)=(five): 10 seats are in use; the new limit is 9.', 'Release seats first.', 'tell', 'mem', 'mem_org_fkey', ''],
    'K6: a limit that is lowered below use is told with numbers, key, schema, table and constraint');
SELECT is((told($$UPDATE org SET id = 'six' WHERE id = 'five'$$))[3:7], ARRAY['Key (id)=(five): seats are in use.', '', 'tell', 'mem', 'mem_org_fkey'],
    'K6: a key that changes while seats are in use is told with key, schema, table and constraint');
SELECT is((told($$INSERT INTO mem SELECT 3, id, 2 FROM org WHERE id LIKE '%é%'$$))[3], 'Key (org_id)=(' || repeat('é', 80) || '...): one row asks for 2 seats, the limit is 1.',
    'K6: a key of 300 characters is cut after 80, between characters');
SELECT is((told($$INSERT INTO mem SELECT 3, id, 1 FROM org WHERE id LIKE 'y%'$$))[3], 'Key (org_id)=(' || repeat('y', 80) || '): 0 of 0 seats are taken; 1 more asked for.',
    'K6: a key of 80 characters is not cut');
SELECT is((told($$INSERT INTO mem SELECT i, 'a) exceeded, (id)=(b' FROM generate_series(1, 2) i$$))[2], 'seat limit of "org" exceeded',
    'K6: a key that looks like a message does not become part of it');
CREATE TRIGGER seen BEFORE UPDATE ON org FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT is((told($$INSERT INTO mem VALUES (2, 'five', 3)$$))[1:7], ARRAY['LX001', 'seat limit of "org" exceeded', 'Key (org_id)=(five): 10 of 12 seats are taken; 3 more asked for.',
    'Release a seat, or raise "lim" of "org".', 'tell', 'mem', 'mem_org_fkey'], 'K6: the error is the same where triggers of the parent see the count');
SELECT is((told($$INSERT INTO mem VALUES (2, 'none')$$))[1], 'LX001', 'K6: a limit of 0 is the same where triggers of the parent see the count');

-- Attaching
SELECT license.detach_seat_limit('tell.mem', 'mem_org_fkey');
INSERT INTO org SELECT 'o' || i, 1 FROM generate_series(10, 29) i;
INSERT INTO mem SELECT i, 'o' || i, 2 FROM generate_series(10, 22) i;
SELECT is((told($$SELECT license.attach_seat_limit('tell.mem', 'mem_org_fkey', 'used', 'lim', 'weight')$$))[1:3], ARRAY['LX001', 'rows of "org" already break the seat limit',
    (SELECT string_agg('(id)=(o' || i || ') takes 2 of 1 seats', '; ') FROM generate_series(10, 19) i) || '; and 3 more.'],
    'A6: attach_seat_limit names ten parents that break their limit, and how many more there are');
DELETE FROM mem WHERE org_id <> 'o10';
UPDATE mem SET org_id = (SELECT id FROM org WHERE id LIKE '%é%');
SELECT is((told($$SELECT license.attach_seat_limit('tell.mem', 'mem_org_fkey', 'used', 'lim', 'weight')$$))[3], '(id)=(' || repeat('é', 80) || '...) takes 2 of 1 seats.',
    'K6: attach_seat_limit cuts keys after 80 characters');
UPDATE org SET lim = NULL;
SELECT license.attach_seat_limit('tell.mem', 'mem_org_fkey', 'used', 'lim', 'weight');
SET LOCAL session_replication_role = replica;
UPDATE org SET used = 5 WHERE used = 2;
SET LOCAL session_replication_role = origin;
SELECT is((SELECT parent_key FROM license.check_seats() WHERE child = 'tell.mem'::regclass), '(id)=(' || repeat('é', 80) || '...)', 'K6: check_seats cuts keys after 80 characters');

-- A parent without a key
CREATE TABLE loose (id integer UNIQUE, lim integer, used integer);
CREATE TABLE held (id integer CONSTRAINT held_fkey REFERENCES loose (id));
SELECT license.attach_seat_limit('tell.held', 'held_fkey', 'used', 'lim');
INSERT INTO loose VALUES (NULL, 1), (1, 1);
SELECT is((SELECT count(*) FROM license.check_seats() WHERE child = 'tell.held'::regclass), 0::bigint, 'a parent whose key is NULL is nothing to check');
SET LOCAL session_replication_role = replica;
UPDATE loose SET used = NULL;
SET LOCAL session_replication_role = origin;
SELECT is((SELECT array_agg(parent_key || ' ' || counted ORDER BY parent_key COLLATE "C") FROM license.check_seats() WHERE child = 'tell.held'::regclass), ARRAY['(id)=(1) 0', '(id)=(null) 0'],
    'check_seats shows a parent whose key is NULL');
INSERT INTO held VALUES (1);
SELECT is((SELECT used FROM loose WHERE id = 1), 1, 'a count that is NULL counts from 0');

SELECT finish();
ROLLBACK;
