-- Sites and apartments

CREATE TABLE license.site (
    account_id bigint NOT NULL,
    site_id bigint NOT NULL DEFAULT license.next_id(),
    name text NOT NULL,
    region text NOT NULL DEFAULT 'EU',
    sector text NOT NULL DEFAULT 'residential',
    license_model text NOT NULL DEFAULT 'subscription',
    site_type text DEFAULT 'apartment',
    legacy_ends_at timestamptz,
    auto_renew boolean NOT NULL DEFAULT false,
    CONSTRAINT site_pkey PRIMARY KEY (account_id, site_id),
    CONSTRAINT site_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id),
    CONSTRAINT site_name_check CHECK (license._is_plain_text(name, 200)),
    CONSTRAINT site_region_check CHECK (license._is_plain_text(region, 50)),
    CONSTRAINT site_sector_check CHECK (sector IN ('residential', 'hospitality', 'office', 'retail', 'other')),
    CONSTRAINT site_license_model_check CHECK (license_model IN ('custom', 'subscription')),
    CONSTRAINT site_type_check CHECK (site_type IN ('apartment', 'device')),
    CONSTRAINT site_legacy_check CHECK ((license_model = 'custom') = (legacy_ends_at IS NOT NULL))
);
COMMENT ON TABLE license.site IS 'A place with devices: a building of apartments, or a location of a Wi-Fi organization.';
COMMENT ON COLUMN license.site.account_id IS 'The account that owns the site.';
COMMENT ON COLUMN license.site.site_id IS 'Id of the site.';
COMMENT ON COLUMN license.site.name IS 'Name shown in lists.';
COMMENT ON COLUMN license.site.region IS 'Sales region; decides which offers may be used.';
COMMENT ON COLUMN license.site.sector IS 'residential, hospitality, office, retail or other; hospitality counts rooms instead of access points.';
COMMENT ON COLUMN license.site.license_model IS 'custom, the old model, which only imported sites have, or subscription.';
COMMENT ON COLUMN license.site.site_type IS 'What is paid for: apartment or device; NULL after a migration until the customer chooses.';
COMMENT ON COLUMN license.site.legacy_ends_at IS 'End of the old licence of a custom site; NULL for every other.';
COMMENT ON COLUMN license.site.auto_renew IS 'Whether the customer chose recurring payment; a change is passed on to the running licences of the site.';

CREATE TABLE license.apartment (
    account_id bigint NOT NULL,
    apartment_id bigint NOT NULL DEFAULT license.next_id(),
    site_id bigint NOT NULL,
    name text NOT NULL,
    seat_limit integer DEFAULT 4,
    seats_used integer NOT NULL DEFAULT 0,
    CONSTRAINT apartment_pkey PRIMARY KEY (account_id, apartment_id),
    CONSTRAINT apartment_site_key UNIQUE (account_id, site_id, apartment_id),
    CONSTRAINT apartment_site_fkey FOREIGN KEY (account_id, site_id) REFERENCES license.site (account_id, site_id),
    CONSTRAINT apartment_name_check CHECK (license._is_plain_text(name, 200)),
    CONSTRAINT apartment_seat_limit_check CHECK (seat_limit >= 0),
    CONSTRAINT apartment_seats_used_check CHECK (seats_used >= 0 AND seats_used <= seat_limit)
) WITH (fillfactor = 50);
COMMENT ON TABLE license.apartment IS 'An apartment of a site; its paid devices take seats.';
COMMENT ON COLUMN license.apartment.account_id IS 'The account that owns the site.';
COMMENT ON COLUMN license.apartment.apartment_id IS 'Id of the apartment.';
COMMENT ON COLUMN license.apartment.site_id IS 'The site it lies in.';
COMMENT ON COLUMN license.apartment.name IS 'Name or number on the door.';
COMMENT ON COLUMN license.apartment.seat_limit IS 'Most paid devices it may hold; NULL is no limit.';
COMMENT ON COLUMN license.apartment.seats_used IS 'Paid devices it holds. Maintained by the seat limit on license.device.';

CREATE FUNCTION license._site_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_site_trg';
COMMENT ON FUNCTION license._site_trg() IS
'Trigger: only license.approve_migration() changes the licence model of a site; its type is chosen once, after the migration; the end of a custom licence is not moved to a later time. Errors: LX010, LX013, 23514, 39P01.';

CREATE TRIGGER site_change BEFORE UPDATE ON license.site
    FOR EACH ROW EXECUTE FUNCTION license._site_trg();

CREATE FUNCTION license._site_renewal_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_site_renewal_trg';
COMMENT ON FUNCTION license._site_renewal_trg() IS
'Trigger: passes a change of auto_renew on to the running licences of the site, whose notices depend on it. Errors: 39P01.';

CREATE TRIGGER site_renewal AFTER UPDATE OF auto_renew ON license.site
    FOR EACH ROW EXECUTE FUNCTION license._site_renewal_trg();
