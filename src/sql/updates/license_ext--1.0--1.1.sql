-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION license_ext UPDATE" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;

-- What somebody planted in the schema could run as the superuser who updates.
CREATE FUNCTION license._require_own_schema() RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'license_require_own_schema';
SELECT license._require_own_schema();
DROP FUNCTION license._require_own_schema();

-- Old refusals can be removed
COMMENT ON TABLE license.denial IS 'Refused acquisitions and logins, kept although nothing else changed, until license.purge_denials().';
COMMENT ON FUNCTION license._append_only_trg() IS
'Trigger: refuses to change or remove history; only license.purge_denials() may remove refusals. Errors: LX050, 39P01.';

CREATE FUNCTION license.purge_denials(before timestamptz, account_id bigint DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_purge_denials';
COMMENT ON FUNCTION license.purge_denials(timestamptz, bigint) IS
'Removes the refusals from before a moment, exclusive, of one account or of all, answers how many, and notes it in the history of each account. Errors: 22004, 22023 infinite moment, 42501, 40001 above READ COMMITTED.';
REVOKE ALL ON FUNCTION license.purge_denials(timestamptz, bigint) FROM PUBLIC;

-- Comments
COMMENT ON FUNCTION license._seat_row_trg() IS
'Trigger on the child of a counted foreign key: notes what a written row takes and gives back, to be written when the statement ends. Made by license.attach_seat_limit(). Errors: 0A000 the table or its foreign key became one that cannot be counted; 42703, 42704, 55000 columns or foreign key were renamed or dropped; 39P01.';
COMMENT ON FUNCTION license.detach_seat_limit(regclass, name) IS
'Takes the seat limit off a foreign key; the used column keeps its last values. One that was dropped is named as it was. The caller must own both tables. Errors: 42501, 42704, 42P01, 22004.';
