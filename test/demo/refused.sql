-- After a statement that must be refused with the SQLSTATE :expected.
\set ECHO none
\set got :SQLSTATE
\echo 'SQLSTATE' :got
\echo
SELECT :'got' = :'expected' AS ok \gset
\i expect.sql
