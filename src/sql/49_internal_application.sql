-- Internal licences are granted upon application

CREATE TABLE license.internal_application (
    account_id bigint NOT NULL,
    application_id bigint NOT NULL DEFAULT license.next_id(),
    sku text NOT NULL,
    quantity integer NOT NULL,
    ticket text NOT NULL,
    state text NOT NULL DEFAULT 'requested',
    requested_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    CONSTRAINT internal_application_pkey PRIMARY KEY (account_id, application_id),
    CONSTRAINT internal_application_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id),
    CONSTRAINT internal_application_offer_fkey FOREIGN KEY (sku) REFERENCES license.offer (sku),
    CONSTRAINT internal_application_quantity_check CHECK (quantity > 0),
    CONSTRAINT internal_application_ticket_check CHECK (ticket <> ''),
    CONSTRAINT internal_application_state_check CHECK (state IN ('requested', 'approved', 'rejected')),
    CONSTRAINT internal_application_decided_check CHECK ((state = 'requested') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX internal_application_open_key ON license.internal_application (account_id, sku) WHERE state = 'requested';
COMMENT ON TABLE license.internal_application IS 'A service desk request for licences of a partner''s own staff (C22, C23).';
COMMENT ON COLUMN license.internal_application.account_id IS 'The partner, or its internal account.';
COMMENT ON COLUMN license.internal_application.application_id IS 'Id of the application.';
COMMENT ON COLUMN license.internal_application.sku IS 'An offer of audience internal.';
COMMENT ON COLUMN license.internal_application.quantity IS 'The new total asked for.';
COMMENT ON COLUMN license.internal_application.ticket IS 'Number of the service desk request.';
COMMENT ON COLUMN license.internal_application.state IS 'requested, approved or rejected.';
COMMENT ON COLUMN license.internal_application.requested_at IS 'When it was filed.';
COMMENT ON COLUMN license.internal_application.decided_at IS 'When the provider decided.';
