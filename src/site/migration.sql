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
    CONSTRAINT migration_request_ticket_check CHECK ((channel = 'ticket') = (ticket IS NOT NULL) AND license._is_plain_text(ticket, 1000)),
    CONSTRAINT migration_request_state_check CHECK (state IN ('open', 'approved', 'rejected')),
    CONSTRAINT migration_request_decided_check CHECK (state <> 'open' OR decided_at IS NULL)
);
CREATE UNIQUE INDEX migration_request_open_key ON license.migration_request (account_id, site_id) WHERE state = 'open';
COMMENT ON TABLE license.migration_request IS 'A customer asks support to move a site to the subscription model. A site has at most one open request.';
COMMENT ON COLUMN license.migration_request.account_id IS 'The customer.';
COMMENT ON COLUMN license.migration_request.request_id IS 'Id of the request.';
COMMENT ON COLUMN license.migration_request.site_id IS 'The site.';
COMMENT ON COLUMN license.migration_request.channel IS 'form, or ticket: a reply to an existing ticket.';
COMMENT ON COLUMN license.migration_request.ticket IS 'Ticket number of a reply.';
COMMENT ON COLUMN license.migration_request.requested_by IS 'The user who asked; gets the e-mail when it is approved.';
COMMENT ON COLUMN license.migration_request.requested_at IS 'When it was filed.';
COMMENT ON COLUMN license.migration_request.state IS 'open, approved or rejected.';
COMMENT ON COLUMN license.migration_request.decided_at IS 'When support decided it. An UPDATE of state that does not set it gets its own time.';

CREATE FUNCTION license._migration_request_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_migration_request_trg';
COMMENT ON FUNCTION license._migration_request_trg() IS
'Trigger: only license.approve_migration() approves a request, an UPDATE may reject it, and a decided one keeps its state. Errors: LX003, 39P01.';

CREATE TRIGGER migration_request_change BEFORE UPDATE ON license.migration_request
    FOR EACH ROW EXECUTE FUNCTION license._migration_request_trg();

CREATE FUNCTION license.migration_blockers(account_id bigint, site_id bigint,
    OUT device_id bigint, OUT device_code text, OUT kind text, OUT apartment_id bigint, OUT problem text)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL UNSAFE ROWS 20
AS 'MODULE_PATHNAME', 'license_migration_blockers';
COMMENT ON FUNCTION license.migration_blockers(bigint, bigint) IS
'Lists the devices that prevent the migration of a site; none: it is ready. They are devices other than intercoms without an apartment (their own, else that of their user), paid devices of an apartment above its limit (4 where it has none), and devices in another apartment than their user. Levels: provider, customer. Errors: 23503 no such site, 22004.';

CREATE FUNCTION license.request_migration(account_id bigint, site_id bigint, channel text DEFAULT 'form',
    ticket text DEFAULT NULL, requested_by bigint DEFAULT NULL, at timestamptz DEFAULT now())
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_request_migration';
COMMENT ON FUNCTION license.request_migration(bigint, bigint, text, text, bigint, timestamptz) IS
'Files the customer''s request to move a site to the subscription model and returns its id. The channel is form, or ticket with the number of the ticket. Support approves it with license.approve_migration(), or rejects it by UPDATE of state. Levels: provider, customer. Errors: LX011 not ready, LX003 the site needs no migration, 23505 a request is open, 23514 channel and ticket do not fit, 23503 no such site or user, 22004.';

CREATE FUNCTION license.approve_migration(account_id bigint, request_id bigint, at timestamptz DEFAULT now())
RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_approve_migration';
COMMENT ON FUNCTION license.approve_migration(bigint, bigint, timestamptz) IS
'Approves a migration request and returns how many sessions it ended. The site changes to the subscription model without a type. The open app sessions of users who belong to the site or have a device there end. One notice to the requester is planned. Levels: provider. Errors: LX011 not ready any more, LX003 decided before, 23503 no such request, 40001 a concurrent login or device, 22004.';

CREATE FUNCTION license.set_site_type(account_id bigint, site_id bigint, site_type text)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_set_site_type';
COMMENT ON FUNCTION license.set_site_type(bigint, bigint, text) IS
'Chooses, once after a migration, whether apartments or devices of the site are paid for. Levels: customer. Errors: LX010 site on the custom model, LX013 chosen before, 23514 no such type, 23503 no such site, 22004.';
