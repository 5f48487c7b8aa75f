-- History

CREATE FUNCTION license._session_role() RETURNS name
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'license_session_role';
COMMENT ON FUNCTION license._session_role() IS
'Returns the role that logged in: neither SET ROLE nor SET SESSION AUTHORIZATION nor license_ext.actor changes it. Raises nothing.';

CREATE TABLE license.event (
    account_id bigint NOT NULL,
    event_id bigint NOT NULL DEFAULT license.next_id(),
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    session_role name NOT NULL DEFAULT license._session_role(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    subject text NOT NULL,
    subject_id bigint NOT NULL,
    action text NOT NULL,
    old jsonb,
    new jsonb,
    CONSTRAINT event_pkey PRIMARY KEY (account_id, event_id),
    CONSTRAINT event_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id)
);
CREATE INDEX event_subject_idx ON license.event (account_id, subject, subject_id, event_id);
COMMENT ON TABLE license.event IS 'Append-only history. It has each change that any statement makes to a licence, its pools and key, a payment, voucher, site, account, user or device, and each seat moved, with actor, role and time. A plain INSERT writes no event: the row may come from a restore.';
COMMENT ON COLUMN license.event.account_id IS 'The account the changed row belongs to.';
COMMENT ON COLUMN license.event.event_id IS 'Id of the entry; rises with time on one server.';
COMMENT ON COLUMN license.event.at IS 'When it happened: the moment the operation was given, else the start of the transaction.';
COMMENT ON COLUMN license.event.actor IS 'Setting license_ext.actor, else the role of the session.';
COMMENT ON COLUMN license.event.session_role IS 'The role that logged in, whoever actor says it was.';
COMMENT ON COLUMN license.event.xid IS 'The transaction: entries of one have the same.';
COMMENT ON COLUMN license.event.subject IS 'Table of the changed row.';
COMMENT ON COLUMN license.event.subject_id IS 'Id of the changed row; of a pool its licence; 0 for a voucher, which has none.';
COMMENT ON COLUMN license.event.action IS 'The operation, or update or delete for a plain statement.';
COMMENT ON COLUMN license.event.old IS 'Former values of what changed; of a removed row all. Of keys and codes only the first group, of a password only that there was one.';
COMMENT ON COLUMN license.event.new IS 'New values of what changed.';

CREATE FUNCTION license._event_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_event_trg';
COMMENT ON FUNCTION license._event_trg() IS
'Trigger: writes the changed values of each updated or deleted row of a tracked table to license.event. A row that got another account or id has an event under both. Events of a voucher that was not redeemed belong to the topmost provider account, if there is one. Errors: 39P01.';

CREATE FUNCTION license._append_only_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_append_only_trg';
COMMENT ON FUNCTION license._append_only_trg() IS
'Trigger: refuses to change or remove history. Only license.purge_denials() deletes denials. Errors: LX050, 39P01.';

CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON license.event
    FOR EACH STATEMENT EXECUTE FUNCTION license._append_only_trg();
CREATE TRIGGER purchase_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON license.purchase
    FOR EACH STATEMENT EXECUTE FUNCTION license._append_only_trg();
CREATE TRIGGER purchase_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON license.purchase_line
    FOR EACH STATEMENT EXECUTE FUNCTION license._append_only_trg();

CREATE FUNCTION license._event_truncate_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_event_truncate_trg';
COMMENT ON FUNCTION license._event_truncate_trg() IS
'Trigger: refuses TRUNCATE of a tracked table, which would leave nothing of its rows in the history. TRUNCATE of devices writes their number to the history of each account. Errors: LX050, 39P01.';

-- Column lists leave out what is maintained all the time, so that counting and heartbeats queue no trigger.
CREATE TRIGGER license_event_update
    AFTER UPDATE OF account_id, license_id, sku, site_id, key, status, term, payment_form, starts_at, ends_at, partner_id,
        distributor_id, modules, reason, auto_renew, start_rule, base_module, subscription, created_at ON license.license
    FOR EACH ROW EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER license_event_delete AFTER DELETE ON license.license
    FOR EACH ROW EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER license_event_truncate BEFORE TRUNCATE ON license.license
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_truncate_trg();
CREATE TRIGGER license_pool_event_update AFTER UPDATE OF account_id, license_id, pool, maximum ON license.license_pool
    FOR EACH ROW EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER license_pool_event_delete AFTER DELETE ON license.license_pool
    FOR EACH ROW EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER license_pool_event_truncate BEFORE TRUNCATE ON license.license_pool
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_truncate_trg();
CREATE TRIGGER site_event AFTER UPDATE OR DELETE ON license.site
    FOR EACH ROW EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER site_event_truncate BEFORE TRUNCATE ON license.site
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_truncate_trg();
CREATE TRIGGER account_event_update AFTER UPDATE ON license.account
    FOR EACH ROW EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER account_user_event AFTER UPDATE OR DELETE ON license.account_user
    FOR EACH ROW EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER account_user_event_truncate BEFORE TRUNCATE ON license.account_user
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_truncate_trg();
CREATE TRIGGER device_event_update
    AFTER UPDATE OF account_id, device_id, site_id, apartment_id, user_id, device_code, kind, mode, mac, priority, hold
    ON license.device FOR EACH ROW EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER device_event_delete AFTER DELETE ON license.device
    FOR EACH ROW EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER device_event_truncate BEFORE TRUNCATE ON license.device
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_truncate_trg();
CREATE TRIGGER payment_event AFTER UPDATE OR DELETE ON license.payment
    FOR EACH ROW EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER payment_event_truncate BEFORE TRUNCATE ON license.payment
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_truncate_trg();
CREATE TRIGGER voucher_event AFTER UPDATE OR DELETE ON license.voucher
    FOR EACH ROW EXECUTE FUNCTION license._event_trg();
-- Its name comes after voucher_truncated, which speaks of used ones.
CREATE TRIGGER voucher_unnoted_truncate BEFORE TRUNCATE ON license.voucher
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_truncate_trg();
