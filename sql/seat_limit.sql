-- The counted foreign key on the extension's own tables: every kind of statement
\set VERBOSITY default
\set SHOW_CONTEXT never
BEGIN;
INSERT INTO license.account (account_id, name) VALUES (910, 'Seat limits');
INSERT INTO license.site (account_id, site_id, name) VALUES (910, 1, 'House');
-- whatever a new parent says, counting starts from nothing
INSERT INTO license.apartment (account_id, apartment_id, site_id, name, seats_used)
    VALUES (910, 11, 1, 'A', 3), (910, 12, 1, 'B', 0), (910, 13, 1, 'C', 0);
CREATE VIEW used AS
    SELECT apartment_id, seats_used, seat_limit FROM license.apartment WHERE account_id = 910 ORDER BY 1;
SELECT * FROM used;

-- multi-row insert, of all kinds and modes: only cloud phones, tablets and third-party units take a seat
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code, kind, mode) VALUES
    (910, 101, 1, 11, 'a1', 'phone', 'cloud'), (910, 102, 1, 11, 'a2', 'tablet', 'cloud'),
    (910, 103, 1, 11, 'a3', 'third_party', 'cloud'), (910, 104, 1, 11, 'a4', 'phone', 'local'),
    (910, 105, 1, 11, 'a5', 'intercom', 'cloud'), (910, 106, 1, 12, 'b1', 'phone', 'cloud'),
    (910, 107, 1, NULL, 'n1', 'phone', 'cloud');
SELECT * FROM used;

-- M11: the limit, by every road
SAVEPOINT s;
INSERT INTO license.device (account_id, site_id, apartment_id, device_code) VALUES (910, 1, 11, 'a6'), (910, 1, 11, 'a7');
ROLLBACK TO s;
UPDATE license.device SET mode = 'cloud' WHERE account_id = 910 AND device_id = 104;
SELECT * FROM used;
SAVEPOINT s;
UPDATE license.device SET kind = 'tablet' WHERE account_id = 910 AND device_id = 105;
ROLLBACK TO s;
UPDATE license.device SET apartment_id = 11 WHERE account_id = 910 AND device_id = 106;
ROLLBACK TO s;
UPDATE license.device SET apartment_id = 11 WHERE account_id = 910 AND device_id = 107;
ROLLBACK TO s;
COPY license.device (account_id, device_id, site_id, apartment_id, device_code, kind) FROM stdin;
910	120	1	11	c1	phone
\.
ROLLBACK TO s;
MERGE INTO license.device d USING (VALUES (107)) v (id) ON d.account_id = 910 AND d.device_id = v.id
    WHEN MATCHED THEN UPDATE SET apartment_id = 11;
ROLLBACK TO s;
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code)
    VALUES (910, 107, 1, 11, 'n1') ON CONFLICT (account_id, device_id) DO UPDATE SET apartment_id = 11;
ROLLBACK TO s;
SELECT * FROM used;

-- a swap within one statement is no excess
UPDATE license.device SET apartment_id = CASE apartment_id WHEN 11 THEN 12 ELSE 11 END
    WHERE account_id = 910 AND device_id IN (101, 106);
SELECT * FROM used;

-- the rest of the roads, within the limit
DELETE FROM license.device WHERE account_id = 910 AND device_id IN (102, 103);
MERGE INTO license.device d USING (VALUES (107), (108)) v (id) ON d.account_id = 910 AND d.device_id = v.id
    WHEN MATCHED THEN UPDATE SET apartment_id = 13
    WHEN NOT MATCHED THEN INSERT (account_id, device_id, site_id, apartment_id, device_code) VALUES (910, v.id, 1, 13, 'm1');
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code)
    VALUES (910, 108, 1, 13, 'm1'), (910, 109, 1, 13, 'm2')
    ON CONFLICT (account_id, device_id) DO UPDATE SET apartment_id = 12;
COPY license.device (account_id, device_id, site_id, apartment_id, device_code, kind) FROM stdin;
910	121	1	12	c1	phone
910	122	1	12	c2	intercom
910	123	\N	\N	c3	phone
\.
SELECT * FROM used;
WITH new_home AS (
    INSERT INTO license.apartment (account_id, apartment_id, site_id, name) VALUES (910, 14, 1, 'D') RETURNING *
)
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code)
    SELECT account_id, 130, site_id, apartment_id, 'd1' FROM new_home;
SAVEPOINT s;
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code) VALUES (910, 131, 1, 14, 'd2');
SELECT * FROM used WHERE apartment_id = 14;
ROLLBACK TO s;
SELECT * FROM used;
UPDATE license.device SET priority = 5 WHERE account_id = 910;
SELECT * FROM license.check_seats() WHERE parent_key LIKE '%=(910,%';

-- what a plain statement may not do to the parent
SAVEPOINT s;
UPDATE license.apartment SET seats_used = 0 WHERE account_id = 910 AND apartment_id = 12;
ROLLBACK TO s;
UPDATE license.apartment SET seat_limit = 1 WHERE account_id = 910 AND apartment_id = 12;
ROLLBACK TO s;
UPDATE license.apartment SET apartment_id = 99 WHERE account_id = 910 AND apartment_id = 12;
ROLLBACK TO s;
WITH gone AS (DELETE FROM license.apartment WHERE account_id = 910 AND apartment_id = 14 RETURNING *)
INSERT INTO license.apartment (account_id, apartment_id, site_id, name)
    SELECT account_id, apartment_id, site_id, name FROM gone;
ROLLBACK TO s;
UPDATE license.apartment SET seat_limit = NULL WHERE account_id = 910 AND apartment_id = 11;
INSERT INTO license.device (account_id, site_id, apartment_id, device_code)
    SELECT 910, 1, 11, 'u' || i FROM generate_series(1, 9) i;
SELECT * FROM used WHERE apartment_id = 11;

-- more parents than fit beside their old versions: every index follows
INSERT INTO license.apartment (account_id, apartment_id, site_id, name)
    SELECT 910, i, 1, repeat('x', 50) FROM generate_series(1000, 2999) i;
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code)
    SELECT 910, 10000 + i, 1, 1000 + i % 2000, 'w' || i FROM generate_series(1, 6000) i;
SET LOCAL enable_seqscan = off;
SELECT min(seats_used), max(seats_used), count(*) FROM license.apartment
    WHERE account_id = 910 AND site_id = 1 AND apartment_id >= 1000;
SELECT count(*) FROM license.check_seats() WHERE parent_key LIKE '%=(910,%';
RESET enable_seqscan;
DELETE FROM license.device WHERE account_id = 910 AND device_id BETWEEN 10001 AND 16000;
SELECT sum(seats_used) FROM license.apartment WHERE account_id = 910 AND apartment_id >= 1000;
DELETE FROM license.apartment WHERE account_id = 910 AND apartment_id >= 1000;

-- TRUNCATE gives every seat back
SET LOCAL client_min_messages = warning;
SAVEPOINT s;
TRUNCATE license.device CASCADE;
SELECT * FROM used;
ROLLBACK TO s;

-- repair
SET LOCAL session_replication_role = replica;
UPDATE license.apartment SET seats_used = 0 WHERE account_id = 910 AND apartment_id = 11;
RESET session_replication_role;
SELECT * FROM license.check_seats() WHERE parent_key LIKE '%=(910,%';
SELECT license.recount_seats('license.device');
SELECT * FROM license.check_seats() WHERE parent_key LIKE '%=(910,%';
ROLLBACK;
