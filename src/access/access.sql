-- Levels, the roles that have them, and row-level security

CREATE TYPE license.granted_role;
CREATE FUNCTION license.granted_role_in(cstring) RETURNS license.granted_role
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_granted_role_in';
CREATE FUNCTION license.granted_role_out(license.granted_role) RETURNS cstring
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_granted_role_out';
CREATE TYPE license.granted_role (
    INPUT = license.granted_role_in, OUTPUT = license.granted_role_out,
    INTERNALLENGTH = 68, ALIGNMENT = int4, STORAGE = plain
);
COMMENT ON FUNCTION license.granted_role_in(cstring) IS
'Input of license.granted_role: finds the role of that name. Errors: 22P02.';
COMMENT ON FUNCTION license.granted_role_out(license.granted_role) IS
'Output of license.granted_role: the name that the role has now. Raises nothing.';
COMMENT ON TYPE license.granted_role IS
'A role of the server. It stays the same role when that is renamed, and is written as a name, so that a dump can be restored elsewhere. A dropped role is written with a leading !.';

CREATE TABLE license.access (
    access_id bigint NOT NULL DEFAULT license.next_id(),
    role license.granted_role NOT NULL,
    level text NOT NULL,
    account_id bigint,
    CONSTRAINT access_pkey PRIMARY KEY (access_id),
    CONSTRAINT access_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id),
    CONSTRAINT access_level_check CHECK
        (level IN ('provider', 'distributor', 'partner', 'customer', 'reader', 'service', 'operator')),
    CONSTRAINT access_global_check CHECK (account_id IS NULL OR level NOT IN ('provider', 'operator'))
);
CREATE INDEX access_account_idx ON license.access (account_id);
COMMENT ON TABLE license.access IS 'Which role has which level where. Written by license.grant_access(), license.revoke_access() and license.refresh_access().';
COMMENT ON COLUMN license.access.access_id IS 'Id of the grant.';
COMMENT ON COLUMN license.access.role IS 'A role of the server; a member that inherits its privileges has its levels, too.';
COMMENT ON COLUMN license.access.level IS 'provider, distributor, partner, customer, reader, service or operator.';
COMMENT ON COLUMN license.access.account_id IS 'The level holds in this account and all below it; NULL: everywhere. Levels provider and operator always hold everywhere.';
SELECT pg_extension_config_dump('license.access', '');

CREATE FUNCTION license.grant_access(role regrole, level text, account_id bigint DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_grant_access';
COMMENT ON FUNCTION license.grant_access(regrole, text, bigint) IS
'Gives a role a level (provider, distributor, partner, customer, reader, service, operator) in an account and the accounts below it, or everywhere. Levels: provider. Errors: 22023 unknown level, no ordinary role, or an account for provider or operator; 23503 unknown account, 42704 unknown role, 22004, 42501.';

CREATE FUNCTION license.revoke_access(role regrole, level text DEFAULT NULL, account_id bigint DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_revoke_access';
COMMENT ON FUNCTION license.revoke_access(regrole, text, bigint) IS
'Takes levels away from a role: all, those of one name, or those in one account. With the last one it loses every privilege in schema license. A dropped role is named by its oid. Levels: provider. Errors: 22023 unknown level or no ordinary role, 22004, 42501.';

CREATE FUNCTION license.refresh_access(OUT role_name name, OUT level text, OUT account_id bigint, OUT state text, OUT role_id oid)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 20
AS 'MODULE_PATHNAME', 'license_refresh_access';
COMMENT ON FUNCTION license.refresh_access() IS
'Grants every role the privileges of its levels in this version, revokes those that no level may have, and lists all grants. Call it after an update or a restore. The state is active, "role gone" (dropped: the grant is nobody''s) or "role unknown" (restored before the role was created: call it again afterwards). Levels: provider. Errors: 42501.';

CREATE FUNCTION license._may(account_id bigint, action text)
RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE LEAKPROOF COST 10
AS 'MODULE_PATHNAME', 'license_may';
COMMENT ON FUNCTION license._may(bigint, text) IS
'Decides the policies of row-level security: does the current role have, in that account or above it, a level that may do this (such as UPDATE site)? Rows without an account need a level that is not confined to one. Raises nothing.';

CREATE FUNCTION license._access_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_access_trg';
COMMENT ON FUNCTION license._access_trg() IS
'Trigger: after a change of grants or of the tree of accounts, every backend forgets the levels that it remembers. Errors: 39P01.';

-- An account that is only inserted needs none: nothing is remembered of accounts that do not exist. They fire
-- where logical replication brings the rows, too.
CREATE TRIGGER access_forget AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON license.access
    FOR EACH STATEMENT EXECUTE FUNCTION license._access_trg();
CREATE TRIGGER account_forget AFTER UPDATE OF account_id, parent_id OR DELETE OR TRUNCATE ON license.account
    FOR EACH STATEMENT EXECUTE FUNCTION license._access_trg();
ALTER TABLE license.access ENABLE ALWAYS TRIGGER access_forget;
ALTER TABLE license.account ENABLE ALWAYS TRIGGER account_forget;

-- Each command asks for a level that may run it in that very account: which levels these are is in access_tables.def.

ALTER TABLE license.account ENABLE ROW LEVEL SECURITY;
-- A row that is being inserted is not in the tree yet, its parent is.
CREATE POLICY account_select ON license.account FOR SELECT
    USING (license._may(account_id, 'SELECT account') OR license._may(parent_id, 'SELECT account'));
CREATE POLICY account_insert ON license.account FOR INSERT WITH CHECK (license._may(parent_id, 'INSERT account')
    AND (kind IN ('partner', 'client') OR license._may(NULL, 'INSERT account')));
CREATE POLICY account_update ON license.account FOR UPDATE USING (license._may(account_id, 'UPDATE account'));
CREATE POLICY account_delete ON license.account FOR DELETE USING (license._may(account_id, 'DELETE account'));

ALTER TABLE license.site ENABLE ROW LEVEL SECURITY;
CREATE POLICY site_select ON license.site FOR SELECT USING (license._may(account_id, 'SELECT site'));
CREATE POLICY site_insert ON license.site FOR INSERT WITH CHECK (license._may(account_id, 'INSERT site'));
CREATE POLICY site_update ON license.site FOR UPDATE USING (license._may(account_id, 'UPDATE site'));
CREATE POLICY site_delete ON license.site FOR DELETE USING (license._may(account_id, 'DELETE site'));

ALTER TABLE license.apartment ENABLE ROW LEVEL SECURITY;
CREATE POLICY apartment_select ON license.apartment FOR SELECT USING (license._may(account_id, 'SELECT apartment'));
CREATE POLICY apartment_insert ON license.apartment FOR INSERT WITH CHECK (license._may(account_id, 'INSERT apartment'));
CREATE POLICY apartment_update ON license.apartment FOR UPDATE USING (license._may(account_id, 'UPDATE apartment'));
CREATE POLICY apartment_delete ON license.apartment FOR DELETE USING (license._may(account_id, 'DELETE apartment'));

ALTER TABLE license.account_user ENABLE ROW LEVEL SECURITY;
CREATE POLICY account_user_select ON license.account_user FOR SELECT USING (license._may(account_id, 'SELECT account_user'));
CREATE POLICY account_user_insert ON license.account_user FOR INSERT WITH CHECK (license._may(account_id, 'INSERT account_user'));
CREATE POLICY account_user_update ON license.account_user FOR UPDATE USING (license._may(account_id, 'UPDATE account_user'));
CREATE POLICY account_user_delete ON license.account_user FOR DELETE USING (license._may(account_id, 'DELETE account_user'));

ALTER TABLE license.device ENABLE ROW LEVEL SECURITY;
CREATE POLICY device_select ON license.device FOR SELECT USING (license._may(account_id, 'SELECT device'));
CREATE POLICY device_insert ON license.device FOR INSERT WITH CHECK (license._may(account_id, 'INSERT device'));
CREATE POLICY device_update ON license.device FOR UPDATE USING (license._may(account_id, 'UPDATE device'));
CREATE POLICY device_delete ON license.device FOR DELETE USING (license._may(account_id, 'DELETE device'));

ALTER TABLE license.session ENABLE ROW LEVEL SECURITY;
CREATE POLICY session_select ON license.session FOR SELECT USING (license._may(account_id, 'SELECT session'));
CREATE POLICY session_insert ON license.session FOR INSERT WITH CHECK (license._may(account_id, 'INSERT session'));
CREATE POLICY session_update ON license.session FOR UPDATE USING (license._may(account_id, 'UPDATE session'));
CREATE POLICY session_delete ON license.session FOR DELETE USING (license._may(account_id, 'DELETE session'));

ALTER TABLE license.partner_offer ENABLE ROW LEVEL SECURITY;
CREATE POLICY partner_offer_select ON license.partner_offer FOR SELECT USING (license._may(account_id, 'SELECT partner_offer'));
CREATE POLICY partner_offer_insert ON license.partner_offer FOR INSERT WITH CHECK (license._may(account_id, 'INSERT partner_offer'));
CREATE POLICY partner_offer_update ON license.partner_offer FOR UPDATE USING (license._may(account_id, 'UPDATE partner_offer'));
CREATE POLICY partner_offer_delete ON license.partner_offer FOR DELETE USING (license._may(account_id, 'DELETE partner_offer'));

ALTER TABLE license.license ENABLE ROW LEVEL SECURITY;
CREATE POLICY license_select ON license.license FOR SELECT USING (license._may(account_id, 'SELECT license'));
CREATE POLICY license_insert ON license.license FOR INSERT WITH CHECK (license._may(account_id, 'INSERT license'));
CREATE POLICY license_update ON license.license FOR UPDATE USING (license._may(account_id, 'UPDATE license'));
CREATE POLICY license_delete ON license.license FOR DELETE USING (license._may(account_id, 'DELETE license'));

ALTER TABLE license.license_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY license_request_select ON license.license_request FOR SELECT USING (license._may(account_id, 'SELECT license_request'));
CREATE POLICY license_request_insert ON license.license_request FOR INSERT WITH CHECK (license._may(account_id, 'INSERT license_request'));
CREATE POLICY license_request_update ON license.license_request FOR UPDATE USING (license._may(account_id, 'UPDATE license_request'));
CREATE POLICY license_request_delete ON license.license_request FOR DELETE USING (license._may(account_id, 'DELETE license_request'));

ALTER TABLE license.license_pool ENABLE ROW LEVEL SECURITY;
CREATE POLICY license_pool_select ON license.license_pool FOR SELECT USING (license._may(account_id, 'SELECT license_pool'));
CREATE POLICY license_pool_insert ON license.license_pool FOR INSERT WITH CHECK (license._may(account_id, 'INSERT license_pool'));
CREATE POLICY license_pool_update ON license.license_pool FOR UPDATE USING (license._may(account_id, 'UPDATE license_pool'));
CREATE POLICY license_pool_delete ON license.license_pool FOR DELETE USING (license._may(account_id, 'DELETE license_pool'));

ALTER TABLE license.connection ENABLE ROW LEVEL SECURITY;
CREATE POLICY connection_select ON license.connection FOR SELECT USING (license._may(account_id, 'SELECT connection'));
CREATE POLICY connection_insert ON license.connection FOR INSERT WITH CHECK (license._may(account_id, 'INSERT connection'));
CREATE POLICY connection_update ON license.connection FOR UPDATE USING (license._may(account_id, 'UPDATE connection'));
CREATE POLICY connection_delete ON license.connection FOR DELETE USING (license._may(account_id, 'DELETE connection'));

ALTER TABLE license.seat ENABLE ROW LEVEL SECURITY;
CREATE POLICY seat_select ON license.seat FOR SELECT USING (license._may(account_id, 'SELECT seat'));
CREATE POLICY seat_insert ON license.seat FOR INSERT WITH CHECK (license._may(account_id, 'INSERT seat'));
CREATE POLICY seat_update ON license.seat FOR UPDATE USING (license._may(account_id, 'UPDATE seat'));
CREATE POLICY seat_delete ON license.seat FOR DELETE USING (license._may(account_id, 'DELETE seat'));

ALTER TABLE license.payment ENABLE ROW LEVEL SECURITY;
CREATE POLICY payment_select ON license.payment FOR SELECT USING (license._may(account_id, 'SELECT payment'));
CREATE POLICY payment_insert ON license.payment FOR INSERT WITH CHECK (license._may(account_id, 'INSERT payment'));
CREATE POLICY payment_update ON license.payment FOR UPDATE USING (license._may(account_id, 'UPDATE payment'));
CREATE POLICY payment_delete ON license.payment FOR DELETE USING (license._may(account_id, 'DELETE payment'));

ALTER TABLE license.purchase ENABLE ROW LEVEL SECURITY;
CREATE POLICY purchase_select ON license.purchase FOR SELECT USING (license._may(account_id, 'SELECT purchase'));
CREATE POLICY purchase_insert ON license.purchase FOR INSERT WITH CHECK (license._may(account_id, 'INSERT purchase'));
CREATE POLICY purchase_update ON license.purchase FOR UPDATE USING (license._may(account_id, 'UPDATE purchase'));
CREATE POLICY purchase_delete ON license.purchase FOR DELETE USING (license._may(account_id, 'DELETE purchase'));

ALTER TABLE license.purchase_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY purchase_line_select ON license.purchase_line FOR SELECT USING (license._may(account_id, 'SELECT purchase_line'));
CREATE POLICY purchase_line_insert ON license.purchase_line FOR INSERT WITH CHECK (license._may(account_id, 'INSERT purchase_line'));
CREATE POLICY purchase_line_update ON license.purchase_line FOR UPDATE USING (license._may(account_id, 'UPDATE purchase_line'));
CREATE POLICY purchase_line_delete ON license.purchase_line FOR DELETE USING (license._may(account_id, 'DELETE purchase_line'));

ALTER TABLE license.migration_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY migration_request_select ON license.migration_request FOR SELECT USING (license._may(account_id, 'SELECT migration_request'));
CREATE POLICY migration_request_insert ON license.migration_request FOR INSERT WITH CHECK (license._may(account_id, 'INSERT migration_request'));
CREATE POLICY migration_request_update ON license.migration_request FOR UPDATE USING (license._may(account_id, 'UPDATE migration_request'));
CREATE POLICY migration_request_delete ON license.migration_request FOR DELETE USING (license._may(account_id, 'DELETE migration_request'));

ALTER TABLE license.internal_application ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal_application_select ON license.internal_application FOR SELECT USING (license._may(account_id, 'SELECT internal_application'));
CREATE POLICY internal_application_insert ON license.internal_application FOR INSERT WITH CHECK (license._may(account_id, 'INSERT internal_application'));
CREATE POLICY internal_application_update ON license.internal_application FOR UPDATE USING (license._may(account_id, 'UPDATE internal_application'));
CREATE POLICY internal_application_delete ON license.internal_application FOR DELETE USING (license._may(account_id, 'DELETE internal_application'));

ALTER TABLE license.notice ENABLE ROW LEVEL SECURITY;
CREATE POLICY notice_select ON license.notice FOR SELECT USING (license._may(account_id, 'SELECT notice'));
CREATE POLICY notice_insert ON license.notice FOR INSERT WITH CHECK (license._may(account_id, 'INSERT notice'));
CREATE POLICY notice_update ON license.notice FOR UPDATE USING (license._may(account_id, 'UPDATE notice'));
CREATE POLICY notice_delete ON license.notice FOR DELETE USING (license._may(account_id, 'DELETE notice'));

ALTER TABLE license.event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_select ON license.event FOR SELECT USING (license._may(account_id, 'SELECT event'));
CREATE POLICY event_insert ON license.event FOR INSERT WITH CHECK (license._may(account_id, 'INSERT event'));
CREATE POLICY event_update ON license.event FOR UPDATE USING (license._may(account_id, 'UPDATE event'));
CREATE POLICY event_delete ON license.event FOR DELETE USING (license._may(account_id, 'DELETE event'));

ALTER TABLE license.denial ENABLE ROW LEVEL SECURITY;
CREATE POLICY denial_select ON license.denial FOR SELECT USING (license._may(account_id, 'SELECT denial'));
CREATE POLICY denial_insert ON license.denial FOR INSERT WITH CHECK (license._may(account_id, 'INSERT denial'));
CREATE POLICY denial_update ON license.denial FOR UPDATE USING (license._may(account_id, 'UPDATE denial'));
CREATE POLICY denial_delete ON license.denial FOR DELETE USING (license._may(account_id, 'DELETE denial'));

ALTER TABLE license.voucher ENABLE ROW LEVEL SECURITY;
CREATE POLICY voucher_select ON license.voucher FOR SELECT USING (license._may(redeemed_account_id, 'SELECT voucher'));
CREATE POLICY voucher_insert ON license.voucher FOR INSERT WITH CHECK (license._may(redeemed_account_id, 'INSERT voucher'));
CREATE POLICY voucher_update ON license.voucher FOR UPDATE USING (license._may(redeemed_account_id, 'UPDATE voucher'));
CREATE POLICY voucher_delete ON license.voucher FOR DELETE USING (license._may(redeemed_account_id, 'DELETE voucher'));

ALTER TABLE license.sweep_state ENABLE ROW LEVEL SECURITY;
CREATE POLICY sweep_state_select ON license.sweep_state FOR SELECT USING (license._may(account_id, 'SELECT sweep_state'));
CREATE POLICY sweep_state_insert ON license.sweep_state FOR INSERT WITH CHECK (license._may(account_id, 'INSERT sweep_state'));
CREATE POLICY sweep_state_update ON license.sweep_state FOR UPDATE USING (license._may(account_id, 'UPDATE sweep_state'));
CREATE POLICY sweep_state_delete ON license.sweep_state FOR DELETE USING (license._may(account_id, 'DELETE sweep_state'));

ALTER TABLE license.account_counter ENABLE ROW LEVEL SECURITY;
CREATE POLICY account_counter_select ON license.account_counter FOR SELECT USING (license._may(account_id, 'SELECT account_counter'));
CREATE POLICY account_counter_insert ON license.account_counter FOR INSERT WITH CHECK (license._may(account_id, 'INSERT account_counter'));
CREATE POLICY account_counter_update ON license.account_counter FOR UPDATE USING (license._may(account_id, 'UPDATE account_counter'));
CREATE POLICY account_counter_delete ON license.account_counter FOR DELETE USING (license._may(account_id, 'DELETE account_counter'));
