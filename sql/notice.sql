-- Notices: what an application sees of them
BEGIN;
SET LOCAL timezone TO 'UTC';
-- what other tests left behind is not to be counted here
SET LOCAL session_replication_role TO replica;
UPDATE license.license SET sweep_at = NULL WHERE sweep_at IS NOT NULL;
UPDATE license.notice SET state = 'withdrawn' WHERE state IN ('pending', 'sent');
UPDATE license.seat SET expires_at = NULL WHERE expires_at IS NOT NULL;
SET LOCAL session_replication_role TO origin;
SELECT stage, lead, title, cuts_off FROM license.notice_stage ORDER BY stage;
INSERT INTO license.account (account_id, name, email, time_zone) VALUES (8700, 'Riverside', 'office@riverside.example', 'Europe/Prague');
INSERT INTO license.site (account_id, site_id, name) VALUES (8700, 8710, 'River house');
INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at)
VALUES (8700, 8720, '9137958', 8710, 'in_use', '2025-01-01', '2026-01-01');

SELECT * FROM license.sweep('2025-12-20');
SELECT account_id, kind, license_id, site_id, term_ends_at, stage, due_at, state, recipient, sent_at
FROM license.notice WHERE account_id = 8700 ORDER BY stage;
SELECT stage, state, payload, claimed_until > now() AS claimed FROM license.claim_notices();
SELECT * FROM license.claim_notices();
SELECT license.acknowledge_notices(array_agg(account_id), array_agg(notice_id))
FROM license.notice WHERE account_id = 8700 AND state = 'sent';
SELECT stage, state, acknowledged_at = now() AS acknowledged FROM license.notice WHERE account_id = 8700 ORDER BY stage;
ROLLBACK;

-- what is refused
SELECT license.claim_notices(0);
SELECT license.claim_notices(NULL);
SELECT license.acknowledge_notices('{1}', '{1,2}');
SELECT license.acknowledge_notices('{1,NULL}', '{1,2}');
SELECT license.acknowledge_notices(NULL, '{1,2}');
UPDATE license.notice_stage SET lead = '2 days' WHERE cuts_off;
SELECT license._notice_withdraw_trg();
