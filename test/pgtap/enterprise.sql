-- Enterprise accounts: who they are, their two pools, their one date.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';

SELECT no_plan();

INSERT INTO account (account_id, kind, name, currency, time_zone) VALUES
    (8001, 'provider', 'Vendor', 'USD', 'Europe/Prague'), (8002, 'client', 'Customer', 'USD', 'UTC');
INSERT INTO offer_price (sku, currency, min_quantity, unit_price) VALUES
    ('COUNT-ANNUAL', 'USD', 1, 365), ('COUNT-ANNUAL', 'USD', 10, 300), ('COUNT-ANNUAL', 'USD', 100, 250);
CREATE TEMP TABLE ours AS
SELECT create_enterprise('Acme', 'Licensing@Acme.example', 6, 2, 8001, '2026-03-01 00:00+01') AS acme,
    create_enterprise('Beta', 'it.support@beta.example', 4, at => '2024-02-29 12:00') AS beta,
    create_enterprise('Gamma', 'ops+spam@gamma.example', 4, 4, at => '2026-01-01') AS gamma;
CREATE FUNCTION pg_temp.acme() RETURNS bigint LANGUAGE sql AS 'SELECT acme FROM pg_temp.ours';
CREATE FUNCTION pg_temp.pools(holder bigint) RETURNS text LANGUAGE sql AS
$$ SELECT type || ' ' || total || ' ' || standard || ' ' || floating FROM enterprise_overview WHERE account_id = holder $$;

-- Account

SELECT is((SELECT count(*) FROM license WHERE account_id = pg_temp.acme()), 1::bigint, 'T1: one licence row holds them all');
SELECT results_eq(
    $$SELECT sku, status, term, starts_at, ends_at FROM license WHERE account_id = pg_temp.acme()$$,
    $$VALUES ('COUNT-ANNUAL', 'in_use', interval '1 year', timestamptz '2026-03-01 00:00+01', timestamptz '2027-03-01 00:00+01')$$,
    'T1: for one year by the calendar of the account');
SELECT is((SELECT ends_at FROM enterprise_overview WHERE account_id = (SELECT beta FROM ours)), '2025-02-28 12:00',
    'T1: a year from 29 February ends on the 28th');
SELECT throws_ok($$SELECT create_enterprise('X', 'it@x.example', 0)$$, 'LX031', NULL, 'T1: at least one licence');
SELECT throws_ok($$SELECT create_enterprise('X', 'it@x.example', -1)$$, 'LX031', NULL, 'T1: not a negative number');
SELECT throws_ok($$SELECT create_enterprise('X', 'it@x.example', 5, 6)$$, 'LX031', NULL, 'T7: no more floating than there are');
SELECT throws_ok($$SELECT create_enterprise('X', 'it@x.example', 5, -1)$$, 'LX031', NULL, 'T7: nor less than none');
SELECT throws_ok($$SELECT create_enterprise(NULL, 'it@x.example', 5)$$, '22004', NULL, 'T1: a name is given');
SELECT throws_ok($$SELECT create_enterprise('X', NULL, 5)$$, '22004', NULL, 'T13: an e-mail is given');
SELECT is(pg_temp.pools(pg_temp.acme()), 'mixed 6 4 2', 'T3: some floating is mixed');
SELECT is(pg_temp.pools((SELECT beta FROM ours)), 'standard 4 4 0', 'T3: none floating is standard');
SELECT is(pg_temp.pools((SELECT gamma FROM ours)), 'floating 4 0 4', 'T3: all floating is floating');
SELECT is((SELECT count(*) FROM enterprise_overview WHERE account_id IN (8001, 8002)), 0::bigint,
    'T3: other accounts have no type');
SELECT throws_ok($$UPDATE account SET floating_strategy = 'random' WHERE account_id = pg_temp.acme()$$, '23514', NULL,
    'T6: a strategy has a name');
SELECT lives_ok($$UPDATE account SET floating_strategy = 'priority', floating_min_idle = '1 hour' WHERE account_id = pg_temp.acme()$$,
    'T6: it is chosen per account');

-- T11-T14: provider, admin and e-mail

SELECT is((SELECT parent_id FROM account WHERE account_id = pg_temp.acme()), 8001::bigint, 'T11: the provider''s account is above');
SELECT throws_ok($$SELECT create_enterprise('X', 'it@x.example', 5, 0, 8002)$$, 'LX041', NULL, 'T11: a customer creates none');
SELECT throws_ok($$SELECT create_enterprise('X', 'it@x.example', 5, 0, 999999999999)$$, '23503', NULL, 'T11: nor does nobody');
SELECT results_eq($$SELECT email, is_admin FROM account_user WHERE account_id = pg_temp.acme()$$,
    $$VALUES ('Licensing@Acme.example', true)$$, 'T12, T13: its one admin logs in by the account e-mail');
SELECT throws_ok($$INSERT INTO account_user (account_id, email, is_admin) VALUES (pg_temp.acme(), 'second@acme.example', true)$$,
    '23505', NULL, 'T12: there is no second admin');
SELECT throws_ok($$DELETE FROM account_user WHERE account_id = pg_temp.acme()$$, '23514', NULL, 'T12: the admin is not removed');
SELECT throws_ok($$UPDATE account_user SET is_admin = false WHERE account_id = pg_temp.acme()$$, '23514', NULL, 'T12: nor demoted');
SELECT throws_ok($$UPDATE account_user SET email = 'x@acme.example' WHERE account_id = pg_temp.acme()$$, '23514', NULL,
    'T13: the admin''s e-mail is the account''s');
SELECT throws_ok($$SELECT create_enterprise('X', 'licensing@ACME.example', 1)$$, '23505', NULL,
    'T13: an e-mail is unique over all accounts whatever its case');
SELECT lives_ok($$UPDATE account SET email = 'office@acme.example' WHERE account_id = pg_temp.acme()$$, 'T13: it can change');
SELECT is((SELECT email FROM account_user WHERE account_id = pg_temp.acme() AND is_admin), 'office@acme.example',
    'T13: and the admin''s login with it');
SELECT throws_ok($$UPDATE account SET email = NULL WHERE account_id = pg_temp.acme()$$, '23502', NULL, 'T13: it cannot go');

CREATE FUNCTION pg_temp.try_email(email text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    PERFORM create_enterprise('Try', email, 1);
    RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION
    WHEN SQLSTATE 'ZZZZZ' THEN RETURN 'taken';
    WHEN SQLSTATE 'LX040' THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL; RETURN detail;
END $$;
SELECT is(pg_temp.try_email(email), 'taken', 'T14: ' || email || ' is a role address')
FROM unnest('{admin@x.example,IT@x.example,licensing@x.co.uk,office@sub.x.example,operations@x.example,CountThings@x.example,
    office.berlin@x.example,it-support@x.example,admin2@x.example,sales@yahoo.acme.example,info@xn--bcher-kva.example,
    qa_lab@x.example}'::text[]) email;
SELECT is(pg_temp.try_email(email), 'It looks like the address of one person.', 'T14: ' || email || ' is one person''s')
FROM unnest('{john.smith@x.example,j.smith@x.example,john_smith@x.example,john-smith@x.example,John.Smith+admin@x.example}'::text[]) email;
SELECT is(pg_temp.try_email(email), 'It does not name a role, such as admin, it, licensing, office or operations.',
    'T14: ' || email || ' names no role')
FROM unnest('{bob@x.example,jsmith@x.example,administratrix@x.example,12@x.example}'::text[]) email;
SELECT is(pg_temp.try_email(email), 'Its domain is a free mail service, not the company''s.', 'T14: ' || email || ' is no company''s')
FROM unnest('{info@gmail.com,admin@GMail.com,office@yahoo.co.uk,it@hotmail.fr,sales@seznam.cz}'::text[]) email;
SELECT is(pg_temp.try_email(email), 'It is not a valid e-mail address.', 'T14: ' || email || ' is none')
FROM unnest('{admin,admin@,@x.example,admin@x,admin@@x.example,admin@.example,admin@x..example,.admin@x.example,admin.@x.example,
    a..admin@x.example,admin@-x.example,admin@x-.example,"ad min@x.example",admin@x_y.example}'::text[]) email;
SELECT is(pg_temp.try_email(repeat('admin.', 11) || 'it@x.example'), 'It is not a valid e-mail address.', 'T14: nor is a very long one');
SELECT throws_ok($$UPDATE account SET email = 'jane.roe@acme.example' WHERE account_id = pg_temp.acme()$$, 'LX040', NULL,
    'T14: also by plain SQL');
SELECT throws_ok($$UPDATE account SET email = 'jane.roe@acme.example', email_override = '' WHERE account_id = pg_temp.acme()$$,
    'LX040', NULL, 'T14: no reason is no override');
SELECT lives_ok($$UPDATE account SET email = 'jane.roe@acme.example', email_override = 'ticket 17' WHERE account_id = pg_temp.acme()$$,
    'T14: a recorded reason waives the rule');
SELECT throws_ok($$UPDATE account SET email_override = NULL WHERE account_id = pg_temp.acme()$$, 'LX040', NULL,
    'T14: as long as it is recorded');
SELECT lives_ok($$UPDATE account SET email = 'jane.roe@customer.example' WHERE account_id = 8002$$, 'T14: other accounts have any address');
SELECT throws_ok($$INSERT INTO license (account_id, sku, status, term, starts_at, ends_at)
    VALUES (8002, 'COUNT-ANNUAL', 'in_use', '1 year', '2026-01-01', '2027-01-01')$$, 'LX040', NULL,
    'T14: until they get counting licences');
SET LOCAL license_ext.email_rule = 'warn';
SET LOCAL client_min_messages = error;
SELECT lives_ok($$SELECT create_enterprise('Warned', 'bob@warned.example', 1)$$, 'T14: the rule can be a warning');
RESET client_min_messages;
RESET license_ext.email_rule;
SELECT is((SELECT email_override FROM account WHERE name = 'Warned'), 'accepted while license_ext.email_rule was warn',
    'T14: which is recorded');
SELECT lives_ok($$UPDATE account SET email = 'office@acme.example', email_override = NULL WHERE account_id = pg_temp.acme()$$,
    'T14: a role address needs no reason');

-- T7, T8: the pools

SELECT lives_ok($$SELECT split_pools(pg_temp.acme(), 5)$$, 'T7: licences are split anew');
SELECT is(pg_temp.pools(pg_temp.acme()), 'mixed 6 1 5', 'T7: standard and floating are the total');
SELECT split_pools(pg_temp.acme(), 6);
SELECT is(pg_temp.pools(pg_temp.acme()), 'floating 6 0 6', 'T8: no standard pool in a floating account');
SELECT split_pools(pg_temp.acme(), 0);
SELECT is(pg_temp.pools(pg_temp.acme()), 'standard 6 6 0', 'T8: no floating pool in a standard account');
SELECT throws_ok($$SELECT split_pools(pg_temp.acme(), 7)$$, 'LX031', NULL, 'T7: no more than the total');
SELECT throws_ok($$SELECT split_pools(pg_temp.acme(), -1)$$, 'LX031', NULL, 'T7: no less than none');
SELECT throws_ok($$SELECT split_pools(8002, 0)$$, 'LX005', NULL, 'T7: only where there are licences');
INSERT INTO device (account_id, device_id, device_code) SELECT pg_temp.acme(), 8100 + i, 'd' || i FROM generate_series(1, 3) i;
SELECT acquire_seat(pg_temp.acme(), (SELECT license_id FROM license WHERE account_id = pg_temp.acme()), 'device', d, at => '2026-04-01')
FROM generate_series(8101, 8103) d;
SELECT throws_ok($$SELECT split_pools(pg_temp.acme(), 4)$$, 'LX032', NULL, 'T31: not below what is in use');
SELECT is(pg_temp.pools(pg_temp.acme()), 'standard 6 6 0', 'T31: then nothing changes');
SELECT lives_ok($$SELECT split_pools(pg_temp.acme(), 3)$$, 'T31: down to it');
SELECT results_eq($$SELECT assigned, unassigned FROM enterprise_overview WHERE account_id = pg_temp.acme()$$,
    $$VALUES (3::bigint, 3::bigint)$$, 'T31: assigned and unassigned are told');

-- T2, T10: prices

SELECT results_eq($$SELECT ends_at, price, currency FROM add_licenses(pg_temp.acme(), 3, at => '2026-12-01 00:00+01')$$,
    $$VALUES (timestamptz '2027-03-01 00:00+01', 270.00, 'USD')$$, 'T10: more licences cost what is left of the year');
SELECT results_eq($$SELECT price FROM add_licenses(pg_temp.acme(), 1, at => '2026-12-01 00:00:01+01')$$,
    $$VALUES (73.15)$$, 'T2, T10: at the tier of the new total, for whole days, to the cent');
SELECT results_eq($$SELECT price FROM add_licenses(pg_temp.acme(), 90, 'floating_device', '2026-03-01 00:00+01')$$,
    $$VALUES (22500.00)$$, 'T2: more cost less each');
SELECT is(pg_temp.pools(pg_temp.acme()), 'mixed 100 7 93', 'P4: added to the pool that was named, on top of what was there');
SELECT results_eq($$SELECT price FROM add_licenses(pg_temp.acme(), 1, at => '2026-07-01 00:00+02')$$,
    $$VALUES (166.44)$$, 'T10: days are counted by the account''s calendar, across the clock change');
SELECT results_eq($$SELECT price, currency FROM add_licenses((SELECT gamma FROM ours), 1, 'floating_device', '2026-02-01')$$,
    $$VALUES (NULL::numeric, 'EUR')$$, 'T2: without a price in the currency the price is unknown');
SELECT throws_ok($$SELECT add_licenses(pg_temp.acme(), 0, at => '2026-12-01')$$, 'LX031', NULL, 'T10: none is no quantity');
SELECT throws_ok($$SELECT add_licenses(pg_temp.acme(), -1, at => '2026-12-01')$$, 'LX031', NULL, 'T10: they do not become fewer');
SELECT throws_ok($$SELECT add_licenses(pg_temp.acme(), 2147483647, at => '2026-12-01')$$, 'LX031', NULL, 'T10: nor too many to count');
SELECT throws_ok($$SELECT add_licenses(pg_temp.acme(), 1, 'room', '2026-12-01')$$, '22023', NULL, 'T10: pools are two');
SELECT throws_ok($$SELECT add_licenses(pg_temp.acme(), 1, at => '2027-03-01 00:00+01')$$, 'LX007', NULL, 'T10: not after the end');
SELECT throws_ok($$SELECT add_licenses(8002, 1)$$, 'LX005', NULL, 'T10: only where there are licences');
SELECT throws_ok($$SELECT add_licenses(pg_temp.acme(), NULL)$$, '22004', NULL, 'T10: a quantity is given');

-- T9: one date

SELECT throws_ok($$INSERT INTO license (account_id, sku, status, term, starts_at, ends_at)
    VALUES (pg_temp.acme(), 'COUNT-ANNUAL', 'in_use', '1 year', '2026-03-01', '2027-03-01')$$, 'LX042', NULL,
    'T9: a licence of another date is refused');
SELECT throws_ok($$INSERT INTO license (account_id, sku, status, starts_at)
    VALUES (pg_temp.acme(), 'COUNT-ANNUAL', 'in_use', '2026-03-01')$$, 'LX042', NULL, 'T9: one without an end too');
SELECT lives_ok($$INSERT INTO license (account_id, license_id, sku, status, term, starts_at, ends_at)
    VALUES (pg_temp.acme(), 8201, 'COUNT-ANNUAL', 'in_use', '1 year', '2026-04-01', '2027-03-01 00:00+01')$$,
    'T9: one of the same date is not');
SELECT lives_ok($$INSERT INTO license (account_id, sku, status, term, starts_at, ends_at)
    VALUES (pg_temp.acme(), 'T2TU1', 'in_use', '1 year', '2026-03-01', '2029-03-01')$$, 'T9: other products have their own dates');
SELECT throws_ok($$UPDATE license SET ends_at = ends_at + interval '1 day' WHERE account_id = pg_temp.acme() AND license_id = 8201$$,
    'LX042', NULL, 'T9: one alone is not moved');
SELECT throws_ok($$UPDATE license SET sku = 'COUNT-ANNUAL' WHERE account_id = pg_temp.acme() AND sku = 'T2TU1'$$, 'LX042', NULL,
    'T9: nor made a counting licence with a date of its own');
SELECT lives_ok($$UPDATE license SET ends_at = ends_at + interval '1 day' WHERE account_id = pg_temp.acme() AND sku = 'COUNT-ANNUAL'$$,
    'T9: one statement moves all');
SELECT lives_ok($$UPDATE license SET ends_at = ends_at - interval '1 day' WHERE account_id = pg_temp.acme() AND sku = 'COUNT-ANNUAL'$$,
    'T9: and back');
SELECT throws_ok($$MERGE INTO license USING (VALUES (8201)) v (license_id)
    ON license.account_id = pg_temp.acme() AND license.license_id = v.license_id
    WHEN MATCHED THEN UPDATE SET ends_at = ends_at + interval '1 day'$$, 'LX042', NULL, 'T9: MERGE moves no single one');
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES (pg_temp.acme(), 8201, 'device', 2);
SELECT is(pg_temp.pools(pg_temp.acme()), 'mixed 103 10 93', 'T7: the total is that of all licences');
SELECT lives_ok($$SELECT split_pools(pg_temp.acme(), 90)$$, 'T7: they are split as one');
SELECT is(pg_temp.pools(pg_temp.acme()), 'mixed 103 13 90', 'T7: the total stays');
SELECT is(renew_account(pg_temp.acme(), '2027-02-01'), '2028-03-01 00:00+01', 'T10: a renewal adds a year to the end');
SELECT is((SELECT array_agg(DISTINCT ends_at) FROM license WHERE account_id = pg_temp.acme() AND sku = 'COUNT-ANNUAL'),
    '{2028-03-01 00:00+01}', 'T10: of all licences at once');
SELECT is(pg_temp.pools(pg_temp.acme()), 'mixed 103 13 90', 'P4: a renewal leaves the quantity alone');
SELECT is((SELECT price FROM add_licenses(pg_temp.acme(), 1, at => '2026-03-01 00:00+01')), round(250 * 731.0 / 366, 2),
    'T10: after it two years are left, and paid for');
UPDATE license_pool SET maximum = maximum - 1 WHERE account_id = pg_temp.acme() AND pool = 'device' AND license_id <> 8201;

-- T30: after the end

SELECT is((sweep('2028-03-01 00:00+01')).finalized >= 2, true, 'T30: all licences end on the same day');
SELECT is((SELECT count(*) FROM seat WHERE account_id = pg_temp.acme()), 3::bigint, 'T30: devices keep their seats');
SELECT is(pg_temp.pools(pg_temp.acme()), 'mixed 103 13 90', 'T30: and the account what it can renew');
SELECT is(renew_account(pg_temp.acme(), '2028-05-01 00:00+02'), '2029-05-01 00:00+02', 'T30: a late renewal counts from its day');
SELECT is((SELECT array_agg(DISTINCT status || ' ' || coalesce(reason, '-')) FROM license WHERE account_id = pg_temp.acme()
    AND sku = 'COUNT-ANNUAL'), '{in_use -}', 'T30: and restores all');
SELECT throws_ok($$SELECT renew_account(8002)$$, 'LX005', NULL, 'T10: only where there are licences');
SELECT throws_ok($$UPDATE license SET status = 'contract_finalized' WHERE account_id = pg_temp.acme();
    UPDATE license SET status = 'in_use' WHERE account_id = pg_temp.acme()$$, 'LX003', NULL, 'T30: plain SQL revives none');

-- P1, P2: one date for different ends

SELECT is(coterm_days('{2,1}', '{365,1825}'), 851, 'P1, P2: 851.67 days are 851');
SELECT is(coterm_days('{9,1}', '{60,365}'), 90, 'P1: 90.5 days are 90');
SELECT is(coterm_days('{1}', '{0}'), 0, 'P1: nothing left is nothing');
SELECT is(coterm_days('{0,3}', '{5,7}'), 7, 'P1: no licences weigh nothing');
SELECT is(coterm_days(array_fill(2147483647, '{1000}'), array_fill(2147483647, '{1000}')), 2147483647, 'P1: numbers may be large');
SELECT is(coterm_days(q, d), floor((SELECT sum(a::numeric * b) / sum(a) FROM unnest(q, d) u (a, b)))::int, 'P1: as computed exactly')
FROM (VALUES ('{7,11,13}'::int[], '{101,103,107}'::int[]), ('{2147483647,1,2147483646}', '{2147483647,2147483646,1}'),
    ('{3,3,3}', '{1,1,0}')) v (q, d);
SELECT throws_ok($$SELECT coterm_days('{1,2}', '{3}')$$, '22023', NULL, 'P1: as many days as quantities');
SELECT throws_ok($$SELECT coterm_days('{1,-2}', '{3,4}')$$, '22023', NULL, 'P1: no negative quantity');
SELECT throws_ok($$SELECT coterm_days('{1,2}', '{3,-4}')$$, '22023', NULL, 'P1: no negative days');
SELECT throws_ok($$SELECT coterm_days('{1,NULL}', '{3,4}')$$, '22004', NULL, 'P1: no unknown quantity');
SELECT throws_ok($$SELECT coterm_days(NULL, '{3,4}')$$, '22004', NULL, 'P1: quantities are given');
SELECT throws_ok($$SELECT coterm_days('{0,0}', '{3,4}')$$, '22023', NULL, 'P1: at least one licence');
SELECT throws_ok($$SELECT coterm_days('{}', '{}')$$, '22023', NULL, 'P1: not an empty list');

-- History

SELECT results_eq($$SELECT action, count(*) FROM event WHERE account_id = (SELECT gamma FROM ours) AND action <> 'sweep' GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('add_licenses', 2::bigint), ('create_enterprise', 1)$$, 'T10: what was bought is kept');

SELECT throws_ok(format('SELECT %s()', f), '39P01', NULL, f || ' is no ordinary function')
FROM unnest('{_coterm_insert_trg,_coterm_update_trg,_account_email_trg,_admin_email_trg,_account_user_trg,_account_user_late_trg}'::text[]) f;

SELECT * FROM finish();
ROLLBACK;
