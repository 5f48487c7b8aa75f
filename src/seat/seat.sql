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
COMMENT ON COLUMN license.seat.lease IS 'Length of the lease; a heartbeat that names no other renews by it.';
COMMENT ON COLUMN license.seat.expires_at IS 'End of the lease, exclusive; NULL: until released.';

SELECT license.attach_seat_limit('license.seat', 'seat_pool_fkey', 'in_use', 'maximum', 'units');

CREATE FUNCTION license.acquire_seat(account_id bigint, license_id bigint, pool text,
    device_id bigint DEFAULT NULL, user_id bigint DEFAULT NULL, apartment_id bigint DEFAULT NULL,
    lease interval DEFAULT NULL, at timestamptz DEFAULT now(),
    OUT granted boolean, OUT code text, OUT seat_id bigint, OUT expires_at timestamptz)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_acquire_seat';
COMMENT ON FUNCTION license.acquire_seat(bigint, bigint, text, bigint, bigint, bigint, interval, timestamptz) IS
'Takes a seat of a pool for one device, user or apartment, until released or for a lease (a day is 24 hours), which never outlives the licence. Codes: GRANTED, ALREADY_HELD (the holder''s own; a lease given renews the one it has), MOVED (from another device by the floating strategy of the account), and refused, kept in license.denial: NOT_FOUND, LICENSE_NOT_VALID, DEVICE_HELD, NO_SEATS_AVAILABLE. Errors: 22004, 22023 not exactly one holder or no positive lease, 40001. Serves T4-T6, T20-T22, T28-T31, P27, P28.';

CREATE FUNCTION license.heartbeat(account_id bigint, seat_id bigint, lease interval DEFAULT NULL,
    at timestamptz DEFAULT now(), OUT alive boolean, OUT code text, OUT expires_at timestamptz)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_heartbeat';
COMMENT ON FUNCTION license.heartbeat(bigint, bigint, interval, timestamptz) IS
'The holder of a seat is still there: renews its lease by the length given, else by its former length; a seat without lease stays so. Codes: GRANTED (alive), NOT_FOUND (released, reclaimed or moved), LEASE_EXPIRED, LICENSE_NOT_VALID. Errors: 22004, 22023 no positive lease. Serves P27, P28.';

CREATE FUNCTION license.release_seat(account_id bigint, seat_id bigint)
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_release_seat';
COMMENT ON FUNCTION license.release_seat(bigint, bigint) IS
'Gives a seat back; false when there is none of that id. Errors: 22004. Serves T4, T21, P27.';

CREATE FUNCTION license.move_seat(account_id bigint, from_device bigint, to_device bigint,
    at timestamptz DEFAULT now())
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_move_seat';
COMMENT ON FUNCTION license.move_seat(bigint, bigint, bigint, timestamptz) IS
'Gives the seat of one device to another of the account, in the same pool, under a new seat_id, and answers it; writes an event. Errors: LX005 from_device holds no seat, 21000 it holds several, 23505 to_device holds one of that offer in whatever pool, LX041 a user without the permission move_licenses, 23503 no such device, 22004, 40001. Serves T4, T17, T26, T27.';
