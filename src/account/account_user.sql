-- Users of an account

CREATE TABLE license.account_user (
    account_id bigint NOT NULL,
    user_id bigint NOT NULL DEFAULT license.next_id(),
    site_id bigint,
    apartment_id bigint,
    email text NOT NULL,
    password_hash text,
    permissions text[] NOT NULL DEFAULT '{}',
    is_admin boolean NOT NULL DEFAULT false,
    CONSTRAINT account_user_pkey PRIMARY KEY (account_id, user_id),
    CONSTRAINT account_user_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id),
    CONSTRAINT account_user_site_fkey FOREIGN KEY (account_id, site_id) REFERENCES license.site (account_id, site_id),
    CONSTRAINT account_user_apartment_fkey FOREIGN KEY (account_id, site_id, apartment_id)
        REFERENCES license.apartment (account_id, site_id, apartment_id),
    CONSTRAINT account_user_apartment_check CHECK (apartment_id IS NULL OR site_id IS NOT NULL),
    CONSTRAINT account_user_email_check CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    CONSTRAINT account_user_email_text_check CHECK (license._is_plain_text(email, 254)),
    CONSTRAINT account_user_permissions_check CHECK (license._are_plain_texts(permissions, 100, 100)),
    CONSTRAINT account_user_password_hash_check CHECK (password_hash ~ '^\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}$')
);
CREATE UNIQUE INDEX account_user_email_key ON license.account_user (lower(email));
CREATE UNIQUE INDEX account_user_admin_key ON license.account_user (account_id) WHERE is_admin;
CREATE INDEX account_user_site_idx ON license.account_user (account_id, site_id, apartment_id);
COMMENT ON TABLE license.account_user IS 'A person who logs in: resident, installer, operator or the one admin of an account.';
COMMENT ON COLUMN license.account_user.account_id IS 'The account the user belongs to.';
COMMENT ON COLUMN license.account_user.user_id IS 'Id of the user.';
COMMENT ON COLUMN license.account_user.site_id IS 'The site the user belongs to, if any.';
COMMENT ON COLUMN license.account_user.apartment_id IS 'The apartment of the user; devices of the user count there.';
COMMENT ON COLUMN license.account_user.email IS 'Login, unique over all accounts whatever its case.';
COMMENT ON COLUMN license.account_user.password_hash IS 'Blowfish hash as pgcrypto makes it; set it with license.set_password(). NULL: cannot log in.';
COMMENT ON COLUMN license.account_user.permissions IS 'What the user may do: words of the application, and create_users, set_permissions, move_licenses, buy_licenses and act_as_admin, which operations check if license_ext.actor names the user.';
COMMENT ON COLUMN license.account_user.is_admin IS 'The one admin of the account.';

CREATE FUNCTION license.has_permission(account_id bigint, user_id bigint, permission text)
RETURNS boolean LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_has_permission';
COMMENT ON FUNCTION license.has_permission(bigint, bigint, text) IS
'Tells whether a user has a permission. The admin has all, others those in their permissions, an unknown user none. Levels: provider, customer, service. Errors: 22004.';

CREATE FUNCTION license.set_password(account_id bigint, user_id bigint, password text)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_set_password';
COMMENT ON FUNCTION license.set_password(bigint, bigint, text) IS
'Sets the password of a user, of at least 8 characters and at most 72 bytes; only its salted Blowfish hash is stored. Levels: provider, customer. Errors: 22004, 22023 too short, too long or unknown user, 55000 without pgcrypto, LX041.';

CREATE FUNCTION license._account_user_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_account_user_trg';
COMMENT ON FUNCTION license._account_user_trg() IS
'Trigger: a user whom license_ext.actor names needs the permission create_users to create, change or delete other users, set_permissions to give permissions, and act_as_admin to change the admin. An enterprise account keeps its one admin, whose e-mail is that of the account. Errors: LX041, 23514, 39P01.';

CREATE FUNCTION license._account_user_late_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_account_user_late_trg';
COMMENT ON FUNCTION license._account_user_late_trg() IS
'Trigger: looks at the permissions of license_ext.actor for a user that the current role may not insert by itself, after row-level security has accepted the row, so that no error tells of accounts of others. Errors: LX041, 39P01.';

CREATE TRIGGER zz_account_user_check BEFORE INSERT OR UPDATE ON license.account_user
    FOR EACH ROW EXECUTE FUNCTION license._row_check_trg();
CREATE TRIGGER account_user_permission BEFORE INSERT OR UPDATE OR DELETE ON license.account_user
    FOR EACH ROW EXECUTE FUNCTION license._account_user_trg();
CREATE TRIGGER account_user_late AFTER INSERT ON license.account_user
    FOR EACH ROW EXECUTE FUNCTION license._account_user_late_trg();
