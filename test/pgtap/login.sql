-- Users, passwords, permissions, and the licence a device gets by a login.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';

SELECT no_plan();

CREATE TEMP TABLE ours AS
SELECT create_enterprise('Acme', 'it@acme.example', 3, 1, at => '2026-01-01') AS account_id,
    create_enterprise('Beta', 'it@beta.example', 1, at => '2026-01-01') AS beta;
CREATE FUNCTION pg_temp.acme() RETURNS bigint LANGUAGE sql AS 'SELECT account_id FROM pg_temp.ours';
CREATE FUNCTION pg_temp.admin() RETURNS bigint LANGUAGE sql AS
$$ SELECT user_id FROM account_user WHERE account_id = pg_temp.acme() AND is_admin $$;
CREATE FUNCTION pg_temp.login(who text, code text, moment timestamptz DEFAULT '2026-02-01', pass text DEFAULT 'the password')
RETURNS text LANGUAGE sql AS
$$ SELECT concat_ws(' ', l.code, l.device_code, l.license_status)
   FROM login('it@acme.example', who || '@acme.example', pass, code, at => moment) l $$;
CREATE FUNCTION pg_temp.device(code text) RETURNS bigint LANGUAGE sql AS
$$ SELECT device_id FROM device WHERE account_id = pg_temp.acme() AND device_code = code $$;
CREATE FUNCTION pg_temp.seats() RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(device_code || ' ' || pool, ', ' ORDER BY device_code) FROM seat JOIN device USING (account_id, device_id)
   WHERE account_id = pg_temp.acme() $$;
INSERT INTO account_user (account_id, user_id, email, password_hash)
SELECT pg_temp.acme(), 8300 + i, name || '@acme.example', crypt('the password', gen_salt('bf', 4))
FROM unnest('{ann,ben}'::text[]) WITH ORDINALITY u (name, i);
INSERT INTO account_user (account_id, user_id, email) VALUES (pg_temp.acme(), 8303, 'new@acme.example');

-- T16: users and passwords

SELECT throws_ok($$INSERT INTO account_user (account_id, email) VALUES ((SELECT beta FROM ours), 'ANN@acme.example')$$, '23505', NULL,
    'T16: a user e-mail is unique over all accounts whatever its case');
SELECT lives_ok($$INSERT INTO account_user (account_id, user_id, email) VALUES (pg_temp.acme(), 8304, 'x1@acme.example')$$,
    'T18: meaningful user e-mails are advice only');
SELECT throws_ok($$UPDATE account_user SET password_hash = 'the password' WHERE user_id = 8301$$, '23514', NULL,
    'T16: no password is kept as it is');
SELECT throws_ok($$UPDATE account_user SET password_hash = '$2a$06$short' WHERE user_id = 8301$$, '23514', NULL,
    'T16: nor half a hash');
SELECT throws_ok($$SELECT set_password(pg_temp.acme(), 8303, 'seven77')$$, '22023', NULL, 'T16: a password has 8 characters');
SELECT lives_ok($$SELECT set_password(pg_temp.acme(), 8303, 'äöüßäöüß')$$, 'T16: characters, not bytes');
SELECT throws_ok($$SELECT set_password(pg_temp.acme(), 8303, repeat('x', 73))$$, '22023', NULL, 'T16: no more than are looked at');
SELECT throws_ok($$SELECT set_password((SELECT beta FROM ours), 8303, 'the password')$$, '22023', NULL, 'T16: of the own account');
SELECT throws_ok($$SELECT set_password(pg_temp.acme(), 8303, NULL)$$, '22004', NULL, 'T16: a password is given');
SELECT is(pg_temp.login('new', 'N', pass => 'äöüßäöüß'), 'OK N ACTIVE', 'T16: who knows it logs in');
SELECT is((SELECT count(*) FROM event WHERE account_id = pg_temp.acme() AND action = 'set_password'
    AND old = '{"password_hash": null}' AND new = '{"password_hash": "changed"}'), 1::bigint,
    'T16, S22: set_password() leaves one event, which says that the password changed and not what it is');
UPDATE account_user SET password_hash = overlay(password_hash PLACING 'b' FROM 3 FOR 1) WHERE user_id = 8302;
SELECT is(pg_temp.login('ben', 'N'), 'OK N ACTIVE', 'T16: a hash made elsewhere is understood');
DELETE FROM device WHERE account_id = pg_temp.acme();

SELECT is(pg_temp.login('ann', 'A', pass => 'The password'), 'INVALID_CREDENTIALS', 'T16: a wrong password');
SELECT is(pg_temp.login('zoe', 'A'), 'INVALID_CREDENTIALS', 'T16: an unknown user is told the same');
SELECT is(pg_temp.login('x1', 'A'), 'INVALID_CREDENTIALS', 'T16: one without a password too');
SELECT is((SELECT l::text FROM login('it@nobody.example', 'ann@acme.example', 'the password') l), '(INVALID_CREDENTIALS,,,,,,)',
    'T16: an unknown account too, and nothing else');
SELECT is((SELECT l::text FROM login('it@beta.example', 'ann@acme.example', 'the password') l), '(INVALID_CREDENTIALS,,,,,,)',
    'T16: a user of another account too');
SELECT is((SELECT string_agg(code || ' ' || coalesce(user_id, 0), ', ' ORDER BY denial_id) FROM denial
    WHERE account_id = pg_temp.acme()), 'INVALID_CREDENTIALS 8301, INVALID_CREDENTIALS 0, INVALID_CREDENTIALS 8304',
    'T16: failed logins are kept with the account they were for');
SELECT is((SELECT count(*) FROM session WHERE account_id = pg_temp.acme() AND device_id IS NULL), 0::bigint, 'T16: none made a session');
SELECT is((SELECT count(*) FROM device WHERE account_id = pg_temp.acme()), 0::bigint, 'T16: or a device');

-- N4: whatever a person types or a client sends is answered

SELECT is((SELECT l.code FROM login(account, who, pass, code) l), 'INVALID_CREDENTIALS', 'N4: login answers ' || name || ' as it answers a wrong password')
FROM (VALUES
    ('an account address that is NULL', NULL, 'ann@acme.example', 'the password', 'Q'),
    ('an account address that is empty', '', 'ann@acme.example', 'the password', 'Q'),
    ('an account address of 10 MB', repeat('x', 10000000), 'ann@acme.example', 'the password', 'Q'),
    ('a user address that is NULL', 'it@acme.example', NULL, 'the password', 'Q'),
    ('a user address that is empty', 'it@acme.example', '', 'the password', 'Q'),
    ('a user address of 10 MB', 'it@acme.example', repeat('x', 10000000), 'the password', 'Q'),
    ('a password that is NULL', 'it@acme.example', 'ann@acme.example', NULL, 'Q'),
    ('a password that is empty', 'it@acme.example', 'ann@acme.example', '', 'Q'),
    ('a password of 10 MB', 'it@acme.example', 'ann@acme.example', repeat('x', 10000000), 'Q'),
    ('a right password followed by more', 'it@acme.example', 'ann@acme.example', 'the password ', 'Q'),
    ('a device code of 101 characters', 'it@acme.example', 'ann@acme.example', 'the password', repeat('x', 101)),
    ('a device code of 10 MB', 'it@acme.example', 'ann@acme.example', 'the password', repeat('x', 10000000)),
    ('a device code with a line break', 'it@acme.example', 'ann@acme.example', 'the password', E'Q\nQ'),
    ('a device code with a zero-width space', 'it@acme.example', 'ann@acme.example', 'the password', U&'Q\200BQ'),
    ('a device code with a DEL', 'it@acme.example', 'ann@acme.example', 'the password', E'Q\x7f')) v (name, account, who, pass, code);
SELECT is((SELECT count(*) FROM device WHERE account_id = pg_temp.acme()), 0::bigint, 'N4: a login that is refused makes no device');
UPDATE account_user SET password_hash = crypt('', gen_salt('bf', 4)) WHERE user_id = 8304;
SELECT is(pg_temp.login('x1', 'Q', pass => NULL), 'INVALID_CREDENTIALS', 'N4: a password that is NULL does not match the hash of an empty one');
SELECT is(pg_temp.login('x1', 'Q', pass => ''), 'OK Q ACTIVE', 'N4: a hash made elsewhere of an empty password matches an empty password');
UPDATE account_user SET password_hash = crypt(repeat('x', 72), gen_salt('bf', 4)) WHERE user_id = 8304;
SELECT is(pg_temp.login('x1', 'Q', pass => repeat('x', 100)), 'OK Q ACTIVE', 'N4: pgcrypto looks at 72 bytes of a password, and so does login');
SET LOCAL client_min_messages TO error;
CREATE TEMP TABLE answered AS SELECT l.* FROM (VALUES ('R', 'phone', 'web'), ('Q', 'phone', NULL), ('S', 'toaster', 'app'), ('T', NULL, 'app')) v (code, kind, channel),
    login('it@acme.example', 'ann@acme.example', 'the password', v.code, v.kind, v.channel) l;
RESET client_min_messages;
SELECT is((SELECT string_agg(concat_ws(' ', a.code, s.channel, d.device_code, d.kind), ', ' ORDER BY d.device_code NULLS FIRST)
    FROM answered a LEFT JOIN session s USING (account_id, session_id) LEFT JOIN device d ON d.account_id = a.account_id AND d.device_id = s.device_id),
    'OK portal, OK app Q phone, OK app S third_party, OK app T phone',
    'N4: a channel that is neither app nor portal is portal, a NULL one app; a device of an unknown kind is third_party, of a NULL one phone');
DELETE FROM device WHERE account_id = pg_temp.acme();
DELETE FROM session WHERE account_id = pg_temp.acme();
SELECT create_enterprise('Gamma', 'it@gamma.example', 9, at => '2026-01-01') AS gamma \gset
INSERT INTO account_user (account_id, email, password_hash) VALUES (:gamma, 'ann@gamma.example', crypt('the password', gen_salt('bf', 4)));
SELECT is((SELECT concat_ws(' ', l.code, l.device_code, license_status) FROM login('it@gamma.example', 'ann@gamma.example', 'the password', v.code, at => '2026-02-01') l),
    format('OK %s ACTIVE', number), 'B12: a device code that is ' || name || ' is none, the device gets the next free one')
FROM (VALUES ('empty', '', '001'), ('a space', ' ', '002'), ('a tab and a line break', E'\t\n', '003'), ('a no-break space', U&'\00A0', '004')) v (name, code, number);

-- T20-T26: a device and its licence

SELECT is(pg_temp.login('ann', 'A', '2026-02-01'), 'OK A ACTIVE', 'T20: the first login on a device licenses it');
SELECT is(pg_temp.seats(), 'A device', 'T26: from the standard pool first');
SELECT is(pg_temp.login('BEN', 'A', '2026-02-02'), 'OK A ACTIVE', 'T22: a second user on the device');
SELECT is(pg_temp.seats(), 'A device', 'T22: takes no second licence');
SELECT is((SELECT last_seen_at FROM seat WHERE account_id = pg_temp.acme()), '2026-02-02', 'P28: but is a sign of life');
SELECT is((SELECT last_seen_at FROM device WHERE account_id = pg_temp.acme()), '2026-02-02', 'T20: of the device too');
SELECT is(pg_temp.login('ann', NULL, '2026-02-03'), 'OK 001 ACTIVE', 'T23: a device without a code gets the next one');
SELECT is(pg_temp.seats(), '001 device, A device', 'T22: one user on two devices takes two');
SELECT set_password(pg_temp.acme(), pg_temp.admin(), 'the password');
SELECT is(pg_temp.login('it', NULL, '2026-02-03'), 'OK 002 ACTIVE', 'T19: the admin''s login counts like any');
SELECT is(pg_temp.seats(), '001 device, 002 floating_device, A device', 'T26: then from the floating pool');
SELECT is(pg_temp.login('ann', 'B', '2026-02-04'), 'OK B NONE', 'T25: with no licence left the login succeeds, without one');
SELECT is((SELECT array_agg(code || ' ' || pool) FROM denial WHERE account_id = pg_temp.acme() AND device_id = pg_temp.device('B')),
    '{NO_SEATS_AVAILABLE floating_device}', 'T25: which is kept once');
SELECT is((SELECT count(*) FROM device WHERE account_id = pg_temp.acme() AND device_code = 'A'), 1::bigint,
    'T24: account e-mail and device code are one device');
SELECT is((SELECT count(*) FROM session WHERE account_id = pg_temp.acme() AND ended_at IS NULL AND device_id IS NOT NULL), 5::bigint,
    'T21: every login made a session, and none ends by itself');
SELECT is((SELECT array_agg(DISTINCT expires_at) FROM seat WHERE account_id = pg_temp.acme()), '{NULL}', 'T21: nor does a seat');
SELECT lives_ok($$SELECT logout(account_id, session_id) FROM session WHERE account_id = pg_temp.acme()$$, 'T21: users log out');
SELECT is((SELECT count(*) FROM session WHERE account_id = pg_temp.acme() AND end_reason = 'logout'), 5::bigint, 'T21: sessions end');
SELECT is(pg_temp.seats(), '001 device, 002 floating_device, A device', 'T21: licences stay with the devices');
SELECT throws_ok($$SELECT logout(pg_temp.acme(), 1)$$, '22023', NULL, 'T21: an unknown session is none');
SELECT is((SELECT concat_ws(' ', code, device_code, license_status, session_id IS NOT NULL) FROM
    login('it@acme.example', 'ann@acme.example', 'the password', channel => 'portal', at => '2026-02-04')), 'OK NONE t',
    'T20: the portal needs no device');

-- T27-T29: moves and holds

SELECT lives_ok($$SELECT move_seat(pg_temp.acme(), pg_temp.device('A'), pg_temp.device('B'), '2026-02-05')$$, 'T27: the admin moves a licence');
SELECT is(pg_temp.login('ann', 'B', '2026-02-05'), 'OK B ACTIVE', 'T27: to a device that had none');
SELECT is(pg_temp.login('ann', 'A', '2026-02-05'), 'OK A NONE', 'T27: from one that has none then');
SELECT release_seat(account_id, seat_id) FROM seat WHERE account_id = pg_temp.acme() AND device_id = pg_temp.device('B');
UPDATE device SET hold = true WHERE account_id = pg_temp.acme() AND device_code = 'B';
SELECT is(pg_temp.login('ann', 'B', '2026-02-06'), 'OK B NONE', 'T28: a device on hold gets none by a login');
SELECT is((SELECT array_agg(code) FROM denial WHERE account_id = pg_temp.acme() AND at = '2026-02-06'), '{DEVICE_HELD}',
    'T28: and the reason is kept');
UPDATE device SET hold = false WHERE account_id = pg_temp.acme() AND device_code = 'B';
SELECT is(pg_temp.login('ann', 'B', '2026-02-06'), 'OK B ACTIVE', 'T28: without the hold the next login gives one');
UPDATE account SET floating_strategy = 'idle_longest', floating_min_idle = '1 hour' WHERE account_id = pg_temp.acme();
SELECT is(pg_temp.login('ann', 'A', '2026-02-07'), 'OK A ACTIVE', 'T25, T29: a floating licence comes without the admin');
SELECT is(pg_temp.seats(), '001 device, A floating_device, B device', 'T29: from the idle device, within its pool');
SELECT is((SELECT count(*) FROM event WHERE account_id = pg_temp.acme() AND subject = 'seat' AND at = '2026-02-07'), 1::bigint,
    'T29: the move is logged');
SELECT is(pg_temp.login('ann', 'A', '2026-02-08'), 'OK A ACTIVE', 'T29: who has it keeps it');

-- T30, T31: the end

SELECT is(pg_temp.login('ann', 'A', '2027-01-01'), 'OK A NONE', 'T30: after the end no device has a valid licence');
SELECT is(pg_temp.seats(), '001 device, A floating_device, B device', 'T30: assignments are kept');
SELECT renew_account(pg_temp.acme(), '2027-01-10');
SELECT is(pg_temp.login('ann', 'A', '2027-01-11'), 'OK A ACTIVE', 'T30: a renewal restores them');
SELECT is((SELECT assigned || ' of ' || total FROM enterprise_overview WHERE account_id = pg_temp.acme()), '3 of 3',
    'T31: assigned is never more than bought');
SELECT is_empty('SELECT * FROM check_seats()', 'T31: counts are right');
UPDATE license SET status = 'access_denied', reason = 'unpaid' WHERE account_id = pg_temp.acme();
SELECT is(pg_temp.login('ann', 'A', '2027-01-12'), 'OK A NONE', 'T30: nor has one while access is denied');

-- A closed account

UPDATE account SET created_at = '2026-01-01', closed_at = '2027-02-01' WHERE account_id = pg_temp.acme();
SELECT is(pg_temp.login('ann', 'A', '2027-01-31'), 'OK A NONE', 'T13: before it is closed');
SELECT is(pg_temp.login('ann', 'A', '2027-02-01'), 'ACCOUNT_CLOSED', 'T13: a closed account says so');
SELECT is(pg_temp.login('ann', 'A', '2027-02-01', 'not the password'), 'INVALID_CREDENTIALS', 'T13: to its users only');

-- T15, T17: permissions

SELECT ok(has_permission(pg_temp.acme(), pg_temp.admin(), 'whatever'), 'T15: the admin may do everything');
SELECT ok(NOT has_permission(pg_temp.acme(), 8301, 'count'), 'T17: a user nothing by itself');
SELECT ok(NOT has_permission(pg_temp.acme(), 1, 'count'), 'T17: an unknown user nothing');
SELECT ok(NOT has_permission((SELECT beta FROM ours), pg_temp.admin(), 'count'), 'T17: nor the admin elsewhere');
SELECT throws_ok($$SELECT has_permission(pg_temp.acme(), 8301, NULL)$$, '22004', NULL, 'T17: a permission is given');
SET LOCAL license_ext.actor = 'ANN@acme.example';
SELECT throws_ok($$INSERT INTO account_user (account_id, email) VALUES (pg_temp.acme(), 'n1@acme.example')$$, 'LX041', NULL,
    'T15: a user cannot create users');
SELECT throws_ok($$DELETE FROM account_user WHERE account_id = pg_temp.acme() AND user_id = 8304$$, 'LX041', NULL, 'T15: nor remove them');
SELECT throws_ok($$UPDATE account_user SET permissions = '{create_users}' WHERE user_id = 8301$$, 'LX041', NULL,
    'T17: nor give permissions, least of all to himself');
SELECT throws_ok($$SELECT set_password(pg_temp.acme(), 8302, 'the password')$$, 'LX041', NULL, 'T17: nor set another''s password');
SELECT lives_ok($$SELECT set_password(pg_temp.acme(), 8301, 'the password')$$, 'T17: but his own');
SELECT throws_ok($$SELECT split_pools(pg_temp.acme(), 0)$$, 'LX041', NULL, 'T4, T17: nor distribute licences');
SELECT throws_ok($$SELECT move_seat(pg_temp.acme(), pg_temp.device('B'), pg_temp.device('A'), '2026-02-07')$$, 'LX041', NULL,
    'T4, T17: nor move them across devices');
SELECT throws_ok($$SELECT add_licenses(pg_temp.acme(), 1)$$, 'LX041', NULL, 'T17: nor buy some');
SELECT throws_ok($$SELECT renew_account(pg_temp.acme())$$, 'LX041', NULL, 'T17: nor renew them');
SET LOCAL license_ext.actor = 'it@acme.example';
SELECT lives_ok($$UPDATE account_user SET permissions = '{create_users,count,move_licenses}' WHERE user_id = 8301$$, 'T4, T17: the admin gives permissions');
SET LOCAL license_ext.actor = 'ann@acme.example';
SELECT throws_ok($$SELECT move_seat(pg_temp.acme(), -1, pg_temp.device('A'), '2026-02-07')$$, 'LX005', NULL,
    'T4, T17: a permitted user moves licences');
SELECT ok(has_permission(pg_temp.acme(), 8301, 'count'), 'T17: words of the application among them');
SELECT lives_ok($$INSERT INTO account_user (account_id, user_id, email) VALUES (pg_temp.acme(), 8305, 'n1@acme.example')$$,
    'T15: a permitted user creates users');
SELECT throws_ok($$INSERT INTO account_user (account_id, email, permissions) VALUES (pg_temp.acme(), 'n2@acme.example', '{count}')$$,
    'LX041', NULL, 'T17: but gives them no permissions');
SELECT throws_ok($$SELECT set_password(pg_temp.acme(), pg_temp.admin(), 'taken over')$$, 'LX041', NULL, 'T17: nor takes over the admin');
SELECT throws_ok($$UPDATE account_user SET email = 'ann2@acme.example' WHERE account_id = pg_temp.acme() AND is_admin$$, 'LX041', NULL,
    'T17: by no way');
SELECT lives_ok($$INSERT INTO account_user (account_id, email) VALUES ((SELECT beta FROM ours), 'n3@beta.example')$$,
    'T15: in other accounts his permissions do not matter, access does');
RESET license_ext.actor;

SELECT * FROM finish();
ROLLBACK;
