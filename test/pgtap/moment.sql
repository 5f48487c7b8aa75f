-- Every function with a moment takes NULL for now(), and does with it just what it does when the moment is left out.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL timezone TO 'UTC';
SET LOCAL client_min_messages TO warning;

SELECT no_plan();

INSERT INTO account (account_id, parent_id, kind, name, email) VALUES
    (5, NULL, 'provider', 'Provider', NULL), (4, 5, 'distributor', 'Distributor', NULL), (2, 4, 'partner', 'Partner', NULL),
    (1, 2, 'client', 'Estate', 'it@estate.example'), (3, 2, 'client', 'Client', NULL), (6, 5, 'internal', 'Internal', NULL);
INSERT INTO partner_offer (account_id, sku) VALUES (2, 'C2TU1');
INSERT INTO site (account_id, site_id, name, sector) VALUES (1, 10, 'House', 'residential'), (1, 11, 'Hotel', 'hospitality'), (1, 12, 'Tower', 'residential');
INSERT INTO site (account_id, site_id, name, license_model, legacy_ends_at) VALUES (1, 13, 'Old', 'custom', '2099-01-01'), (1, 14, 'Older', 'custom', '2099-01-01');
INSERT INTO license (account_id, license_id, sku, site_id, key, status, reason, term, starts_at, ends_at) VALUES
    (1, 500, 'OCTOPUS', NULL, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'pending_provision', NULL, '1 year', NULL, NULL),
    (1, 501, 'OCTOPUS', 12, DEFAULT, 'pending_start', NULL, '1 year', NULL, NULL),
    (1, 502, 'COUNT-ANNUAL', NULL, DEFAULT, 'in_use', NULL, '1 year', now() - interval '1 month', now() + interval '11 months'),
    (1, 503, 'C2TU1', NULL, DEFAULT, 'access_denied', 'unpaid', '1 year', now() - interval '1 month', now() + interval '11 months'),
    (1, 504, 'C2TU250', NULL, DEFAULT, 'in_use', NULL, '1 year', now() - interval '2 years', now() - interval '1 year');
INSERT INTO license_pool (account_id, license_id, pool, maximum) VALUES (1, 502, 'device', 3);
INSERT INTO device (account_id, device_id, device_code) VALUES (1, 20, 'A'), (1, 21, 'B');
INSERT INTO seat (account_id, seat_id, license_id, pool, device_id, expires_at) VALUES (1, 30, 502, 'device', 20, now() + interval '1 minute');
INSERT INTO account_user (account_id, user_id, email, password_hash) VALUES (1, 40, 'ann@estate.example', crypt('the password', gen_salt('bf', 4)));
INSERT INTO license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, rooms) VALUES (1, 50, 11, 2, 4, 1, 'annual', 10);
INSERT INTO migration_request (account_id, request_id, site_id) VALUES (1, 60, 14);
INSERT INTO voucher (code, sku) VALUES ('00000-00000-00000-00000-1117J', '9137958');
SELECT apply_internal(6, 'C2TU-I1', 5, 'T-1') AS application \gset

-- How to call each of them so that it does something
CREATE TEMP TABLE call (name text, arguments text);
INSERT INTO call VALUES
    ('acquire_seat', '1, 502, ''device'', 21, lease => ''1 hour'''), ('add_licenses', '1, 2'), ('approve_migration', '1, 60'),
    ('create_client', '2, ''New'', ''{"C2TU1": 5}'''), ('create_enterprise', '''Acme'', ''office@acme.example'', 5'),
    ('create_vouchers', '''9137958'', 2'), ('decide_application', '6, :application, true'), ('deny_access', '1, 502, ''unpaid'''),
    ('expiring', '''1 year'''), ('finalize', '1, 502, ''over'''), ('heartbeat', '1, 30, ''2 hours'''), ('issue_license', '1, 50'),
    ('login', '''it@estate.example'', ''ann@estate.example'', ''the password'', ''NEW'''), ('move_seat', '1, 20, 21'),
    ('place_order', '3, ''{"C2TU1": 7}'''), ('provision', '1, 10, ''7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'''),
    ('record_connection', '1, 12, ''08:00:2b:01:02:03'''), ('record_payment', '1, 10, 2, 10, ''EUR'', ''ref-1'''),
    ('redeem_voucher', '1, 10, ''00000-00000-00000-00000-1117J'''), ('renew', '1, 504'), ('renew_account', '1'),
    ('request_migration', '1, 13'), ('restore_access', '1, 503'), ('site_coverage', '1, 10'), ('sweep', ''),
    ('validate', '''7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE''');
UPDATE call SET arguments = replace(arguments, ':application', :'application');

-- What a call answers and every row there is afterwards. Keys are random; two tables tell when a sweep really ran.
CREATE FUNCTION pg_temp.outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    part text;
    relation regclass;
BEGIN
    PERFORM setval('license.id_seq', 5000000);
    BEGIN
        EXECUTE format('SELECT string_agg(t::text, E''\n'') FROM (SELECT * FROM %s) t', call) INTO answer;
        FOR relation IN SELECT oid FROM pg_class WHERE relnamespace = 'license'::regnamespace AND relkind = 'r' AND relname NOT IN ('sweep_state', 'last_sweep') ORDER BY oid LOOP
            EXECUTE format('SELECT string_agg(t::text, E''\n'' ORDER BY t::text) FROM %s t', relation) INTO part;
            answer := concat(answer, E'\n', part);
        END LOOP;
        RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = 'done';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
        RETURN regexp_replace(answer, '[0-9A-Z]{5}(-[0-9A-Z]{5}){4}', 'key', 'g');
    WHEN OTHERS THEN
        RETURN concat('ERROR ', SQLSTATE, ' ', SQLERRM);
    END;
END $$;
CREATE TEMP VIEW dated AS
SELECT proname, concat_ws(', ', nullif(arguments, ''), 'at => ') AS arguments FROM pg_proc p LEFT JOIN call c ON c.name = p.proname
WHERE pronamespace = 'license'::regnamespace AND proname NOT LIKE '\_%'
    AND EXISTS (SELECT FROM unnest(proargnames, proargmodes) a (name, mode) WHERE name = 'at' AND coalesce(mode, 'i') IN ('i', 'b'));

SELECT is_empty($$SELECT proname FROM dated JOIN pg_proc p USING (proname) WHERE NOT EXISTS (SELECT FROM call WHERE name = proname)$$,
    'K12: this test calls every function with an argument "at"');
SELECT cmp_ok((SELECT count(*) FROM dated), '>=', 26::bigint, 'K12: the functions with an argument "at" are found in the catalog');
SELECT unalike(pg_temp.outcome(format('%I(%snow())', proname, arguments)), 'ERROR %', format('K12: %s at => now() succeeds', proname))
FROM dated ORDER BY proname;
SELECT is(pg_temp.outcome(format('%I(%sNULL)', proname, arguments)), pg_temp.outcome(format('%I(%snow())', proname, arguments)),
    format('K12: %s at => NULL is %s at => now()', proname, proname))
FROM dated ORDER BY proname;
SELECT isnt(pg_temp.outcome(format('%I(%snow())', proname, arguments)), pg_temp.outcome(format('%I(%snow() - interval ''1 hour'')', proname, arguments)),
    format('K12: what %s does depends on its moment, so the comparison can tell', proname))
FROM dated WHERE proname NOT IN ('validate', 'site_coverage', 'expiring', 'create_client', 'decide_application', 'record_connection') ORDER BY proname;
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p JOIN dated USING (proname)
    WHERE proargnames[pronargs] = 'at' AND pg_get_function_arguments(p.oid) !~ '[ ,]at timestamp with time zone DEFAULT now\(\)'$$,
    'K12: an argument "at" that is last may be left out');
SELECT throws_ok('SELECT purge_denials(NULL)', '22004', NULL, 'K12: a NULL that would remove all denials is refused, as "before" has no default');

SELECT * FROM finish();
ROLLBACK;
