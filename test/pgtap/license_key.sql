-- The key type: every mistyped key is refused, every key survives its trips.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
SET LOCAL search_path TO license, public, pg_temp;

SELECT no_plan();

-- COPY is the only way to binary input; the shell keeps what passes between two of them
CREATE PROCEDURE pg_temp.copy_binary(bytes text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COPY received FROM PROGRAM %L (FORMAT binary)',
        format('printf ''PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001%s\377\377''', bytes));
END $$;

CREATE TEMP TABLE sample (id integer PRIMARY KEY, key license_key NOT NULL);
INSERT INTO sample SELECT id, generate_key() FROM generate_series(1, 3000) AS id;
INSERT INTO sample VALUES
    (3001, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'),
    (3002, '00000-00000-00000-00000-1117J');
CREATE TEMP TABLE symbol AS
SELECT symbol FROM regexp_split_to_table('0123456789ABCDEFGHJKMNPQRSTVWXYZ', '') AS symbol;
CREATE TEMP TABLE received (key license_key);
ANALYZE sample;

-- Structure

SELECT is(
    (SELECT (typlen, typbyval, typalign, typstorage)::text FROM pg_type WHERE oid = 'license.license_key'::regtype),
    '(16,f,c,p)', 'O11: a key is a fixed 16 bytes');
SELECT is(
    (SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc
     WHERE pronamespace = 'license'::regnamespace AND proname ~ '^license_key_'
         AND NOT (provolatile = 'i' AND proisstrict AND proparallel = 's')),
    NULL, 'O11: support functions are immutable, strict and parallel safe');
SELECT is(
    (SELECT (provolatile, proparallel)::text FROM pg_proc WHERE oid = 'generate_key()'::regprocedure),
    '(v,s)', 'O11: generate_key is volatile and parallel safe');
SELECT is(
    (SELECT (provolatile, proparallel)::text FROM pg_proc WHERE oid = 'is_valid_key(text)'::regprocedure),
    '(i,s)', 'O11: is_valid_key is immutable and parallel safe');
SELECT is(
    (SELECT count(*) FROM pg_opclass
     WHERE opcintype = 'license.license_key'::regtype AND opcdefault AND amvalidate(oid)),
    2::bigint, 'O11: the btree and hash operator classes are complete');
SELECT is(
    (SELECT string_agg(oprname, ' ') FROM pg_operator
     WHERE oprleft = 'license.license_key'::regtype AND (oprcom = 0 OR oprnegate = 0 OR oprrest = 0 OR oprjoin = 0)),
    NULL, 'O11: every operator has commutator, negator and estimators');

-- Mistakes

SELECT is(
    (SELECT count(*) FROM sample, generate_series(1, 25) AS place, symbol,
         LATERAL replace(key::text, '-', '') AS text
     WHERE id > 2700 AND substr(text, place, 1) <> symbol
         AND is_valid_key(overlay(text PLACING symbol FROM place FOR 1))),
    0::bigint, 'O11, M34: every single wrong symbol is refused');
SELECT is(
    (SELECT count(*) FROM sample, generate_series(1, 25) AS place, symbol,
         LATERAL replace(key::text, '-', '') AS text
     WHERE id > 2700 AND is_valid_key(overlay(text PLACING symbol FROM place FOR 1))),
    302 * 25::bigint, 'O11, M34: at every place exactly the right symbol is accepted');
SELECT is(
    (SELECT count(*) FROM sample, generate_series(1, 24) AS place,
         LATERAL replace(key::text, '-', '') AS text, LATERAL substr(text, place, 2) AS pair
     WHERE is_valid_key(overlay(text PLACING reverse(pair) FROM place FOR 2))
         <> (pair = reverse(pair))),
    0::bigint, 'O11, M34: every swap of different neighbours is refused');
SELECT is(
    (SELECT count(*) FROM sample, generate_series(1, 24) AS place, generate_series(2, 25) AS other,
         LATERAL replace(key::text, '-', '') AS text,
         LATERAL substr(text, place, 1) AS a, LATERAL substr(text, other, 1) AS b
     WHERE id > 2700 AND place < other AND a <> b
         AND is_valid_key(overlay(overlay(text PLACING b FROM place FOR 1) PLACING a FROM other FOR 1))),
    0::bigint, 'O11, M34: every swap of two different symbols is refused');
SELECT is(
    (SELECT count(*) FROM sample, generate_series(1, 25) AS place, LATERAL replace(key::text, '-', '') AS text
     WHERE is_valid_key(overlay(text PLACING '' FROM place FOR 1))
         OR is_valid_key(overlay(text PLACING '0' FROM place FOR 0))),
    0::bigint, 'O11, M34: a missing or an additional symbol is refused');
SELECT is(
    (SELECT string_agg(symbol, ' ') FROM symbol WHERE is_valid_key(repeat(symbol, 25))),
    NULL, 'O11, M34: no key is one symbol repeated');
SELECT is(
    (SELECT string_agg(code::text, ' ' ORDER BY code) FROM generate_series(1, 127) AS code
     WHERE is_valid_key(overlay('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE' PLACING chr(code) FROM 13 FOR 1))),
    '48 79 111', 'O11: in place of a 0 only 0, O and o are read');
SELECT is(
    (SELECT string_agg(code::text, ' ' ORDER BY code) FROM generate_series(1, 127) AS code
     WHERE is_valid_key(overlay('00000-00000-00000-00000-1117J' PLACING chr(code) FROM 25 FOR 1))),
    '49 73 76 105 108', 'O11: in place of a 1 only 1, I, L, i and l are read');
SELECT is(
    (SELECT string_agg(code::text, ' ' ORDER BY code) FROM generate_series(1, 127) AS code
     WHERE is_valid_key(overlay('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE' PLACING chr(code) FROM 6 FOR 1))),
    '45', 'O11: nothing but a hyphen separates symbols');

-- Anything else

SELECT throws_ok(format('SELECT %L::license_key', text), 'LX004', 'malformed licence key', 'O11: ' || name || ' is refused')
FROM (VALUES
    ('an empty text', ''),
    ('a multibyte text', repeat('é', 25)),
    ('a full-width key', '７XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'),
    ('a multibyte symbol at the end', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJ' || U&'\+01F511'),
    ('a control byte', E'7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE\x01'),
    ('the last control byte', E'7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE\x7f'),
    ('a text of 1 MB', repeat('0', 1048576)),
    ('1 MB of hyphens', repeat('-', 1048576)),
    ('a key after 1 MB of keys', repeat('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', 36158))) AS _ (name, text);
SELECT is(
    (SELECT count(*)
     FROM generate_series(1, 20000) AS n, LATERAL public.gen_random_bytes(1 + n % 64) AS bytes,
         LATERAL (SELECT string_agg(chr(1 + 5 * get_byte(bytes, i)), '') AS text
             FROM generate_series(0, length(bytes) - 1) AS i) AS _
     WHERE is_valid_key(text) OR is_valid_key(encode(bytes, 'escape'))),
    0::bigint, 'O11: random text is refused without an error');
SELECT is(
    ARRAY[is_valid_key(NULL), is_valid_key(repeat('0', 1048576)), is_valid_key(repeat('é', 25)),
        is_valid_key('7XK2M-9QD4T' || repeat('-', 1048576) || '0VZ3H-R8PAN-5CWJE')],
    ARRAY[false, false, false, true], 'O11: is_valid_key answers for any text');

-- The message could end up in a log: it must not repeat the key

CREATE FUNCTION pg_temp.complaint(candidate text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    PERFORM candidate::license.license_key;
    RETURN NULL;
EXCEPTION WHEN SQLSTATE 'LX004' THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', message, detail, NULLIF(hint, ''));
END $$;

SELECT is(pg_temp.complaint(text), 'malformed licence key / ' || detail, 'O11: ' || detail)
FROM (VALUES
    ('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJ', 'A licence key has 25 symbols.'),
    ('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJU', 'A licence key consists of digits, letters other than U, and hyphens.'),
    ('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJF', 'The check symbols do not match: a symbol is wrong or two are swapped.')) AS _ (text, detail);

-- Trips

SELECT is(
    (SELECT count(*) FROM sample
     WHERE key::text::license_key <> key OR lower(key::text)::license_key <> key
         OR replace(key::text, '-', '')::license_key <> key
         OR translate(key::text, '01', 'Ol')::license_key <> key
         OR translate(key::text, '01', 'oI')::license_key <> key),
    0::bigint, 'O11: text, lower case, no hyphens, O for 0 and I or L for 1 read back as the same key');
SELECT is(
    (SELECT count(*) FROM sample WHERE key::text !~ '^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$'),
    0::bigint, 'O11: a key is written as five groups of five symbols');
SELECT lives_ok(
    $$ COPY sample TO PROGRAM 'cat > license_key.copy' (FORMAT binary) $$, 'O11: keys leave in binary form');
CREATE TEMP TABLE returned (LIKE sample);
SELECT lives_ok(
    $$ COPY returned FROM PROGRAM 'cat license_key.copy && rm license_key.copy' (FORMAT binary) $$,
    'O11: keys come back in binary form');
SELECT is(
    (SELECT count(*) FROM sample JOIN returned USING (id) WHERE sample.key = returned.key),
    3002::bigint, 'O11: binary form keeps every key');
SELECT lives_ok(
    $$ CALL pg_temp.copy_binary('\000\000\000\020\000\000\000\000\000\000\000\000\000\000\000\000\000\204\047\220') $$,
    'O11: the bytes of a key are received');
SELECT is((SELECT key::text FROM received), '00000-00000-00000-00000-1117J', 'O11: bytes received are the key');
SELECT throws_ok(
    $$ CALL pg_temp.copy_binary('\000\000\000\020\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000') $$,
    '22P03', 'malformed licence key in binary form', 'K12: binary input refuses a key of zeros with 22P03');
SELECT throws_ok(
    $$ CALL pg_temp.copy_binary('\000\000\000\020\000\000\000\000\000\000\000\000\000\000\000\000\000\204\047\221') $$,
    '22P03', NULL, 'K12: binary input refuses a key whose unused bit is set');
SELECT throws_ok(
    $$ CALL pg_temp.copy_binary('\000\000\000\020\200\000\000\000\000\000\000\000\000\000\000\000\000\204\047\220') $$,
    '22P03', NULL, 'K12: binary input refuses a changed bit');
SELECT throws_ok(
    $$ CALL pg_temp.copy_binary('\000\000\000\017\000\000\000\000\000\000\000\000\000\000\000\000\000\204\047') $$,
    '08P01', NULL, 'O11: 15 bytes are refused');
SELECT throws_ok(
    $$ CALL pg_temp.copy_binary('\000\000\000\021\000\000\000\000\000\000\000\000\000\000\000\000\000\204\047\220\000') $$,
    '22P03', NULL, 'O11: 17 bytes are refused');

-- Order and hashing

SELECT is(
    (SELECT array_agg(id ORDER BY key) FROM sample),
    (SELECT array_agg(id ORDER BY key::text COLLATE "C") FROM sample),
    'O11: keys order as their texts do');
SELECT is(
    (SELECT array_agg(id ORDER BY key) FROM sample),
    (SELECT array_agg(id ORDER BY license_key_send(key)) FROM sample),
    'O11: keys order as their bytes do');
SELECT is(
    (SELECT array_agg(id ORDER BY key USING OPERATOR(license.>)) FROM sample),
    (SELECT array_agg(id ORDER BY key::text COLLATE "C" DESC) FROM sample),
    'O11: the reverse order is the reverse');
SELECT is(
    (SELECT count(*) FROM sample AS a, sample AS b, LATERAL license_key_cmp(a.key, b.key) AS cmp
     WHERE a.id > 2900 AND b.id > 2900 AND (
         (a.key < b.key) <> (cmp < 0) OR (a.key <= b.key) <> (cmp <= 0) OR (a.key = b.key) <> (cmp = 0)
         OR (a.key <> b.key) <> (cmp <> 0) OR (a.key >= b.key) <> (cmp >= 0) OR (a.key > b.key) <> (cmp > 0)
         OR sign(cmp) <> -sign(license_key_cmp(b.key, a.key)) OR (cmp = 0) <> (a.id = b.id))),
    0::bigint, 'O11: operators and comparison agree');
-- beyond the eight bytes that sorting looks at first
CREATE TEMP TABLE close_keys AS
SELECT text::license_key AS key
FROM symbol AS a, symbol AS b, symbol AS c, symbol AS d,
    LATERAL concat('7XK2M9QD4T0VZ3HR8PA', a.symbol, b.symbol, 'CW', c.symbol, d.symbol) AS text
WHERE a.symbol < '4' AND is_valid_key(text);
SELECT is(
    (SELECT array_agg(key::text ORDER BY key) FROM close_keys),
    (SELECT array_agg(key::text ORDER BY key::text COLLATE "C") FROM close_keys),
    'O11: keys with a common beginning order as their texts do');

SET LOCAL enable_mergejoin = off;
SET LOCAL enable_nestloop = off;
SELECT is(
    (SELECT count(*) FROM sample JOIN returned USING (key)), 3002::bigint, 'O11: a hash join finds every key');
SET LOCAL enable_mergejoin = on;
SET LOCAL enable_hashjoin = off;
SELECT is(
    (SELECT count(*) FROM sample JOIN returned USING (key)), 3002::bigint, 'O11: a merge join finds every key');
SET LOCAL enable_nestloop = on;
SET LOCAL enable_hashjoin = on;
SELECT is(
    (SELECT count(*) FROM sample
     WHERE license_key_hash(key) <> license_key_hash_extended(key, 0)::bit(32)::integer),
    0::bigint, 'O11: both hashes agree at seed 0');
SELECT cmp_ok(
    (SELECT count(DISTINCT license_key_hash(key)) FROM sample), '>=', 3000::bigint, 'O11: hashes spread');
CREATE INDEX sample_key_hash ON sample USING hash (key);
CREATE UNIQUE INDEX sample_key ON sample (key);
SET LOCAL enable_seqscan = off;
SELECT is(
    (SELECT count(*) FROM returned WHERE EXISTS (SELECT FROM sample WHERE sample.key = returned.key)),
    3002::bigint, 'O11: indexes find every key');
SELECT throws_ok(
    $$ INSERT INTO sample SELECT 0, key FROM sample WHERE id = 1 $$, '23505', NULL, 'O11, M34: a key is unique');

SELECT is(
    (SELECT count(DISTINCT generate_key()) FROM generate_series(1, 20000)), 20000::bigint,
    'O11, M34: generated keys do not repeat');
SELECT is(
    (SELECT count(DISTINCT (place, substr(replace(key::text, '-', ''), place, 1)))
     FROM sample, generate_series(1, 25) AS place),
    25 * 32::bigint, 'O11: every symbol occurs at every place');

SELECT is((SELECT code FROM license.validate('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'::license.license_key)), 'NOT_FOUND',
    'O11: a key goes where text is asked for');
SELECT ok((SELECT k = k AND NOT k <> k FROM license.generate_key() k),
    'O11: keys compare whatever the search_path');
SELECT is('key ' || '7xk2m9qd4t0vz3hr8pan5cwje'::license.license_key, 'key 7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE',
    'O11: a key joins a text as it is written');
SELECT * FROM finish();
ROLLBACK;
