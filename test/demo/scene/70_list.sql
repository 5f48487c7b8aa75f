\echo '## What the support desk sees'
\echo '# Every licence of every product in one list, each column a filter:'
SELECT license_key, organization, modules, access_points AS aps, rooms, status, end_date::date AS "end"
FROM license.license_list
WHERE status = 'in_use'
ORDER BY end_date, license_key;

\set ECHO none
SELECT count(*) = 3 AND sum(access_points) = 32 AND sum(rooms) = 120 AS ok
FROM license.license_list
WHERE organization = 'Bellevue Hotels' AND status = 'in_use' \gset
\i expect.sql
