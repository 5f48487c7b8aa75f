-- Rules of levels beside the matrix of test/tap/access_matrix.pl: what several levels, moved accounts and grants
-- of the DBA come to.
BEGIN;
SELECT no_plan();

CREATE ROLE t_vendor;
CREATE ROLE t_distributor;
CREATE ROLE t_partner;
CREATE ROLE t_customer;
CREATE ROLE t_reader;
CREATE ROLE t_service;
CREATE ROLE t_operator;
CREATE ROLE t_nobody;
CREATE ROLE t_both;
CREATE ROLE t_front;

-- 920 is the own account, 921 lies below it, 930 is a stranger's
INSERT INTO license.account (account_id, parent_id, kind, name) VALUES
    (910, NULL, 'provider', 'Vendor'), (920, 910, 'partner', 'Own'), (921, 920, 'partner', 'Below'), (930, 910, 'partner', 'Stranger');
SELECT license.grant_access('t_vendor', 'provider'), license.grant_access('t_operator', 'operator'),
    license.grant_access('t_distributor', 'distributor', 920), license.grant_access('t_partner', 'partner', 920),
    license.grant_access('t_customer', 'customer', 920), license.grant_access('t_reader', 'reader', 920),
    license.grant_access('t_service', 'service', 920),
    license.grant_access('t_both', 'customer', 920), license.grant_access('t_both', 'reader', 930),
    license.grant_access('t_front', 'service', 930), license.grant_access('t_front', 'reader', 920);

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


SELECT is(pg_temp.outcome('t_distributor', 'TRUNCATE license.event'), '42501', 'S1: a confined level has no TRUNCATE');
SELECT is(pg_temp.outcome('t_vendor', 'TRUNCATE license.event'), '42501', 'S1: the provider has no TRUNCATE');
SELECT is_empty($$SELECT relname, grantee::regrole, privilege_type FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'license'::regnamespace
    AND grantee <> relowner AND privilege_type IN ('TRIGGER', 'MAINTAIN', 'TRUNCATE', 'REFERENCES')$$,
    'S1: no level has REFERENCES, TRIGGER or TRUNCATE on any table');
SELECT is_empty($$SELECT attrelid::regclass, attname, grantee::regrole FROM pg_attribute, aclexplode(attacl) WHERE privilege_type = 'REFERENCES'
    AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'license'::regnamespace)$$, 'S1: no level has REFERENCES on any column');
SELECT is_empty($$SELECT relname, privilege_type FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'license'::regnamespace AND grantee <> relowner
    AND relname IN ('access', 'denial', 'event', 'payment', 'purchase', 'purchase_line') AND privilege_type <> 'SELECT'$$,
    'S8: no level, not even the provider, may write event, denial, purchase, payment or access');

-- several levels of one role do not multiply: t_both is customer of 920 and reader of 930
CREATE FUNCTION pg_temp.affected(role_name text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer bigint;
BEGIN
    BEGIN
        EXECUTE format('SET LOCAL ROLE %I', role_name);
        EXECUTE statement;
        GET DIAGNOSTICS answer = ROW_COUNT;
        RAISE SQLSTATE 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
        RETURN answer;
    WHEN OTHERS THEN
        RETURN SQLSTATE;
    END;
END $$;
SELECT is(pg_temp.affected('t_both', 'UPDATE license.site SET name = ''x'' WHERE account_id = 930'), '0', 'S6: UPDATE by a customer elsewhere affects no row of an account where the role is reader');
SELECT is(pg_temp.affected('t_both', 'DELETE FROM license.apartment WHERE account_id = 930'), '0', 'S6: DELETE by a customer elsewhere affects no row of an account where the role is reader');
SELECT is(pg_temp.affected('t_both', 'DELETE FROM license.apartment'), '2', 'S6, S13: DELETE without a condition affects only the accounts where the role is customer');
SELECT is(pg_temp.affected('t_both', 'INSERT INTO license.site (account_id, name) VALUES (930, ''x'')'), '42501', 'S6: INSERT by a customer elsewhere is refused in an account where the role is reader');
SELECT is(pg_temp.affected('t_both', 'UPDATE license.site SET name = ''x'' WHERE account_id = 920'), '1', 'S6: the customer level still works in its own account');
SELECT is(pg_temp.seen('t_both', 'SELECT count(*) FROM license.site WHERE account_id = 930'), '1', 'S6: the reader level still works in its account');
SELECT is(pg_temp.outcome('t_both', 'SELECT license.release_seat(930, 7)'), '42501', 'S6: a function of the customer is refused in an account where the role is reader');
SELECT is(pg_temp.outcome('t_both', 'SELECT license.release_seat(920, 7)'), '00000', 'S6: a function of the customer works in the account of the customer');
SELECT is(pg_temp.seen('t_front', 'SELECT count(*) FROM license.account WHERE account_id = 930'), '0', 'S6: a service elsewhere that reads here reads no row of the account where it is service');
SELECT is(pg_temp.seen('t_front', format('SELECT code FROM license.validate(%L)', (SELECT key FROM license.license WHERE account_id = 920))),
    'NOT_FOUND', 'S6: validate finds no key of an account where the role only reads');
SELECT is(pg_temp.seen('t_front', format('SELECT code FROM license.validate(%L)', (SELECT key FROM license.license WHERE account_id = 930))),
    'VALID', 'S6: validate finds the key of an account where the role is service');
SELECT is(pg_temp.affected('t_reader', statement), '42501', 'S13: a reader''s statement is refused: ' || statement)
    FROM unnest(ARRAY['UPDATE license.site SET name = name', 'DELETE FROM license.device', 'UPDATE license.license SET status = status',
        'INSERT INTO license.site (account_id, name) VALUES (920, ''x'')']) statement;

-- the provider is never confined
SELECT throws_ok($$SELECT license.grant_access('t_nobody', 'provider', 920)$$, '22023', 'level "provider" cannot be confined to an account', 'S8: provider with an account is refused');
SELECT throws_ok($$SELECT license.grant_access('t_nobody', 'operator', 920)$$, '22023', 'level "operator" cannot be confined to an account', 'S8: operator with an account is refused');
SELECT throws_ok($$SELECT license.grant_access('t_nobody', 'god')$$, '22023', 'there is no level "god"', 'an unknown level is refused');
SELECT throws_ok($$SELECT license.grant_access('t_nobody', 'reader', 31)$$, '23503', NULL, 'an unknown account is refused');

-- organizations below a distributor
SELECT is(pg_temp.affected('t_distributor', 'INSERT INTO license.account (parent_id, kind, name) VALUES (920, ''client'', ''Organization'') RETURNING account_id'), '1',
    'contract 11: a distributor makes an organization below itself and sees it');
SELECT is(pg_temp.affected('t_distributor', 'INSERT INTO license.account (parent_id, kind, name) VALUES (930, ''client'', ''Organization'')'), '42501', 'a distributor makes no organization below a stranger');
SELECT is(pg_temp.affected('t_distributor', 'INSERT INTO license.account (kind, name) VALUES (''client'', ''Organization'')'), '42501', 'a distributor makes no account at the top of the tree');
SELECT is(pg_temp.affected('t_distributor', 'INSERT INTO license.account (parent_id, kind, name) VALUES (920, ''provider'', ''Me'')'), '42501', 'a distributor makes no provider');
SELECT is(pg_temp.affected('t_distributor', 'INSERT INTO license.account (account_id, parent_id, kind, name) VALUES (77, 920, ''client'', ''Mine'')'), '42501', 'a distributor does not choose an id that is unique over all accounts');
SELECT is(pg_temp.affected('t_distributor', 'UPDATE license.account SET parent_id = 930 WHERE account_id = 921'), '42501', 'S8: a confined level moves nothing in the tree');
SELECT is(pg_temp.affected('t_partner', 'UPDATE license.account SET name = ''New'' WHERE account_id = 921'), '1', 'contract 11: a partner renames a client');
SELECT is(pg_temp.affected('t_partner', 'UPDATE license.account SET name = ''New'' WHERE account_id = 930'), '0', 'a partner renames no stranger');

SELECT is(pg_temp.seen('t_partner', 'SELECT count(*) FROM license.account'), '2', 'C9: a partner sees itself and its clients');
SELECT is(pg_temp.outcome('t_customer', 'INSERT INTO license.device (account_id, device_code) VALUES (920, ''x'')'), '23505',
    'a unique violation is told within the own account');
SELECT is(pg_temp.outcome('t_customer', 'INSERT INTO license.device (account_id, device_id, device_code) VALUES (930, 4, ''x'')'), '42501',
    'a unique violation in the account of a stranger is not told');
SELECT is(pg_temp.outcome('t_customer', 'SELECT license.acquire_seat(920, 6, ''device'', device_id => 4, at => now() + interval ''1 second'')'), '42501',
    'only the provider names another moment');
SELECT is(pg_temp.outcome('t_vendor', 'SELECT license.acquire_seat(920, 6, ''device'', device_id => 4, at => now() + interval ''1 second'')'), '00000',
    'the provider names another moment');
SELECT is(pg_temp.outcome('t_operator', 'SELECT license.sweep(now() + interval ''1 second'')'), '42501', 'the operator names no other moment');
SELECT is(pg_temp.seen('t_service', format('SELECT code FROM license.validate(%L)', (SELECT key FROM license.license WHERE account_id = 930))),
    'NOT_FOUND', 'a stranger''s key is not found');
SELECT is(pg_temp.seen('t_service', format('SELECT code FROM license.validate(%L)', (SELECT key FROM license.license WHERE account_id = 921))),
    'VALID', 'a key below the own account is found');
SELECT is(pg_temp.seen('t_reader', 'SELECT string_agg(DISTINCT account_id::text, '','' ORDER BY account_id::text) FROM license.license_list'),
    '920,921', 'a report shows the subtree and nothing else');

-- views, for everybody who reads
SELECT is(pg_temp.seen('t_customer', format('SELECT count(*) FROM license.%I WHERE account_id = 930', relname)), '0',
        format('view %s shows nothing of a stranger', relname))
    FROM pg_class c WHERE relnamespace = 'license'::regnamespace AND relkind = 'v'
        AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'account_id') ORDER BY relname;
SELECT is(array(SELECT relname::text FROM pg_class WHERE relnamespace = 'license'::regnamespace AND relkind = 'v'
        AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)), '{}'::text[], 'every view asks with the rights of who asks');

-- a changed tree is seen at once
UPDATE license.account SET parent_id = 920 WHERE account_id = 930;
SELECT is(pg_temp.seen('t_partner', 'SELECT count(*) FROM license.account'), '3', 'S20: an account that moved below is seen');
UPDATE license.account SET parent_id = 910 WHERE account_id = 930;
SELECT is(pg_temp.seen('t_partner', 'SELECT count(*) FROM license.account'), '2', 'S20: an account that moved away is not seen any more');
INSERT INTO license.account (account_id, parent_id, name) VALUES (940, 920, 'Moving');
SELECT is(pg_temp.seen('t_partner', 'SELECT count(*) FROM license.account WHERE account_id = 940'), '1', 'S20: an account inserted below is seen');
DELETE FROM license.account WHERE account_id = 940;
INSERT INTO license.account (account_id, parent_id, name) VALUES (940, 930, 'Moving');
SELECT is(pg_temp.seen('t_partner', 'SELECT count(*) FROM license.account WHERE account_id = 940'), '0', 'S20: an account deleted and inserted elsewhere is not seen any more');
UPDATE license.account SET account_id = 941 WHERE account_id = 940;
INSERT INTO license.account (account_id, parent_id, name) VALUES (940, 920, 'Another');
SELECT is(pg_temp.seen('t_partner', 'SELECT count(*) FROM license.account WHERE account_id = 940'), '1', 'S20: an account that takes over the id of a renumbered one is seen');

-- grants of the DBA are honoured, and stay when levels change
SELECT is(pg_temp.outcome('t_nobody', 'SELECT license.sweep()'), '42501', 'K10: a role without a level may not sweep');
GRANT USAGE ON SCHEMA license TO t_nobody;
GRANT EXECUTE ON FUNCTION license.sweep(timestamptz, integer), license.release_seat(bigint, bigint) TO t_nobody;
SELECT is(pg_temp.outcome('t_nobody', 'SELECT license.sweep()'), '00000', 'K10: an explicit GRANT EXECUTE of a function that belongs to no account is honoured');
SELECT is(pg_temp.outcome('t_nobody', 'SELECT license.release_seat(920, 7)'), '42501', 'K10: in an account only a level there allows, not EXECUTE alone');
SELECT license.grant_access('t_nobody', 'reader', 920), license.grant_access('t_nobody', 'customer', 930);
SELECT license.revoke_access('t_nobody', 'reader');
SELECT is(pg_temp.outcome('t_nobody', 'SELECT license.sweep()'), '00000', 'K10: revoking one of several levels leaves what the DBA granted');
SELECT is(pg_temp.affected('t_nobody', 'SELECT FROM license.site WHERE account_id = 930'), '1', 'revoking one level leaves the privileges of the others');
SELECT is(pg_temp.affected('t_nobody', 'SELECT FROM license.site WHERE account_id = 920'), '0', 'a revoked level gives no row any more');
SELECT license.revoke_access('t_nobody', account_id => 930);
SELECT is(pg_temp.outcome('t_nobody', 'SELECT FROM license.account'), '42501', 'with its last level a role loses all privileges');
GRANT UPDATE ON license.event TO t_partner;
GRANT TRUNCATE, REFERENCES, TRIGGER ON license.account TO t_partner;
REVOKE EXECUTE ON FUNCTION license.quote(bigint, jsonb) FROM t_partner;
SELECT set_eq($$SELECT role_name::text, level, account_id, state FROM license.refresh_access() WHERE role_name IN ('t_partner', 't_both')$$,
    $$VALUES ('t_partner', 'partner', 920, 'active'), ('t_both', 'customer', 920, 'active'), ('t_both', 'reader', 930, 'active')$$,
    'refresh_access lists every grant with its state');
SELECT is(pg_temp.outcome('t_partner', 'UPDATE license.event SET actor = actor'), '42501', 'S1: refresh_access takes writing of history away');
SELECT ok(NOT has_table_privilege('t_partner', 'license.account', 'TRUNCATE, REFERENCES, TRIGGER'), 'S1: refresh_access takes TRUNCATE, REFERENCES and TRIGGER away');
SELECT is(pg_temp.outcome('t_partner', 'SELECT license.quote(920, ''{"C2TU1": 2}'')'), '00000', 'refresh_access gives what the level should have');
SELECT license.revoke_access('t_partner');
SELECT is(pg_temp.outcome('t_partner', 'SELECT FROM license.account'), '42501', 'a revoked role may do nothing');

SELECT * FROM finish();
ROLLBACK;
