-- S24, contract 1.10: every text a tenant writes has a length limit, blank is no name, control and invisible characters are
-- refused, and no message repeats more than 80 characters of input. S25: no constraint shows a row with a key.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
SELECT no_plan();
SET LOCAL search_path TO license, public;
SET LOCAL client_min_messages = warning;

SELECT is(_is_plain_text(value, 5), plain, format('S24: %s is %s', what, CASE WHEN plain THEN 'a name' ELSE 'no name' END)) FROM (VALUES
    ('a', true, 'one letter'), ('Žižka', true, 'as many characters as allowed'), ('日本語', true, 'Japanese'), ('a b', true, 'a text with a space'),
    ('a' || U&'\00A0' || 'b', true, 'a text with a no-break space'), ('abcdef', false, 'one character too many'), (repeat('x', 50000000), false, 'fifty million characters'),
    ('', false, 'the empty text'), (' ', false, 'a space'), (E'\t', false, 'a tab'), (U&'\00A0', false, 'a no-break space'), (U&'\3000\2003', false, 'wide spaces'),
    (U&'\200B', false, 'a zero-width space'), (U&'a\200Bb', false, 'a text with a zero-width space'), (U&'a\200F', false, 'a text with a right-to-left mark'),
    (U&'a\202E', false, 'a text with a right-to-left override'), (U&'a\2028', false, 'a text with a line separator'), (U&'a\2060', false, 'a text with a word joiner'),
    (U&'\FEFFa', false, 'a text with a byte order mark'), (U&'a\00ADb', false, 'a text with a soft hyphen'), (E'a\nb', false, 'a text with a line break'),
    (E'a\tb', false, 'a text with a tab'), (E'a\x1bb', false, 'a text with an escape'), (E'a\x7f', false, 'a text with a delete'), (U&'a\0085', false, 'a text with a control character above ASCII'),
    (U&'\2800', false, 'a braille blank'), (U&'\+0E0041', false, 'a tag character')
) v (value, plain, what);
SELECT is(_is_prose(E'two\nlines\tand a tab', 50), true, 'S24: a reason may have several lines');
SELECT is(_is_prose(E' \n\t ', 50), false, 'S24: but not only those');
SELECT is(_is_prose(U&'a\200B', 50), false, 'S24: nor invisible characters');
SELECT is(_are_plain_texts(list, 3, 5), plain, 'S24: ' || what) FROM (VALUES
    ('{}'::text[], true, 'an empty list is one'), ('{a,b,c}', true, 'so is one of as many as allowed'), ('{a,b,c,d}', false, 'not one of more'),
    ('{a,abcdef}', false, 'not one with a text too long'), ('{a,""}', false, 'nor a blank one'), ('{a,NULL}', false, 'nor a NULL'), (array_fill('a'::text, ARRAY[1000000]), false, 'nor one of a million')
) v (list, plain, what);
SELECT is(_is_small_jsonb('{"a": 1}', 100), true, 'S24: a small jsonb');
SELECT is(_is_small_jsonb(jsonb_build_object('a', repeat('x', 100)), 100), false, 'S24: is not a large one');

-- A column is limited by a CHECK that names it, or it refers to one that is. The extension alone writes event.
SELECT is_empty($$
    SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    WHERE relnamespace = 'license'::regnamespace AND relkind = 'r' AND atttypid IN ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype, 'varchar'::regtype)
    AND relname <> 'event'
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE conrelid = c.oid AND contype = 'f' AND a.attnum = ANY (conkey))
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE conrelid = c.oid AND contype = 'c' AND a.attnum = ANY (conkey)
        AND pg_get_constraintdef(k.oid) ~ ('(_is_plain_text|_is_prose|_are_plain_texts|_is_small_jsonb|_is_device_kind|_is_device_mode|char_length)\(' || a.attname || '\M'
            || '|\m' || a.attname || ' = ANY|\m' || a.attname || ' ~ ''\^'))$$,
    'S24: every text, list and jsonb column of every table has a limit');
SELECT is_empty($$SELECT conname FROM pg_constraint WHERE connamespace = 'license'::regnamespace AND contype = 'c' AND octet_length(conname) >= 50$$, 'every CHECK has a short name');

INSERT INTO account (account_id, kind, name, email) VALUES (49000, 'client', 'A', 'office@text.example'), (49001, 'partner', 'P', NULL);
INSERT INTO account (account_id, kind, parent_id, name) VALUES (49002, 'client', 49001, 'C');
INSERT INTO partner_offer (account_id, sku) VALUES (49001, 'C2TU1');
INSERT INTO site (account_id, site_id, name) VALUES (49000, 1, 'S');
INSERT INTO license (account_id, license_id, sku, status, starts_at, ends_at, key)
    VALUES (49000, 1, '9137958', 'in_use', '2026-01-01', '2027-01-01', generate_key());
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES (49000, 1, 'device', 5);
INSERT INTO device (account_id, device_id, device_code) VALUES (49000, 1, 'one');
INSERT INTO account_user (account_id, user_id, email) VALUES (49000, 1, 'user@text.example');
INSERT INTO voucher (batch, sku) VALUES ('text', '9137958');

-- What people may type, in every column and argument that takes it: the SQLSTATE, and how long the error is
CREATE FUNCTION pg_temp.error_of(statement text, OUT code text, OUT length int, OUT detail text) LANGUAGE plpgsql AS $$
DECLARE
    message text; hint text;
BEGIN
    EXECUTE statement;
    code := '00000';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    length := char_length(message || detail || hint);
END $$;
CREATE TEMP TABLE typed (place text, code text, statement text);
INSERT INTO typed VALUES
    ('account.name', '23514', $$INSERT INTO license.account (name) VALUES (%L)$$),
    ('account.email_override', '23514', $$UPDATE license.account SET email_override = %L WHERE account_id = 49000$$),
    ('account.region', '23514', $$UPDATE license.account SET region = %L WHERE account_id = 49000$$),
    ('account.time_zone', '23514', $$UPDATE license.account SET time_zone = %L WHERE account_id = 49000$$),
    ('site.name', '23514', $$INSERT INTO license.site (account_id, name) VALUES (49000, %L)$$),
    ('apartment.name', '23514', $$INSERT INTO license.apartment (account_id, site_id, name) VALUES (49000, 1, %L)$$),
    ('account_user.permissions', '23514', $$UPDATE license.account_user SET permissions = ARRAY[%L] WHERE account_id = 49000$$),
    ('device.device_code', '23514', $$INSERT INTO license.device (account_id, device_code) VALUES (49000, %L)$$),
    ('license.reason', '23514', $$UPDATE license.license SET reason = %L WHERE account_id = 49000$$),
    ('license.modules', '23514', $$UPDATE license.license SET modules = ARRAY[%L] WHERE account_id = 49000$$),
    ('voucher.batch', '23514', $$INSERT INTO license.voucher (batch, sku) VALUES (%L, '9137958')$$),
    ('create_vouchers: batch', '23514', $$SELECT license.create_vouchers('9137958', 1, 1, %L)$$),
    ('migration_request.ticket', '23514', $$INSERT INTO license.migration_request (account_id, site_id, channel, ticket) VALUES (49000, 1, 'ticket', %L)$$),
    ('payment.provider_reference', '23514', $$SELECT license.record_payment(49000, 1, 1, 1, 'EUR', %L)$$),
    ('create_client: name', '23514', $$SELECT license.create_client(49001, %L)$$),
    ('place_order: placed_by', '23514', $$INSERT INTO license.purchase (account_id, placed_by) VALUES (49000, %L)$$),
    ('deny_access: reason', '22023', $$SELECT license.deny_access(49000, 1, %L)$$),
    ('finalize: reason', '22023', $$SELECT license.finalize(49000, 1, %L)$$),
    ('cancel_voucher: reason', '22023', $$SELECT license.cancel_voucher((SELECT v.code::text FROM license.voucher v WHERE batch = 'text'), %L)$$),
    ('license_ext.actor', '22023', $$SET license_ext.actor = %L$$);
SELECT results_eq(format('SELECT code FROM pg_temp.error_of(%L)', format(statement, value)), ARRAY[code], format('S24: %s refuses %s', place, what))
FROM typed, (VALUES (repeat('x', 100000), '100000 characters'), (E'a\x01b', 'a control character'), (U&'a\200Bb', 'a zero-width space'), (U&'\00A0', 'what is blank')) v (value, what);
SELECT is_empty($$SELECT place, e.* FROM typed, pg_temp.error_of(format(statement, repeat('x', 100000))) e WHERE e.length > 1500$$,
    'S24: none of these errors repeats what was typed');
SELECT results_eq(format('SELECT code, length < 600 FROM pg_temp.error_of(%L)', format(statement, repeat('x', 100000))), format('VALUES (%L, true)', code),
    'S24: no error of ' || place || ' repeats more than 80 characters') FROM (VALUES
    ('create_enterprise: email', 'LX040', $$SELECT license.create_enterprise('E', %L || '@gmail.com', 1)$$),
    ('add_licenses: pool', '22023', $$SELECT license.add_licenses(49000, 1, %L)$$),
    ('create_vouchers: sku', 'LX030', $$SELECT license.create_vouchers(%L, 1)$$),
    ('quote: sku', 'LX030', $$SELECT license.quote(49000, jsonb_build_object(left(%L, 50000), 1))$$),
    ('quote: quantity', 'LX031', $$SELECT license.quote(49002, jsonb_build_object('C2TU1', left(%L, 50000)))$$),
    ('quote: items above 64 kB', '22023', $$SELECT license.quote(49000, jsonb_build_object('C2TU1', %L::text))$$),
    ('place_order: items above 64 kB', '22023', $$SELECT license.place_order(49000, jsonb_build_object('C2TU1', %L::text))$$),
    ('apply_internal: sku', 'LX030', $$SELECT license.apply_internal(49001, %L, 1, 'T')$$),
    ('provision: key', 'LX004', $$SELECT license.provision(49000, 1, %L)$$)
) t (place, code, statement);
SELECT throws_ok($$SELECT license.quote(49000, (SELECT jsonb_object_agg(n, 1) FROM generate_series(1, 1001) n))$$, '22023', NULL, 'S24: an order names at most 1000 SKUs');
SELECT throws_ok(format('SET license_ext.actor = %L', repeat('a', 201)), '22023', 'invalid value for parameter "license_ext.actor"', 'S24: an actor has at most 200 characters');
SELECT lives_ok(format('SET LOCAL license_ext.actor = %L', repeat('ž', 200)), 'S24: an actor of 200 characters is one');
RESET license_ext.actor;

-- Texts a function compares only
SELECT is((SELECT code FROM login(repeat('x', 100000000), 'b', 'c')), 'INVALID_CREDENTIALS', 'S24: login() answers an account e-mail of 100 MB');
SELECT is((SELECT code FROM login('office@text.example', repeat('x', 100000000), 'c')), 'INVALID_CREDENTIALS', 'S24: and a user''s');
SELECT is((SELECT code FROM login('office@text.example', 'user@text.example', repeat('x', 100000000))), 'INVALID_CREDENTIALS', 'S24: and a password of 100 MB');
SELECT is((SELECT code FROM acquire_seat(49000, 1, repeat('x', 32000000), device_id => 1)), 'NOT_FOUND', 'S24: acquire_seat() answers a pool of 32 MB');
SELECT is((SELECT code FROM acquire_seat(49000, 1, E'a\x01b', device_id => 1)), 'NOT_FOUND', 'S24: and one with a control character');
SELECT bag_eq('SELECT pool FROM denial WHERE account_id = 49000 AND pool IS NOT NULL', $$VALUES (repeat('x', 97) || '...'), ('a?b')$$, 'S24: the denial keeps 100 characters of it');

-- S25: a failing constraint of a table with keys or passwords shows no row
CREATE FUNCTION pg_temp.shows(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    code text; message text; detail text; context text; name text; tab text; col text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, name = CONSTRAINT_NAME, tab = TABLE_NAME, col = COLUMN_NAME;
    RETURN concat_ws('|', code, tab, nullif(col, ''), nullif(name, ''), nullif(detail, ''));
END $$;
SELECT is(pg_temp.shows(statement), error, 'S25: ' || statement) FROM (VALUES
    ($$UPDATE license.license SET reason = '' WHERE account_id = 49000$$, '23514|license|license_reason_check'),
    ($$UPDATE license.license SET payment_form = 'weekly' WHERE account_id = 49000$$, '23514|license|license_payment_check'),
    ($$UPDATE license.license SET sku = NULL WHERE account_id = 49000$$, '23502|license|sku'),
    ($$INSERT INTO license.license (account_id, license_id, sku, status) VALUES (49000, 2, '9137958', 'in_use')$$, '23514|license|license_running_check'),
    ($$INSERT INTO license.license (account_id) VALUES (49000)$$, '23502|license|sku'),
    ($$UPDATE license.voucher SET batch = E'\t' WHERE batch = 'text'$$, '23514|voucher|voucher_batch_check'),
    ($$INSERT INTO license.voucher (sku, quantity) VALUES ('9137958', 0)$$, '23514|voucher|voucher_quantity_check'),
    ($$INSERT INTO license.voucher (sku) VALUES (NULL)$$, '23502|voucher|sku'),
    ($$UPDATE license.account_user SET permissions = '{""}' WHERE account_id = 49000$$, '23514|account_user|account_user_permissions_check'),
    ($$UPDATE license.account_user SET permissions = '{NULL}' WHERE account_id = 49000$$, '23514|account_user|account_user_permissions_check'),
    ($$UPDATE license.account_user SET email = NULL WHERE account_id = 49000$$, '23502|account_user|email')
) t (statement, error);
SELECT is_empty($$SELECT t.tgname, o.tgname FROM pg_trigger t JOIN pg_trigger o ON o.tgrelid = t.tgrelid AND o.tgname > t.tgname AND o.tgtype & 3 = 3 AND NOT o.tgisinternal
    WHERE t.tgfoid = 'license._row_check_trg'::regproc$$, 'S25: what checks the row looks at it last');
SELECT set_eq($$SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'license._row_check_trg'::regproc$$,
    $$SELECT DISTINCT attrelid::regclass::text FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'license'::regnamespace AND relkind = 'r'
        AND NOT attisdropped AND (atttypid = 'license.license_key'::regtype OR attname ~ 'password')$$, 'S25: every table with a key or a password has such a trigger');

-- S25: an e-mail that somebody else has
SELECT throws_ok($$SELECT create_enterprise('Prospect', 'OFFICE@text.example', 1)$$, '23505', 'e-mail "OFFICE@text.example" is in use by another account', 'S25: create_enterprise() says that another account has the e-mail');
INSERT INTO account_user (account_id, email) VALUES (49000, 'licensing@prospect.example');
SELECT throws_ok($$SELECT create_enterprise('Prospect', 'licensing@prospect.example', 1)$$, '23505', 'e-mail "licensing@prospect.example" is in use by another user', 'S25: or another user, and not whose');
SELECT is(pg_temp.shows($$SELECT license.create_enterprise('Prospect', 'licensing@prospect.example', 1)$$),
    '23505||An address belongs to one account and to one user over all accounts; the admin of an enterprise account logs in by that of the account.', 'S25: nothing of the other tenant is shown');
SELECT is_empty($$SELECT FROM account WHERE name = 'Prospect'$$, 'S25: and no account is left');
SELECT create_enterprise('Changes', 'licensing@changes.example', 1);
SELECT throws_ok($$UPDATE account SET email = 'licensing@prospect.example' WHERE email = 'licensing@changes.example'$$, '23505', 'e-mail "licensing@prospect.example" is in use by another user', 'S25: the same when the account changes its e-mail');
SELECT lives_ok($$UPDATE account SET email = 'it@changes.example' WHERE email = 'licensing@changes.example'$$, 'S25: a free one it may have');

-- S25: questions with absurd times have answers
SELECT results_eq(format('SELECT count(*)::int FROM expiring(%L, %L) WHERE account_id = 49000', span, at), ARRAY[number], format('S25: expiring(%s, %s) answers', span, at)) FROM (VALUES
    ('1 month', '2026-12-15', 1), ('300000 years', '2026-12-15', 1), ('-300000 years', '2026-12-15', 0), ('178000000 years', '2026-01-02', 1), ('-178000000 years', '2026-01-02', 0),
    ('2147483647 days', '2026-01-02', 1), ('-2147483648 days', '2026-01-02', 0), ('2562047788:00:54.775807', '2026-01-02', 1), ('1 month', '294276-12-31', 0),
    ('100 years', 'infinity', 0), ('100 years', '-infinity', 0), ('100000 years', '4713-01-02 BC', 1), ('200 years', '294200-12-31', 0), ('6700 years', '2026-01-01', 1)
) v (span, at, number);

SELECT * FROM finish();
ROLLBACK;
