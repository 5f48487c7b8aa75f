-- Refusals

CREATE TABLE license.denial (
    account_id bigint NOT NULL,
    denial_id bigint NOT NULL DEFAULT license.next_id(),
    at timestamptz NOT NULL DEFAULT now(),
    code text NOT NULL,
    license_id bigint,
    pool text,
    device_id bigint,
    user_id bigint,
    site_id bigint,
    apartment_id bigint,
    CONSTRAINT denial_pkey PRIMARY KEY (account_id, denial_id),
    CONSTRAINT denial_text_check CHECK (char_length(code) <= 100 AND char_length(pool) <= 100),
    CONSTRAINT denial_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id)
);
CREATE INDEX denial_at_idx ON license.denial (account_id, at);
COMMENT ON TABLE license.denial IS 'Refused requests for seats and logins, kept until license.purge_denials().';
COMMENT ON COLUMN license.denial.account_id IS 'The account concerned.';
COMMENT ON COLUMN license.denial.denial_id IS 'Id of the entry.';
COMMENT ON COLUMN license.denial.at IS 'When it was refused.';
COMMENT ON COLUMN license.denial.code IS 'The code that was answered.';
COMMENT ON COLUMN license.denial.license_id IS 'The licence asked for, if any.';
COMMENT ON COLUMN license.denial.pool IS 'The pool asked for, if any.';
COMMENT ON COLUMN license.denial.device_id IS 'Who asked, if a device.';
COMMENT ON COLUMN license.denial.user_id IS 'Who asked, if a user.';
COMMENT ON COLUMN license.denial.site_id IS 'Where a key was sent, if at a site.';
COMMENT ON COLUMN license.denial.apartment_id IS 'Who asked, if an apartment.';

CREATE TRIGGER denial_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON license.denial
    FOR EACH STATEMENT EXECUTE FUNCTION license._append_only_trg();

CREATE FUNCTION license.purge_denials(before timestamptz, account_id bigint DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_purge_denials';
COMMENT ON FUNCTION license.purge_denials(timestamptz, bigint) IS
'Deletes the denials before a moment, of one account or of all, and returns their number, which it also writes to the history of each account. Levels: provider, operator. Errors: 22004, 22023 infinite moment, 42501, 40001 above READ COMMITTED.';
