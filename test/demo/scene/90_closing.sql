\echo '## Is every seat accounted for?'
\echo '# The health check counts all seats again and returns what differs from the counters:'
SELECT * FROM license.check_seats();

\set ECHO none
SELECT count(*) = 0 AS ok FROM license.check_seats() \gset
\i expect.sql
