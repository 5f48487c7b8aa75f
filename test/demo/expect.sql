-- After `SELECT ... AS ok \gset`, quietly: goes on if it holds.
\if :ok
\else
    \echo 'not as expected:'
    \p
    DO 'BEGIN RAISE ''the demo stops here''; END';
\endif
\unset ok
\set ECHO queries
