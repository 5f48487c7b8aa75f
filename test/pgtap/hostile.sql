-- Extreme and malformed arguments for every function: an answer or a proper error, never an internal
-- one, and the server stays up.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
SET LOCAL timezone TO 'UTC';
SELECT no_plan();

INSERT INTO license.account (account_id, kind, name) VALUES (1, 'provider', 'V'), (2, 'partner', 'P');
INSERT INTO license.account (account_id, parent_id, name, email) VALUES (3, 2, 'C', 'it@client.example');
INSERT INTO license.partner_offer (account_id, sku) VALUES (2, 'C2TU1');
INSERT INTO license.site (account_id, site_id, name) VALUES (3, 4, 'S'), (3, 3, 'T');
INSERT INTO license.license (account_id, license_id, sku, key, status, term, starts_at, ends_at)
    VALUES (3, 5, 'COUNT-ANNUAL', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'in_use', '1 year', '2026-01-01', '2027-01-01');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (3, 5, 'device', 2), (3, 5, 'floating_device', 0);
INSERT INTO license.account_user (account_id, user_id, email) VALUES (3, 6, 'user@client.example');
INSERT INTO license.device (account_id, device_id, device_code) VALUES (3, 7, '001');

-- What each type of argument is called with; the first fits, so that the others get further
CREATE TEMP TABLE extremes (type regtype, n serial, value text);
INSERT INTO extremes (type, value) VALUES
    ('bigint', '3'), ('bigint', '9223372036854775807'), ('bigint', '-9223372036854775808'), ('bigint', '0'),
    ('integer', '1'), ('integer', '2147483647'), ('integer', '-2147483648'), ('integer', '0'),
    ('numeric', '1'), ('numeric', 'NaN'), ('numeric', 'Infinity'), ('numeric', '-1e1000'), ('numeric', '1e-1000'),
    ('boolean', 'true'), ('boolean', 'false'),
    ('text', 'device'), ('text', ''), ('text', repeat('x', 1000000)), ('text', E'\u017D\u200B\U0001F600''"\\%_;--'), ('text', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'),
    ('text', 'C2TU1'), ('text', 'it@client.example'), ('text', E'\n\t '), ('text', 'NULL'), ('text', '9223372036854775808'),
    ('name', 'seats_used'), ('name', ''), ('name', repeat('n', 63)),
    ('timestamptz', '2026-06-01'), ('timestamptz', 'infinity'), ('timestamptz', '-infinity'),
    ('timestamptz', '294276-12-31 23:59:59.999999+00'), ('timestamptz', '4713-01-01 00:00+00 BC'), ('timestamptz', '2000-01-01'),
    ('interval', '1 hour'), ('interval', '178000000 years'), ('interval', '-178000000 years'), ('interval', '0'),
    ('interval', '-1 microsecond'), ('interval', '2147483647 months'), ('interval', '2147483647 days'), ('interval', '-1 mon 2147483647 days'),
    ('macaddr', '08:00:2b:01:02:03'), ('macaddr', '00:00:00:00:00:00'), ('macaddr', 'ff:ff:ff:ff:ff:ff'),
    ('license.license_key', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'),
    ('regclass', 'license.device'), ('regclass', '0'), ('regclass', '4294967295'), ('regclass', 'pg_catalog.pg_class'), ('regclass', 'license.license_list'),
    ('license.granted_role', 'pg_monitor'), ('license.granted_role', '!gone'), ('regrole', 'pg_monitor'), ('regrole', '0'), ('regrole', '4294967295'),
    ('oid', '0'), ('oid', '4294967295'),
    ('jsonb', '{"C2TU1": 5}'), ('jsonb', 'null'), ('jsonb', '[]'), ('jsonb', '"x"'), ('jsonb', '1e1000'), ('jsonb', '{"C2TU1": 1e400}'), ('jsonb', '{"C2TU1": -1}'),
    ('jsonb', '{"C2TU1": 1.5}'), ('jsonb', '{"C2TU1": 99999999999999999999}'), ('jsonb', '{"C2TU1": "5"}'), ('jsonb', '{"C2TU1": null}'),
    ('jsonb', '{"C2TU1": {"a": []}}'), ('jsonb', '{"": 1}'), ('jsonb', '{"C2TU1": 2147483648}'), ('jsonb', '{"C2TU1": true}'),
    ('jsonb', (SELECT jsonb_object_agg('sku' || i, i) FROM generate_series(1, 5000) i)::text), ('jsonb', repeat('[', 3000) || repeat(']', 3000)),
    ('bigint[]', '{1,2}'), ('bigint[]', '{}'), ('bigint[]', '{NULL}'), ('bigint[]', '{{1,2},{3,4}}'), ('bigint[]', '[-5:-4]={9223372036854775807,-9223372036854775808}'),
    ('integer[]', '{1,2}'), ('integer[]', '{}'), ('integer[]', '{NULL,NULL}'), ('integer[]', '{{1},{2}}'), ('integer[]', '[2147483646:2147483646]={1}'),
    ('integer[]', '{2147483647,2147483647}'), ('integer[]', '{-2147483648,0}'),
    ('text[]', '{}'), ('text[]', '{NULL}'), ('text[]', '{{a,b},{c,d}}');

CREATE TEMP TABLE targets AS
    SELECT p.oid, p.proname, ARRAY(SELECT t::regtype FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n) ORDER BY n) AS types
    FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'license_ext'
    WHERE p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype AND p.pronargs > 0
        AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype]::oid[];
SELECT is_empty('SELECT DISTINCT t FROM targets, unnest(types) t EXCEPT SELECT type FROM extremes', 'there are values for every type of argument');

-- Every argument in turn takes every extreme, the others fit; then all of them at random, also as a customer
CREATE FUNCTION pg_temp.fitting(wanted regtype) RETURNS text LANGUAGE sql AS
    $$SELECT format('%L::%s', value, type) FROM extremes WHERE type = wanted ORDER BY n LIMIT 1$$;
CREATE FUNCTION pg_temp.random_value(wanted regtype) RETURNS text LANGUAGE sql AS
    $$SELECT format('%L::%s', value, type) FROM extremes WHERE type = wanted ORDER BY random() LIMIT 1$$;
CREATE FUNCTION pg_temp.sqlstate_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE 'undo' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
CREATE ROLE hostile_customer;
SELECT lives_ok($$SELECT license.grant_access('hostile_customer', 'customer', 3)$$, 'random values come from a customer too');
CREATE FUNCTION pg_temp.sqlstate_for(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', role, true);
    statement := pg_temp.sqlstate_of(statement);
    RESET ROLE;
    RETURN statement;
END $$;
SELECT setseed(0.5);
CREATE FUNCTION pg_temp.attack(function oid) RETURNS TABLE (sqlstate text, call text) LANGUAGE plpgsql AS $$
DECLARE
    target targets;
    place integer;
    extreme record;
BEGIN
    SELECT * INTO target FROM targets t WHERE t.oid = function;
    FOR place IN 1 .. cardinality(target.types) LOOP
        FOR extreme IN SELECT format('%L::%s', value, type) AS literal FROM extremes WHERE type = target.types[place] LOOP
            call := format('SELECT * FROM license.%I(%s)', target.proname, (SELECT string_agg(
                CASE n WHEN place THEN extreme.literal ELSE pg_temp.fitting(t) END, ', ' ORDER BY n) FROM unnest(target.types) WITH ORDINALITY AS a (t, n)));
            sqlstate := pg_temp.sqlstate_of(call);
            RETURN NEXT;
        END LOOP;
    END LOOP;
    FOR i IN 1 .. 20 LOOP
        call := format('SELECT * FROM license.%I(%s)', target.proname,
            (SELECT string_agg(pg_temp.random_value(t), ', ' ORDER BY n) FROM unnest(target.types) WITH ORDINALITY AS a (t, n)));
        sqlstate := pg_temp.sqlstate_for(CASE WHEN i % 2 = 0 THEN 'hostile_customer' ELSE 'none' END, call);
        RETURN NEXT;
    END LOOP;
END $$;
SELECT is_empty(format('SELECT sqlstate, left(call, 300) FROM pg_temp.attack(%s) WHERE sqlstate ~ ''^(XX|58|57|53)''', oid),
    format('%s takes anything', oid::regprocedure))
FROM targets ORDER BY proname, oid;

-- Nothing happens at infinity: whatever changes something refuses it, a question is answered.
CREATE TEMP TABLE dated AS
    SELECT p.oid, p.proname, p.provolatile = 'v' AS changes, t.types, p.proargnames AS names
    FROM pg_proc p JOIN targets t USING (oid) WHERE 'at' = ANY (p.proargnames) AND left(p.proname, 1) <> '_';
SELECT cmp_ok((SELECT count(*) FROM dated WHERE changes), '>=', 23::bigint, 'operations that take a moment are found');
CREATE FUNCTION pg_temp.at_infinity(target dated, moment text) RETURNS text LANGUAGE sql AS
    $$SELECT pg_temp.sqlstate_of(format('SELECT * FROM license.%I(%s)', target.proname,
        (SELECT string_agg(CASE target.names[n] WHEN 'at' THEN quote_literal(moment) WHEN 'code' THEN '''7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE''' ELSE pg_temp.fitting(t) END, ', ' ORDER BY n)
        FROM unnest(target.types) WITH ORDINALITY AS a (t, n))))$$;
SELECT is(pg_temp.at_infinity(d, moment), CASE WHEN changes THEN '22023' ELSE '00001' END,
    format('%s at %s is %s', proname, moment, CASE WHEN changes THEN 'refused' ELSE 'answered' END))
FROM dated d, unnest(ARRAY['infinity', '-infinity']) moment ORDER BY proname, moment;
SELECT is_empty('SELECT * FROM license.check_seats()', 'and every counter is exact');

SELECT * FROM finish();
ROLLBACK;
