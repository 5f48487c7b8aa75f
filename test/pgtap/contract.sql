-- What holds for every object of the extension, whichever concept it belongs to.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT no_plan();

-- Without the types that come with a table or another type: members themselves since PostgreSQL 17
CREATE TEMP VIEW objects AS
    SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND e.extname = 'license_ext' AND d.deptype = 'e'
    AND NOT EXISTS (SELECT FROM pg_depend i WHERE (i.classid, i.objid) = (d.classid, d.objid)
        AND i.classid = 'pg_type'::regclass AND i.deptype = 'i');
CREATE TEMP VIEW relations AS
    SELECT c.* FROM pg_class c JOIN objects ON objid = c.oid AND classid = 'pg_class'::regclass;
CREATE TEMP VIEW functions AS
    SELECT p.* FROM pg_proc p JOIN objects ON objid = p.oid AND classid = 'pg_proc'::regclass;
-- The first column of a key
CREATE TEMP VIEW key_columns AS
    SELECT k.oid, k.conrelid, k.conname, k.contype, a.attname AS first
    FROM pg_constraint k JOIN relations r ON r.oid = k.conrelid
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1];

SELECT cmp_ok((SELECT count(*) FROM relations WHERE relkind = 'r'), '>=', 26::bigint, 'the tables are there');
SELECT cmp_ok((SELECT count(*) FROM functions), '>=', 40::bigint, 'the functions are there');

-- Documentation
SELECT is_empty($$SELECT object FROM objects WHERE classid <> 'pg_opfamily'::regclass
    AND coalesce(obj_description(objid, classid::regclass::name), '') = '' ORDER BY 1$$,
    'every table, view, sequence, function, type and operator has a COMMENT');
SELECT is_empty($$SELECT r.oid::regclass, attname FROM relations r JOIN pg_attribute ON attrelid = r.oid
    WHERE relkind IN ('r', 'p', 'v') AND attnum > 0 AND NOT attisdropped AND coalesce(col_description(r.oid, attnum), '') = '' ORDER BY 1, 2$$,
    'every column has a COMMENT');
SELECT is_empty($$SELECT proname FROM functions WHERE prorettype <> 'trigger'::regtype AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')
    AND proname NOT LIKE 'license\_key\_%' AND obj_description(oid, 'pg_proc') !~ '(Errors: |aises nothing|ever raises)' ORDER BY 1$$,
    'the COMMENT of every function says what it raises');

-- Where it all is
SELECT is_empty($$SELECT object FROM objects o LEFT JOIN pg_proc p ON o.classid = 'pg_proc'::regclass AND p.oid = objid
    LEFT JOIN pg_class c ON o.classid = 'pg_class'::regclass AND c.oid = objid
    LEFT JOIN pg_type t ON o.classid = 'pg_type'::regclass AND t.oid = objid
    WHERE 'license'::regnamespace <> coalesce(pronamespace, relnamespace, typnamespace)$$,
    'nothing is outside of schema license');
SELECT is_empty($$SELECT oid::regclass FROM pg_class WHERE relnamespace = 'license'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
    EXCEPT SELECT oid::regclass FROM relations$$,
    'nothing in schema license is outside of the extension');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'license'::regnamespace AND octet_length(relname) >= 50
    UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'license'::regnamespace AND octet_length(conname) >= 50
    UNION ALL SELECT tgname FROM pg_trigger JOIN relations r ON r.oid = tgrelid WHERE NOT tgisinternal AND octet_length(tgname) >= 50$$,
    'every name is shorter than 50 bytes');
SELECT is_empty($$SELECT oid::regclass FROM relations WHERE relkind IN ('r', 'p', 'S') EXCEPT
    SELECT unnest(extconfig)::regclass FROM pg_extension WHERE extname = 'license_ext'$$,
    'pg_dump saves every table and sequence');

-- Who may
SELECT is_empty($$SELECT f.oid::regprocedure FROM functions f, aclexplode(coalesce(proacl, acldefault('f', proowner))) a WHERE a.grantee = 0$$,
    'C11: PUBLIC executes no function');
SELECT is_empty($$SELECT r.oid::regclass, a.privilege_type FROM relations r,
    aclexplode(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, relowner))) a
    WHERE relkind IN ('r', 'p', 'v', 'S') AND a.grantee = 0$$,
    'PUBLIC has nothing on tables, views and sequences');
SELECT is_empty($$SELECT attrelid::regclass, attname FROM pg_attribute JOIN relations r ON r.oid = attrelid, aclexplode(attacl) a WHERE a.grantee = 0$$,
    'PUBLIC has nothing on columns');
SELECT is_empty($$SELECT t.oid::regtype FROM pg_type t JOIN objects ON objid = t.oid AND classid = 'pg_type'::regclass,
    aclexplode(coalesce(typacl, acldefault('T', typowner))) a WHERE a.grantee = 0 AND typrelid = 0 AND typelem = 0$$,
    'PUBLIC does not use the types');
SELECT is_empty($$SELECT a.privilege_type FROM pg_namespace n, aclexplode(nspacl) a WHERE nspname = 'license' AND a.grantee = 0$$,
    'PUBLIC does not see the schema');
SELECT is_empty($$SELECT oid::regprocedure FROM functions WHERE prosecdef AND coalesce(array_to_string(proconfig, ' '), '') !~ 'search_path='$$,
    'no SECURITY DEFINER function without its own search_path');
SELECT is_empty($$SELECT f.oid::regprocedure FROM functions f JOIN pg_language l ON l.oid = prolang
    WHERE lanname <> 'c' AND (lanname <> 'sql' OR prosqlbody IS NULL)$$,
    'functions are C, or SQL parsed when it was created');
SELECT is_empty($$SELECT oid::regclass FROM relations WHERE relkind = 'v' AND coalesce(array_to_string(reloptions, ' '), '') !~ 'security_invoker=(true|on)'$$,
    'every view looks with the eyes of who asks, so that row-level security holds in it');
SELECT is_empty($$SELECT r.oid::regclass FROM relations r JOIN pg_attribute ON attrelid = r.oid AND attname = 'account_id'
    WHERE relkind IN ('r', 'p') AND NOT relrowsecurity AND relname <> 'access'$$,
    'every table of tenants has row-level security');

-- One day distributed by account_id
SELECT set_eq($$SELECT relname FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND attnum = 1
    WHERE relkind IN ('r', 'p') AND attname <> 'account_id'$$,
    ARRAY['access', 'last_sweep', 'module', 'notice_stage', 'offer', 'offer_price', 'voucher'],
    'account_id is the first column of every tenant table');
SELECT set_eq($$SELECT conname FROM key_columns WHERE contype IN ('p', 'u') AND first <> 'account_id'
    UNION ALL SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = indexrelid JOIN relations r ON r.oid = indrelid
    WHERE indisunique AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
        AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0] AND attname = 'account_id')$$,
    ARRAY['access_pkey', 'last_sweep_pkey', 'module_pkey', 'notice_stage_pkey', 'offer_pkey', 'offer_price_pkey', 'voucher_pkey',
        'license_key_key', 'account_email_key', 'account_user_email_key'],
    'account_id comes first in every primary key and unique index; what is unique over all accounts is listed');
SELECT set_eq($$SELECT conrelid::regclass || '.' || first FROM key_columns WHERE contype = 'f' AND first <> 'account_id'$$,
    ARRAY['license.account.parent_id', 'license.license.partner_id', 'license.license.distributor_id',
        'license.license_request.partner_id', 'license.license_request.distributor_id', 'license.voucher.redeemed_account_id',
        'license.offer.base_module', 'license.offer_price.sku', 'license.partner_offer.sku', 'license.license.sku',
        'license.license_request.sku', 'license.voucher.sku', 'license.payment.sku', 'license.purchase_line.sku',
        'license.internal_application.sku'],
    'account_id comes first in every foreign key; the tree, the catalogue and vouchers are listed');
SELECT is_empty($$SELECT conname FROM pg_constraint k JOIN relations r ON r.oid = conrelid
    WHERE contype = 'f' AND (confdeltype IN ('n', 'd') OR confupdtype <> 'a' OR condeferrable)$$,
    'no foreign key sets NULL, changes keys or waits');
SELECT is_empty($$SELECT tgname FROM pg_trigger JOIN relations r ON r.oid = tgrelid WHERE NOT tgisinternal AND (tgdeferrable OR tgenabled NOT IN ('O', 'A'))$$,
    'no trigger waits or is disabled');
SELECT is_empty($$SELECT polname FROM pg_policy JOIN relations r ON r.oid = polrelid
    WHERE concat(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) ~ '\mSELECT\M(?! \w+''::text)|current_setting'$$,
    'policies call a function: no sub-query, no setting');

-- Trigger functions
CREATE FUNCTION pg_temp.sqlstate_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.sqlstate_of(format('SELECT %s', oid::regprocedure)), '39P01', proname || ' refuses a plain call')
FROM functions WHERE prorettype = 'trigger'::regtype ORDER BY proname;

CREATE TABLE public.stranger_table (account_id bigint, seats integer);
CREATE TEMP TABLE events (event text);
INSERT INTO events VALUES ('BEFORE INSERT OR UPDATE OR DELETE'), ('AFTER INSERT OR UPDATE OR DELETE'), ('BEFORE TRUNCATE'), ('AFTER TRUNCATE');
-- Fires the function on a table that is not the extension's
CREATE FUNCTION pg_temp.fire(function regprocedure, event text, level text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER stranger %s ON public.stranger_table FOR EACH %s EXECUTE FUNCTION %s', event, level, function);
    INSERT INTO public.stranger_table VALUES (1, 1);
    UPDATE public.stranger_table SET seats = 2;
    DELETE FROM public.stranger_table;
    TRUNCATE public.stranger_table;
    RAISE 'done' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is_empty(format($$SELECT event, level, sqlstate FROM events, unnest(ARRAY['ROW', 'STATEMENT']) level,
    pg_temp.fire(%L, event, level) AS sqlstate WHERE (event !~ 'TRUNCATE' OR level <> 'ROW')
    AND sqlstate !~ '^(39P01|LX|42703|42704|55000)'$$, oid::regprocedure::text),
    proname || ' on a table that is not its own says so')
FROM functions WHERE prorettype = 'trigger'::regtype
    AND proname <> '_access_trg'    -- looks at no row, it only has a cache forgotten
ORDER BY proname;

CREATE ROLE contract_stranger;
GRANT USAGE ON SCHEMA license TO contract_stranger;
GRANT CREATE ON SCHEMA public TO contract_stranger;
SET LOCAL ROLE contract_stranger;
CREATE TABLE public.stranger (account_id bigint);
RESET ROLE;
CREATE FUNCTION pg_temp.stranger_sqlstate(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE contract_stranger;
    EXECUTE statement;
    RESET ROLE;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.stranger_sqlstate(format('CREATE TRIGGER forged AFTER INSERT ON public.stranger FOR EACH ROW EXECUTE FUNCTION %s', oid::regprocedure)),
    '42501', proname || ' cannot be attached by a role that only sees the schema')
FROM functions WHERE prorettype = 'trigger'::regtype ORDER BY proname;
SELECT is_empty($$SELECT oid::regclass FROM relations WHERE relkind IN ('r', 'v')
    AND pg_temp.stranger_sqlstate(format('SELECT FROM %s', oid::regclass)) <> '42501'$$,
    'and that role reads no table or view');

-- NULL in every argument
CREATE TEMP VIEW callable AS
    SELECT oid, proname, obj_description(oid, 'pg_proc') AS comment,
        format('SELECT * FROM license.%I(%s)', proname,
            (SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY n) FROM unnest(proargtypes) WITH ORDINALITY AS a (t, n))) AS call
    FROM functions
    WHERE prokind = 'f' AND prorettype <> 'trigger'::regtype
        AND NOT proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype]::oid[];
SELECT is_empty(format($$SELECT %1$L, sqlstate FROM pg_temp.sqlstate_of(%1$L) AS sqlstate
    WHERE sqlstate <> '00000' AND strpos(%2$L, sqlstate) = 0$$, call, comment),
    proname || ' with NULL everywhere answers, or raises what its COMMENT says')
FROM callable ORDER BY proname;

-- Rows may bring small ids of their own and still stand beside generated ones

SELECT is(seqstart, 1000001::bigint, 'generated ids begin above a million') FROM pg_sequence WHERE seqrelid = 'license.id_seq'::regclass;

-- A search_path that shadows what everybody uses
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.raise() RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'a hostile object was used'; END$$;
CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT hostile.raise()::timestamptz';
CREATE FUNCTION hostile.count(anyelement) RETURNS bigint LANGUAGE sql AS 'SELECT hostile.raise()::bigint';
CREATE FUNCTION hostile.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS 'SELECT hostile.raise()::jsonb';
CREATE FUNCTION hostile.next_id() RETURNS bigint LANGUAGE sql AS 'SELECT hostile.raise()::bigint';
DO $$
DECLARE
    type_name text;
    symbol text;
BEGIN
    FOREACH type_name IN ARRAY ARRAY['bigint', 'integer', 'text', 'boolean', 'timestamptz', 'oid', 'name', 'jsonb', 'interval'] LOOP
        EXECUTE format('CREATE FUNCTION hostile.compare(%1$s, %1$s) RETURNS boolean LANGUAGE sql AS ''SELECT hostile.raise()::boolean''', type_name);
        FOREACH symbol IN ARRAY ARRAY['=', '<>', '<', '>', '<=', '>='] LOOP
            EXECUTE format('CREATE OPERATOR hostile.%1$s (LEFTARG = %2$s, RIGHTARG = %2$s, FUNCTION = hostile.compare)', symbol, type_name);
        END LOOP;
    END LOOP;
END $$;

INSERT INTO license.account (account_id, kind, name) VALUES (10, 'partner', 'P');
INSERT INTO license.account (account_id, parent_id, name, time_zone) VALUES (1, 10, 'Hostile', 'Europe/Prague');
INSERT INTO license.partner_offer (account_id, sku) VALUES (10, 'C2TU1');
INSERT INTO license.site (account_id, site_id, name) VALUES (1, 2, 'S');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name) VALUES (1, 3, 2, 'A');
INSERT INTO license.device (account_id, device_id, device_code) VALUES (1, 4, '001'), (1, 5, '002');
INSERT INTO license.license (account_id, license_id, sku, key, status, term, starts_at, ends_at)
    VALUES (1, 6, 'COUNT-ANNUAL', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 'in_use', '1 year', '2026-01-01', '2027-01-01');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (1, 6, 'device', 2);
CREATE TABLE public.box (box_id integer PRIMARY KEY, size integer, used integer DEFAULT 0);
CREATE TABLE public.ball (box_id integer CONSTRAINT ball_box_fkey REFERENCES public.box, weight integer);
CREATE TEMP TABLE statements (n serial, statement text);
INSERT INTO statements (statement) VALUES
    ('SELECT license.attach_seat_limit(''public.ball'', ''ball_box_fkey'', ''used'', ''size'', ''weight'')'),
    ('INSERT INTO public.box VALUES (1, 5)'), ('INSERT INTO public.ball VALUES (1, 3)'),
    ('SELECT license.recount_seats()'), ('SELECT * FROM license.check_seats()'),
    ('INSERT INTO license.device (account_id, site_id, apartment_id, device_code) VALUES (1, 2, 3, NULL)'),
    ('UPDATE license.account SET time_zone = ''Asia/Tokyo'' WHERE account_id OPERATOR(pg_catalog.=) 1'),
    ('UPDATE license.notice_stage SET lead = ''2 mon'' WHERE stage OPERATOR(pg_catalog.=) 1'),
    ('SELECT license.acquire_seat(1, 6, ''device'', device_id => 4, at => ''2026-12-20'')'),
    ('SELECT license.acquire_seat(1, 6, ''device'', device_id => 5, lease => ''1 hour'', at => ''2026-12-20'')'),
    ('SELECT license.heartbeat(1, 1, at => ''2026-12-20'')'),
    ('SELECT license.validate(''7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'', ''001'', at => ''2026-12-20'')'),
    ('SELECT license.license_data(1, 6)'), ('SELECT license.expiring(''1 year'', ''2026-12-20'')'),
    ('SELECT license.deny_access(1, 6, ''no'', ''2026-12-20'')'), ('SELECT license.restore_access(1, 6, ''2026-12-20'')'),
    ('SELECT license.sweep(''2026-12-20'')'), ('SELECT license.claim_notices()'),
    ('SELECT license.renew(1, 6, at => ''2026-12-20'')'),
    ('SELECT license.create_vouchers(''9137958'', 2)'),
    ('SELECT license.quote(1, ''{"C2TU1": 5}'')'), ('SELECT license.place_order(1, ''{"C2TU1": 5}'', at => ''2026-12-20'')');
INSERT INTO statements (statement) SELECT format('SELECT * FROM %s', oid::regclass) FROM relations WHERE relkind = 'v';
CREATE FUNCTION pg_temp.under_hostile_path(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL search_path = hostile, pg_catalog, pg_temp;
    EXECUTE statement;
    RESET search_path;
    RETURN 'fine';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
SELECT is(pg_temp.under_hostile_path(statement), 'fine', 'under a hostile search_path: ' || statement) FROM statements ORDER BY n;
SELECT isnt(pg_temp.under_hostile_path('SELECT now()'), 'fine', 'which is hostile indeed');
SELECT is((SELECT used FROM public.box), 3, 'and what was done there counts');
SELECT is_empty('SELECT * FROM license.check_seats()', 'everywhere');

SELECT * FROM finish();
ROLLBACK;
