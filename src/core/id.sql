-- Row ids and error codes

CREATE SEQUENCE license.id_seq START WITH 1000001 MAXVALUE 281474976710655 CACHE 1;
COMMENT ON SEQUENCE license.id_seq IS 'The low 48 bits of every id; read it through license.next_id(). It starts above 1000000, which leaves room for ids that rows bring along.';

CREATE FUNCTION license.next_id() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_next_id';
COMMENT ON FUNCTION license.next_id() IS
'The next row id, unique over all tables, tenants and servers: license_ext.node_id in the high bits, a sequence in the low 48. Errors: 2200H when the sequence is used up.';

CREATE FUNCTION license.error_codes(OUT sqlstate text, OUT name text, OUT meaning text)
RETURNS SETOF record
LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 30
AS 'MODULE_PATHNAME', 'license_error_codes';
COMMENT ON FUNCTION license.error_codes() IS
'Every SQLSTATE of class LX with its name and meaning. Raises nothing.';
