-- Moving a site from the old licence model to subscriptions

CREATE TABLE license.migration_request (
    account_id bigint NOT NULL,
    request_id bigint NOT NULL DEFAULT license.next_id(),
    site_id bigint NOT NULL,
    channel text NOT NULL DEFAULT 'form',
    ticket text,
    requested_by bigint,
    requested_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'open',
    decided_at timestamptz,
    CONSTRAINT migration_request_pkey PRIMARY KEY (account_id, request_id),
    CONSTRAINT migration_request_site_fkey FOREIGN KEY (account_id, site_id) REFERENCES license.site (account_id, site_id),
    CONSTRAINT migration_request_user_fkey FOREIGN KEY (account_id, requested_by)
        REFERENCES license.account_user (account_id, user_id),
    CONSTRAINT migration_request_channel_check CHECK (channel IN ('form', 'ticket')),
    CONSTRAINT migration_request_ticket_check CHECK ((channel = 'ticket') = (ticket IS NOT NULL) AND ticket <> ''),
    CONSTRAINT migration_request_state_check CHECK (state IN ('open', 'approved', 'rejected')),
    CONSTRAINT migration_request_decided_check CHECK ((state = 'open') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX migration_request_open_key ON license.migration_request (account_id, site_id) WHERE state = 'open';
COMMENT ON TABLE license.migration_request IS 'A customer''s request to support to change the model of a site; one open per site (M19, M20, M21).';
COMMENT ON COLUMN license.migration_request.account_id IS 'The customer.';
COMMENT ON COLUMN license.migration_request.request_id IS 'Id of the request.';
COMMENT ON COLUMN license.migration_request.site_id IS 'The site.';
COMMENT ON COLUMN license.migration_request.channel IS 'form, or ticket: a reply to an existing ticket.';
COMMENT ON COLUMN license.migration_request.ticket IS 'Ticket number of a reply.';
COMMENT ON COLUMN license.migration_request.requested_by IS 'The user who asked; gets the e-mail when it is approved (M26).';
COMMENT ON COLUMN license.migration_request.requested_at IS 'When it was filed.';
COMMENT ON COLUMN license.migration_request.state IS 'open, approved or rejected.';
COMMENT ON COLUMN license.migration_request.decided_at IS 'When support decided.';
