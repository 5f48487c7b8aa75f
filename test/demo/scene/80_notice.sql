\echo '## A notice arrives'
\echo '# The job runs on the minute. What the listening session receives from it:'
\! bash heard.sh '"license_notice"'
\set ECHO none
\set heard `grep -c '^Asynchronous.*"license_notice"' "$HEARD"`
SELECT :heard >= 1 AND EXISTS (SELECT FROM cron.job_run_details WHERE status IN ('running', 'succeeded')) AS ok \gset
\i expect.sql
\echo '# The contract of the hotel ends in seven days, so notice 3 is due; 1 and 2 were missed and are not sent any more.'
\echo '# What came up since then need not wait for the next minute, the sweep can be called at any time:'
CALL license.run_sweep();
\echo '# NOTIFY only wakes a consumer; the rows are the truth:'
SELECT kind, stage, state, due_at::timestamp(0) AS due_at, recipient FROM license.notice ORDER BY due_at;
\echo '# A mailer takes what is there. Another one gets none of it, unless the first does not acknowledge in time:'
SELECT account_id, notice_id, kind, coalesce(payload ->> 'title', payload ->> 'site') AS about, recipient
FROM license.claim_notices(10);
SELECT count(*) AS for_another_mailer FROM license.claim_notices(10);
SELECT license.acknowledge_notices(array_agg(account_id), array_agg(notice_id)) AS acknowledged
FROM license.notice
WHERE state = 'sent';
\echo '# The hotel renews. The year is added to the end of the contract; there is nothing to send for a long time.'
SELECT license.renew(20, 5001)::date AS new_end;
SELECT * FROM license.sweep();

\set ECHO none
SELECT (SELECT count(*) = 3 FROM license.notice WHERE license_id = 5001)
    AND (SELECT ends_at > now() + interval '1 year' FROM license.license WHERE account_id = 20 AND license_id = 5001)
    AND NOT EXISTS (SELECT FROM license.notice WHERE state NOT IN ('acknowledged', 'skipped')) AS ok \gset
\i expect.sql
