-- History

CREATE TABLE license.event (
    account_id bigint NOT NULL,
    event_id bigint NOT NULL DEFAULT license.next_id(),
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    subject text NOT NULL,
    subject_id bigint NOT NULL,
    action text NOT NULL,
    old jsonb,
    new jsonb,
    CONSTRAINT event_pkey PRIMARY KEY (account_id, event_id),
    CONSTRAINT event_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id)
);
CREATE INDEX event_subject_idx ON license.event (account_id, subject, subject_id, event_id);
COMMENT ON TABLE license.event IS 'Append-only history: every change of a licence, site, pool or seat move, with actor and time (O34, C29, T29).';
COMMENT ON COLUMN license.event.account_id IS 'The account the changed row belongs to.';
COMMENT ON COLUMN license.event.event_id IS 'Id of the entry; rises with time on one server.';
COMMENT ON COLUMN license.event.at IS 'When it happened: the moment the operation was given, else the start of the transaction.';
COMMENT ON COLUMN license.event.actor IS 'Setting license_ext.actor, else the role of the session.';
COMMENT ON COLUMN license.event.subject IS 'Table of the changed row.';
COMMENT ON COLUMN license.event.subject_id IS 'Id of the changed row.';
COMMENT ON COLUMN license.event.action IS 'The operation, or update or delete for a plain statement.';
COMMENT ON COLUMN license.event.old IS 'Former values of what changed.';
COMMENT ON COLUMN license.event.new IS 'New values of what changed.';

CREATE FUNCTION license._changes(before jsonb, after jsonb) RETURNS TABLE (old jsonb, new jsonb)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, n.value)
    FROM jsonb_each(before) o JOIN jsonb_each(after) n ON n.key = o.key
    WHERE o.value <> n.value;
END;
COMMENT ON FUNCTION license._changes(jsonb, jsonb) IS
'Of two versions of a row, the values that differ; NULL and NULL when none does. Raises nothing.';

CREATE FUNCTION license._event_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_event_trg';
COMMENT ON FUNCTION license._event_trg() IS
'Trigger: writes the changed values of each updated or deleted row of a tracked table to license.event (O34). Errors: 39P01.';

CREATE FUNCTION license._append_only_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_append_only_trg';
COMMENT ON FUNCTION license._append_only_trg() IS
'Trigger: refuses to change or remove history; only license.purge_denials() may remove refusals. Errors: LX050, 39P01.';

CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON license.event
    FOR EACH STATEMENT EXECUTE FUNCTION license._append_only_trg();
CREATE TRIGGER purchase_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON license.purchase
    FOR EACH STATEMENT EXECUTE FUNCTION license._append_only_trg();
CREATE TRIGGER purchase_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON license.purchase_line
    FOR EACH STATEMENT EXECUTE FUNCTION license._append_only_trg();

CREATE TRIGGER license_event_update AFTER UPDATE ON license.license
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER license_event_delete AFTER DELETE ON license.license
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER license_pool_event_update AFTER UPDATE ON license.license_pool
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER site_event_update AFTER UPDATE ON license.site
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_trg();
CREATE TRIGGER account_event_update AFTER UPDATE ON license.account
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION license._event_trg();
