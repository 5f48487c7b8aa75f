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
    CONSTRAINT license_request_years_check CHECK (years BETWEEN 1 AND 5),
    CONSTRAINT license_request_payment_check CHECK (payment_form IN ('monthly', 'annual')),
    CONSTRAINT license_request_access_points_check CHECK (access_points > 0),
    CONSTRAINT license_request_rooms_check CHECK (rooms > 0),
    CONSTRAINT license_request_basis_check CHECK (num_nonnulls(access_points, rooms) = 1)
);
COMMENT ON TABLE license.license_request IS 'What a location asks its distributor for (O4).';
COMMENT ON COLUMN license.license_request.account_id IS 'The organization.';
COMMENT ON COLUMN license.license_request.request_id IS 'Id of the request.';
COMMENT ON COLUMN license.license_request.site_id IS 'The location (O2).';
COMMENT ON COLUMN license.license_request.sku IS 'The offer asked for.';
COMMENT ON COLUMN license.license_request.partner_id IS 'Partner or integrator (O4).';
COMMENT ON COLUMN license.license_request.distributor_id IS 'Distributor or wholesaler, who issues the licence (O3).';
COMMENT ON COLUMN license.license_request.years IS 'Length of the contract, 1 to 5 years (O5).';
COMMENT ON COLUMN license.license_request.payment_form IS 'monthly or annual (O6).';
COMMENT ON COLUMN license.license_request.access_points IS 'Number of access points; NULL in hospitality (O7).';
COMMENT ON COLUMN license.license_request.rooms IS 'Number of rooms; in hospitality only (O7).';
COMMENT ON COLUMN license.license_request.modules IS 'Advanced modules besides the base module (O8).';
COMMENT ON COLUMN license.license_request.license_id IS 'The licence, once issued.';
