\echo '## What the support desk sees'
\echo '# Every licence of every product in one list, each column a filter:'
SELECT license_key, organization, modules, access_points AS aps, rooms, status, end_date::date AS "end"
FROM license.license_list
WHERE status = 'in_use'
ORDER BY end_date, license_key;
