-- The key type: what it reads, how it writes, what it refuses.

-- case and hyphens do not matter
SELECT '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'::license.license_key;
SELECT '7xk2m9qd4t0vz3hr8pan5cwje'::license.license_key;
SELECT '--7xK-2m9qD4-T0vz3hr8pan---5CwJe-'::license.license_key;

-- I and L are 1, O is 0
SELECT text::license.license_key
FROM (VALUES ('00000-00000-00000-00000-1117J'), ('OOOOO-ooooo-00000-OoOoO-iIL7J'), ('oO0Oo-00000-00000-00000-lLi7J')) AS _ (text);

-- what is wrong is said, the key is not repeated
SELECT '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJF'::license.license_key;
\echo :LAST_ERROR_SQLSTATE
SELECT 'X7K2M-9QD4T-0VZ3H-R8PAN-5CWJE'::license.license_key;
SELECT '00000-00000-00000-00000-00000'::license.license_key;
SELECT '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJ'::license.license_key;
\echo :LAST_ERROR_SQLSTATE
SELECT '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE0'::license.license_key;
SELECT ''::license.license_key;
SELECT '-----'::license.license_key;
SELECT '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJU'::license.license_key;
\echo :LAST_ERROR_SQLSTATE
SELECT ' 7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'::license.license_key;
SELECT '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE '::license.license_key;
SELECT '7XK2M_9QD4T_0VZ3H_R8PAN_5CWJE'::license.license_key;
SELECT E'7XK2M-9QD4T\n0VZ3H-R8PAN-5CWJE'::license.license_key;

-- the same verdict without an error
SELECT text, license.is_valid_key(text)
FROM (VALUES
    (1, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'),
    (2, '7xk2m9qd4t0vz3hr8pan5cwje'),
    (3, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJF'),
    (4, 'X7K2M-9QD4T-0VZ3H-R8PAN-5CWJE'),
    (5, '00000-00000-00000-00000-00000'),
    (6, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJU'),
    (7, ' 7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'),
    (8, ''),
    (9, NULL)) AS _ (row, text)
ORDER BY row;

-- generated keys are keys, and never the same
SELECT count(*), count(DISTINCT key), bool_and(license.is_valid_key(key::text)), bool_and(length(key::text) = 29) AS canonical
FROM (SELECT license.generate_key() AS key FROM generate_series(1, 1000)) AS _;

-- comparison orders as the text does
SELECT a, b, a OPERATOR(license.=) b AS eq, a OPERATOR(license.<>) b AS ne, a OPERATOR(license.<) b AS lt,
    a OPERATOR(license.<=) b AS le, a OPERATOR(license.>) b AS gt, a OPERATOR(license.>=) b AS ge,
    sign(license.license_key_cmp(a, b)) AS cmp
FROM (VALUES
    ('00000-00000-00000-00000-1117J'::license.license_key, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'::license.license_key),
    ('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', '7xk2m9qd4t0vz3hr8pan5cwje'),
    ('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', '00000-00000-00000-00000-1117J')) AS _ (a, b)
ORDER BY a, b;

-- a key column: one row per key, found through its index, hashed and grouped
CREATE TEMP TABLE keys (key license.license_key PRIMARY KEY);
INSERT INTO keys VALUES ('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE'), ('00000-00000-00000-00000-1117J');
INSERT INTO keys VALUES ('7xk2m-9qd4t-0vz3h-r8pan-5cwje');
SELECT key, count(*) FROM keys GROUP BY key ORDER BY key DESC;
BEGIN;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL search_path = license, pg_catalog, pg_temp;
EXPLAIN (COSTS OFF) SELECT key FROM keys WHERE key = '7xk2m9qd4t0vz3hr8pan5cwje' ORDER BY key;
CREATE INDEX keys_hash ON keys USING hash (key);
SELECT key FROM keys WHERE key = '7xk2m9qd4t0vz3hr8pan5cwje';
SELECT key FROM keys WHERE key > '00000-00000-00000-00000-1117J' ORDER BY key;
COMMIT;

-- bytes on the wire
SELECT license.license_key_send('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE');
SELECT license.license_key_send('00000-00000-00000-00000-1117J');
