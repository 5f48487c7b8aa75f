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
    CONSTRAINT account_user_password_hash_check CHECK (password_hash ~ '^\$2[abxy]\$')
);
CREATE UNIQUE INDEX account_user_email_key ON license.account_user (lower(email));
CREATE UNIQUE INDEX account_user_admin_key ON license.account_user (account_id) WHERE is_admin;
CREATE INDEX account_user_site_idx ON license.account_user (account_id, site_id, apartment_id);
COMMENT ON TABLE license.account_user IS 'A person who logs in: resident, installer, operator or the one admin of an account (T12, T15).';
COMMENT ON COLUMN license.account_user.account_id IS 'The account the user belongs to.';
COMMENT ON COLUMN license.account_user.user_id IS 'Id of the user.';
COMMENT ON COLUMN license.account_user.site_id IS 'The site the user belongs to, if any.';
COMMENT ON COLUMN license.account_user.apartment_id IS 'The apartment of the user; devices of the user count there (M9).';
COMMENT ON COLUMN license.account_user.email IS 'Login, unique over all accounts whatever its case (T16).';
COMMENT ON COLUMN license.account_user.password_hash IS 'Blowfish hash made by pgcrypto; set it with license.set_password(). NULL: cannot log in.';
COMMENT ON COLUMN license.account_user.permissions IS 'What the user may do (T17).';
COMMENT ON COLUMN license.account_user.is_admin IS 'The one admin of the account (T12).';
