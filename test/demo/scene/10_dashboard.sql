\echo '## What has the owner of three buildings to order?'
\echo '# An apartment needs a licence when it has a paid device in the cloud; an empty one, or one whose'
\echo '# devices work locally, needs none. Boston gets the ordering number of its region.'
SELECT site, apartments, apartments_requiring_license AS need_one, licenses_held AS held, order_text AS to_order,
    paid_devices, devices_unassigned AS unassigned
FROM license.site_dashboard
WHERE account_id = 10
ORDER BY site_id;

\set ECHO none
SELECT array_agg(order_text ORDER BY site_id) FILTER (WHERE site_id < 1003) = '{17x 9137958,10x 02683-001}' AS ok
FROM license.site_dashboard WHERE account_id = 10 \gset
\i expect.sql
