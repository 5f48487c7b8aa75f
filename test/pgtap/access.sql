-- Who may do what: every function and every table, as every level, in its own account, in one below it and
-- in a stranger's, and as a role without a level. The expectations are written down here from what is
-- promised, not read from the extension.
BEGIN;
SELECT no_plan();

CREATE ROLE t_provider;
CREATE ROLE t_vendor;
CREATE ROLE t_distributor;
CREATE ROLE t_partner;
CREATE ROLE t_customer;
CREATE ROLE t_reader;
CREATE ROLE t_service;
CREATE ROLE t_nobody;
CREATE ROLE t_member IN ROLE t_customer;

-- 920 is the own account, 921 lies below it, 930 is a stranger's
INSERT INTO license.account (account_id, parent_id, kind, name) VALUES
    (910, NULL, 'provider', 'Vendor'), (920, 910, 'partner', 'Own'), (921, 920, 'partner', 'Below'), (930, 910, 'partner', 'Stranger');
SELECT license.grant_access('t_vendor', 'provider'), license.grant_access('t_provider', 'provider', 920),
    license.grant_access('t_distributor', 'distributor', 920), license.grant_access('t_partner', 'partner', 920),
    license.grant_access('t_customer', 'customer', 920), license.grant_access('t_reader', 'reader', 920),
    license.grant_access('t_service', 'service', 920);

-- one row of everything in each account
DO $$
DECLARE
    a bigint;
BEGIN
    INSERT INTO license.partner_offer VALUES (920, 'C2TU1'), (921, 'C2TU1'), (930, 'C2TU1');
    FOREACH a IN ARRAY ARRAY[920, 921, 930] LOOP
        INSERT INTO license.site (account_id, site_id, name) VALUES (a, 1, 'S');
        INSERT INTO license.apartment (account_id, apartment_id, site_id, name) VALUES (a, 2, 1, 'A');
        INSERT INTO license.account_user (account_id, user_id, email) VALUES (a, 3, 'u' || a || '@matrix.example');
        INSERT INTO license.device (account_id, device_id, device_code, mac) VALUES (a, 4, 'x', '00:00:00:00:00:01');
        INSERT INTO license.session (account_id, session_id, user_id) VALUES (a, 5, 3);
        INSERT INTO license.license (account_id, license_id, sku, status, starts_at, ends_at, key)
            VALUES (a, 6, 'PARTNER-DEMO', 'in_use', now() - interval '1 day', now() + interval '1 day', license.generate_key());
        INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (a, 6, 'device', 5);
        INSERT INTO license.seat (account_id, seat_id, license_id, pool, device_id) VALUES (a, 7, 6, 'device', 4);
        INSERT INTO license.connection (account_id, license_id, site_id, mac) VALUES (a, 6, 1, '00:00:00:00:00:01');
        INSERT INTO license.license_request (account_id, request_id, site_id, partner_id, distributor_id, years, payment_form, access_points)
            VALUES (a, 8, 1, 910, 910, 1, 'annual', 5);
        INSERT INTO license.voucher (sku, state, redeemed_account_id, redeemed_site_id, redeemed_at) VALUES ('9137958', 'used', a, 1, now());
        INSERT INTO license.payment (account_id, site_id, sku, quantity, amount, currency, provider_reference) VALUES (a, 1, '9137958', 1, 1, 'EUR', 'r');
        INSERT INTO license.purchase (account_id, purchase_id, placed_by) VALUES (a, 9, 'x');
        INSERT INTO license.purchase_line (account_id, purchase_id, sku, old_quantity, new_quantity) VALUES (a, 9, 'C2TU1', 0, 1);
        INSERT INTO license.migration_request (account_id, request_id, site_id, state, decided_at) VALUES (a, 10, 1, 'approved', now());
        INSERT INTO license.internal_application (account_id, application_id, sku, quantity, ticket) VALUES (a, 11, 'C2TU-I1', 1, 't');
        INSERT INTO license.notice (account_id, notice_id, kind, due_at) VALUES (a, 12, 'other', now());
        INSERT INTO license.event (account_id, event_id, actor, subject, subject_id, action) VALUES (a, 13, 'x', 'x', 1, 'x');
        INSERT INTO license.denial (account_id, denial_id, code) VALUES (a, 14, 'X');
        INSERT INTO license.sweep_state (account_id, subject, subject_id, since, tried_at, sqlstate, message) VALUES (a, 'license', 15, now(), now(), '55P03', 'X');
    END LOOP;
END $$;

-- The SQLSTATE a statement ends with as a role, 00000 for none; nothing it did stays.
CREATE FUNCTION pg_temp.outcome(role_name text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text := '00000';
BEGIN
    BEGIN
        EXECUTE format('SET LOCAL ROLE %I', role_name);
        EXECUTE statement;
        RAISE SQLSTATE 'ZZ000';
    EXCEPTION WHEN OTHERS THEN
        state := SQLSTATE;
    END;
    RETURN replace(state, 'ZZ000', '00000');
END $$;
CREATE FUNCTION pg_temp.seen(role_name text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    BEGIN
        EXECUTE format('SET LOCAL ROLE %I', role_name);
        EXECUTE statement INTO answer;
        RAISE SQLSTATE 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
        RETURN answer;
    WHEN OTHERS THEN
        RETURN SQLSTATE;
    END;
END $$;

-- function, call with %1$s for the account, levels that may; kind: a (account argument), n (no account), u (all tenants)
CREATE TEMP TABLE call (name text, kind text, statement text, levels text) ON COMMIT DROP;
INSERT INTO call VALUES
    ('coterm_days', 'n', 'SELECT license.coterm_days(''{1}'', ''{1}'')', 'provider distributor partner customer reader service'),
    ('error_codes', 'n', 'SELECT license.error_codes()', 'provider distributor partner customer reader service'),
    ('is_valid_key', 'n', 'SELECT license.is_valid_key(''x'')', 'provider distributor partner customer reader service'),
    ('status_transitions', 'n', 'SELECT license.status_transitions()', 'provider distributor partner customer reader service'),
    ('next_id', 'n', 'SELECT license.next_id()', 'provider distributor partner customer'),
    ('generate_key', 'n', 'SELECT license.generate_key()', 'provider'),
    ('validate', 'n', 'SELECT license.validate(''x'')', 'provider customer service'),
    ('login', 'n', 'SELECT license.login(''a@b.cc'', ''c@d.ee'', ''x'')', 'provider service'),
    ('acquire_seat', 'a', 'SELECT license.acquire_seat(%1$s, 6, ''device'', device_id => 4)', 'provider customer service'),
    ('heartbeat', 'a', 'SELECT license.heartbeat(%1$s, 7)', 'provider customer service'),
    ('release_seat', 'a', 'SELECT license.release_seat(%1$s, 7)', 'provider customer service'),
    ('move_seat', 'a', 'SELECT license.move_seat(%1$s, 4, 4)', 'provider customer service'),
    ('record_connection', 'a', 'SELECT license.record_connection(%1$s, 1, ''00:00:00:00:00:02'')', 'provider customer service'),
    ('logout', 'a', 'SELECT license.logout(%1$s, 5)', 'provider customer service'),
    ('has_permission', 'a', 'SELECT license.has_permission(%1$s, 3, ''x'')', 'provider customer service'),
    ('issue_license', 'a', 'SELECT license.issue_license(%1$s, 8)', 'provider distributor'),
    ('deny_access', 'a', 'SELECT license.deny_access(%1$s, 6, ''x'')', 'provider distributor'),
    ('restore_access', 'a', 'SELECT license.restore_access(%1$s, 6)', 'provider distributor'),
    ('finalize', 'a', 'SELECT license.finalize(%1$s, 6, ''x'')', 'provider distributor'),
    ('renew', 'a', 'SELECT license.renew(%1$s, 6, ''1 year'')', 'provider distributor'),
    ('provision', 'a', 'SELECT license.provision(%1$s, 1, ''7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'')', 'provider customer'),
    ('migration_blockers', 'a', 'SELECT license.migration_blockers(%1$s, 1)', 'provider customer'),
    ('request_migration', 'a', 'SELECT license.request_migration(%1$s, 1)', 'provider customer'),
    ('set_site_type', 'a', 'SELECT license.set_site_type(%1$s, 1, ''apartment'')', 'customer'),
    ('redeem_voucher', 'a', 'SELECT license.redeem_voucher(%1$s, 1, ''7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'')', 'provider customer'),
    ('record_payment', 'a', 'SELECT license.record_payment(%1$s, 1, 1, 1, ''EUR'', ''new'')', 'provider customer'),
    ('set_password', 'a', 'SELECT license.set_password(%1$s, 3, ''long enough'')', 'provider customer'),
    ('split_pools', 'a', 'SELECT license.split_pools(%1$s, 0)', 'provider customer'),
    ('add_licenses', 'a', 'SELECT license.add_licenses(%1$s, 1)', 'provider customer'),
    ('renew_account', 'a', 'SELECT license.renew_account(%1$s)', 'provider customer'),
    ('available_offers', 'a', 'SELECT license.available_offers(%1$s)', 'provider partner'),
    ('quote', 'a', 'SELECT license.quote(%1$s, ''{"C2TU1": 2}'')', 'provider partner'),
    ('place_order', 'a', 'SELECT license.place_order(%1$s, ''{"C2TU1": 2}'')', 'provider partner'),
    ('create_client', 'a', 'SELECT license.create_client(%1$s, ''New'')', 'provider partner'),
    ('apply_internal', 'a', 'SELECT license.apply_internal(%1$s, ''C2TU-I1'', 1, ''t'')', 'provider partner'),
    ('approve_migration', 'a', 'SELECT license.approve_migration(%1$s, 10)', 'provider'),
    ('decide_application', 'a', 'SELECT license.decide_application(%1$s, 11, false)', 'provider'),
    ('license_data', 'a', 'SELECT license.license_data(%1$s, 6)', 'provider distributor partner customer reader'),
    ('license_document', 'a', 'SELECT license.license_document(%1$s, 6)', 'provider distributor partner customer reader'),
    ('site_coverage', 'a', 'SELECT license.site_coverage(%1$s, 1)', 'provider distributor partner customer reader'),
    ('expiring', 'n', 'SELECT license.expiring()', 'provider distributor partner customer reader'),
    ('create_vouchers', 'n', 'SELECT license.create_vouchers(''9137958'', 1)', 'provider distributor'),
    ('cancel_voucher', 'u', 'SELECT license.cancel_voucher(''7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'', ''x'')', 'provider'),
    ('create_enterprise', 'u', 'SELECT license.create_enterprise(''N'', ''licensing@matrix.example'', 1)', 'provider'),
    ('sweep', 'u', 'SELECT license.sweep()', 'provider'),
    -- within a function it gets no further than to its transaction check, which comes first
    ('run_sweep', 'n', 'CALL license.run_sweep()', 'provider'),
    ('schedule', 'u', 'SELECT license.schedule()', 'provider'),
    ('unschedule', 'u', 'SELECT license.unschedule()', 'provider'),
    ('claim_notices', 'u', 'SELECT license.claim_notices()', 'provider'),
    ('acknowledge_notices', 'u', 'SELECT license.acknowledge_notices(''{920}'', ''{12}'')', 'provider'),
    ('purge_denials', 'u', 'SELECT license.purge_denials(now())', 'provider'),
    ('purge_denials', 'a', 'SELECT license.purge_denials(now(), %1$s)', 'provider'),
    ('check_seats', 'u', 'SELECT license.check_seats()', 'provider'),
    ('recount_seats', 'u', 'SELECT license.recount_seats()', 'provider'),
    ('grant_access', 'u', 'SELECT license.grant_access(''t_nobody'', ''reader'')', 'provider'),
    ('revoke_access', 'u', 'SELECT license.revoke_access(''t_nobody'')', 'provider'),
    -- also needs to own the tables, which no level gives
    ('attach_seat_limit', 'u', 'SELECT license.attach_seat_limit(''license.seat'', ''seat_site_fkey'', ''region'', NULL)', ''),
    ('detach_seat_limit', 'u', 'SELECT license.detach_seat_limit(''license.seat'', ''seat_pool_fkey'')', '');

SELECT is(array(SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'license'::regnamespace
        AND prorettype <> 'trigger'::regtype AND proname !~ '^(_|license_key_)' ORDER BY 1),
    array(SELECT DISTINCT name FROM call ORDER BY 1), 'the matrix names every function there is');

CREATE TEMP TABLE caller (role_name text, level text, confined boolean) ON COMMIT DROP;
INSERT INTO caller VALUES ('t_vendor', 'provider', false), ('t_provider', 'provider', true), ('t_distributor', 'distributor', true),
    ('t_partner', 'partner', true), ('t_customer', 'customer', true), ('t_member', 'customer', true), ('t_reader', 'reader', true),
    ('t_service', 'service', true), ('t_nobody', 'none', true);

CREATE TEMP TABLE tried ON COMMIT DROP AS
    SELECT c.name, r.role_name, r.level, r.confined, t.target,
        r.level = ANY (string_to_array(c.levels, ' ')) AND CASE c.kind
            WHEN 'a' THEN NOT r.confined OR t.target IN (920, 921)
            WHEN 'u' THEN NOT r.confined
            ELSE true END AS allowed,
        pg_temp.outcome(r.role_name, format(c.statement, t.target)) AS state
    FROM call c CROSS JOIN caller r JOIN (VALUES (920), (921), (930)) t (target) ON c.kind = 'a' OR t.target = 920;
SELECT diag(format('access: %s calls tried', count(*))) FROM tried;
SELECT is(count(*), 0::bigint, 'C7, C9, M6, M27, O3, T11: every function is allowed exactly where promised: '
        || coalesce(string_agg(format('%s as %s in %s: %s', name, role_name, target, state), '; '), ''))
    FROM tried WHERE allowed = (state = '42501') OR state LIKE 'XX%';

-- tables: what each role sees of the own account, the one below and the stranger's
CREATE TEMP TABLE looked ON COMMIT DROP AS
    SELECT t.relname, r.role_name, r.level, r.confined, a.target,
        pg_temp.seen(r.role_name, format('SELECT count(account_id) > 0 FROM license.%I WHERE account_id = %s', t.relname, a.target)) AS answer
    FROM pg_class t CROSS JOIN caller r CROSS JOIN (VALUES (920), (921), (930)) a (target)
    WHERE t.relnamespace = 'license'::regnamespace AND t.relkind = 'r' AND t.relname <> 'access'
        AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = t.oid AND attname = 'account_id' AND NOT attisdropped);
SELECT diag(format('access: %s looks at tables tried', count(*))) FROM looked;
SELECT is(count(*), 0::bigint, 'C1, C9: every table shows the subtree and nothing else: '
        || coalesce(string_agg(format('%s as %s of %s: %s', relname, role_name, target, answer), '; '), ''))
    FROM looked WHERE answer IS DISTINCT FROM CASE
        WHEN level IN ('service', 'none') THEN '42501'
        WHEN confined AND target = 930 THEN 'false'
        ELSE 'true' END;

-- rows: who may write what
CREATE TEMP TABLE write (statement text, levels text) ON COMMIT DROP;
INSERT INTO write VALUES
    ('INSERT INTO license.site (account_id, name) VALUES (%1$s, ''new'')', 'provider customer'),
    ('UPDATE license.site SET name = ''x'' WHERE account_id = %1$s', 'provider customer'),
    ('UPDATE license.site SET region = ''US'' WHERE account_id = %1$s', 'provider'),
    ('INSERT INTO license.site (account_id, name, license_model, legacy_ends_at) VALUES (%1$s, ''old'', ''custom'', now())', 'provider'),
    ('INSERT INTO license.apartment (account_id, site_id, name) VALUES (%1$s, 1, ''new'')', 'provider customer'),
    ('UPDATE license.apartment SET seat_limit = 99 WHERE account_id = %1$s', 'provider'),
    ('DELETE FROM license.apartment WHERE account_id = %1$s', 'provider customer'),
    ('INSERT INTO license.account_user (account_id, email) VALUES (%1$s, ''new@matrix.example'')', 'provider customer'),
    ('UPDATE license.account_user SET password_hash = NULL WHERE account_id = %1$s', 'provider'),
    ('INSERT INTO license.device (account_id, device_code) VALUES (%1$s, ''new'')', 'provider customer'),
    ('DELETE FROM license.device WHERE account_id = %1$s', 'provider customer'),
    ('INSERT INTO license.license_request (account_id, site_id, partner_id, distributor_id, years, payment_form, access_points)
        VALUES (%1$s, 1, 910, 910, 1, ''annual'', 5)', 'provider distributor partner customer');
INSERT INTO write
    SELECT format(action, relname), 'provider' FROM pg_class, (VALUES
        ('UPDATE license.%I SET account_id = account_id WHERE account_id = %%1$s'), ('INSERT INTO license.%I (account_id) VALUES (%%1$s)')) v (action)
    WHERE relnamespace = 'license'::regnamespace AND relkind = 'r' AND relname IN ('account', 'session', 'license', 'license_pool',
        'connection', 'seat', 'payment', 'purchase', 'purchase_line', 'migration_request', 'internal_application', 'notice', 'partner_offer');
INSERT INTO write VALUES
    ('UPDATE license.offer SET name = name', 'provider'), ('UPDATE license.offer_price SET unit_price = 0', 'provider'),
    ('UPDATE license.module SET name = name', 'provider'), ('UPDATE license.notice_stage SET lead = lead', 'provider'),
    ('DELETE FROM license.voucher', 'provider'), ('SELECT * FROM license.voucher', 'provider'), ('SELECT * FROM license.access', 'provider'),
    ('SELECT password_hash FROM license.account_user', 'provider'),
    ('DELETE FROM license.event', 'provider'), ('CREATE TABLE license.mine ()', ''),
    -- its function would run as the owner of the extension
    ('CREATE TRIGGER mine BEFORE INSERT ON license.event FOR EACH ROW EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()', ''),
    ('INSERT INTO license.access VALUES (''t_nobody'', ''provider'')', ''), ('UPDATE license.access SET account_id = NULL', ''),
    ('DELETE FROM license.access', ''), ('TRUNCATE license.access', '');

CREATE TEMP TABLE written ON COMMIT DROP AS
    SELECT w.statement, r.role_name, a.target, w.statement LIKE '%INSERT%' AS inserts,
        r.level = ANY (string_to_array(w.levels, ' ')) AS allowed, NOT r.confined OR a.target IN (920, 921) AS within,
        pg_temp.outcome(r.role_name, format(w.statement, a.target)) AS state
    FROM write w CROSS JOIN caller r JOIN (VALUES (920), (921), (930)) a (target) ON w.statement LIKE '%\%1$s%' OR a.target = 920;
SELECT diag(format('access: %s writes tried', count(*))) FROM written;
SELECT is(count(*), 0::bigint, 'C1, C9: rows are written exactly where promised: '
        || coalesce(string_agg(format('%s as %s in %s: %s', statement, role_name, target, state), '; '), ''))
    FROM written WHERE state LIKE 'XX%' OR (state = '42501') <> (NOT allowed OR (inserts AND NOT within));

-- what no policy confines
SELECT is(pg_temp.outcome('t_vendor', 'TRUNCATE license.event'), 'LX050', 'who is confined to no account may TRUNCATE, where the rules let it');
SELECT is(pg_temp.outcome('t_provider', 'TRUNCATE license.event'), '42501', 'who is may not: it would reach the accounts of others');
SELECT ok(has_table_privilege('t_vendor', 'license.account', 'REFERENCES'), 'and have tables of its own refer to these');
SELECT is_empty($$SELECT relname, grantee::regrole, privilege_type FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'license'::regnamespace
    AND grantee <> relowner AND (privilege_type IN ('TRIGGER', 'MAINTAIN') OR grantee <> 't_vendor'::regrole AND privilege_type IN ('TRUNCATE', 'REFERENCES'))$$,
    'no level has more than that');

SELECT is(pg_temp.seen('t_partner', 'SELECT count(*) FROM license.account'), '2', 'C9: a partner sees itself and its clients');
SELECT is(pg_temp.outcome('t_customer', 'INSERT INTO license.device (account_id, device_code) VALUES (920, ''x'')'), '23505',
    'a unique violation is told within the own account');
SELECT is(pg_temp.outcome('t_customer', 'INSERT INTO license.device (account_id, device_id, device_code) VALUES (930, 4, ''x'')'), '42501',
    'a stranger''s unique violation is not told');
SELECT is(pg_temp.outcome('t_customer', 'SELECT license.acquire_seat(920, 6, ''device'', device_id => 4, at => now() + interval ''1 second'')'), '42501',
    'only the provider names another moment');
SELECT is(pg_temp.outcome('t_provider', 'SELECT license.acquire_seat(920, 6, ''device'', device_id => 4, at => now() + interval ''1 second'')'), '00000',
    'the provider names another moment');
SELECT is(pg_temp.seen('t_service', format('SELECT code FROM license.validate(%L)', (SELECT key FROM license.license WHERE account_id = 930))),
    'NOT_FOUND', 'a stranger''s key is not found');
SELECT is(pg_temp.seen('t_service', format('SELECT code FROM license.validate(%L)', (SELECT key FROM license.license WHERE account_id = 921))),
    'VALID', 'a key below the own account is');
SELECT is(pg_temp.seen('t_reader', 'SELECT string_agg(DISTINCT account_id::text, '','' ORDER BY account_id::text) FROM license.license_list'),
    '920,921', 'a report shows the subtree and nothing else');

-- views, for everybody who reads
SELECT is(pg_temp.seen('t_customer', format('SELECT count(*) FROM license.%I WHERE account_id = 930', relname)), '0',
        format('view %s shows nothing of a stranger', relname))
    FROM pg_class c WHERE relnamespace = 'license'::regnamespace AND relkind = 'v'
        AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'account_id') ORDER BY relname;
SELECT is(array(SELECT relname::text FROM pg_class WHERE relnamespace = 'license'::regnamespace AND relkind = 'v'
        AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)), '{}'::text[], 'every view asks with the rights of who asks');

-- a moved account is seen from its new place at once; a revoked role sees nothing
UPDATE license.account SET parent_id = 920 WHERE account_id = 930;
SELECT is(pg_temp.seen('t_partner', 'SELECT count(*) FROM license.account'), '3', 'an account that moved below is seen');
UPDATE license.account SET parent_id = 910 WHERE account_id = 930;
SELECT is(pg_temp.seen('t_partner', 'SELECT count(*) FROM license.account'), '2', 'and no longer when it moves away');
GRANT UPDATE ON license.offer TO t_partner;
SELECT license.grant_access('t_partner', 'partner', 920);
SELECT is(pg_temp.outcome('t_partner', 'UPDATE license.offer SET name = name'), '42501', 'a level given again takes away what is more than it');
SELECT license.revoke_access('t_partner');
SELECT is(pg_temp.outcome('t_partner', 'SELECT FROM license.account'), '42501', 'a revoked role may do nothing');

SELECT * FROM finish();
ROLLBACK;
