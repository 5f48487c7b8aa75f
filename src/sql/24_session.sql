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
    CONSTRAINT session_channel_check CHECK (channel IN ('app', 'portal')),
    CONSTRAINT session_end_check CHECK (ended_at >= started_at AND (end_reason IS NULL OR ended_at IS NOT NULL))
);
CREATE INDEX session_open_idx ON license.session (account_id, user_id) WHERE ended_at IS NULL;
CREATE INDEX session_device_idx ON license.session (account_id, device_id);
COMMENT ON TABLE license.session IS 'A login. It has no end of its own; logout and the migration of a site end it (T21, M22).';
COMMENT ON COLUMN license.session.account_id IS 'The account of the user.';
COMMENT ON COLUMN license.session.session_id IS 'Id of the session.';
COMMENT ON COLUMN license.session.user_id IS 'Who logged in.';
COMMENT ON COLUMN license.session.device_id IS 'On which device; NULL in a browser.';
COMMENT ON COLUMN license.session.channel IS 'app or portal.';
COMMENT ON COLUMN license.session.started_at IS 'When it began.';
COMMENT ON COLUMN license.session.ended_at IS 'When it ended; NULL while it is open.';
COMMENT ON COLUMN license.session.end_reason IS 'Why it ended, such as logout or migration.';
