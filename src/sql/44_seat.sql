-- Seats of a pool

CREATE TABLE license.seat (
    account_id bigint NOT NULL,
    seat_id bigint NOT NULL DEFAULT license.next_id(),
    license_id bigint NOT NULL,
    pool text NOT NULL,
    units integer NOT NULL DEFAULT 1,
    device_id bigint,
    user_id bigint,
    site_id bigint,
    apartment_id bigint,
    acquired_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    CONSTRAINT seat_pkey PRIMARY KEY (account_id, seat_id),
    CONSTRAINT seat_pool_fkey FOREIGN KEY (account_id, license_id, pool)
        REFERENCES license.license_pool (account_id, license_id, pool) ON DELETE CASCADE,
    CONSTRAINT seat_device_fkey FOREIGN KEY (account_id, device_id)
        REFERENCES license.device (account_id, device_id) ON DELETE CASCADE,
    CONSTRAINT seat_user_fkey FOREIGN KEY (account_id, user_id)
        REFERENCES license.account_user (account_id, user_id) ON DELETE CASCADE,
    CONSTRAINT seat_site_fkey FOREIGN KEY (account_id, site_id)
        REFERENCES license.site (account_id, site_id) ON DELETE CASCADE,
    CONSTRAINT seat_apartment_fkey FOREIGN KEY (account_id, apartment_id)
        REFERENCES license.apartment (account_id, apartment_id) ON DELETE CASCADE,
    CONSTRAINT seat_holder_check CHECK (num_nonnulls(device_id, user_id, site_id, apartment_id) = 1),
    CONSTRAINT seat_units_check CHECK (units > 0),
    CONSTRAINT seat_lease_check CHECK (expires_at > acquired_at)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX seat_device_key ON license.seat (account_id, device_id, license_id, pool) WHERE device_id IS NOT NULL;
CREATE UNIQUE INDEX seat_user_key ON license.seat (account_id, user_id, license_id, pool) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX seat_site_key ON license.seat (account_id, site_id, license_id, pool) WHERE site_id IS NOT NULL;
CREATE UNIQUE INDEX seat_apartment_key ON license.seat (account_id, apartment_id, license_id, pool) WHERE apartment_id IS NOT NULL;
CREATE INDEX seat_pool_idx ON license.seat (account_id, license_id, pool);
CREATE INDEX seat_lease_idx ON license.seat (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE license.seat IS 'One holder''s share of a pool: a device, a user, a site or an apartment (O32, T20).';
COMMENT ON COLUMN license.seat.account_id IS 'The organization.';
COMMENT ON COLUMN license.seat.seat_id IS 'Id of the seat.';
COMMENT ON COLUMN license.seat.license_id IS 'The licence.';
COMMENT ON COLUMN license.seat.pool IS 'The pool of the licence.';
COMMENT ON COLUMN license.seat.units IS 'Units taken, such as the access points configured at a site.';
COMMENT ON COLUMN license.seat.device_id IS 'Holder, if a device.';
COMMENT ON COLUMN license.seat.user_id IS 'Holder, if a user.';
COMMENT ON COLUMN license.seat.site_id IS 'Holder, if a site.';
COMMENT ON COLUMN license.seat.apartment_id IS 'Holder, if an apartment.';
COMMENT ON COLUMN license.seat.acquired_at IS 'When it was taken.';
COMMENT ON COLUMN license.seat.last_seen_at IS 'Last heartbeat (P28: idle is measured from it).';
COMMENT ON COLUMN license.seat.expires_at IS 'End of the lease, exclusive; NULL: until released.';

SELECT license.attach_seat_limit('license.seat', 'seat_pool_fkey', 'in_use', 'maximum', 'units');
