-- The key type: built like uuid, in 16 bytes, with a checksum.

CREATE TYPE license.license_key;

CREATE FUNCTION license.license_key_in(cstring) RETURNS license.license_key
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_out(license.license_key) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_recv(internal) RETURNS license.license_key
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_send(license.license_key) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE TYPE license.license_key (
    INPUT = license.license_key_in,
    OUTPUT = license.license_key_out,
    RECEIVE = license.license_key_recv,
    SEND = license.license_key_send,
    INTERNALLENGTH = 16,
    ALIGNMENT = char,
    STORAGE = plain,
    CATEGORY = 'S'
);

COMMENT ON TYPE license.license_key IS
'Licence key or voucher code in 16 bytes: 115 random bits and two check symbols, written as five groups of five Crockford base-32 symbols, 7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE. Case and hyphens do not matter; I and L are read as 1, O as 0. One or two wrong symbols and any two swapped symbols are always found. Errors: LX004 malformed or mistyped.';

COMMENT ON FUNCTION license.license_key_in(cstring) IS
'Reads a key from its text. Errors: LX004 malformed or mistyped.';
COMMENT ON FUNCTION license.license_key_out(license.license_key) IS
'Writes the text of a key: five groups of five symbols.';
COMMENT ON FUNCTION license.license_key_recv(internal) IS
'Reads a key from its 16 bytes in the binary protocol. Errors: 22P03 when they are no key, 08P01 when they are fewer.';
COMMENT ON FUNCTION license.license_key_send(license.license_key) IS
'Writes the 16 bytes of a key in the binary protocol: 125 bits, first symbol highest, and three zero bits.';

-- Comparisons are LEAKPROOF, as those of uuid, so that row-level policies do not keep indexes from being used.

CREATE FUNCTION license.license_key_eq(license.license_key, license.license_key) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_ne(license.license_key, license.license_key) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_lt(license.license_key, license.license_key) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_le(license.license_key, license.license_key) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_gt(license.license_key, license.license_key) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_ge(license.license_key, license.license_key) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_cmp(license.license_key, license.license_key) RETURNS integer
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_sortsupport(internal) RETURNS void
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_hash(license.license_key) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION license.license_key_hash_extended(license.license_key, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION license.license_key_eq(license.license_key, license.license_key) IS
'Implementation of = operator.';
COMMENT ON FUNCTION license.license_key_ne(license.license_key, license.license_key) IS
'Implementation of <> operator.';
COMMENT ON FUNCTION license.license_key_lt(license.license_key, license.license_key) IS
'Implementation of < operator.';
COMMENT ON FUNCTION license.license_key_le(license.license_key, license.license_key) IS
'Implementation of <= operator.';
COMMENT ON FUNCTION license.license_key_gt(license.license_key, license.license_key) IS
'Implementation of > operator.';
COMMENT ON FUNCTION license.license_key_ge(license.license_key, license.license_key) IS
'Implementation of >= operator.';
COMMENT ON FUNCTION license.license_key_cmp(license.license_key, license.license_key) IS
'Below, at or above 0 as the first key orders before, with or after the second: the order of their texts.';
COMMENT ON FUNCTION license.license_key_sortsupport(internal) IS
'Sort support of license_key_ops.';
COMMENT ON FUNCTION license.license_key_hash(license.license_key) IS
'Hash of a key.';
COMMENT ON FUNCTION license.license_key_hash_extended(license.license_key, bigint) IS
'Hash of a key in 64 bits, with a seed.';

CREATE OPERATOR license.= (
    FUNCTION = license.license_key_eq,
    LEFTARG = license.license_key,
    RIGHTARG = license.license_key,
    COMMUTATOR = OPERATOR(license.=),
    NEGATOR = OPERATOR(license.<>),
    RESTRICT = eqsel,
    JOIN = eqjoinsel,
    HASHES,
    MERGES
);

CREATE OPERATOR license.<> (
    FUNCTION = license.license_key_ne,
    LEFTARG = license.license_key,
    RIGHTARG = license.license_key,
    COMMUTATOR = OPERATOR(license.<>),
    NEGATOR = OPERATOR(license.=),
    RESTRICT = neqsel,
    JOIN = neqjoinsel
);

CREATE OPERATOR license.< (
    FUNCTION = license.license_key_lt,
    LEFTARG = license.license_key,
    RIGHTARG = license.license_key,
    COMMUTATOR = OPERATOR(license.>),
    NEGATOR = OPERATOR(license.>=),
    RESTRICT = scalarltsel,
    JOIN = scalarltjoinsel
);

CREATE OPERATOR license.<= (
    FUNCTION = license.license_key_le,
    LEFTARG = license.license_key,
    RIGHTARG = license.license_key,
    COMMUTATOR = OPERATOR(license.>=),
    NEGATOR = OPERATOR(license.>),
    RESTRICT = scalarlesel,
    JOIN = scalarlejoinsel
);

CREATE OPERATOR license.> (
    FUNCTION = license.license_key_gt,
    LEFTARG = license.license_key,
    RIGHTARG = license.license_key,
    COMMUTATOR = OPERATOR(license.<),
    NEGATOR = OPERATOR(license.<=),
    RESTRICT = scalargtsel,
    JOIN = scalargtjoinsel
);

CREATE OPERATOR license.>= (
    FUNCTION = license.license_key_ge,
    LEFTARG = license.license_key,
    RIGHTARG = license.license_key,
    COMMUTATOR = OPERATOR(license.<=),
    NEGATOR = OPERATOR(license.<),
    RESTRICT = scalargesel,
    JOIN = scalargejoinsel
);

COMMENT ON OPERATOR license.= (license.license_key, license.license_key) IS 'Equal keys.';
COMMENT ON OPERATOR license.<> (license.license_key, license.license_key) IS 'Different keys.';
COMMENT ON OPERATOR license.< (license.license_key, license.license_key) IS 'Orders before.';
COMMENT ON OPERATOR license.<= (license.license_key, license.license_key) IS 'Orders before or is equal.';
COMMENT ON OPERATOR license.> (license.license_key, license.license_key) IS 'Orders after.';
COMMENT ON OPERATOR license.>= (license.license_key, license.license_key) IS 'Orders after or is equal.';

CREATE OPERATOR CLASS license.license_key_ops
DEFAULT FOR TYPE license.license_key USING btree AS
    OPERATOR 1 license.<,
    OPERATOR 2 license.<=,
    OPERATOR 3 license.=,
    OPERATOR 4 license.>=,
    OPERATOR 5 license.>,
    FUNCTION 1 license.license_key_cmp(license.license_key, license.license_key),
    FUNCTION 2 license.license_key_sortsupport(internal),
    FUNCTION 4 btequalimage(oid);

CREATE OPERATOR CLASS license.license_key_ops
DEFAULT FOR TYPE license.license_key USING hash AS
    OPERATOR 1 license.=,
    FUNCTION 1 license.license_key_hash(license.license_key),
    FUNCTION 2 license.license_key_hash_extended(license.license_key, bigint);

COMMENT ON OPERATOR CLASS license.license_key_ops USING btree IS
'Keys in the order of their texts.';
COMMENT ON OPERATOR CLASS license.license_key_ops USING hash IS
'Hashing of keys: hash indexes, hash joins, hash partitions.';

CREATE FUNCTION license.generate_key() RETURNS license.license_key
LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_generate_key';

COMMENT ON FUNCTION license.generate_key() IS
'Makes a new licence key or voucher code of 115 bits from the strong random source of the server. Levels: provider. Errors: XX000 when that source fails.';

CREATE FUNCTION license.is_valid_key(candidate text) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_is_valid_key';

COMMENT ON FUNCTION license.is_valid_key(text) IS
'Tells whether the text is a well-formed licence key with the right check symbols, not whether the key was ever issued. False for NULL. Levels: all. Never raises.';

-- Functions that take a key from outside take text, and views hand keys on as they are. Without schema license on the
-- search_path, key = '...' compares texts; that the cast is LEAKPROOF lets an index on (key::text) be used below
-- row-level policies, which casts by input and output functions are not.
CREATE FUNCTION license.license_key_text(license.license_key) RETURNS text
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION license.license_key_text(license.license_key) IS
'Implementation of the cast to text: five groups of five symbols.';
CREATE CAST (license.license_key AS text) WITH FUNCTION license.license_key_text(license.license_key) AS IMPLICIT;
COMMENT ON CAST (license.license_key AS text) IS
'A key can be given wherever text is asked for, as to license.validate() or license.redeem_voucher().';
