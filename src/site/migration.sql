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
COMMENT ON TABLE license.migration_request IS 'A customer''s request to support to change the model of a site; one open per site (M19, M20, M21).';
COMMENT ON COLUMN license.migration_request.account_id IS 'The customer.';
COMMENT ON COLUMN license.migration_request.request_id IS 'Id of the request.';
COMMENT ON COLUMN license.migration_request.site_id IS 'The site.';
COMMENT ON COLUMN license.migration_request.channel IS 'form, or ticket: a reply to an existing ticket.';
COMMENT ON COLUMN license.migration_request.ticket IS 'Ticket number of a reply.';
COMMENT ON COLUMN license.migration_request.requested_by IS 'The user who asked; gets the e-mail when it is approved (M26).';
COMMENT ON COLUMN license.migration_request.requested_at IS 'When it was filed.';
COMMENT ON COLUMN license.migration_request.state IS 'open, approved or rejected.';
COMMENT ON COLUMN license.migration_request.decided_at IS 'When support decided; the moment of the UPDATE that decided when none was given.';

CREATE FUNCTION license._migration_request_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_migration_request_trg';
COMMENT ON FUNCTION license._migration_request_trg() IS
'Trigger: an open request is approved by license.approve_migration() only and rejected by UPDATE; a decided one keeps its state (M6, M22). Errors: LX003, 39P01.';

CREATE TRIGGER migration_request_change BEFORE UPDATE ON license.migration_request
    FOR EACH ROW EXECUTE FUNCTION license._migration_request_trg();

CREATE FUNCTION license.migration_blockers(account_id bigint, site_id bigint,
    OUT device_id bigint, OUT device_code text, OUT kind text, OUT apartment_id bigint, OUT problem text)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL UNSAFE ROWS 20
AS 'MODULE_PATHNAME', 'license_migration_blockers';
COMMENT ON FUNCTION license.migration_blockers(bigint, bigint) IS
'What stands in the way of the migration of a site: devices other than intercoms without an apartment (their own, else their user''s), paid devices of an apartment above its limit (4 where it has none), devices apart from their user. Empty is ready. Changes nothing (M9, M15 to M18). Errors: 23503 no such site, 22004.';

CREATE FUNCTION license.request_migration(account_id bigint, site_id bigint, channel text DEFAULT 'form',
    ticket text DEFAULT NULL, requested_by bigint DEFAULT NULL, at timestamptz DEFAULT now())
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_request_migration';
COMMENT ON FUNCTION license.request_migration(bigint, bigint, text, text, bigint, timestamptz) IS
'Files the customer''s request to move a site to the subscription model and answers its id; channel is form, or ticket with the number of the ticket (M19, M20, M21). Support rejects it by UPDATE of state. Errors: LX011 not ready, LX003 the site needs no migration, 23505 a request is open, 23514 channel and ticket do not fit, 23503 no such site or user, 22004.';

CREATE FUNCTION license.approve_migration(account_id bigint, request_id bigint, at timestamptz DEFAULT now())
RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_approve_migration';
COMMENT ON FUNCTION license.approve_migration(bigint, bigint, timestamptz) IS
'Support''s step: changes the site of a request to the subscription model with its type to be chosen, ends every open app session of its users, who belong to the site or have a device there, plans one notice to the requester, and answers how many sessions ended (M22 to M26, M29). Errors: LX011 not ready any more, LX003 decided before, 23503 no such request, 40001 a login or a device came in between, 22004.';

CREATE FUNCTION license.set_site_type(account_id bigint, site_id bigint, site_type text)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_set_site_type';
COMMENT ON FUNCTION license.set_site_type(bigint, bigint, text) IS
'The customer''s step after a migration: chooses what is paid for, apartment or device, once (M27, M28, M30). Errors: LX010 site on the old model, LX013 chosen before, 23514 no such type, 23503 no such site, 22004.';
