-- Requests for licences

CREATE TABLE license.license_request (
    account_id bigint NOT NULL,
    request_id bigint NOT NULL DEFAULT license.next_id(),
    site_id bigint NOT NULL,
    sku text NOT NULL DEFAULT 'OCTOPUS',
    partner_id bigint NOT NULL,
    distributor_id bigint NOT NULL,
    years integer NOT NULL,
    payment_form text NOT NULL,
    access_points integer,
    rooms integer,
    modules text[] NOT NULL DEFAULT '{}',
    license_id bigint,
    CONSTRAINT license_request_pkey PRIMARY KEY (account_id, request_id),
    CONSTRAINT license_request_site_fkey FOREIGN KEY (account_id, site_id) REFERENCES license.site (account_id, site_id),
    CONSTRAINT license_request_offer_fkey FOREIGN KEY (sku) REFERENCES license.offer (sku),
    CONSTRAINT license_request_partner_fkey FOREIGN KEY (partner_id) REFERENCES license.account (account_id),
    CONSTRAINT license_request_distributor_fkey FOREIGN KEY (distributor_id) REFERENCES license.account (account_id),
    CONSTRAINT license_request_license_fkey FOREIGN KEY (account_id, license_id)
        REFERENCES license.license (account_id, license_id),
    CONSTRAINT license_request_sku_check CHECK (license._is_plain_text(sku, 100)),
    CONSTRAINT license_request_modules_check CHECK (license._are_plain_texts(modules, 100, 100)),
    CONSTRAINT license_request_years_check CHECK (years BETWEEN 1 AND 5),
    CONSTRAINT license_request_payment_check CHECK (payment_form IN ('monthly', 'annual')),
    CONSTRAINT license_request_access_points_check CHECK (access_points > 0),
    CONSTRAINT license_request_rooms_check CHECK (rooms > 0),
    CONSTRAINT license_request_basis_check CHECK (num_nonnulls(access_points, rooms) = 1)
);
CREATE UNIQUE INDEX license_request_license_key ON license.license_request (account_id, license_id);
CREATE INDEX license_request_open_idx ON license.license_request (account_id, site_id) WHERE license_id IS NULL;
COMMENT ON TABLE license.license_request IS 'What a location asks its distributor for.';
COMMENT ON COLUMN license.license_request.account_id IS 'The organization.';
COMMENT ON COLUMN license.license_request.request_id IS 'Id of the request.';
COMMENT ON COLUMN license.license_request.site_id IS 'The location.';
COMMENT ON COLUMN license.license_request.sku IS 'The offer asked for.';
COMMENT ON COLUMN license.license_request.partner_id IS 'Partner or integrator.';
COMMENT ON COLUMN license.license_request.distributor_id IS 'Distributor or wholesaler, who issues the licence.';
COMMENT ON COLUMN license.license_request.years IS 'Length of the contract, 1 to 5 years.';
COMMENT ON COLUMN license.license_request.payment_form IS 'monthly or annual.';
COMMENT ON COLUMN license.license_request.access_points IS 'Number of access points; NULL in hospitality.';
COMMENT ON COLUMN license.license_request.rooms IS 'Number of rooms; in hospitality only.';
COMMENT ON COLUMN license.license_request.modules IS 'Advanced modules besides the base module.';
COMMENT ON COLUMN license.license_request.license_id IS 'The licence, once issued.';

CREATE FUNCTION license._license_request_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_license_request_trg';
COMMENT ON FUNCTION license._license_request_trg() IS
'Trigger: an open request gets the base modules and must fit the sector of its site, the accounts above its organization and the known modules; an issued one does not change. Errors: 23503 unknown module, 23514, 55000, 39P01.';

CREATE FUNCTION license._license_request_late_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_license_request_late_trg';
COMMENT ON FUNCTION license._license_request_late_trg() IS
'Trigger: looks at the site and the accounts of a request that the current role may not insert by itself, after row-level security has accepted it, so that no error tells of accounts of others. Errors: 23514, 39P01.';

CREATE FUNCTION license._request_basis_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_request_basis_trg';
COMMENT ON FUNCTION license._request_basis_trg() IS
'Trigger: refuses a change of the sector of a site, of the accounts above an organization, of a module or of the base modules that an open request does not fit. Errors: 23514, 39P01.';

CREATE TRIGGER license_request_rules BEFORE INSERT OR UPDATE ON license.license_request
    FOR EACH ROW EXECUTE FUNCTION license._license_request_trg();
CREATE TRIGGER license_request_late AFTER INSERT ON license.license_request
    FOR EACH ROW EXECUTE FUNCTION license._license_request_late_trg();
CREATE TRIGGER site_request_basis AFTER UPDATE OF sector ON license.site
    FOR EACH ROW EXECUTE FUNCTION license._request_basis_trg();
CREATE TRIGGER account_request_basis AFTER UPDATE OF parent_id, kind ON license.account
    FOR EACH ROW EXECUTE FUNCTION license._request_basis_trg();
CREATE TRIGGER module_request_basis AFTER INSERT OR UPDATE OF module, base OR DELETE ON license.module
    FOR EACH ROW EXECUTE FUNCTION license._request_basis_trg();
