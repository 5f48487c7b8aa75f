-- What pg_dump saves. Shipped catalogue rows are saved once edited; a restored
-- row then replaces the shipped one of the same key (license._catalogue_trg).

CREATE FUNCTION license._catalogue_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_catalogue_trg';
COMMENT ON FUNCTION license._catalogue_trg() IS
'Trigger: a new catalogue row replaces the untouched shipped one of its key; a shipped one is marked once edited, and cannot be deleted or change its key. Errors: 55000, 39P01.';

CREATE FUNCTION license._catalogue_truncate_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_catalogue_truncate_trg';
COMMENT ON FUNCTION license._catalogue_truncate_trg() IS
'Trigger: refuses to truncate a catalogue table with shipped rows. Errors: 55000, 39P01.';

CREATE TRIGGER module_catalogue BEFORE INSERT OR UPDATE OR DELETE ON license.module
    FOR EACH ROW EXECUTE FUNCTION license._catalogue_trg();
CREATE TRIGGER module_catalogue_truncate BEFORE TRUNCATE ON license.module
    FOR EACH STATEMENT EXECUTE FUNCTION license._catalogue_truncate_trg();
CREATE TRIGGER offer_catalogue BEFORE INSERT OR UPDATE OR DELETE ON license.offer
    FOR EACH ROW EXECUTE FUNCTION license._catalogue_trg();
CREATE TRIGGER offer_catalogue_truncate BEFORE TRUNCATE ON license.offer
    FOR EACH STATEMENT EXECUTE FUNCTION license._catalogue_truncate_trg();
CREATE TRIGGER notice_stage_catalogue BEFORE INSERT OR UPDATE OR DELETE ON license.notice_stage
    FOR EACH ROW EXECUTE FUNCTION license._catalogue_trg();
CREATE TRIGGER notice_stage_catalogue_truncate BEFORE TRUNCATE ON license.notice_stage
    FOR EACH STATEMENT EXECUTE FUNCTION license._catalogue_truncate_trg();

SELECT pg_extension_config_dump('license.id_seq', '');
SELECT pg_extension_config_dump('license.account', '');
SELECT pg_extension_config_dump('license.account_counter', '');
SELECT pg_extension_config_dump('license.site', '');
SELECT pg_extension_config_dump('license.apartment', '');
SELECT pg_extension_config_dump('license.account_user', '');
SELECT pg_extension_config_dump('license.device', '');
SELECT pg_extension_config_dump('license.session', '');
SELECT pg_extension_config_dump('license.module', 'WHERE edited OR NOT shipped');
SELECT pg_extension_config_dump('license.offer', 'WHERE edited OR NOT shipped');
SELECT pg_extension_config_dump('license.offer_price', '');
SELECT pg_extension_config_dump('license.partner_offer', '');
SELECT pg_extension_config_dump('license.license_request', '');
SELECT pg_extension_config_dump('license.license', '');
SELECT pg_extension_config_dump('license.license_pool', '');
SELECT pg_extension_config_dump('license.connection', '');
SELECT pg_extension_config_dump('license.seat', '');
SELECT pg_extension_config_dump('license.voucher', '');
SELECT pg_extension_config_dump('license.payment', '');
SELECT pg_extension_config_dump('license.purchase', '');
SELECT pg_extension_config_dump('license.purchase_line', '');
SELECT pg_extension_config_dump('license.migration_request', '');
SELECT pg_extension_config_dump('license.internal_application', '');
SELECT pg_extension_config_dump('license.notice_stage', 'WHERE edited OR NOT shipped');
SELECT pg_extension_config_dump('license.notice', '');
SELECT pg_extension_config_dump('license.sweep_state', '');
SELECT pg_extension_config_dump('license.last_sweep', '');
SELECT pg_extension_config_dump('license.event', '');
SELECT pg_extension_config_dump('license.denial', '');
