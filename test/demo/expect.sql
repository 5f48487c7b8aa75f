-- After `SELECT ... AS ok \gset`, quietly: goes on if that holds, ends the demo if not.
\if :ok
\else
    DO 'BEGIN RAISE ''the outcome is not as expected''; END';
\endif
\unset ok
\set ECHO queries
