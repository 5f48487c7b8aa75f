\echo '## An old building moves to subscriptions'
\echo '# Old Mill Lofts is on the old licence model. Support can change it once every device has an apartment.'
SELECT * FROM license.migration_blockers(10, 1003);
\set ON_ERROR_STOP off
SELECT license.request_migration(10, 1003, requested_by => 4001);
\set ON_ERROR_STOP on
\set expected LX011
\i refused.sql
\echo '# The owner assigns them, and asks again:'
UPDATE license.device d
SET apartment_id = a.apartment_id
FROM license.apartment a
WHERE a.account_id = d.account_id AND d.account_id = 10 AND d.site_id = 1003 AND d.apartment_id IS NULL
    AND (d.kind, a.name) IN (('answering_unit', 'Loft 5'), ('phone', 'Loft 6'))
RETURNING d.device_code, d.kind, a.name AS apartment;

SELECT count(*) AS blockers FROM license.migration_blockers(10, 1003);
SELECT license.request_migration(10, 1003, requested_by => 4001) AS request;
\set ECHO none
SELECT request_id AS request FROM license.migration_request WHERE account_id = 10 AND state = 'open' \gset
SELECT code AS second FROM license.voucher WHERE batch = 'autumn-2026' AND state = 'active' \gset
\set ECHO queries
\echo '# Support approves. Two residents had the app open and must log in again; the owner stays in the portal.'
SELECT license.approve_migration(10, :request) AS sessions_ended;
\echo '# The type of the site is for the owner to choose. Before that nothing can be bought for it:'
\set ON_ERROR_STOP off
SELECT quantity, action, ends_at::date FROM license.redeem_voucher(10, 1003, :'second');
\set ON_ERROR_STOP on
\set expected LX012
\i refused.sql
\o /dev/null
SELECT license.set_site_type(10, 1003, 'apartment');
\o
SELECT name, license_model, site_type FROM license.site WHERE account_id = 10 AND site_id = 1003;
SELECT quantity, action, ends_at::date FROM license.redeem_voucher(10, 1003, :'second');

\set ECHO none
SELECT license_model = 'subscription' AND site_type = 'apartment'
    AND (SELECT count(*) FROM license.session WHERE account_id = 10 AND ended_at IS NULL) = 1 AS ok
FROM license.site WHERE account_id = 10 AND site_id = 1003 \gset
\i expect.sql
