-- Levels, the roles that have them, and row-level security

CREATE TABLE license.access (
    role_name name NOT NULL,
    level text NOT NULL,
    account_id bigint,
    CONSTRAINT access_pkey PRIMARY KEY (role_name),
    CONSTRAINT access_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id),
    CONSTRAINT access_level_check CHECK (level IN ('provider', 'distributor', 'partner', 'customer', 'reader', 'service'))
);
CREATE INDEX access_account_idx ON license.access (account_id);
COMMENT ON TABLE license.access IS 'Which role has which level where. Written by license.grant_access() and license.revoke_access().';
COMMENT ON COLUMN license.access.role_name IS 'A role of the server; a member of it has its level too.';
COMMENT ON COLUMN license.access.level IS 'provider, distributor, partner, customer, reader or service.';
COMMENT ON COLUMN license.access.account_id IS 'The level holds in this account and all below it; NULL: everywhere.';
SELECT pg_extension_config_dump('license.access', '');

CREATE FUNCTION license.grant_access(role regrole, level text, account_id bigint DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_grant_access';
COMMENT ON FUNCTION license.grant_access(regrole, text, bigint) IS
'Gives an existing role a level (provider, distributor, partner, customer, reader, service) in an account and what lies below it, or everywhere; replaces the level it had. Errors: 22023 unknown level or no ordinary role, 23503 unknown account, 22004, 42501.';

CREATE FUNCTION license.revoke_access(role regrole)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_revoke_access';
COMMENT ON FUNCTION license.revoke_access(regrole) IS
'Takes every level and privilege in schema license away from a role. Errors: 22004, 22023, 42501.';

CREATE FUNCTION license._sees(account_id bigint)
RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE LEAKPROOF COST 10
AS 'MODULE_PATHNAME', 'license_sees';
COMMENT ON FUNCTION license._sees(bigint) IS
'The policy of row-level security: does the current role have a level in that account or above it? Raises nothing.';

CREATE FUNCTION license._access_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_access_trg';
COMMENT ON FUNCTION license._access_trg() IS
'Trigger: after grants or the tree of accounts changed, every backend forgets what it remembers of them. Errors: 39P01.';

CREATE TRIGGER access_forget AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON license.access
    FOR EACH STATEMENT EXECUTE FUNCTION license._access_trg();
CREATE TRIGGER account_forget AFTER UPDATE OF parent_id ON license.account
    FOR EACH STATEMENT EXECUTE FUNCTION license._access_trg();

ALTER TABLE license.account ENABLE ROW LEVEL SECURITY;
CREATE POLICY account_policy ON license.account USING (license._sees(account_id));
ALTER TABLE license.site ENABLE ROW LEVEL SECURITY;
CREATE POLICY site_policy ON license.site USING (license._sees(account_id));
ALTER TABLE license.apartment ENABLE ROW LEVEL SECURITY;
CREATE POLICY apartment_policy ON license.apartment USING (license._sees(account_id));
ALTER TABLE license.account_user ENABLE ROW LEVEL SECURITY;
CREATE POLICY account_user_policy ON license.account_user USING (license._sees(account_id));
ALTER TABLE license.device ENABLE ROW LEVEL SECURITY;
CREATE POLICY device_policy ON license.device USING (license._sees(account_id));
ALTER TABLE license.session ENABLE ROW LEVEL SECURITY;
CREATE POLICY session_policy ON license.session USING (license._sees(account_id));
ALTER TABLE license.partner_offer ENABLE ROW LEVEL SECURITY;
CREATE POLICY partner_offer_policy ON license.partner_offer USING (license._sees(account_id));
ALTER TABLE license.license ENABLE ROW LEVEL SECURITY;
CREATE POLICY license_policy ON license.license USING (license._sees(account_id));
ALTER TABLE license.license_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY license_request_policy ON license.license_request USING (license._sees(account_id));
ALTER TABLE license.license_pool ENABLE ROW LEVEL SECURITY;
CREATE POLICY license_pool_policy ON license.license_pool USING (license._sees(account_id));
ALTER TABLE license.connection ENABLE ROW LEVEL SECURITY;
CREATE POLICY connection_policy ON license.connection USING (license._sees(account_id));
ALTER TABLE license.seat ENABLE ROW LEVEL SECURITY;
CREATE POLICY seat_policy ON license.seat USING (license._sees(account_id));
ALTER TABLE license.voucher ENABLE ROW LEVEL SECURITY;
CREATE POLICY voucher_policy ON license.voucher
    USING (redeemed_account_id IS NULL OR license._sees(redeemed_account_id));
ALTER TABLE license.payment ENABLE ROW LEVEL SECURITY;
CREATE POLICY payment_policy ON license.payment USING (license._sees(account_id));
ALTER TABLE license.purchase ENABLE ROW LEVEL SECURITY;
CREATE POLICY purchase_policy ON license.purchase USING (license._sees(account_id));
ALTER TABLE license.purchase_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY purchase_line_policy ON license.purchase_line USING (license._sees(account_id));
ALTER TABLE license.migration_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY migration_request_policy ON license.migration_request USING (license._sees(account_id));
ALTER TABLE license.internal_application ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal_application_policy ON license.internal_application USING (license._sees(account_id));
ALTER TABLE license.notice ENABLE ROW LEVEL SECURITY;
CREATE POLICY notice_policy ON license.notice USING (license._sees(account_id));
ALTER TABLE license.event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_policy ON license.event USING (license._sees(account_id));
ALTER TABLE license.denial ENABLE ROW LEVEL SECURITY;
CREATE POLICY denial_policy ON license.denial USING (license._sees(account_id));
