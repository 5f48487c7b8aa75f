-- What people may type

CREATE FUNCTION license._is_plain_text(value text, most integer) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_is_plain_text';
COMMENT ON FUNCTION license._is_plain_text(text, integer) IS
'Whether a text is a name people can read: not blank, at most that many characters, none of them a control or invisible one, such as a zero-width space. Raises nothing.';

CREATE FUNCTION license._is_prose(value text, most integer) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_is_prose';
COMMENT ON FUNCTION license._is_prose(text, integer) IS
'The same as license._is_plain_text() for what may have several lines, such as a reason: line breaks and tabs are allowed. Raises nothing.';

CREATE FUNCTION license._are_plain_texts(value text[], most integer, length integer) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_are_plain_texts';
COMMENT ON FUNCTION license._are_plain_texts(text[], integer, integer) IS
'Whether a list has at most that many texts, each like license._is_plain_text() with at most that many characters, and none of them NULL. Raises nothing.';

CREATE FUNCTION license._is_small_jsonb(value jsonb, most integer) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_is_small_jsonb';
COMMENT ON FUNCTION license._is_small_jsonb(jsonb, integer) IS
'Whether a value takes at most that many bytes, uncompressed. Raises nothing.';

-- PostgreSQL shows the whole row that breaks a constraint, with its key or password hash.
CREATE FUNCTION license._row_check_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_row_check_trg';
COMMENT ON FUNCTION license._row_check_trg() IS
'Trigger: raises what a CHECK or NOT NULL constraint of the table would, without the row. Its name must come last among those of its table. Errors: 23502, 23514, 39P01.';
