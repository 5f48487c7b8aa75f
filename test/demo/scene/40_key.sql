\echo '## A licence key, from the request to the fifth device'
\echo '# A congress centre asks its distributor for twelve access points, three years, paid annually.'
INSERT INTO license.license_request
    (account_id, site_id, partner_id, distributor_id, years, payment_form, access_points, modules)
VALUES (20, 1012, 3, 2, 3, 'annual', 12, '{business}')
RETURNING request_id AS request, years, access_points, modules;
\set ECHO none
SELECT max(request_id) AS request FROM license.license_request WHERE account_id = 20 \gset
\set ECHO queries
SELECT license.issue_license(20, :request) AS license;
\set ECHO none
SELECT license_id AS license, key FROM license.license WHERE account_id = 20 AND site_id IS NULL \gset
\set ECHO queries
\echo '# The key is out. Before it is sent nothing is valid:'
SELECT valid, code, detail, status FROM license.validate(:'key');

\set ECHO none
SELECT code = 'PENDING_PROVISION' AS ok FROM license.validate(:'key') \gset
\i expect.sql
\echo '# The organization sends the key at its location. The contract waits for five devices:'
SELECT license.provision(20, 1012, :'key') AS status;
SELECT valid, code, detail, status FROM license.validate(:'key');

SELECT mac, license.record_connection(20, 1012, mac) AS status
FROM unnest('{02-1e-b3-00-07-01,02-1e-b3-00-07-02,02-1e-b3-00-07-03,02-1e-b3-00-07-03,02-1e-b3-00-07-04}'::macaddr[]) mac;
\echo '# One of them came twice and counts once. The fifth:'
SELECT license.record_connection(20, 1012, '02-1e-b3-00-07-05') AS status;
SELECT valid, code, status, starts_at::date, ends_at::date FROM license.validate(:'key');
SELECT valid, code, detail FROM license.validate(:'key', module => 'analytics');

\set ECHO none
SELECT v.code = 'VALID' AND v.ends_at > v.starts_at + interval '2 years 364 days' AS ok
FROM license.validate(:'key') v \gset
\i expect.sql
\echo '# The distributor denies access over an invoice and restores it. Every step is in the history:'
SET license_ext.actor = 'anna@alder';
\o /dev/null
SELECT license.deny_access(20, :license, 'invoice 2210 unpaid');
\o
SELECT valid, code, detail FROM license.validate(:'key');
\o /dev/null
SELECT license.restore_access(20, :license);
\o

SELECT action, actor, old ->> 'status' AS from_status, new ->> 'status' AS to_status
FROM license.event
WHERE account_id = 20 AND subject = 'license' AND subject_id = :license
ORDER BY event_id;

\set ECHO none
SELECT valid AS ok FROM license.validate(:'key') \gset
\i expect.sql
