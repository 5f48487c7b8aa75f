-- Users' sessions

CREATE TABLE license.session (
    account_id bigint NOT NULL,
    session_id bigint NOT NULL DEFAULT license.next_id(),
    user_id bigint NOT NULL,
    device_id bigint,
    channel text NOT NULL DEFAULT 'app',
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    end_reason text,
    CONSTRAINT session_pkey PRIMARY KEY (account_id, session_id),
    CONSTRAINT session_user_fkey FOREIGN KEY (account_id, user_id)
        REFERENCES license.account_user (account_id, user_id) ON DELETE CASCADE,
    CONSTRAINT session_device_fkey FOREIGN KEY (account_id, device_id)
        REFERENCES license.device (account_id, device_id) ON DELETE CASCADE,
    CONSTRAINT session_channel_check CHECK (channel = ANY ('{app,portal}')),
    CONSTRAINT session_end_reason_check CHECK (license._is_plain_text(end_reason, 100)),
    CONSTRAINT session_end_check CHECK (ended_at >= started_at AND (end_reason IS NULL OR ended_at IS NOT NULL))
);
CREATE INDEX session_open_idx ON license.session (account_id, user_id) WHERE ended_at IS NULL;
CREATE INDEX session_device_idx ON license.session (account_id, device_id);
COMMENT ON TABLE license.session IS 'A session of a user, begun by a login. It does not expire; logout and the migration of a site end it.';
COMMENT ON COLUMN license.session.account_id IS 'The account of the user.';
COMMENT ON COLUMN license.session.session_id IS 'Id of the session.';
COMMENT ON COLUMN license.session.user_id IS 'The user that logged in.';
COMMENT ON COLUMN license.session.device_id IS 'The device that logged in; NULL in a browser.';
COMMENT ON COLUMN license.session.channel IS 'app or portal.';
COMMENT ON COLUMN license.session.started_at IS 'When the session began.';
COMMENT ON COLUMN license.session.ended_at IS 'When the session ended; NULL while it is open.';
COMMENT ON COLUMN license.session.end_reason IS 'Why the session ended, such as logout or migration.';

CREATE FUNCTION license.login(account_email text, user_email text, password text, device_code text DEFAULT NULL,
    device_kind text DEFAULT 'phone', channel text DEFAULT 'app', at timestamptz DEFAULT now(),
    OUT code text, OUT session_id bigint, OUT account_id bigint, OUT user_id bigint, OUT device_id bigint,
    OUT device_code text, OUT license_status text)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_login';
COMMENT ON FUNCTION license.login(text, text, text, text, text, text, timestamptz) IS
'Logs a user in and starts a session, which does not expire. Codes: OK, and INVALID_CREDENTIALS and ACCOUNT_CLOSED, which are kept in license.denial. In the app, an unknown device is added, with the next free code if none or a blank one is given; and a device without a licence gets one, standard before floating, unless it is on hold. license_status is ACTIVE or NONE.
No text raises an error. INVALID_CREDENTIALS does not tell what was wrong: an unknown or NULL address or password, a user of an account in which the caller has no level for login, and, when the password is right, a device code of more than 100 characters or with control or invisible ones. device_kind NULL is phone, an unknown kind third_party; channel NULL is app, an unknown channel portal; both with a warning. A failing statement is not written to the server log. Levels: provider, service. Errors: 55000 without pgcrypto, 22023 infinite moment.';

CREATE FUNCTION license.logout(account_id bigint, session_id bigint)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_logout';
COMMENT ON FUNCTION license.logout(bigint, bigint) IS
'Ends a session; one that has ended stays as it is. The device keeps its licence. Levels: provider, customer, service. Errors: 22004, 22023 unknown session.';
