\echo '## Is every seat accounted for?'
\echo '# The health check counts all seats again and returns what differs from the counters:'
SELECT * FROM license.check_seats();

\set ECHO none
SELECT count(*) = 0 AS ok FROM license.check_seats() \gset
\i expect.sql
\echo '# Shown, each outcome checked: what a site has to order, a limit that holds in plain SQL, vouchers and a card'
\echo '# payment, the migration of an old site, a key from request to first use, a quote and its order, a seat that'
\echo '# moved by itself, and a notice raised by pg_cron and heard through NOTIFY. `make psql` opens a database to try.'
