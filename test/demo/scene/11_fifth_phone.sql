\echo '## A fifth phone'
\echo '# Apartment 4.2 of Harbour House has four paid devices, as many as it may have. Plain SQL is refused:'
\set ON_ERROR_STOP off
INSERT INTO license.device (account_id, site_id, apartment_id, kind)
VALUES (10, 1001, 2014, 'phone');
\set ON_ERROR_STOP on
\set expected LX001
\i refused.sql
\echo '# Nor can a device be moved in from next door:'
\set ON_ERROR_STOP off
UPDATE license.device SET apartment_id = 2014
WHERE account_id = 10 AND apartment_id = 2013 AND kind = 'third_party';
\set ON_ERROR_STOP on
\set expected LX001
\i refused.sql
\echo '# A phone in local mode is not paid for and takes no seat:'
INSERT INTO license.device (account_id, site_id, apartment_id, kind, mode)
VALUES (10, 1001, 2014, 'phone', 'local')
RETURNING device_code, kind, mode, seats;

SELECT name, seats_used, seat_limit FROM license.apartment WHERE account_id = 10 AND apartment_id = 2014;

\set ECHO none
SELECT seats_used = 4 AS ok FROM license.apartment WHERE account_id = 10 AND apartment_id = 2014 \gset
\i expect.sql
