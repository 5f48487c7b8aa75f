-- Notice stages and notices

CREATE TABLE license.notice_stage (
    stage integer NOT NULL,
    lead interval NOT NULL,
    title text NOT NULL,
    cuts_off boolean NOT NULL DEFAULT false,
    active boolean NOT NULL DEFAULT true,
    scheduled boolean NOT NULL DEFAULT false,
    shipped boolean NOT NULL DEFAULT false,
    edited boolean NOT NULL DEFAULT false,
    CONSTRAINT notice_stage_pkey PRIMARY KEY (stage),
    CONSTRAINT notice_stage_stage_check CHECK (stage > 0),
    CONSTRAINT notice_stage_title_check CHECK (license._is_plain_text(title, 200)),
    CONSTRAINT notice_stage_lead_check CHECK (lead BETWEEN interval '-10 years' AND interval '10 years'),
    CONSTRAINT notice_stage_cuts_off_check CHECK (NOT cuts_off OR lead = interval '0')
);
COMMENT ON TABLE license.notice_stage IS 'When notices about the end of a licence are raised. The rows may be edited; set active to false to raise no notice of a stage.';
COMMENT ON COLUMN license.notice_stage.stage IS 'Number of the notice.';
COMMENT ON COLUMN license.notice_stage.lead IS 'How long before the end the notice is due, in calendar units of the account''s time zone; negative is after the end.';
COMMENT ON COLUMN license.notice_stage.title IS 'Headline of the message.';
COMMENT ON COLUMN license.notice_stage.cuts_off IS 'The notice coincides with the end of the contract.';
COMMENT ON COLUMN license.notice_stage.active IS 'Whether notices of this stage are raised.';
COMMENT ON COLUMN license.notice_stage.scheduled IS 'Whether the sweep looks at all licences in time for this stage. Maintained.';
COMMENT ON COLUMN license.notice_stage.shipped IS 'The row comes with the extension. Maintained.';
COMMENT ON COLUMN license.notice_stage.edited IS 'The row comes with the extension, but was changed; then pg_dump saves it. Maintained.';

CREATE FUNCTION license._notice_stage_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_notice_stage_trg';
COMMENT ON FUNCTION license._notice_stage_trg() IS
'Trigger: after notice stages were edited, every backend forgets how early the first one is. Errors: 39P01.';

CREATE TRIGGER notice_stage_forget AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON license.notice_stage
    FOR EACH STATEMENT EXECUTE FUNCTION license._notice_stage_trg();

INSERT INTO license.notice_stage (stage, lead, title, cuts_off, scheduled, shipped) VALUES
    (1, '1 month', 'Licence ends in one month', false, true, true),
    (2, '15 days', 'Licence ends in 15 days', false, true, true),
    (3, '7 days', 'Licence ends in 7 days', false, true, true),
    (4, '1 day', 'Licence ends tomorrow', false, true, true),
    (5, '0', 'Licence has ended, the service is cut off', true, true, true),
    (6, '-1 day', 'Licence ended yesterday, renewal is possible', false, true, true);

CREATE TABLE license.notice (
    account_id bigint NOT NULL,
    notice_id bigint NOT NULL DEFAULT license.next_id(),
    kind text NOT NULL DEFAULT 'expiry',
    license_id bigint,
    site_id bigint,
    term_ends_at timestamptz,
    stage integer,
    due_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    recipient text,
    payload jsonb NOT NULL DEFAULT '{}',
    sent_at timestamptz,
    claimed_until timestamptz,
    acknowledged_at timestamptz,
    CONSTRAINT notice_pkey PRIMARY KEY (account_id, notice_id),
    CONSTRAINT notice_once_key UNIQUE (account_id, license_id, term_ends_at, stage),
    CONSTRAINT notice_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id),
    CONSTRAINT notice_license_fkey FOREIGN KEY (account_id, license_id)
        REFERENCES license.license (account_id, license_id) ON DELETE CASCADE,
    CONSTRAINT notice_site_fkey FOREIGN KEY (account_id, site_id) REFERENCES license.site (account_id, site_id),
    CONSTRAINT notice_kind_check CHECK (license._is_plain_text(kind, 100)),
    CONSTRAINT notice_recipient_check CHECK (license._is_plain_text(recipient, 254)),
    CONSTRAINT notice_payload_check CHECK (license._is_small_jsonb(payload, 16384)),
    CONSTRAINT notice_expiry_check CHECK (kind <> 'expiry' OR num_nonnulls(license_id, term_ends_at, stage) = 3),
    CONSTRAINT notice_state_check CHECK (state = ANY ('{pending,sent,acknowledged,skipped,withdrawn}')),
    CONSTRAINT notice_acknowledged_check CHECK (state = 'acknowledged' OR acknowledged_at IS NULL)
) WITH (fillfactor = 80);
CREATE INDEX notice_pending_idx ON license.notice (due_at) WHERE state = 'pending' AND kind <> 'expiry';
CREATE INDEX notice_sent_idx ON license.notice (due_at, notice_id) WHERE state = 'sent';
COMMENT ON TABLE license.notice IS 'The ledger of notices: one row per licence, term and stage. Consumers read the rows; NOTIFY only wakes them.';
COMMENT ON COLUMN license.notice.account_id IS 'The account concerned.';
COMMENT ON COLUMN license.notice.notice_id IS 'Id of the notice.';
COMMENT ON COLUMN license.notice.kind IS 'expiry, migration_approved, or a word that the application chose.';
COMMENT ON COLUMN license.notice.license_id IS 'The licence concerned.';
COMMENT ON COLUMN license.notice.site_id IS 'The site concerned.';
COMMENT ON COLUMN license.notice.term_ends_at IS 'The end of the contract that the notice is about; after a renewal there are notices about the new end.';
COMMENT ON COLUMN license.notice.stage IS 'Number in license.notice_stage.';
COMMENT ON COLUMN license.notice.due_at IS 'When the notice was due.';
COMMENT ON COLUMN license.notice.state IS 'pending, sent (raised with its NOTIFY), acknowledged, skipped or withdrawn.';
COMMENT ON COLUMN license.notice.recipient IS 'E-mail address that the message goes to.';
COMMENT ON COLUMN license.notice.payload IS 'Values that the message needs.';
COMMENT ON COLUMN license.notice.sent_at IS 'When the notice was raised.';
COMMENT ON COLUMN license.notice.claimed_until IS 'A consumer has claimed the notice until then; afterwards it can be claimed again.';
COMMENT ON COLUMN license.notice.acknowledged_at IS 'When a consumer acknowledged the notice.';

CREATE FUNCTION license.claim_notices(max integer DEFAULT 100)
RETURNS SETOF license.notice LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'license_claim_notices';
COMMENT ON FUNCTION license.claim_notices(integer) IS
'Claims up to max raised notices for the caller, the longest due first, for license_ext.claim_timeout seconds. A notice that is not acknowledged by then can be claimed again; until then no other consumer gets it. Levels: provider, operator. Errors: 22004, 22023 max below 1.';

CREATE FUNCTION license.acknowledge_notices(account_id bigint[], notice_id bigint[])
RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_acknowledge_notices';
COMMENT ON FUNCTION license.acknowledge_notices(bigint[], bigint[]) IS
'Acknowledges that notices were delivered, and returns how many were raised and not acknowledged before. The two lists have the same length; elements at the same position make a key. Levels: provider, operator. Errors: 22004 a list or an element is NULL, 22023 lists of different length.';

CREATE FUNCTION license._notice_withdraw_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_notice_withdraw_trg';
COMMENT ON FUNCTION license._notice_withdraw_trg() IS
'Trigger: when a licence gets another end or is finalized by hand, its planned notices are withdrawn. Errors: 39P01.';

CREATE TRIGGER license_notice_withdraw AFTER UPDATE OF ends_at, status ON license.license
    FOR EACH ROW EXECUTE FUNCTION license._notice_withdraw_trg();
