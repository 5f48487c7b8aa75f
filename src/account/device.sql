-- Devices

CREATE FUNCTION license._device_number(device_code text) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_device_number';
COMMENT ON FUNCTION license._device_number(text) IS
'Returns the number of a device code of one to nine digits; 0 for every other code. Raises nothing.';

-- Every statement reads the expressions of a table's checks and generated columns anew, and lists of words
-- are long: hence functions.
CREATE FUNCTION license._is_device_kind(kind text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_is_device_kind';
COMMENT ON FUNCTION license._is_device_kind(text) IS
'Tells whether it is intercom, answering_unit, phone, tablet, third_party or access_point. Raises nothing.';

CREATE FUNCTION license._is_device_mode(mode text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_is_device_mode';
COMMENT ON FUNCTION license._is_device_mode(text) IS 'Tells whether it is cloud or local. Raises nothing.';

CREATE FUNCTION license._device_seats(kind text, mode text) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_device_seats';
COMMENT ON FUNCTION license._device_seats(text, text) IS
'Returns how many seats of its apartment a device takes: 1 for a cloud phone, tablet or third-party unit, else 0. Raises nothing.';

CREATE TABLE license.device (
    account_id bigint NOT NULL,
    device_id bigint NOT NULL DEFAULT license.next_id(),
    site_id bigint,
    apartment_id bigint,
    user_id bigint,
    device_code text NOT NULL,
    kind text NOT NULL DEFAULT 'phone',
    mode text NOT NULL DEFAULT 'cloud',
    seats integer NOT NULL GENERATED ALWAYS AS (license._device_seats(kind, mode)) STORED,
    mac macaddr,
    priority integer NOT NULL DEFAULT 0,
    hold boolean NOT NULL DEFAULT false,
    last_seen_at timestamptz,
    follows_user boolean NOT NULL DEFAULT false,
    CONSTRAINT device_pkey PRIMARY KEY (account_id, device_id),
    CONSTRAINT device_code_key UNIQUE (account_id, device_code),
    CONSTRAINT device_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id),
    CONSTRAINT device_site_fkey FOREIGN KEY (account_id, site_id) REFERENCES license.site (account_id, site_id),
    CONSTRAINT device_apartment_fkey FOREIGN KEY (account_id, site_id, apartment_id)
        REFERENCES license.apartment (account_id, site_id, apartment_id),
    CONSTRAINT device_user_fkey FOREIGN KEY (account_id, user_id) REFERENCES license.account_user (account_id, user_id),
    CONSTRAINT device_apartment_check CHECK (apartment_id IS NULL OR site_id IS NOT NULL),
    CONSTRAINT device_code_check CHECK (license._is_plain_text(device_code, 100)),
    CONSTRAINT device_kind_check CHECK (license._is_device_kind(kind)),
    CONSTRAINT device_mode_check CHECK (license._is_device_mode(mode))
) WITH (fillfactor = 90);
CREATE INDEX device_number_idx ON license.device (account_id, license._device_number(device_code));
CREATE INDEX device_apartment_idx ON license.device (account_id, site_id, apartment_id);
CREATE INDEX device_user_idx ON license.device (account_id, user_id) WHERE user_id IS NOT NULL;
COMMENT ON TABLE license.device IS 'A device. Cloud phones, tablets and third-party units are paid and take a seat of their apartment.';
COMMENT ON COLUMN license.device.account_id IS 'The account that owns the device.';
COMMENT ON COLUMN license.device.device_id IS 'Id of the device.';
COMMENT ON COLUMN license.device.site_id IS 'The site it is installed in, if any.';
COMMENT ON COLUMN license.device.apartment_id IS 'The apartment of its own site it is assigned to.';
COMMENT ON COLUMN license.device.user_id IS 'The user it belongs to.';
COMMENT ON COLUMN license.device.device_code IS 'Unique in the account. NULL becomes the next free number, of at least three digits; numbers are never reused.';
COMMENT ON COLUMN license.device.kind IS 'intercom, answering_unit, phone, tablet, third_party or access_point.';
COMMENT ON COLUMN license.device.mode IS 'cloud or local; a local device is not paid for.';
COMMENT ON COLUMN license.device.seats IS 'Seats it takes: 1 for a paid device, else 0. Generated.';
COMMENT ON COLUMN license.device.mac IS 'Hardware address.';
COMMENT ON COLUMN license.device.priority IS 'For the floating strategy priority: a lower one gives way to a higher one.';
COMMENT ON COLUMN license.device.hold IS 'Whether the admin took its licence away: logins do not give it back.';
COMMENT ON COLUMN license.device.last_seen_at IS 'Last login or heartbeat.';
COMMENT ON COLUMN license.device.follows_user IS 'Whether it has the apartment of its user and moves with the user. Maintained.';

CREATE FUNCTION license._device_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_device_trg';
COMMENT ON FUNCTION license._device_trg() IS
'Trigger: a new device without a code gets the next free number of its account; one of a user gets the site and apartment of the user unless it has its own, which must be the same. Errors: 23514, 2200H, 39P01.';

CREATE FUNCTION license._device_changed_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_device_changed_trg';
COMMENT ON FUNCTION license._device_changed_trg() IS
'Trigger: the old number of a device that got another code or account is not given out again. A device that got another user, or was taken out of its apartment, moves to the apartment of its user, which RETURNING of the UPDATE does not show. Errors: 23514, LX001, 39P01.';

CREATE FUNCTION license._device_removed_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_device_removed_trg';
COMMENT ON FUNCTION license._device_removed_trg() IS
'Trigger: the number of a deleted device is not given out again. Errors: 39P01.';

CREATE FUNCTION license._device_truncated_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_device_truncated_trg';
COMMENT ON FUNCTION license._device_truncated_trg() IS
'Trigger: the numbers of truncated devices are not given out again. Errors: 39P01.';

CREATE FUNCTION license._device_user_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_device_user_trg';
COMMENT ON FUNCTION license._device_user_trg() IS
'Trigger: when a user gets an apartment, devices of the user without an apartment of their own follow. Refused if a device was explicitly placed in another. Errors: 23514, LX001, 40001, 39P01.';

-- Column lists and checks in C instead of WHEN: a condition is compiled anew for each statement.
CREATE TRIGGER device_insert BEFORE INSERT ON license.device
    FOR EACH ROW EXECUTE FUNCTION license._device_trg();
CREATE TRIGGER device_changed AFTER UPDATE OF account_id, site_id, apartment_id, user_id, device_code ON license.device
    FOR EACH ROW EXECUTE FUNCTION license._device_changed_trg();
-- Before the row goes: the counter of the account is locked before the seats of apartments are given back.
CREATE TRIGGER device_deleted BEFORE DELETE ON license.device
    FOR EACH ROW EXECUTE FUNCTION license._device_removed_trg();
CREATE TRIGGER device_truncated BEFORE TRUNCATE ON license.device
    FOR EACH STATEMENT EXECUTE FUNCTION license._device_truncated_trg();
CREATE TRIGGER account_user_device AFTER UPDATE OF site_id, apartment_id ON license.account_user
    FOR EACH ROW EXECUTE FUNCTION license._device_user_trg();
