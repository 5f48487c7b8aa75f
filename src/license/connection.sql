-- Connections that start a licence

CREATE TABLE license.connection (
    account_id bigint NOT NULL,
    license_id bigint NOT NULL,
    site_id bigint NOT NULL,
    mac macaddr NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT connection_pkey PRIMARY KEY (account_id, license_id, mac),
    CONSTRAINT connection_license_fkey FOREIGN KEY (account_id, license_id)
        REFERENCES license.license (account_id, license_id) ON DELETE CASCADE,
    CONSTRAINT connection_site_fkey FOREIGN KEY (account_id, site_id) REFERENCES license.site (account_id, site_id)
);
COMMENT ON TABLE license.connection IS 'Devices seen while a licence waits for its start.';
COMMENT ON COLUMN license.connection.account_id IS 'The organization.';
COMMENT ON COLUMN license.connection.license_id IS 'The licence that was pending start.';
COMMENT ON COLUMN license.connection.site_id IS 'Where the device connected.';
COMMENT ON COLUMN license.connection.mac IS 'Hardware address; each counts once.';
COMMENT ON COLUMN license.connection.first_seen_at IS 'First time it connected.';

SELECT license.attach_seat_limit('license.connection', 'connection_license_fkey', 'connections', NULL);

CREATE FUNCTION license.record_connection(account_id bigint, site_id bigint, mac macaddr, at timestamptz DEFAULT now())
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_record_connection';
COMMENT ON FUNCTION license.record_connection(bigint, bigint, macaddr, timestamptz) IS
'Records that a device connected at a site, and returns the status of the licence that lives there or is assigned to it. While the licence is pending start, the device is counted, each hardware address once; the one that reaches the threshold of the offer starts the contract at that moment. In every other status nothing is written, so a denied licence counts no devices. Levels: provider, customer, service. Errors: LX005 no live licence at the site, 22004.';
