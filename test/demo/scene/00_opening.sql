\echo '## Six sites, 40 apartments, 150 devices'
\echo '# The rows of test/demo/data were loaded with COPY. Nobody wrote a number into seats_used: the paid'
\echo '# devices (cloud phones, tablets and third-party units) counted themselves into their apartments.'
SELECT s.name AS site, s.sector, s.license_model AS model, a.apartments, d.devices, d.paid, a.seats_used
FROM license.site s
CROSS JOIN LATERAL (SELECT count(*) AS apartments, sum(seats_used) AS seats_used FROM license.apartment
                    WHERE account_id = s.account_id AND site_id = s.site_id) a
CROSS JOIN LATERAL (SELECT count(*) AS devices, sum(seats) AS paid FROM license.device
                    WHERE account_id = s.account_id AND site_id = s.site_id) d
ORDER BY s.site_id;

\set ECHO none
SELECT (SELECT count(*) FROM license.apartment) = 40
    AND (SELECT count(*) FROM license.device) = 150
    AND (SELECT sum(seats_used) FROM license.apartment) = 60 AS ok \gset
\i expect.sql

\echo '# From now on pg_cron sweeps every minute: it ends contracts and raises notices. A second session'
\echo '# listens. What they have to say comes at the end; the other scenes play meanwhile.'
SELECT license.schedule('* * * * *') > 0 AS scheduled;

\set ECHO none
SELECT count(*) = 1 AS ok FROM cron.job WHERE active \gset
\i expect.sql
