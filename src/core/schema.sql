-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION license_ext" to load this file. \quit

-- Everything below is schema-qualified; nothing may be found by accident.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- What somebody planted in the schema could run as the superuser who installs. Nothing of the schema is called before.
CREATE FUNCTION license._require_own_schema() RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'license_require_own_schema';
SELECT license._require_own_schema();
DROP FUNCTION license._require_own_schema();

-- CHECKs of tables that are written all the time name their values as one array, = ANY ('{a,b}'), or call a
-- function: each statement reads the trees of a table's constraints anew, and of IN ('a', 'b') every value is a branch.

COMMENT ON SCHEMA license IS
'Licensing engine license_ext: rows are plain SQL, operations are functions, every rule holds in both.';
