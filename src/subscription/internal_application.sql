-- Internal licences are granted upon application

CREATE TABLE license.internal_application (
    account_id bigint NOT NULL,
    application_id bigint NOT NULL DEFAULT license.next_id(),
    sku text NOT NULL,
    quantity integer NOT NULL,
    ticket text NOT NULL,
    applicant text NOT NULL,
    state text NOT NULL DEFAULT 'requested',
    requested_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    CONSTRAINT internal_application_pkey PRIMARY KEY (account_id, application_id),
    CONSTRAINT internal_application_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id),
    CONSTRAINT internal_application_offer_fkey FOREIGN KEY (sku) REFERENCES license.offer (sku),
    CONSTRAINT internal_application_quantity_check CHECK (quantity > 0),
    CONSTRAINT internal_application_ticket_check CHECK (license._is_plain_text(ticket, 1000)),
    CONSTRAINT internal_application_applicant_check CHECK (applicant IN ('partner', 'internal')),
    CONSTRAINT internal_application_state_check CHECK (state IN ('requested', 'approved', 'rejected')),
    CONSTRAINT internal_application_decided_check CHECK (state <> 'requested' OR decided_at IS NULL)
);
CREATE UNIQUE INDEX internal_application_open_key ON license.internal_application (account_id, sku) WHERE state = 'requested';
COMMENT ON TABLE license.internal_application IS 'A service desk request for licences of a partner''s own staff.';
COMMENT ON COLUMN license.internal_application.account_id IS 'The partner, or its internal account.';
COMMENT ON COLUMN license.internal_application.application_id IS 'Id of the application.';
COMMENT ON COLUMN license.internal_application.sku IS 'An offer of audience internal.';
COMMENT ON COLUMN license.internal_application.quantity IS 'The new total asked for.';
COMMENT ON COLUMN license.internal_application.ticket IS 'Number of the service desk request.';
COMMENT ON COLUMN license.internal_application.applicant IS 'Kind of the account when it applied. Maintained.';
COMMENT ON COLUMN license.internal_application.state IS 'requested, approved or rejected.';
COMMENT ON COLUMN license.internal_application.requested_at IS 'When it was filed.';
COMMENT ON COLUMN license.internal_application.decided_at IS 'When the provider decided.';

CREATE FUNCTION license._internal_application_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_internal_application_trg';
COMMENT ON FUNCTION license._internal_application_trg() IS
'Trigger: only partners and internal accounts apply, for internal offers, and only license.decide_application() decides. Errors: LX030, 23503, 55000, 39P01.';

CREATE TRIGGER internal_application_rules BEFORE INSERT OR UPDATE ON license.internal_application
    FOR EACH ROW EXECUTE FUNCTION license._internal_application_trg();

CREATE FUNCTION license.apply_internal(account_id bigint, sku text, quantity integer, ticket text)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_apply_internal';
COMMENT ON FUNCTION license.apply_internal(bigint, text, integer, text) IS
'Files the application of a partner or its internal account for internal licences, and returns application_id. quantity is the new total, ticket the number of the service desk request. Levels: provider, partner. Errors: LX030 not an internal offer or not such an account, LX031 quantity, 22004, 23503 unknown account, 23505 an application for the offer is open, 23514 empty ticket.';

CREATE FUNCTION license.decide_application(account_id bigint, application_id bigint, approve boolean,
    at timestamptz DEFAULT now())
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_decide_application';
COMMENT ON FUNCTION license.decide_application(bigint, bigint, boolean, timestamptz) IS
'Approves or rejects an application. Approval makes or amends the subscription at once; rejection changes nothing else. Levels: provider. Errors: those of license.place_order(), LX030 the account has become a client, 22004, 22023 no such application, 55000 decided before.';
