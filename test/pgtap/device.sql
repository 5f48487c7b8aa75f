-- Device codes, and where a device is.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;

SELECT no_plan();

CREATE FUNCTION pg_temp.code(id bigint) RETURNS text LANGUAGE sql AS
$$ SELECT device_code FROM device WHERE device_id = id $$;
CREATE FUNCTION pg_temp.place(id bigint) RETURNS text LANGUAGE sql AS
$$ SELECT format('%s/%s', site_id, apartment_id) FROM device WHERE device_id = id $$;

INSERT INTO account (account_id, name, email) VALUES (4601, 'Trees', 'office@trees.example'), (4602, 'Pipes', 'office@pipes.example');
INSERT INTO site (account_id, site_id, name) VALUES (4601, 1, 'Forest'), (4601, 2, 'Park'), (4602, 3, 'Plant');
INSERT INTO apartment (account_id, site_id, apartment_id, name) VALUES
    (4601, 1, 11, 'A'), (4601, 1, 12, 'B'), (4601, 2, 21, 'C'), (4602, 3, 31, 'D');

-- Codes

INSERT INTO device (account_id, device_id) SELECT account, account * 10 + n
FROM unnest(ARRAY[4601, 4602]) account, generate_series(1, 2) n ORDER BY n;
SELECT is(
    (SELECT string_agg(account_id || ':' || device_code, ' ' ORDER BY account_id, device_id) FROM device WHERE account_id IN (4601, 4602)),
    '4601:001 4601:002 4602:001 4602:002', 'T23: numbers count by account, also in one statement');
SELECT throws_ok($$ INSERT INTO device (account_id, device_code) VALUES (4601, '002') $$, '23505', NULL, 'T23: unique within the account');
SELECT is(
    (SELECT count(*) FROM account a JOIN device d USING (account_id) WHERE lower(a.email) = 'office@trees.example' AND device_code = '001'),
    1::bigint, 'T24: account e-mail and code name one device');
INSERT INTO device (account_id, device_id, device_code) VALUES (4601, 46013, 'lobby'), (4601, 46014, '0009');
INSERT INTO device (account_id, device_id, device_code) VALUES (4601, 46015, NULL);
SELECT is(pg_temp.code(46015), '010', 'T23: beyond every number given by hand');
DELETE FROM device WHERE device_id = 46015;
INSERT INTO device (account_id, device_id) VALUES (4601, 46016);
SELECT is(pg_temp.code(46016), '011', 'T23: the code of a deleted device is not reused');
UPDATE device SET device_code = 'door' WHERE device_id = 46016;
INSERT INTO device (account_id, device_id) VALUES (4601, 46017);
SELECT is(pg_temp.code(46017), '012', 'T23: nor one that was changed');
UPDATE device SET account_id = 4602, device_code = '040' WHERE device_id = 46017;
INSERT INTO device (account_id, device_id) VALUES (4601, 46018), (4602, 46023);
SELECT is(pg_temp.code(46018), '013', 'T23: nor one that left for another account');
SELECT is(pg_temp.code(46023), '041', 'T23: where it counts now');
INSERT INTO device (account_id, device_id, device_code) VALUES (4602, 46024, '999');
INSERT INTO device (account_id, device_id) VALUES (4602, 46025);
SELECT is(pg_temp.code(46025), '1000', 'T23: after 999 comes 1000');
DELETE FROM device WHERE account_id = 4602;
INSERT INTO device (account_id, device_id) VALUES (4602, 46026);
SELECT is(pg_temp.code(46026), '1001', 'T23: an account emptied goes on');
SELECT is((SELECT last_device_number FROM account_counter WHERE account_id = 4601), 12, 'T23: an INSERT leaves the counter of the account as it is');
SELECT throws_ok($$ UPDATE device SET device_code = NULL WHERE device_id = 46018 $$, '23502', NULL, 'T23: a code is not taken away');
SELECT throws_ok($$ INSERT INTO device (account_id) VALUES (-1) $$, '23503', NULL, 'T23: unknown account');
SELECT is(_device_number('007') + _device_number('12a') + _device_number('') + _device_number('9999999999'), 7,
    'T23: only up to nine digits are a number');
INSERT INTO device (account_id, device_code) VALUES (4602, '999999999');
SELECT throws_ok($$ INSERT INTO device (account_id) VALUES (4602) $$, '2200H', NULL, 'T23: numbers end somewhere');
MERGE INTO device d USING (VALUES (4601, 46019)) v (account, device) ON d.device_id = v.device
WHEN NOT MATCHED THEN INSERT (account_id, device_id) VALUES (v.account, v.device);
SELECT is(pg_temp.code(46019), '014', 'T23: MERGE numbers, too');
TRUNCATE device CASCADE;
INSERT INTO device (account_id, device_id) VALUES (4601, 46020);
SELECT is(pg_temp.code(46020), '015', 'T23: TRUNCATE gives no number back');

-- One apartment, of its own site

INSERT INTO device (account_id, device_id, site_id, apartment_id) VALUES (4601, 46101, 1, 11);
SELECT throws_ok($$ UPDATE device SET apartment_id = 21 WHERE device_id = 46101 $$, '23503', NULL, 'M8: not in an apartment of another site');
SELECT throws_ok($$ UPDATE device SET site_id = 3, apartment_id = 31 WHERE device_id = 46101 $$, '23503', NULL, 'M8: nor of another account');
SELECT throws_ok($$ INSERT INTO device (account_id, apartment_id) VALUES (4601, 11) $$, '23514', NULL, 'M8: no apartment without its site');
UPDATE device SET site_id = 2, apartment_id = 21 WHERE device_id = 46101;
SELECT is(pg_temp.place(46101), '2/21', 'M8: site and apartment change together');

-- Of account, site and apartment only one is looked up, so each way in and out of them is tried.

CREATE FUNCTION pg_temp.broken(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    EXECUTE statement;
    RETURN 'none';
EXCEPTION WHEN foreign_key_violation OR check_violation THEN
    GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;
    RETURN name;
END $$;
INSERT INTO account (account_id, name) VALUES (4603, 'Roots');
INSERT INTO site (account_id, site_id, name) VALUES (4603, 5, 'Cellar'), (4603, 6, 'Attic');
INSERT INTO device (account_id, device_id, site_id, device_code) VALUES (4603, 46121, 5, 'in a site');
INSERT INTO device (account_id, device_id, device_code) VALUES (4603, 46122, 'on the shelf');
SELECT is(pg_temp.broken(statement), broken, 'M8: ' || why) FROM (VALUES
    ('INSERT INTO device (account_id, device_code) VALUES (-1, ''x'')', 'device_account_fkey', 'no device of an unknown account'),
    ('INSERT INTO device (account_id, site_id, device_code) VALUES (4603, -1, ''x'')', 'device_site_fkey', 'none in an unknown site'),
    ('INSERT INTO device (account_id, site_id, device_code) VALUES (4603, 1, ''x'')', 'device_site_fkey', 'none in the site of another account'),
    ('INSERT INTO device (account_id, site_id, apartment_id, device_code) VALUES (4603, 5, -1, ''x'')', 'device_apartment_fkey', 'none in an unknown apartment'),
    ('INSERT INTO device (account_id, site_id, apartment_id, device_code) VALUES (4603, 1, 11, ''x'')', 'device_site_fkey', 'none in an apartment of another account'),
    ('UPDATE device SET site_id = -1 WHERE device_id = 46122', 'device_site_fkey', 'an unknown site is no place to go from the shelf'),
    ('UPDATE device SET site_id = 1 WHERE device_id = 46121', 'device_site_fkey', 'nor the site of another account'),
    ('UPDATE device SET site_id = -1, apartment_id = NULL WHERE device_id = 46101', 'device_site_fkey', 'nor out of an apartment'),
    ('UPDATE device SET account_id = -1, site_id = NULL, apartment_id = NULL WHERE device_id = 46101', 'device_account_fkey', 'nor an unknown account'),
    ('UPDATE device SET account_id = -1 WHERE device_id = 46122', 'device_account_fkey', 'nor from the shelf'),
    ('DELETE FROM site WHERE site_id = 5', 'device_site_fkey', 'a site with a device stays'),
    ('UPDATE site SET site_id = 7 WHERE site_id = 5', 'device_site_fkey', 'and keeps its id'),
    ('DELETE FROM site WHERE site_id = 6', 'none', 'one without goes'),
    ('DELETE FROM apartment WHERE apartment_id = 21', 'device_apartment_fkey', 'an apartment with a device stays'),
    ('DELETE FROM site WHERE site_id = 2', 'apartment_site_fkey', 'and so does its site'),
    ('UPDATE device SET site_id = NULL WHERE device_id = 46121', 'none', 'a device may leave its site'),
    ('DELETE FROM site WHERE site_id = 5', 'none', 'which can go then'),
    ('DELETE FROM account WHERE account_id = 4603', 'device_account_fkey', 'an account with a device on the shelf stays'),
    ('UPDATE device SET site_id = 1, account_id = 4601 WHERE account_id = 4603', 'none', 'devices may go to another account'),
    ('DELETE FROM account WHERE account_id = 4603', 'event_account_fkey', 'and then only its history keeps theirs'))
AS tried (statement, broken, why);

SELECT is(pg_temp.broken($$ INSERT INTO device (account_id, device_code, kind) VALUES (4601, 'x', 'Phone') $$), 'device_kind_check', 'M10: no other kinds');
SELECT is(pg_temp.broken($$ INSERT INTO device (account_id, device_code, kind) VALUES (4601, 'x', 'phones') $$), 'device_kind_check', 'M10: to the letter');
SELECT is(pg_temp.broken($$ INSERT INTO device (account_id, device_code, mode) VALUES (4601, 'x', '') $$), 'device_mode_check', 'M13: no other modes');
INSERT INTO device (account_id, device_code, kind, mode) SELECT 4601, kind || ' ' || mode, kind, mode
FROM unnest('{intercom,answering_unit,phone,tablet,third_party,access_point}'::text[]) kind, unnest('{cloud,local}'::text[]) mode;
SELECT is(
    (SELECT string_agg(device_code, ', ' ORDER BY device_code) FROM device WHERE device_code = kind || ' ' || mode AND seats = 1),
    'phone cloud, tablet cloud, third_party cloud', 'M10, M13: of all kinds and modes, these take a seat');
SELECT is((SELECT sum(seats) FROM device WHERE device_code = kind || ' ' || mode), 3::bigint, 'M10, M13: one each');
DELETE FROM device WHERE device_code = kind || ' ' || mode;

-- Where the user is

INSERT INTO account_user (account_id, user_id, email, site_id, apartment_id) VALUES
    (4601, 51, 'a@trees.example', 1, 11), (4601, 52, 'b@trees.example', 1, 12), (4601, 53, 'c@trees.example', NULL, NULL),
    (4601, 54, 'd@trees.example', 1, NULL);
INSERT INTO device (account_id, device_id, user_id) VALUES (4601, 46102, 51);
SELECT is(pg_temp.place(46102), '1/11', 'M9: without an own apartment that of its user');
SELECT is((SELECT seats_used FROM apartment WHERE apartment_id = 11), 1, 'M9: and it takes a seat there');
INSERT INTO device (account_id, device_id, site_id, user_id) VALUES (4601, 46103, 1, 51);
SELECT is(pg_temp.place(46103), '1/11', 'M9: also when its site is given');
INSERT INTO device (account_id, device_id, site_id, apartment_id, user_id) VALUES (4601, 46104, 1, 12, 52);
SELECT is(pg_temp.place(46104), '1/12', 'M9: its own, which is that of its user');
SELECT throws_ok($$ INSERT INTO device (account_id, site_id, apartment_id, user_id) VALUES (4601, 1, 12, 51) $$,
    '23514', 'a device and its user must be in one apartment', 'M9: device in B, user in A is refused');
SELECT throws_ok($$ INSERT INTO device (account_id, site_id, user_id) VALUES (4601, 2, 51) $$,
    '23514', 'a device and its user must be in one site', 'M9: so is another site');
UPDATE device SET user_id = 52 WHERE device_id = 46102;
SELECT is(pg_temp.place(46102), '1/12', 'M9: given to another user it is where that one is');
UPDATE device SET user_id = 51 WHERE device_id = 46102;
SELECT throws_ok($$ UPDATE device SET user_id = 51 WHERE device_id = 46104 $$, '23514', NULL, 'M9: but not from an apartment of its own');
SELECT throws_ok($$ UPDATE device SET apartment_id = 12 WHERE device_id = 46102 $$, '23514', NULL, 'M9: by a change of apartment');
UPDATE account_user SET apartment_id = 12 WHERE user_id = 51;
SELECT results_eq($$ SELECT pg_temp.place(46102), pg_temp.place(46103), (SELECT seats_used FROM apartment WHERE apartment_id = 11),
    (SELECT seats_used FROM apartment WHERE apartment_id = 12) $$, $$ VALUES ('1/12', '1/12', 0, 3) $$, 'M9: devices move with their user, and so do their seats');
UPDATE account_user SET site_id = 2, apartment_id = 21 WHERE user_id = 51;
SELECT is(pg_temp.place(46102), '2/21', 'M9: to another site too');
UPDATE account_user SET site_id = 1, apartment_id = 11 WHERE user_id = 51;
SELECT throws_ok($$ UPDATE account_user SET apartment_id = 11 WHERE user_id = 52 $$, '23514', NULL, 'M9: a device with an apartment of its own forbids it');
UPDATE device SET apartment_id = NULL WHERE device_id = 46104;
SELECT lives_ok($$ UPDATE account_user SET apartment_id = 11 WHERE user_id = 52 $$, 'M9: until it gives that up');
SELECT is(pg_temp.place(46104), '1/11', 'M9: then it follows');
UPDATE account_user SET apartment_id = 12 WHERE user_id = 52;
SELECT throws_ok($$ INSERT INTO device (account_id, user_id) VALUES (4601, 99) $$, '23503', NULL, 'M9: unknown user');
UPDATE device SET apartment_id = NULL, site_id = NULL WHERE device_id = 46102;
SELECT is(pg_temp.place(46102), '1/11', 'M9: taken out of its apartment it is in that of its user');
UPDATE device SET user_id = NULL, apartment_id = 12 WHERE device_id = 46102;
SELECT is(pg_temp.place(46102), '1/12', 'M9: without a user it may go anywhere');
SELECT ok(NOT follows_user, 'M9: and follows nobody') FROM device WHERE device_id = 46102;
INSERT INTO device (account_id, device_id, site_id, apartment_id, user_id) VALUES (4601, 46105, 1, 12, 53), (4601, 46106, NULL, NULL, 53);
SELECT is(pg_temp.place(46105), '1/12', 'M9: a user without apartment forbids nothing');
SELECT throws_ok($$ UPDATE account_user SET site_id = 1, apartment_id = 11 WHERE user_id = 53 $$, '23514', NULL, 'M9: until there is one');
UPDATE account_user SET site_id = 1, apartment_id = 12 WHERE user_id = 53;
SELECT is(pg_temp.place(46106), '1/12', 'M9: devices without apartment follow');
SELECT is((SELECT seats_used FROM apartment WHERE apartment_id = 12), 4, 'M9: and take their seats');
INSERT INTO device (account_id, device_id, user_id) VALUES (4601, 46107, 54);
SELECT is(pg_temp.place(46107), '/', 'M9: a user of a site only decides nothing');
SELECT throws_ok($$ UPDATE account_user SET apartment_id = 12 WHERE user_id = 54 $$, 'LX001', NULL, 'M9, M11: none follows into a full apartment');
UPDATE account_user SET site_id = NULL, apartment_id = NULL WHERE user_id = 53;
SELECT is(pg_temp.place(46106), '1/12', 'M9: devices stay when the user leaves');
-- What a device gives up and what it takes is one change, also in an apartment that is full
UPDATE account_user SET site_id = 1, apartment_id = 11 WHERE user_id = 51;
UPDATE device SET user_id = NULL, site_id = NULL, apartment_id = NULL WHERE account_id = 4601;
INSERT INTO device (account_id, device_id, user_id) VALUES (4601, 46111, 51), (4601, 46112, 52);
UPDATE apartment SET seat_limit = 1 WHERE apartment_id IN (11, 12);
UPDATE device SET site_id = NULL, apartment_id = NULL WHERE device_id = 46111;
SELECT is(pg_temp.place(46111), '1/11', 'M9, M11: taken out of a full apartment it comes back to its user there');
SELECT throws_ok($$ UPDATE device SET user_id = 52 WHERE device_id = 46111 $$, 'LX001', NULL, 'M9, M11: it does not follow another user into a full one');
UPDATE device SET user_id = 103 - user_id WHERE device_id IN (46111, 46112);
SELECT results_eq($$ SELECT pg_temp.place(46111), pg_temp.place(46112) $$, $$ VALUES ('1/12', '1/11') $$,
    'M9, M11: two devices change places when they change users');
SELECT throws_ok($$ UPDATE device SET user_id = 51 WHERE device_id = 46111 $$, 'LX001', NULL, 'M9, M11: what was given up is not counted twice');
UPDATE apartment SET seat_limit = 4 WHERE apartment_id IN (11, 12);
-- An application's trigger takes the device out again while it is being moved: moved twice, counted once.
CREATE FUNCTION pg_temp.take_out() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.follows_user AND NEW.priority = 7 THEN NEW.priority := 8; NEW.apartment_id := NULL; END IF; RETURN NEW; END $$;
UPDATE device SET priority = 7 WHERE device_id = 46111;
CREATE TRIGGER take_out BEFORE UPDATE OF site_id ON device FOR EACH ROW EXECUTE FUNCTION pg_temp.take_out();
UPDATE device SET user_id = 51 WHERE device_id = 46111;
SELECT is(pg_temp.place(46111), '1/11', 'M9: a device that was taken out on its way arrives all the same');
SELECT is_empty($$ SELECT * FROM check_seats() $$, 'M12: every count is right');

SELECT * FROM finish();
ROLLBACK;
