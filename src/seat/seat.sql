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
    lease interval,
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
    CONSTRAINT seat_lease_check CHECK (lease > interval '0')
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX seat_device_key ON license.seat (account_id, device_id, license_id, pool) WHERE device_id IS NOT NULL;
CREATE UNIQUE INDEX seat_user_key ON license.seat (account_id, user_id, license_id, pool) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX seat_site_key ON license.seat (account_id, site_id, license_id, pool) WHERE site_id IS NOT NULL;
CREATE UNIQUE INDEX seat_apartment_key ON license.seat (account_id, apartment_id, license_id, pool) WHERE apartment_id IS NOT NULL;
CREATE INDEX seat_pool_idx ON license.seat (account_id, license_id, pool, expires_at);
CREATE INDEX seat_lease_idx ON license.seat (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE license.seat IS 'A seat of a pool, taken by one holder: a device, a user, a site or an apartment.';
COMMENT ON COLUMN license.seat.account_id IS 'The organization.';
COMMENT ON COLUMN license.seat.seat_id IS 'Id of the seat.';
COMMENT ON COLUMN license.seat.license_id IS 'The licence.';
COMMENT ON COLUMN license.seat.pool IS 'The pool of the licence.';
COMMENT ON COLUMN license.seat.units IS 'Units that the seat takes of the pool, such as the access points configured at a site.';
COMMENT ON COLUMN license.seat.device_id IS 'The holder, if it is a device.';
COMMENT ON COLUMN license.seat.user_id IS 'The holder, if it is a user.';
COMMENT ON COLUMN license.seat.site_id IS 'The holder, if it is a site.';
COMMENT ON COLUMN license.seat.apartment_id IS 'The holder, if it is an apartment.';
COMMENT ON COLUMN license.seat.acquired_at IS 'When the seat was taken.';
COMMENT ON COLUMN license.seat.last_seen_at IS 'Last heartbeat or request of the holder; idle time is measured from it.';
COMMENT ON COLUMN license.seat.lease IS 'Length of the lease, by which a heartbeat without a length renews it.';
COMMENT ON COLUMN license.seat.expires_at IS 'End of the lease, exclusive; NULL for a seat held until released.';

SELECT license.attach_seat_limit('license.seat', 'seat_pool_fkey', 'in_use', 'maximum', 'units');

CREATE FUNCTION license.acquire_seat(account_id bigint, license_id bigint, pool text,
    device_id bigint DEFAULT NULL, user_id bigint DEFAULT NULL, apartment_id bigint DEFAULT NULL,
    lease interval DEFAULT NULL, at timestamptz DEFAULT now(),
    OUT granted boolean, OUT code text, OUT seat_id bigint, OUT expires_at timestamptz)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_acquire_seat';
COMMENT ON FUNCTION license.acquire_seat(bigint, bigint, text, bigint, bigint, bigint, interval, timestamptz) IS
'Takes a seat of a pool for one device, user or apartment, until released or for a lease. A day of a lease is 24 hours; a lease ends with the licence at the latest. Codes: GRANTED; ALREADY_HELD, the holder''s own seat, whose lease is renewed if a lease is given; MOVED, from another device by the floating strategy of the account; and NOT_FOUND, LICENSE_NOT_VALID, DEVICE_HELD, NO_SEATS_AVAILABLE, each of which is kept in license.denial. Levels: provider, partner, customer, service. Errors: 22004, 22023 not exactly one holder or no positive lease, 40001.';

CREATE FUNCTION license.heartbeat(account_id bigint, seat_id bigint, lease interval DEFAULT NULL,
    at timestamptz DEFAULT now(), OUT alive boolean, OUT code text, OUT expires_at timestamptz)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_heartbeat';
COMMENT ON FUNCTION license.heartbeat(bigint, bigint, interval, timestamptz) IS
'Renews the lease of a seat whose holder is still active, by the given length, else by its former length; a seat without a lease keeps none. Codes: GRANTED (alive is true), NOT_FOUND (released, reclaimed or moved), LEASE_EXPIRED, LICENSE_NOT_VALID. Levels: provider, customer, service. Errors: 22004, 22023 no positive lease, 40001.';

CREATE FUNCTION license.release_seat(account_id bigint, seat_id bigint)
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_release_seat';
COMMENT ON FUNCTION license.release_seat(bigint, bigint) IS
'Releases a seat; false if the account has no such seat. Levels: provider, partner, customer, service. Errors: 22004.';

CREATE FUNCTION license.move_seat(account_id bigint, from_device bigint, to_device bigint,
    at timestamptz DEFAULT now())
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_move_seat';
COMMENT ON FUNCTION license.move_seat(bigint, bigint, bigint, timestamptz) IS
'Moves the seat of one device to another device of the account, in the same pool, writes an event and returns the new seat_id. Levels: provider, customer, service. Errors: LX005 from_device holds no seat, 21000 it holds several, 23505 to_device holds one of the same offer in any pool, LX041 the user lacks the permission move_licenses, 23503 no such device, 22004, 40001.';
