-- Prints docs/reference.md from the catalogs and comments of an installed extension: psql -XqAt -f test/reference.sql
\pset footer off
SET search_path = pg_catalog;
SET client_min_messages = warning;
SELECT license.error_codes() LIMIT 1 \g /dev/null

CREATE FUNCTION pg_temp.cell(value text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN replace(regexp_replace(coalesce(value, ''), '\s*\n\s*', ' ', 'g'), '|', '\|');

-- Arguments as people write them
CREATE FUNCTION pg_temp.plain(arguments text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN replace(regexp_replace(arguments, '::[a-z ]+(\[\])?(?=,|$)', '', 'g'), 'timestamp with time zone', 'timestamptz');

-- What comes before the first OUT, and what follows it
CREATE FUNCTION pg_temp.arguments(function oid) RETURNS text LANGUAGE sql
RETURN pg_temp.plain(regexp_replace(pg_get_function_arguments(function), '(, )?\mOUT .*$', ''));

CREATE FUNCTION pg_temp.result(function oid) RETURNS text LANGUAGE sql
RETURN CASE WHEN pg_get_function_result(function) ~ '\mrecord$' THEN replace(pg_get_function_result(function), 'record', '(')
    || replace(substring(pg_temp.plain(pg_get_function_arguments(function)) FROM '\mOUT (.*)$'), 'OUT ', '') || ')'
    ELSE pg_temp.plain(pg_get_function_result(function)) END;

-- Objects of the extension: class, oid
CREATE TEMPORARY VIEW member AS
SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'license_ext';

\echo '# Reference'
\echo
\echo 'Generated from the comments in the database by `make reference`; do not edit. Names are in schema `license`. What begins with an underscore is internal.'
\echo 'The capital letter and number in parentheses is the rule in [requirements](requirements.md). Who may execute, read and write: [access](access.md).'
\echo
\echo '## Functions and procedures'
\echo
\echo '| function | what it does |'
\echo '|---|---|'
SELECT format('| `%s(%s)`%s | %s |', p.proname, pg_temp.arguments(p.oid),
    CASE WHEN p.prokind = 'p' THEN ' procedure' ELSE ' → `' || pg_temp.cell(pg_temp.result(p.oid)) || '`' END,
    pg_temp.cell(obj_description(p.oid, 'pg_proc')))
FROM member m JOIN pg_proc p ON p.oid = m.objid
WHERE m.classid = 'pg_proc'::regclass AND left(p.proname, 1) <> '_' AND p.proname !~ '^(license_key|granted_role)_'
ORDER BY p.proname, pg_get_function_identity_arguments(p.oid);

\echo
\echo '## Types'
\echo
\echo '| type | what it is |'
\echo '|---|---|'
SELECT format('| `%s` | %s |', t.typname, pg_temp.cell(obj_description(t.oid, 'pg_type')))
FROM member m JOIN pg_type t ON t.oid = m.objid
WHERE m.classid = 'pg_type'::regclass AND t.typrelid = 0 AND t.typelem = 0
ORDER BY t.typname;

\echo
\echo '## Settings'
\echo
\echo '| setting | default | who may set it | what it does |'
\echo '|---|---|---|---|'
SELECT format('| `%s` | `%s` | %s | %s |', name, boot_val || coalesce(' ' || unit, ''),
    CASE context WHEN 'user' THEN 'everybody' WHEN 'superuser' THEN 'superuser' WHEN 'postmaster' THEN 'postgresql.conf, at start'
        WHEN 'sighup' THEN 'postgresql.conf' ELSE context END, pg_temp.cell(short_desc || coalesce(' ' || extra_desc, '')))
FROM pg_settings WHERE name LIKE 'license\_ext.%'
ORDER BY name COLLATE "C";

\echo
\echo '## Tables and views'
SELECT E'\n' || format('### %s%s', c.relname, CASE c.relkind WHEN 'v' THEN ' (view)' ELSE '' END) || E'\n\n'
    || coalesce(obj_description(c.oid, 'pg_class'), '') || E'\n\n| column | type | default | |\n|---|---|---|---|\n'
    || string_agg(format('| `%s` | %s%s | %s | %s |', a.attname, replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz'), CASE WHEN a.attnotnull THEN ', not null' ELSE '' END,
        CASE WHEN a.attgenerated <> '' THEN 'generated' WHEN d.adbin IS NULL THEN '' ELSE '`' || pg_temp.cell(pg_get_expr(d.adbin, d.adrelid)) || '`' END,
        pg_temp.cell(col_description(c.oid, a.attnum))), E'\n' ORDER BY a.attnum)
FROM member m JOIN pg_class c ON c.oid = m.objid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'p', 'v')
GROUP BY c.oid, c.relname, c.relkind
ORDER BY c.relkind, c.relname;
